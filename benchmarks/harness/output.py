"""The one form in which every benchmark answers (`docs/benchmarks.md`)."""

import hashlib
import os
import platform
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

from idproof.benchmarks.metrics import Rate
from idproof.datasets.sets import RegistrationSet

BONA_FIDE = "bona_fide"
"""The kind of a registration that is no attack, in counts and figures."""
BAD_INPUT = "bad_input"
"""How an attempt ended of which a capture could not be used."""
RENDERED, PHOTOGRAPHS, CAPTURED, INVENTED = "rendered", "photographs", "captured", "invented"
"""What a run was measured on, its member `data`: specimens, published photographs, anything else, made-up numbers."""
SCHEMA = Path(__file__).with_name("run.schema.json")
"""JSON Schema of the object that every benchmark answers with."""


@dataclass(frozen=True)
class Run:
    """What a benchmark measured.

    Attributes:
        bench: its name.
        profile: the model profile.
        weights: file name to SHA-256.
        seed: of everything random.
        counts: how many attempts of what ended how.
        figures: figure name to value, 95 % interval, number of attempts and unit.
        extra: further top-level members, such as `operating_points`; `run.schema.json` describes those that the
            report knows.
    """

    bench: str
    profile: str
    weights: Mapping[str, str]
    seed: int
    counts: Mapping[str, Any]
    figures: Mapping[str, Mapping[str, Any]]
    extra: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """The object that `--json` prints."""
        return {
            "bench": self.bench,
            "version": version("idproof"),
            "commit": commit(),
            "profile": self.profile,
            "weights": dict(self.weights),
            "machine": machine(),
            "seed": self.seed,
            "counts": dict(self.counts),
            "figures": dict(self.figures),
            **self.extra,
        }


def figure(rate: Rate, unit: str = "share") -> dict[str, Any]:
    """A rate as a figure; the value of a rate without attempts is null."""
    return {
        "value": rate.value if rate.n else None,
        "low": rate.low,
        "high": rate.high,
        "n": rate.n,
        "unit": unit,
    }


def plain(value: float, n: int, unit: str) -> dict[str, Any]:
    """A figure without an interval."""
    return {"value": value, "low": None, "high": None, "n": n, "unit": unit}


def operating_point(fmr: float, threshold: float, measured_fmr: Rate, measured_fnmr: Rate) -> dict[str, Any]:
    """A threshold with what was measured there, as `models/operating_points/` holds it."""
    rates = {"measured_fmr": measured_fmr, "measured_fnmr": measured_fnmr}
    told = {name: asdict(found) | {"value": found.value if found.n else None} for name, found in rates.items()}
    return {"fmr": fmr, "threshold": threshold} | told


def data_of(sets: Sequence[RegistrationSet]) -> str:
    """`rendered` when all are specimens, else `captured`."""
    return RENDERED if all(entry.specimen for entry in sets) else CAPTURED


def attempt_id(card: RegistrationSet, selfie: RegistrationSet | None = None) -> str:
    """The same attempt has the same id in every run and under any path; folders may name somebody.

    Twelve hexadecimal digits of the SHA-256 of the front capture, and of another registration's selfie if one was used.
    """
    front = _digits(card.parts()["card_front"])
    return front if selfie is None else f"{front}+{selfie_id(selfie)}"


def selfie_id(entry: RegistrationSet) -> str:
    """The second half of the id of an attempt that lends this registration's selfie."""
    return _digits(entry.parts()["selfie"])


def _digits(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:12]


@lru_cache(maxsize=1)
def commit() -> str | None:
    """The code's commit when it runs from a checkout, else None; `+` after it when files were changed."""
    here = Path(__file__).resolve()
    try:
        _git(here.parent, "ls-files", "--error-unmatch", here.name)
        changed = _git(here.parent, "status", "--porcelain", "--untracked-files=no")
        return _git(here.parent, "rev-parse", "HEAD") + ("+" if changed else "")
    except (OSError, subprocess.CalledProcessError):
        return None


def _git(folder: Path, *arguments: str) -> str:
    return subprocess.run(
        ["git", "-C", str(folder), *arguments], check=True, capture_output=True, text=True
    ).stdout.strip()


def machine() -> dict[str, Any]:
    """What the figures were measured on; nothing that names the machine or its user."""
    return {
        "processor": platform.machine(),
        "model": _processor_model(),
        "cores": os.cpu_count(),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30),
        "system": platform.system(),
        "python": platform.python_version(),
        "onnxruntime": version("onnxruntime"),
        "opencv": version("opencv-python"),
    }


def _processor_model() -> str | None:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return None
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), None)
