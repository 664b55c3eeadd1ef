"""The one form in which every benchmark answers (`docs/benchmarks.md`)."""

import os
import platform
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.metadata import version
from typing import Any

from idproof.benchmarks.metrics import Rate

BONA_FIDE = "bona_fide"
"""The kind of a registration that is no attack, in counts and figures."""


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
        extra: further top-level members, such as `operating_points`.
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


def machine() -> dict[str, Any]:
    """What the figures were measured on; nothing that names the machine or its user."""
    return {
        "processor": platform.machine(),
        "cores": os.cpu_count(),
        "system": platform.system(),
        "python": platform.python_version(),
        "onnxruntime": version("onnxruntime"),
        "opencv": version("opencv-python"),
    }
