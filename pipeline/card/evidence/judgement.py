"""Judges a card by the evidence of its measurements, in good light and in darkness."""

from collections.abc import Sequence

from idproof.pipeline.calibration import Calibration
from idproof.pipeline.card.checks.protocol import Quantity
from idproof.pipeline.card.evidence.model import Evidence, EvidenceModel
from idproof.pipeline.types import CheckResult


def judge_evidence(
    results: Sequence[CheckResult], quantities: Sequence[Quantity], calibration: Calibration, model: EvidenceModel
) -> list[CheckResult]:
    """Returns one result for each hypothesis that a quantity speaks to.

    Args:
        results: of the quantities, of three captures.
        quantities: those that the document type is measured for.
        calibration: values of genuine cards.
        model: the fitted model.
    """
    return [model.judge(evidence) for evidence in model.weigh(results, quantities, calibration)]


def explained_by_darkness(
    results: Sequence[CheckResult], quantities: Sequence[Quantity], calibration: Calibration, model: EvidenceModel
) -> set[str]:
    """Returns the names of hypotheses that pass without the quantities that darkness moves."""
    lost = {quantity.name for quantity in quantities if quantity.lost_in_darkness}
    return {
        evidence.hypothesis.value
        for evidence in model.weigh(results, quantities, calibration)
        if _share_without(evidence, lost) <= 1
    }


def _share_without(evidence: Evidence, lost: set[str]) -> float:
    return sum(part for name, part in evidence.parts.items() if name not in lost)
