"""Compares the locked packages with the package index's own list of known vulnerabilities (pip-audit).

    python .ci/audit.py               # exit 1 for a known vulnerability that nobody accepted in writing
    python .ci/audit.py --required    # also exit 1 where a package could not be compared: before a release

An index that does not give the list answers "not found" for each package, and pip-audit then says that no vulnerability
is known. Here it is said that nothing was audited. Exit 2: the audit itself failed.
"""

import argparse
import json
import re
import subprocess
import sys
import tomllib
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
PROBE, ALL = ROOT / "locks" / "build.txt", ROOT / "locks" / "everything.txt"
ACCEPTED = ROOT / "locks" / "accepted_vulnerabilities.toml"
PIP_AUDIT = [str(ROOT / ".venv" / "tools" / "bin" / "pip-audit")]
_OPTIONS = ["--require-hashes", "--disable-pip", "--progress-spinner", "off", "--format", "json", "--requirement"]
_UNREACHABLE = re.compile(r"^(requests|urllib3)\.exceptions\.|ConnectionError|Timeout", re.MULTILINE)


class AuditFailedError(Exception):
    """pip-audit did not do its work, for another reason than the network."""


@dataclass
class Audit:
    """The outcome of one audit.

    Attributes:
        audited: number of packages that were compared.
        skipped: names of the packages that could not be.
        known: (package, version, id of the vulnerability, versions that fix it).
    """

    audited: int = 0
    skipped: list[str] = field(default_factory=list)
    known: list[tuple[str, str, str, str]] = field(default_factory=list)


def audit(lock: Path, pip_audit: list[str]) -> Audit:
    """Audits one lock; nothing is audited where the list cannot be reached.

    Raises:
        AuditFailedError: pip-audit failed otherwise.
    """
    done = subprocess.run([*pip_audit, *_OPTIONS, str(lock)], capture_output=True, text=True, check=False)
    try:
        dependencies: list[dict[str, Any]] = json.loads(done.stdout)["dependencies"]
    except (ValueError, KeyError, TypeError):
        if _UNREACHABLE.search(done.stderr):
            return Audit(skipped=re.findall(r"^([A-Za-z0-9][\w.-]*)==", lock.read_text(encoding="utf-8"), re.MULTILINE))
        last = (done.stderr.strip().splitlines() or ["no output"])[-1]
        raise AuditFailedError(f"pip-audit failed: {last}") from None
    found = Audit()
    for one in dependencies:
        if "skip_reason" in one:
            found.skipped.append(one["name"])
            continue
        found.audited += 1
        for vulnerability in one["vulns"]:
            fixes = ", ".join(vulnerability["fix_versions"]) or "no version yet"
            found.known.append((one["name"], one["version"], vulnerability["id"], fixes))
    return found


def accepted(file: Path, today: date) -> set[str]:
    """Returns the ids of the vulnerabilities that are accepted today; each needs a reason and a last day."""
    entries = tomllib.loads(file.read_text(encoding="utf-8"))
    if any(not entry["reason"] for entry in entries.values()):
        raise AuditFailedError(f"an entry of {file.name} gives no reason")
    return {name for name, entry in entries.items() if entry["until"] >= today}


def main(arguments: list[str] | None = None, pip_audit: list[str] | None = None, accepted_file: Path = ACCEPTED) -> int:
    """Audits and prints; returns the exit code."""
    parser = argparse.ArgumentParser(description="Audit the locked packages.")
    parser.add_argument("--required", action="store_true", help="A package that cannot be audited is an error.")
    required = parser.parse_args(arguments).required
    try:
        allowed = accepted(accepted_file, date.today())  # noqa: DTZ011 - the day on the wall
        found = audit(PROBE, pip_audit or PIP_AUDIT)
        if found.audited:
            found = audit(ALL, pip_audit or PIP_AUDIT)
    except AuditFailedError as error:
        print(f"audit: {error}")
        return 2
    if not found.audited:
        print("audit: NOTHING WAS AUDITED: the package index gives no list of known vulnerabilities here.")
        return int(required)
    print(f"audit: {found.audited} packages compared with the index's list of known vulnerabilities.")
    if found.skipped:
        print(f"audit: not in the list, and so not audited: {', '.join(found.skipped)}")
    left = [entry for entry in found.known if entry[2] not in allowed]
    for name, version, identifier, fixes in found.known:
        state = "accepted" if identifier in allowed else "KNOWN VULNERABILITY"
        print(f"audit: {state}: {name} {version}: {identifier}, fixed in {fixes}")
    return int(bool(left) or (required and bool(found.skipped)))


if __name__ == "__main__":
    sys.exit(main())
