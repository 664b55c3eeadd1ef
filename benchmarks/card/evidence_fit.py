"""Sets the limit of the evidence (`pipeline.card.evidence.model`) from genuine cards of several image formations.

A card's evidence is the hypothesis that speaks most against it. The limit is the sum of surprises that at most the
target share of genuine cards exceeds. Each card is weighed by what the other formations measured, so that the promise
is made for a formation that had no part in the limits, as far as those at hand are like it; cards of one formation
alone are weighed half by half, and promise nothing for another. No attack has a part in it.

A card that could not be assessed has a part in the limit with the sum of what was assessed, which can only make the
limit stricter. The promise counts it as beyond the limit, since it cannot pass. Cards that were not found have no part.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from typing import Any

import numpy as np
from scipy.stats import beta

from idproof.benchmarks.card.measured_cards import MeasuredCard, calibration_of
from idproof.pipeline.card.checks.protocol import Quantity
from idproof.pipeline.card.evidence.hypotheses import Hypothesis
from idproof.pipeline.card.evidence.model import EvidenceModel
from idproof.pipeline.card.evidence.surprise import ALONE

TARGET = 0.02
"""Share of genuine cards that may exceed the limit. Chosen by hand; no outside source."""
_SURE = 0.95


@dataclass(frozen=True)
class _Weighed:
    """One genuine card, weighed by the values of others.

    Attributes:
        sums: hypothesis to the sum of the surprises that were assessed.
        assessed: true when every quantity of every hypothesis was.
    """

    sums: Mapping[Hypothesis, float]
    assessed: bool


def fit_evidence(cards: Sequence[MeasuredCard], quantities: Sequence[Quantity], recipe: str) -> dict[str, Any]:
    """Returns the model as it is written to a file.

    Args:
        cards: of one or more formations; attacks are left out.
        quantities: those that the document type is measured for.
        recipe: how the cards were made, recorded in the file.

    Raises:
        CalibrationInvalid: too few genuine cards for a calibration.
    """
    genuine = [card for card in cards if card.bona_fide and card.results is not None]
    formations = sorted({card.formation for card in genuine})
    groups = [[card for card in genuine if card.formation == name] for name in formations]
    if len(groups) == 1:
        groups = [genuine[0::2], genuine[1::2]]
    weighed = [
        found
        for group in groups
        for found in _left_out(group, [card for other in groups if other is not group for card in other], quantities)
    ]
    most = np.array([max(found.sums.values()) for found in weighed])
    rank = min(ceil((1 - TARGET) * (len(most) + 1)), len(most))
    limit = min(float(np.sort(most)[rank - 1]), ALONE)
    assessed = np.array([found.assessed for found in weighed])
    beyond = int(((most > limit) | ~assessed).sum())
    return {
        "limit": round(limit, 4),
        "source": {
            "recipe": recipe,
            "genuine": {name: sum(card.formation == name for card in genuine) for name in formations},
            "not_assessed": int((~assessed).sum()),
            "target": TARGET,
            # By exchangeability the next card exceeds the limit with this chance; with 95 % confidence in these cards,
            # the share of all cards that do is at most the second (order statistics; Wilks, 1941).
            "expected_bpcer": round((beyond + 1) / (len(most) + 1), 5),
            "bpcer_at_most": round(float(beta.ppf(_SURE, beyond + 1, len(most) - beyond)), 5),
        },
        "scores": {
            hypothesis.value: sorted(round(found.sums[hypothesis] / limit, 4) for found in weighed)
            for hypothesis in weighed[0].sums
        },
    }


def _left_out(
    group: Sequence[MeasuredCard], others: Sequence[MeasuredCard], quantities: Sequence[Quantity]
) -> list[_Weighed]:
    """Weighs the group's cards by the values of the others."""
    calibration, unlimited = calibration_of(others, quantities), EvidenceModel(1.0)
    found = []
    for card in group:
        evidence = unlimited.weigh(card.results or (), quantities, calibration)
        found.append(_Weighed({e.hypothesis: e.share for e in evidence}, all(e.missing is None for e in evidence)))
    return found
