"""All components of one face, and their checks: a poor picture is referred to a person, never rejected.

Limits come from photographs of people, calibrated by `idproof bench calibrate quality`: the same share of them
lies on the poor side of every component. Quality neither accepts nor rejects anybody.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Self

import numpy as np

from idproof.pipeline.errors import CalibrationInvalid
from idproof.pipeline.face.quality import (
    background,
    dynamic_range,
    exposure,
    eyes_open,
    framing,
    illumination,
    mouth_seen,
    occlusion,
    pose,
    sharpness,
)
from idproof.pipeline.face.quality.types import Better, Face, Measure
from idproof.pipeline.types import CheckResult, Outcome, Status

MEASURES = (sharpness, exposure, dynamic_range, illumination, pose, framing, occlusion, background)
BY_LANDMARKS = (eyes_open, mouth_seen)
"""Measured where the profile has networks of landmarks, as all built-in ones have."""
NOT_ASSESSED = ("mouth_closed", "eye_occlusion", "expression")
_REASONS: Mapping[str, str | None] = {
    "sharpness": "selfie_blurred",
    "exposure": "selfie_badly_exposed",
    "dynamic_range": "selfie_without_contrast",
    "illumination": "selfie_unevenly_lit",
    "pose": "selfie_turned_away",
    "framing": "selfie_cut_off",
    "occlusion": "selfie_face_covered",
    "background": None,
    "eyes_open": "selfie_eyes_closed",
    "mouth_seen": "selfie_face_covered",
}
"""Component to the reason for a doubt, where the face is not too dark; a busy background raises none, since only the
aligned face is compared."""
_TOO_DARK = "selfie_too_dark"
_SHOWS_DARKNESS = ("exposure", "dynamic_range")
"""Components that a lack of light spoils: their doubt then names it, because more light is what helps."""
_MIDDLE_GREY = 118
"""Grey level of a surface that reflects 18 %, exposed by a light meter, in sRGB (IEC 61966-2-1)."""
_BRIGHT_QUANTILE = 0.9  # of the face: its lighter parts. Chosen by hand; no outside source
EYES_OPEN = "quality_eyes_open"
_SEEN_BY_LANDMARKS = frozenset({"eyes_open", "mouth_seen"})
NAMES = tuple(f"quality_{name}" for name in _REASONS if name not in _SEEN_BY_LANDMARKS)
"""Names of the checks that every profile makes."""
_OWN_SHARE = 0.6
"""Of the person's own opening in the clip, from which narrow eyes count as open: closed ones have up to half of it.
Chosen by hand on people of the split tuning; no outside source."""
_SHIPPED = Path(__file__).with_name("limits.json")
_DIGITS = 5  # of values and scores, as in `limits.json`


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits and distribution of each component over photographs of people.

    Attributes:
        limits: component to the worst value that passes.
        percentiles: component to its 101 percentiles, 0 to 100, rising.
        source: command and data that they come from.
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
        """Reads a file that the benchmark wrote; raises `CalibrationInvalid`."""
        try:
            table = json.loads(path.read_text(encoding="utf-8"))
            limits = {name: float(value) for name, value in table["limits"].items()}
            percentiles = {name: tuple(map(float, values)) for name, values in table["percentiles"].items()}
            return cls(limits, percentiles, table["source"])
        except (OSError, KeyError, TypeError, ValueError, AttributeError) as error:
            raise CalibrationInvalid(f"The limits {path.name} cannot be used.") from error


@lru_cache(maxsize=1)
def shipped() -> Limits:
    """Returns the limits that come with the project; raises `CalibrationInvalid`."""
    return Limits.load(_SHIPPED)


def measure(face: Face) -> list[Measure]:
    """Measures all components of one face; those of landmarks where it was built with such networks."""
    components = MEASURES if face.landmarks is None else (*MEASURES, *BY_LANDMARKS)
    return [component.measure(face) for component in components]


def check(face: Face, limits: Limits | None = None) -> list[CheckResult]:
    """Returns one result per component: it passes, is in doubt, or could not be assessed; it never fails.

    Each is `quality_COMPONENT`: value as measured; score is the share of photographs that are as poor or poorer, 0..1.
    """
    return [_result(measured, limits or shipped(), _reason(measured.name, face)) for measured in measure(face)]


def by_own_eyes(checks: Sequence[CheckResult], own: float | None) -> list[CheckResult]:
    """Turns a doubt about open eyes into a pass where the person's eyes are as narrow in the clip.

    Args:
        checks: of quality.
        own: opening of the person's eyes before the first action of a challenge; None where it was not measured.
    """
    return [
        replace(check, outcome=Outcome.PASS, reason=None)
        if check.name == EYES_OPEN and own is not None and check.value is not None and check.value >= _OWN_SHARE * own
        else check
        for check in checks
    ]


def _reason(component: str, face: Face) -> str | None:
    """Returns the reason for a doubt about a component: lack of light, where even the face's lighter parts are dark."""
    dark = float(np.quantile(face.skin, _BRIGHT_QUANTILE)) < _MIDDLE_GREY
    return _TOO_DARK if dark and component in _SHOWS_DARKNESS else _REASONS[component]


def _result(measured: Measure, limits: Limits, reason: str | None) -> CheckResult:
    name = f"quality_{measured.name}"
    if measured.value is None:
        return CheckResult.not_assessed(name, reason or name)
    limit, value = limits.limits[measured.name], round(measured.value, _DIGITS)
    higher = measured.better is Better.HIGHER
    good = reason is None or (value >= limit if higher else value <= limit)
    below = float(np.interp(value, limits.percentiles[measured.name], np.linspace(0, 1, 101)))
    return CheckResult(
        name=name,
        status=Status.ASSESSED,
        outcome=Outcome.PASS if good else Outcome.DOUBT,
        value=value,
        unit=measured.unit,
        score=round(below if higher else 1 - below, _DIGITS),
        reason=None if good else reason,
        limit=limit,
    )
