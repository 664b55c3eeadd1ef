"""Measures how the card's decision carries over to an image formation that had no part in its limits.

Each formation is left out in turn: calibration and evidence come from the genuine tuning cards of the others, and the
cards of the one left out are judged. Beside it stand the same cards judged with their own formation among the limits,
and by an operator's own calibration from a few of its genuine cards.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from idproof.benchmarks.card.evidence_fit import fit_evidence
from idproof.benchmarks.card.measured_cards import MeasuredCard, calibration_of, judge, measure_cards
from idproof.benchmarks.errors import BenchmarkFailed
from idproof.benchmarks.harness.output import BONA_FIDE, Run, data_of, figure
from idproof.benchmarks.metrics import rate
from idproof.datasets.sets import RegistrationSet
from idproof.pipeline.calibration import Calibration
from idproof.pipeline.card.checks.protocol import Quantity
from idproof.pipeline.card.evidence.model import EvidenceModel
from idproof.pipeline.card.examiner import CardExaminer
from idproof.pipeline.executors.task_runner import SEQUENTIAL, TaskRunner
from idproof.pipeline.opening import open_document
from idproof.pipeline.types import Decision

OWN = 24
"""Genuine cards of an operator's own calibration."""
_FIELD_KIND = "field_edit"
_NOT_OF_THE_CARD = ("selfie_other",)  # attacks whose card is genuine


@dataclass(frozen=True)
class Judged:
    """The decision on one card.

    Attributes:
        card: what was measured.
        decision: of every check of the card, and of those of its fields where they were read.
        reasons: against it.
    """

    card: MeasuredCard
    decision: Decision
    reasons: tuple[str, ...]

    @property
    def accepted(self) -> bool:
        """True when nothing objects."""
        return self.decision is Decision.ACCEPT


def measure_transfer(
    sets: Sequence[RegistrationSet],
    tuning: Sequence[RegistrationSet],
    *,
    document: str | Path = "hkid-2018",
    profile: str = "open",
    runner: TaskRunner = SEQUENTIAL,
    progress: Callable[[int, int], None] = lambda done, total: None,
    resume: Path | None = None,
) -> Run:
    """Measures every card once and judges it by the limits of others.

    Args:
        sets: genuine cards and attacks of two or more formations, to be judged.
        tuning: genuine cards of two or more formations, from which limits are made; attacks are left out.
        document: a built-in type's name, or the path of an operator's own type file.
        profile: of the networks that read the fields of edited cards.
        runner: where the cards are examined.
        progress: called with registrations done and in total.
        resume: file to stop and resume by; it holds what was measured, not what was decided.

    Raises:
        BenchmarkFailed: fewer than two formations.
        CalibrationInvalid: too few genuine tuning cards of a formation.
        DocumentTypeInvalid: the document type cannot be used.
        RunNotResumable: the file to resume by is of another run.
    """
    judged = [e for e in sets if e.truth.bona_fide or e.truth.attack not in (None, *_NOT_OF_THE_CARD)]
    genuine = [e for e in tuning if e.truth.bona_fide]
    measured = measure_cards(
        [*judged, *genuine],
        document=document,
        profile=profile,
        fields_of=(_FIELD_KIND,),
        runner=runner,
        progress=progress,
        resume=resume,
    )
    tested, tuned = measured[: len(judged)], measured[len(judged) :]
    quantities = CardExaminer.open(open_document(document)).quantities
    results = judge_transfer(tested, tuned, quantities)
    return Run(
        bench="card",
        profile=profile,
        weights={},
        seed=0,
        counts=_counts(results["transfer"]),
        figures=transfer_figures(results),
        extra={"data": data_of(judged)},
    )


def judge_transfer(
    tested: Sequence[MeasuredCard], tuned: Sequence[MeasuredCard], quantities: Sequence[Quantity]
) -> dict[str, list[Judged]]:
    """Judges every tested card by limits that its formation had no part in, had part in, and gave alone.

    Returns:
        `transfer`, `within` and `own`; the last without the genuine cards that gave the limits, and without formations
        of too few of them.
    """
    formations = sorted({card.formation for card in tested})
    if len(formations) < 2:
        raise BenchmarkFailed("--transfer needs registrations of two or more image formations.")
    found: dict[str, list[Judged]] = {"transfer": [], "within": [], "own": []}
    everything = _limits(tuned, quantities)
    for formation in formations:
        cards = [card for card in tested if card.formation == formation]
        others = [card for card in tuned if card.formation != formation]
        of_others = _limits(others, quantities)
        found["transfer"] += _judge(cards, quantities, *of_others)
        found["within"] += _judge(cards, quantities, *everything)
        own = [card for card in tuned if card.formation == formation and card.bona_fide][:OWN]
        if len(own) == OWN:
            found["own"] += _judge(cards, quantities, calibration_of(own, quantities), of_others[1])
    return found


def transfer_figures(results: Mapping[str, Sequence[Judged]]) -> dict[str, dict[str, Any]]:
    """Returns the figures: worst formation, then each formation by itself."""
    figures: dict[str, dict[str, Any]] = {}
    for name, judged in results.items():
        prefix = f"card.{name}"
        formations = sorted({j.card.formation for j in judged})
        by_kind: dict[str, list[dict[str, Any]]] = {}
        for formation in formations:
            of_one = [j for j in judged if j.card.formation == formation]
            for kind in dict.fromkeys(j.card.kind for j in of_one):
                entries = [j for j in of_one if j.card.kind == kind]
                errors = sum((not j.accepted) if kind == BONA_FIDE else j.accepted for j in entries)
                measured = figure(rate(errors, len(entries)))
                error = "bpcer" if kind == BONA_FIDE else f"apcer.{kind}"
                figures[f"{prefix}.{formation}.{error}"] = measured
                if kind == BONA_FIDE:
                    rejected = rate(sum(j.decision is Decision.REJECT for j in entries), len(entries))
                    figures[f"{prefix}.{formation}.bpcer_rejected"] = figure(rejected)
                by_kind.setdefault(error, []).append(measured)
        figures |= {f"{prefix}.{error}": max(found, key=_badness) for error, found in by_kind.items()}
    return figures


def _badness(measured: Mapping[str, Any]) -> tuple[float, float]:
    return measured["value"], measured["high"]


def _limits(tuned: Sequence[MeasuredCard], quantities: Sequence[Quantity]) -> tuple[Calibration, EvidenceModel]:
    return calibration_of(tuned, quantities), EvidenceModel.of(fit_evidence(tuned, quantities, ""))


def _judge(
    cards: Sequence[MeasuredCard], quantities: Sequence[Quantity], calibration: Calibration, model: EvidenceModel
) -> list[Judged]:
    judged = []
    for card in cards:
        decision, reasons = judge(card, quantities, calibration, model)
        judged.append(Judged(card, decision, reasons))
    return judged


def _counts(judged: Sequence[Judged]) -> dict[str, Any]:
    counts: dict[str, Any] = {}
    for formation in sorted({j.card.formation for j in judged}):
        for kind in dict.fromkeys(j.card.kind for j in judged if j.card.formation == formation):
            entries = [j for j in judged if (j.card.formation, j.card.kind) == (formation, kind)]
            counts[f"{formation}.{kind}"] = {
                "sets": len(entries),
                "accepted": sum(j.accepted for j in entries),
                "rejected": sum(j.decision is Decision.REJECT for j in entries),
                "objections": dict(Counter(reason for j in entries for reason in j.reasons).most_common()),
            }
    return counts
