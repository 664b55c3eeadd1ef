"""Measures cards once and keeps what each quantity gave, so that limits can be made and judged by again and again."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

from idproof.benchmarks.card.calibration import QUOTIENTS
from idproof.benchmarks.harness.cards import LocatedCard, locate_card, open_card_checks
from idproof.benchmarks.harness.output import BONA_FIDE, attempt_id
from idproof.benchmarks.harness.recorder import RecordingCalibration
from idproof.benchmarks.harness.resume import ResumeFile
from idproof.datasets.sets import RegistrationSet
from idproof.models.profiles import load_engines
from idproof.models.types import Engines
from idproof.pipeline import Policy
from idproof.pipeline.calibration import Calibration
from idproof.pipeline.card.checks.protocol import Limit, Quantity
from idproof.pipeline.card.evidence.judgement import judge_evidence
from idproof.pipeline.card.evidence.model import EvidenceModel
from idproof.pipeline.decide import decide
from idproof.pipeline.documents import DocumentType
from idproof.pipeline.errors import BadInput
from idproof.pipeline.executors.task_runner import SEQUENTIAL, TaskRunner
from idproof.pipeline.fields import checks as field_checks
from idproof.pipeline.fields.checks.dates import today
from idproof.pipeline.fields.checks.facts import Facts
from idproof.pipeline.fields.read import Readers, read
from idproof.pipeline.opening import open_document
from idproof.pipeline.types import CheckResult, Decision, Outcome, Status

FIRST_FORMATION = "analytic"
"""Name of the image formation whose registrations name none."""


@dataclass(frozen=True)
class MeasuredCard:
    """Measurements of one registration; no picture.

    Attributes:
        formation: image formation that photographed it.
        kind: `bona_fide` or the attack's.
        attempt: its id (`output.attempt_id`).
        person: an opaque label, or None.
        results: of every quantity, before any limit; None when the card was not found.
        objections: of the fields, or why the card was not found.
    """

    formation: str
    kind: str
    attempt: str
    person: str | None
    results: tuple[CheckResult, ...] | None
    objections: tuple[str, ...] = ()

    @property
    def bona_fide(self) -> bool:
        """True for a genuine card."""
        return self.kind == BONA_FIDE


def measure_cards(
    sets: Sequence[RegistrationSet],
    *,
    document: str | Path = "hkid-2018",
    profile: str = "open",
    fields_of: Iterable[str] = (),
    runner: TaskRunner = SEQUENTIAL,
    progress: Callable[[int, int], None] = lambda done, total: None,
    resume: Path | None = None,
) -> list[MeasuredCard]:
    """Measures every card.

    Args:
        sets: registrations, genuine and under attack.
        document: a built-in type's name, or the path of an operator's own type file.
        profile: of the networks that read the fields.
        fields_of: kinds whose fields are read and checked too, which takes longest.
        runner: where the cards are examined.
        progress: called with registrations done and in total.
        resume: file to stop and resume by. It does not know the code that measured: remove it after a change.

    Raises:
        DocumentTypeInvalid: the document type cannot be used.
        RunNotResumable: the file to resume by is of another run.
    """
    open_document(document)  # raises before any process is started
    read = tuple(fields_of)
    file: ResumeFile[MeasuredCard] = ResumeFile(
        resume,
        [[attempt_id(entry) for entry in sets], str(document), profile, read],
        "registrations, document type or profile",
        encode=asdict,
        decode=_decoded,
    )
    measure = partial(_measure, document=document, profile=profile, fields_of=read)
    return file.run(runner, measure, sets, after_each=lambda: progress(len(file.done), len(sets)))


def calibration_of(cards: Sequence[MeasuredCard], quantities: Sequence[Quantity]) -> Calibration:
    """Returns the values of the genuine ones among the cards; raises `CalibrationInvalid` when they are too few."""
    values: dict[str, list[float]] = {q.name: [] for q in quantities if q.limit is not Limit.BY_POLICY}
    for card in cards:
        for result in card.results or () if card.bona_fide else ():
            if result.value is not None and result.name in values:
                values[result.name].append(result.value)
    return Calibration({name: tuple(sorted(v)) for name, v in values.items()}, quotients=frozenset(QUOTIENTS))


def judge(
    card: MeasuredCard, quantities: Sequence[Quantity], calibration: Calibration, model: EvidenceModel
) -> tuple[Decision, tuple[str, ...]]:
    """Decides on a measured card as the pipeline would with this calibration and model; its fields count too."""
    if card.results is None:
        return Decision.REFER, card.objections
    by_name = {quantity.name: quantity for quantity in quantities}
    results = [_judged(result, by_name[result.name], calibration) for result in card.results if result.name in by_name]
    decision, reasons = decide([*results, *judge_evidence(results, quantities, calibration, model)], ())
    if decision is Decision.ACCEPT and card.objections:
        return Decision.REFER, card.objections
    return decision, reasons


def _decoded(entry: dict[str, Any]) -> MeasuredCard:
    results = entry["results"]
    if results is not None:
        results = tuple(
            CheckResult(**found | {"status": Status(found["status"]), "outcome": _outcome(found["outcome"])})
            for found in results
        )
    return MeasuredCard(**entry | {"results": results, "objections": tuple(entry["objections"])})


def _outcome(name: str | None) -> Outcome | None:
    return None if name is None else Outcome(name)


def _judged(result: CheckResult, quantity: Quantity, calibration: Calibration) -> CheckResult:
    if result.value is None or quantity.limit is Limit.BY_POLICY:
        return result
    return quantity.judge(result.value, calibration)


@lru_cache(maxsize=1)
def _engines(profile: str) -> Engines:
    return load_engines(profile)


def _measure(entry: RegistrationSet, document: str | Path, profile: str, fields_of: tuple[str, ...]) -> MeasuredCard:
    locator, examiner = open_card_checks(document)
    kind = entry.truth.attack or BONA_FIDE
    named = (entry.truth.formation or FIRST_FORMATION, kind, attempt_id(entry), entry.truth.person)
    policy = Policy(calibration=RecordingCalibration())
    try:
        card = locate_card(entry, locator, policy)
    except BadInput as error:
        return MeasuredCard(*named, None, (error.code,))
    results = examiner.measure(card.images, card.rectified, card.views, policy)
    objections = _objections(card, _engines(profile), locator.document) if kind in fields_of else ()
    return MeasuredCard(*named, tuple(results), objections)


def _objections(card: LocatedCard, engines: Engines, document: DocumentType) -> tuple[str, ...]:
    readers = Readers(engines.reader, engines.latin_reader)
    facts = Facts(read(card.rectified, document, readers, Policy()), document, today(document))
    return decide(field_checks.run(facts), document.checks)[1]
