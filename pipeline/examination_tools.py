"""The tools with which the stages examine one registration's pictures."""

from dataclasses import dataclass

from idproof.models.score_reports import ScoreCalibration
from idproof.models.types import Engines
from idproof.pipeline.card.examiner import CardExaminer
from idproof.pipeline.card.locating.locator import CardLocator
from idproof.pipeline.config import Limits, Policy
from idproof.pipeline.liveness.examiner import LivenessExaminer


@dataclass(frozen=True)
class ExaminationTools:
    """The networks, locator, checks and thresholds that examine pictures; opened once (`opening`), read only."""

    engines: Engines
    locator: CardLocator
    examiner: CardExaminer
    policy: Policy
    limits: Limits
    face_thresholds: dict[float, float]
    portrait_thresholds: dict[float, float]
    portrait_calibration: ScoreCalibration
    liveness: LivenessExaminer | None = None
