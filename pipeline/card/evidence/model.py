"""The model of the evidence, and the judgement of a card by it.

For each hypothesis of fraud the surprises of the quantities that speak to it (`surprise`) are added up, and the sum is
held to one limit. A quantity that shows what a forgery shows is beyond it alone; one that is a little odd is not.
`idproof bench calibrate evidence` writes the limit, from genuine cards of several image
formations.
"""

import json
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, Self

from idproof.pipeline.calibration import DECIMALS, Calibration
from idproof.pipeline.card.checks.protocol import Limit, Quantity
from idproof.pipeline.card.evidence.hypotheses import Hypothesis
from idproof.pipeline.card.evidence.surprise import ALONE, TOGETHER
from idproof.pipeline.errors import CalibrationInvalid
from idproof.pipeline.types import CheckResult, Outcome, Status

_SHIPPED = Path(__file__).with_name("model.json")
_UNIT = "share of the limit"


@dataclass(frozen=True, slots=True)
class Evidence:
    """The evidence of one hypothesis about one card.

    Attributes:
        hypothesis: the hypothesis.
        share: the score as a share of its limit.
        parts: quantity to its part of the share.
        missing: reason of the first quantity that could not be assessed; None when all were.
    """

    hypothesis: Hypothesis
    share: float
    parts: Mapping[str, float]
    missing: str | None = None


@dataclass(frozen=True, slots=True)
class EvidenceModel:
    """The limit of the evidence, and what genuine cards scored.

    Attributes:
        limit: greatest sum of surprises that passes, of any hypothesis.
        scores: hypothesis to the sorted sums of genuine cards, each as a share of the limit.
        source: origin of the numbers.
    """

    limit: float
    scores: Mapping[Hypothesis, tuple[float, ...]] = field(default_factory=dict)
    source: Mapping[str, object] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not 0 < self.limit <= ALONE:
            raise CalibrationInvalid(
                f"The limit of the evidence is positive and at most {ALONE}, which a forgery shows."
            )
        if any(list(scores) != sorted(scores) for scores in self.scores.values()):
            raise CalibrationInvalid("The evidence needs sorted scores.")

    @classmethod
    def load(cls, path: Path) -> Self:
        """Reads a file that the benchmark wrote; raises `CalibrationInvalid`."""
        try:
            return cls.of(json.loads(path.read_text(encoding="utf-8")))
        except (OSError, KeyError, TypeError, ValueError, AttributeError) as error:
            raise CalibrationInvalid(f"The evidence model {path.name} cannot be used.") from error

    @classmethod
    def of(cls, table: Mapping[str, Any]) -> Self:
        """Reads the content of such a file; raises `KeyError`, `TypeError` or `ValueError`."""
        scores = {Hypothesis(name): tuple(map(float, found)) for name, found in table["scores"].items()}
        return cls(float(table["limit"]), scores, table["source"])

    def weigh(
        self, results: Sequence[CheckResult], quantities: Sequence[Quantity], calibration: Calibration
    ) -> list[Evidence]:
        """Adds up what the results say about every hypothesis that a quantity speaks to."""
        by_name = {result.name: result for result in results}
        found = []
        for hypothesis in Hypothesis:
            speaking = [q for q in quantities if hypothesis in q.speaks_to and q.limit is not Limit.BY_POLICY]
            if not speaking:
                continue
            parts: dict[str, float] = {}
            missing: str | None = None
            for quantity in speaking:
                result = by_name.get(quantity.name)
                if result is not None and result.value is not None:
                    parts[quantity.name] = quantity.scale(calibration).surprise(result.value) / self.limit
                elif missing is None:
                    missing = (result.reason if result is not None else None) or f"{quantity.name}_missing"
            parts = _furthest_of_families(parts, speaking)
            found.append(Evidence(hypothesis, sum(parts.values()), parts, missing))
        return found

    def judge(self, evidence: Evidence) -> CheckResult:
        """Passes up to the limit; beyond it fails from `ALONE` by one quantity or `TOGETHER` on, else is in doubt.

        Several quantities that are each a little odd are no proof: an unknown camera makes them so as well. Evidence
        that is incomplete can fail and be in doubt, but not pass: it then could not be assessed.
        """
        hypothesis, share = evidence.hypothesis, evidence.share
        decisive = max(evidence.parts.values(), default=0.0) * self.limit >= ALONE or share * self.limit >= TOGETHER
        outcome = Outcome.PASS if share <= 1 else Outcome.FAIL if decisive else Outcome.DOUBT
        if outcome is Outcome.PASS and evidence.missing is not None:
            return CheckResult.not_assessed(hypothesis.value, evidence.missing)
        scores = self.scores.get(hypothesis, ())
        return CheckResult(
            name=hypothesis.value,
            status=Status.ASSESSED,
            outcome=outcome,
            value=round(share, DECIMALS),
            unit=_UNIT,
            score=round((1 + len(scores) - bisect_left(scores, share)) / (1 + len(scores)), DECIMALS),
            reason=None if outcome is Outcome.PASS else hypothesis.reason,
            limit=1.0,
        )


def _furthest_of_families(parts: Mapping[str, float], quantities: Sequence[Quantity]) -> dict[str, float]:
    """The parts that count: of quantities that move together, the greatest."""
    family = {quantity.name: quantity.family or quantity.name for quantity in quantities}
    counted: dict[str, str] = {}
    for name, part in parts.items():
        if part > parts.get(counted.get(family[name], ""), -1.0):
            counted[family[name]] = name
    return {name: part for name, part in parts.items() if name in counted.values()}


@lru_cache(maxsize=1)
def shipped_evidence() -> EvidenceModel:
    """Reads the model that comes with the project, of rendered cards; raises `CalibrationInvalid`."""
    return EvidenceModel.load(_SHIPPED)
