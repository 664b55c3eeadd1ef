"""Measures the error rates of the checks of the document, per kind of attack.

A registration is accepted here when every check of the card and of its fields passes; the selfie is not examined. BPCER
is the share of bona fide cards that are not accepted, APCER of a kind the share of its attacks that are accepted
(ISO/IEC 30107-3:2023, at the level of the document). A capture that cannot be used is not accepted.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache, partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from idproof.benchmarks.card import midv_holo_baseline, variants
from idproof.benchmarks.card.public_sets import overlap
from idproof.benchmarks.harness.cards import LocatedCard, locate_card
from idproof.benchmarks.harness.output import BAD_INPUT, BONA_FIDE, Run, attempt_id, data_of, figure, plain
from idproof.benchmarks.metrics import rate
from idproof.benchmarks.scores import checks, files
from idproof.datasets.sets import ROLES, RegistrationSet
from idproof.models.profiles import load_engines
from idproof.models.types import Engines
from idproof.pipeline import Policy
from idproof.pipeline.card.examiner import CardExaminer
from idproof.pipeline.card.locating.locator import CardLocator
from idproof.pipeline.card.view import corners
from idproof.pipeline.decide import decide
from idproof.pipeline.documents import DocumentType
from idproof.pipeline.errors import BadInput
from idproof.pipeline.executors.task_runner import SEQUENTIAL, TaskRunner
from idproof.pipeline.fields import checks as field_checks
from idproof.pipeline.fields.checks.dates import today
from idproof.pipeline.fields.checks.facts import Facts
from idproof.pipeline.fields.read import Readers, read
from idproof.pipeline.opening import open_document, with_own_limits
from idproof.pipeline.types import CheckResult, Decision, Role

_FIELD_KIND = "field_edit"


@dataclass(frozen=True)
class Measured:
    """Measurements of one registration; only numbers and names leave the worker.

    Attributes:
        kind: `bona_fide` or the attack's.
        attempt: its id (`output.attempt_id`).
        decision: of card and fields; `bad_input` when the captures could not be used.
        accepted: whether every check of card and fields passed.
        card_passed: whether every check of the card passed, without its fields.
        fields_passed: whether every check of the fields passed; None when the fields were not checked.
        objections: reasons against it; the error's code when a capture could not be used.
        values: check of the card to value, None where it could not be assessed.
        scores: check of the card to score, None where it could not be assessed.
        ious, corner_px: overlap and mean distance of the corners, per capture with known corners.
        baseline: score of the published baseline, None when the card was not found or has no hologram.
        found: whether the card was found in all captures.
    """

    kind: str
    attempt: str
    decision: str = BAD_INPUT
    accepted: bool = False
    card_passed: bool = False
    fields_passed: bool | None = None
    objections: tuple[str, ...] = ()
    values: Mapping[str, float | None] = field(default_factory=dict)
    scores: checks.CheckScores = field(default_factory=dict)
    ious: tuple[float, ...] = ()
    corner_px: tuple[float, ...] = ()
    baseline: float | None = None
    found: bool = True


def measure_card(
    sets: Sequence[RegistrationSet],
    *,
    tuning: Sequence[RegistrationSet] = (),
    document: str | Path = "hkid-2018",
    profile: str = "open",
    runner: TaskRunner = SEQUENTIAL,
    seed: int = 0,
    scores: Path | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Run:
    """Examines every card.

    Args:
        sets: registrations to measure.
        tuning: other registrations, bona fide and attacks, that train the variants (`variants.py`); the system itself
            takes nothing from them.
        document: a built-in type's name, or the path of an operator's own type file, whose limits are then in force.
        profile: of the networks that read the fields.
        runner: where the cards are examined.
        seed: of the supervised variant.
        scores: file for the scores of every check, see `scores.files`.
        progress: called with registrations done and in total.

    Raises:
        DocumentTypeInvalid: the document type cannot be used.
        CalibrationInvalid: the document type's calibration cannot be used.
    """
    files.check_name(scores)
    open_document(document)  # raises before any process is started
    chosen = [entry for entry in sets if entry.truth.bona_fide or entry.truth.attack]
    tasks = [(entry, True) for entry in chosen] + [(entry, False) for entry in tuning]
    measured = []
    for result in runner(partial(_measure, profile=profile, document=document), tasks):
        measured.append(result)
        progress(len(measured), len(tasks))
    opened = _opened(profile, document)  # only now: networks opened before the workers start would not work in them
    tested, tuned = measured[: len(chosen)], measured[len(chosen) :]
    if scores is not None:
        files.write(scores, checks.columns((m.kind, m.scores) for m in tested))
    figures = {**_rates(tested), **_places(tested)}
    if tuned:
        figures |= variants.supervised(tested, tuned, seed)
        if _hologram_mask(opened.examiner.document).any():
            figures |= variants.baseline(tested, tuned)
    return Run(
        bench="card",
        profile=profile,
        weights=opened.engines.weights,
        seed=seed,
        counts=_counts(tested),
        figures=figures,
        extra={
            "data": data_of(chosen),
            "policy": opened.policy.version,
            "calibration": dict(opened.policy.calibration.source),
            "values_of_bona_fide": _quantiles(tested),
            "outcomes": _outcomes(tested),
        },
    )


class _Tools(NamedTuple):
    """The tools that examine a card, and the policy in force."""

    engines: Engines
    locator: CardLocator
    examiner: CardExaminer
    policy: Policy


@lru_cache(maxsize=2)
def _opened(profile: str, document: str | Path) -> _Tools:
    """Opens networks and checks, once per process."""
    kind = open_document(document)
    examiner = CardExaminer.open(kind)
    return _Tools(load_engines(profile), CardLocator.open(kind), examiner, with_own_limits(Policy(), examiner))


def _measure(task: tuple[RegistrationSet, bool], profile: str, document: str | Path) -> Measured:
    """Measures one registration; the second part of the task says whether its fields are checked too."""
    entry, with_fields = task
    engines, locator, examiner, policy = _opened(profile, document)
    kind = entry.truth.attack or BONA_FIDE
    try:
        located = locate_card(entry, locator, policy)
    except BadInput as error:
        return Measured(kind, attempt_id(entry), objections=(error.code,), found=False)
    results = examiner.examine(located.images, located.rectified, located.views, policy)
    decision, reasons = decide(results, examiner.required)
    card_passed, fields_passed = decision is Decision.ACCEPT, None
    # The fields take longest. They are checked where they matter: for every bona fide card, for edited fields, and for
    # every card that passed its own checks.
    if with_fields and (card_passed or kind in (BONA_FIDE, _FIELD_KIND)):
        fields = _field_checks(located, engines, locator.document, policy)
        fields_passed = decide(fields, locator.document.checks)[0] is Decision.ACCEPT
        required = (*examiner.required, *locator.document.checks)
        decision, reasons = decide([*results, *fields], required)
    truth = {Role(role): np.array(found) for role, name in ROLES.items() if (found := entry.truth.corners.get(name))}
    outlines = [(corners(located.views[role], locator.document), points) for role, points in truth.items()]
    return Measured(
        kind=kind,
        attempt=attempt_id(entry),
        decision=decision.value,
        accepted=decision is Decision.ACCEPT,
        card_passed=card_passed,
        fields_passed=fields_passed,
        objections=reasons,
        values={result.name: result.value for result in results},
        scores=checks.scores_of(results),
        ious=tuple(overlap(one, other) for one, other in outlines),
        corner_px=tuple(float(np.linalg.norm(one - other, axis=1).mean()) for one, other in outlines),
        baseline=_baseline(located, locator.document),
    )


def _field_checks(card: LocatedCard, engines: Engines, document: DocumentType, policy: Policy) -> list[CheckResult]:
    readers = Readers(engines.reader, engines.latin_reader)
    facts = Facts(read(card.rectified, document, readers, policy), document, today(document))
    return field_checks.run(facts)


def _baseline(card: LocatedCard, document: DocumentType) -> float | None:
    """Returns the score of the published method with the hologram's place, as masks of a set would give it.

    None for a type without a hologram.
    """
    mask = _hologram_mask(document)
    if not mask.any():
        return None
    frames = [
        midv_holo_baseline.rectify(image, corners(card.views[role], document).astype(np.float32))
        for role, image in card.images.items()
    ]
    return midv_holo_baseline.score(frames, mask)


def _hologram_mask(document: DocumentType) -> NDArray[np.bool_]:
    width, height = midv_holo_baseline.SIZE
    mask = np.zeros((height, width), dtype=np.bool_)
    for region in document.regions:
        if region.kind == "diffractive":
            left, top, right, bottom = region.box.pixels(width / document.width_mm)
            mask[top:bottom, left:right] = True
    return mask


def _by_kind(measured: Sequence[Measured]) -> dict[str, list[Measured]]:
    """Returns the attacks per kind, without bona fide registrations."""
    kinds: dict[str, list[Measured]] = {}
    for m in measured:
        if m.kind != BONA_FIDE:
            kinds.setdefault(m.kind, []).append(m)
    return kinds


def _rates(measured: Sequence[Measured]) -> dict[str, dict[str, object]]:
    bona_fide = [m for m in measured if m.kind == BONA_FIDE]
    figures = {
        "card.bpcer": figure(rate(sum(not m.accepted for m in bona_fide), len(bona_fide))),
        "card.bpcer.card": figure(rate(sum(not m.card_passed for m in bona_fide), len(bona_fide))),
        "card.not_found": figure(rate(sum(not m.found for m in bona_fide), len(bona_fide))),
    }
    for kind, attacks in _by_kind(measured).items():
        apcer = figure(rate(sum(m.accepted for m in attacks), len(attacks)))
        # The limits come from bona fide cards alone, so every kind is left out of them.
        figures |= {f"card.apcer.{kind}": apcer, f"card.leave_one_out.apcer.{kind}": apcer}
    return figures


def _places(measured: Sequence[Measured]) -> dict[str, dict[str, object]]:
    bona_fide = [m for m in measured if m.kind == BONA_FIDE]
    errors = [e for m in bona_fide for e in m.corner_px]
    overlaps = [o for m in bona_fide for o in m.ious]
    if not errors:
        return {}
    return {
        "card.corner_px.median": plain(float(np.median(errors)), len(errors), "px"),
        "card.corner_px.p95": plain(float(np.percentile(errors, 95)), len(errors), "px"),
        "card.iou.mean": plain(float(np.mean(overlaps)), len(overlaps), "share"),
    }


def _counts(measured: Sequence[Measured]) -> dict[str, object]:
    kinds = {BONA_FIDE: [m for m in measured if m.kind == BONA_FIDE], **_by_kind(measured)}
    return {
        kind: {
            "sets": len(entries),
            "accepted": sum(m.accepted for m in entries),
            "objections": dict(Counter(reason for m in entries for reason in m.objections).most_common()),
        }
        for kind, entries in kinds.items()
    }


def _outcomes(measured: Sequence[Measured]) -> dict[str, dict[str, dict[str, object]]]:
    kinds: dict[str, dict[str, dict[str, object]]] = {}
    for m in measured:
        kinds.setdefault(m.kind, {})[m.attempt] = {"decision": m.decision, "reasons": list(m.objections)}
    return kinds


def _quantiles(measured: Sequence[Measured]) -> dict[str, dict[str, float]]:
    """Returns quantiles of the values of bona fide cards, to compare with the limits of the calibration."""
    names = dict.fromkeys(name for m in measured for name in m.values)
    result = {}
    for name in names:
        values = [v for m in measured if m.kind == BONA_FIDE and (v := m.values.get(name)) is not None]
        if values:
            points = np.percentile(values, (0, 0.5, 50, 99.5, 100))
            result[name] = dict(zip(("min", "p0.5", "p50", "p99.5", "max"), points.round(4).tolist(), strict=True))
    return result
