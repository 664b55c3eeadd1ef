"""The output format of every benchmark (`docs/benchmarks.md`)."""

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
"""Kind of a registration that is no attack, in counts and figures."""
BAD_INPUT = "bad_input"
"""Result of an attempt with a capture that could not be used."""
RENDERED, PHOTOGRAPHS, CAPTURED, INVENTED = "rendered", "photographs", "captured", "invented"
"""Values of a run's member `data`: specimens, published photographs, other captures, made-up numbers."""
SCHEMA = Path(__file__).with_name("run.schema.json")
"""JSON Schema of the object that every benchmark prints."""


@dataclass(frozen=True)
class Run:
    """The result of a benchmark.

    Attributes:
        bench: its name.
        profile: the model profile.
        weights: file name to SHA-256.
        seed: of everything random.
        counts: number of attempts by kind and result.
        figures: figure name to value, 95 % interval, number of attempts and unit.
        extra: further top-level members, such as `operating_points`; `run.schema.json` describes those that the
            report uses.
    """

    bench: str
    profile: str
    weights: Mapping[str, str]
    seed: int
    counts: Mapping[str, Any]
    figures: Mapping[str, Mapping[str, Any]]
    extra: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Returns the object that `--json` prints."""
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
    """Returns a rate as a figure; the value of a rate without attempts is null."""
    return {
        "value": rate.value if rate.n else None,
        "low": rate.low,
        "high": rate.high,
        "n": rate.n,
        "unit": unit,
    }


def plain(value: float, n: int, unit: str) -> dict[str, Any]:
    """Returns a figure without an interval."""
    return {"value": value, "low": None, "high": None, "n": n, "unit": unit}


def operating_point(fmr: float, threshold: float, measured_fmr: Rate, measured_fnmr: Rate) -> dict[str, Any]:
    """Returns a threshold and the rates measured there, as `models/operating_points/` holds it."""
    rates = {"measured_fmr": measured_fmr, "measured_fnmr": measured_fnmr}
    measured = {name: asdict(found) | {"value": found.value if found.n else None} for name, found in rates.items()}
    return {"fmr": fmr, "threshold": threshold} | measured


def data_of(sets: Sequence[RegistrationSet]) -> str:
    """Returns `rendered` when all are specimens, else `captured`."""
    return RENDERED if all(entry.specimen for entry in sets) else CAPTURED


def attempt_id(card: RegistrationSet, selfie: RegistrationSet | None = None) -> str:
    """Returns the id of an attempt, which is the same in every run and under any path; folder names may name people.

    It is twelve hexadecimal digits of the SHA-256 of the front capture, and of the selfie when it is another
    registration's.
    """
    front = _digits(card.parts()["card_front"])
    return front if selfie is None else f"{front}+{selfie_id(selfie)}"


def selfie_id(entry: RegistrationSet) -> str:
    """Returns the second half of the id of an attempt that uses this registration's selfie with another card."""
    return _digits(entry.parts()["selfie"])


def _digits(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:12]


@lru_cache(maxsize=1)
def commit() -> str | None:
    """Returns the commit of the checkout, with `+` when files were changed; None outside a checkout."""
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
    """Returns facts about the machine, none of which names it or its user."""
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
