"""Every component of one face, and what follows from it: a poor picture is looked at by a person, never decided on.

Limits come from photographs of people, by one rule (`benchmarks.face_quality`): a given share of them, the same for
every component, lies on the poor side. Quality neither accepts nor rejects anybody.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Self

import numpy as np

from idproof.pipeline.errors import CalibrationInvalid
from idproof.pipeline.face.quality import (
    background,
    dynamic_range,
    exposure,
    framing,
    illumination,
    occlusion,
    pose,
    sharpness,
)
from idproof.pipeline.face.quality.types import Better, Face, Measure
from idproof.pipeline.types import CheckResult, Outcome, Status

MEASURES = (sharpness, exposure, dynamic_range, illumination, pose, framing, occlusion, background)
NOT_ASSESSED = ("eyes_open", "mouth_closed", "eye_occlusion", "expression")
_REASONS: Mapping[str, str | None] = {
    "sharpness": "selfie_blurred",
    "exposure": "selfie_badly_exposed",
    "dynamic_range": "selfie_without_contrast",
    "illumination": "selfie_unevenly_lit",
    "pose": "selfie_turned_away",
    "framing": "selfie_cut_off",
    "occlusion": "selfie_face_covered",
    "background": None,
}
"""Component to the reason for a doubt; a busy background raises none, since only the aligned face is compared."""
NAMES = tuple(f"quality_{name}" for name in _REASONS)
"""Of the checks."""
_SHIPPED = Path(__file__).with_name("limits.json")
_DIGITS = 5


@dataclass(frozen=True, slots=True)
class Limits:
    """What photographs of people measure.

    Attributes:
        limits: component to the value that is just good enough.
        percentiles: component to its 101 percentiles, 0 to 100, rising.
        source: where they come from.
    """

    limits: Mapping[str, float]
    percentiles: Mapping[str, tuple[float, ...]]
    source: Mapping[str, object] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if set(self.limits) != set(_REASONS) or set(self.percentiles) != set(_REASONS):
            raise CalibrationInvalid("Limits of face quality name every component once.")
        if any(len(p) != 101 or list(p) != sorted(p) for p in self.percentiles.values()):
            raise CalibrationInvalid("Limits of face quality have 101 rising percentiles a component.")

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read a file that the benchmark wrote; raises `CalibrationInvalid`."""
        try:
            table = json.loads(path.read_text(encoding="utf-8"))
            limits = {name: float(value) for name, value in table["limits"].items()}
            percentiles = {name: tuple(map(float, values)) for name, values in table["percentiles"].items()}
            return cls(limits, percentiles, table["source"])
        except (OSError, KeyError, TypeError, ValueError, AttributeError) as error:
            raise CalibrationInvalid(f"The limits {path.name} cannot be used.") from error


@lru_cache(maxsize=1)
def shipped() -> Limits:
    """The limits that come with the project; raises `CalibrationInvalid`."""
    return Limits.load(_SHIPPED)


def measure(face: Face) -> list[Measure]:
    """All components of one face."""
    return [component.measure(face) for component in MEASURES]


def check(face: Face, limits: Limits | None = None) -> list[CheckResult]:
    """One result a component: passes, is in doubt, or could not be assessed; never fails.

    Returns:
        `quality_COMPONENT`: value as measured; score is the share of photographs that are as poor or poorer, 0..1.
    """
    return [_judged(found, limits or shipped()) for found in measure(face)]


def _judged(found: Measure, limits: Limits) -> CheckResult:
    name, reason = f"quality_{found.name}", _REASONS[found.name]
    if found.value is None:
        return CheckResult.not_assessed(name, reason or name)
    limit, value = limits.limits[found.name], round(found.value, _DIGITS)
    higher = found.better is Better.HIGHER
    good = reason is None or (value >= limit if higher else value <= limit)
    below = float(np.interp(value, limits.percentiles[found.name], np.linspace(0, 1, 101)))
    return CheckResult(
        name=name,
        status=Status.ASSESSED,
        outcome=Outcome.PASS if good else Outcome.DOUBT,
        value=value,
        unit=found.unit,
        score=round(below if higher else 1 - below, _DIGITS),
        reason=None if good else reason,
        limit=limit,
    )
