"""Operating points and score calibration of a profile, read from the reports that measured them.

The commands `idproof bench face --out FILE` (photographs) and `idproof bench calibrate face --out FILE` (card
portraits) wrote the reports; no number is typed by hand.
"""

import json
import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from idproof.models.errors import ManifestInvalid

_FOLDER = Path(__file__).parent / "operating_points"
_Built = TypeVar("_Built")


@dataclass(frozen=True, slots=True)
class ScoreCalibration:
    """A line from comparison scores to log-likelihood ratios of one person against two.

    Attributes:
        slope: per unit of score; positive.
        offset: the ratio at score 0.
    """

    slope: float
    offset: float

    def __post_init__(self) -> None:
        if not (math.isfinite(self.slope) and math.isfinite(self.offset) and self.slope > 0):
            raise ValueError("a calibration has a positive slope and a finite offset")

    def log_likelihood_ratios(self, scores: NDArray[np.floating]) -> NDArray[np.float64]:
        """Returns the natural logarithms of the likelihood ratios."""
        return np.asarray(self.slope * scores.astype(np.float64) + self.offset)

    def posterior(self, score: float) -> float:
        """Returns the probability of one person at equal prior odds, 0..1.

        Example:
            >>> ScoreCalibration(slope=30.0, offset=-9.0).posterior(0.3)
            0.5
        """
        return 1 / (1 + math.exp(-max(-700.0, self.slope * score + self.offset)))


def face_thresholds(profile: str, folder: Path = _FOLDER) -> dict[float, float]:
    """Returns false match rate to the score of two photographs that promises at most this rate.

    Raises:
        ManifestInvalid: the profile has no report, so its scores mean nothing yet.
    """
    missing = f"Profile {profile} has no measured operating points; run `idproof bench face` with it first."
    return _read(folder / f"{profile}_face.json", "a face report", missing, _thresholds)


def portrait_thresholds(profile: str, folder: Path = _FOLDER) -> dict[float, float]:
    """Returns the same for a card's portrait and a selfie.

    Print, laminate and camera lower genuine and impostor scores.

    Raises:
        ManifestInvalid: the profile was not measured on portraits.
    """
    return _read(folder / f"{profile}_portrait.json", "a portrait report", _no_portraits(profile), _thresholds)


def portrait_calibration(profile: str, folder: Path = _FOLDER) -> ScoreCalibration:
    """Returns the calibration of the profile's scores of a portrait and a selfie.

    Raises:
        ManifestInvalid: the profile was not calibrated.
    """
    return _read(folder / f"{profile}_portrait.json", "a portrait report", _no_portraits(profile), _calibration)


def _no_portraits(profile: str) -> str:
    return f"Profile {profile} was not measured on card portraits; run `idproof bench calibrate face` first."


def _thresholds(report: dict[str, Any]) -> dict[float, float]:
    return {float(point["fmr"]): float(point["threshold"]) for point in report["operating_points"]}


def _calibration(report: dict[str, Any]) -> ScoreCalibration:
    return ScoreCalibration(slope=float(report["slope"]), offset=float(report["offset"]))


def _read(file: Path, kind: str, missing: str, build: Callable[[dict[str, Any]], _Built]) -> _Built:
    try:
        return build(json.loads(file.read_text(encoding="utf-8")))
    except FileNotFoundError:
        raise ManifestInvalid(missing) from None
    except (KeyError, TypeError, ValueError) as error:
        raise ManifestInvalid(f"The report {file.name} is not {kind}.") from error
