"""The whole way of one registration, and the only file that knows every stage.

- uploads are decoded, the card is found in three of them and brought into its own frame;
- from there: every check of the card itself; fields with their checks;
- the card's portrait and the selfie give the face comparison;
- the records are asked, where there are any, and the portrait they may give is compared with both;
- frames that answer a liveness challenge, where there are any, show whether that person is there and alive;
- everything is wiped, and only then the facts become a decision.
"""

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime

import numpy as np

from idproof.models.reports import ScoreCalibration
from idproof.models.spoof import WEIGHTS as LIVENESS_WEIGHTS
from idproof.models.types import Engines, RGBImage
from idproof.pipeline import capture, verdict
from idproof.pipeline.card.examine import CardExaminer
from idproof.pipeline.card.locate import CardLocator
from idproof.pipeline.card.view import CardView
from idproof.pipeline.config import Limits, Policy
from idproof.pipeline.decide import decide
from idproof.pipeline.errors import BadInput, CapturesIdentical
from idproof.pipeline.face import compare, find, quality, registered
from idproof.pipeline.fields import checks as field_checks
from idproof.pipeline.fields import read as field_reading
from idproof.pipeline.fields import records
from idproof.pipeline.fields.checks.facts import Facts
from idproof.pipeline.fields.records import RecordsAuthority
from idproof.pipeline.fields.typed import Form, form
from idproof.pipeline.liveness import fuse, injection
from idproof.pipeline.liveness.answer import LivenessAnswer
from idproof.pipeline.liveness.frames import MAX_PIXELS, MIN_SIDE_PX
from idproof.pipeline.liveness.fuse import Claim, LivenessExaminer
from idproof.pipeline.types import CARD_ROLES, CheckResult, FieldReading, Role, Verdict
from idproof.pipeline.vault import VaultSession

RECORDS_CHECK, VARIABLE_REGIONS = "records_check", "optically_variable_regions"
DECODED, RECTIFIED, CROP, TEMPLATE, FRAME = "decoded", "rectified", "crop", "template", "frame"
REGISTERED = "registered_portrait"
_MIN_REGISTERED_PX = 80  # departments keep small ones


@dataclass(frozen=True)
class Parts:
    """What every verification shares: made once, read only."""

    engines: Engines
    locator: CardLocator
    examiner: CardExaminer
    policy: Policy
    limits: Limits
    face_thresholds: dict[float, float]
    portrait_thresholds: dict[float, float]
    portrait_calibration: ScoreCalibration
    records: RecordsAuthority | None = None
    liveness: LivenessExaminer | None = None

    @property
    def required(self) -> tuple[str, ...]:
        """Checks that must all have passed for an accept: the card's, the policy's, and those the type names."""
        asked = (records.NAME,) if self.records is not None else ()
        return (
            *(*self.examiner.required, *self.policy.required, *quality.NAMES),
            *(*self.locator.document.checks, *asked),
        )

    @property
    def not_performed(self) -> tuple[str, ...]:
        """Parts of identity proofing that are left to others here."""
        done = {RECORDS_CHECK} if self.records is not None else set()
        done |= {VARIABLE_REGIONS} if self.examiner.optically_variable else set()
        return tuple(name for name in self.policy.not_performed if name not in done)


@dataclass
class Stopwatch:
    """Milliseconds a stage."""

    timings_ms: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Time the block."""
        start = time.perf_counter()
        try:
            yield
        finally:
            self.timings_ms[name] = round((time.perf_counter() - start) * 1000, 2)


def run(session: VaultSession, parts: Parts, answer: LivenessAnswer | None = None) -> Verdict:
    """Verify what the session holds; everything in it is wiped before this returns or raises.

    With an answer to a challenge liveness is checked and required; without one it stays among what was not performed.

    Raises:
        BadInput: a capture cannot be used; nothing was decided about the applicant.
    """
    started = datetime.now(UTC)
    watch = Stopwatch()
    try:
        found, fields = _examine(session, parts, watch, answer)
        session.ensure_open()
    finally:
        with watch.stage("wipe"):
            receipt = session.wipe()
    decision, reasons = decide(found, parts.required if answer is None else (*parts.required, fuse.NAME))
    return Verdict(
        id=verdict.new_id(),
        decision=decision,
        reasons=reasons,
        checks=tuple(found),
        document_type=parts.locator.document.name,
        fields=fields,
        form=asdict(form(fields)),
        not_performed=tuple(name for name in parts.not_performed if answer is None or name != fuse.NAME),
        policy=parts.policy.version,
        profile=parts.engines.profile,
        weights=parts.engines.weights if answer is None else parts.engines.weights | LIVENESS_WEIGHTS,
        started_at=started.isoformat(timespec="milliseconds"),
        timings_ms=watch.timings_ms,
        deletion=receipt,
    )


def _examine(
    session: VaultSession, parts: Parts, watch: Stopwatch, answer: LivenessAnswer | None
) -> tuple[list[CheckResult], dict[str, FieldReading]]:
    with watch.stage("capture"):
        _decode(session, parts.limits)
    with watch.stage("card"):
        views = _find_card(session, parts)
        results = _card_checks(session, parts, views)
    with watch.stage("fields"):
        fields, field_results = _read_fields(session, parts)
    with watch.stage("face"):
        face_results = _compare_faces(session, parts)
    results += [*field_results, *face_results]
    if parts.records is not None:
        with watch.stage("records"):
            results += _ask_records(session, parts, parts.records, form(fields))
    if answer is not None:
        with watch.stage("liveness"):
            results += _watch_person(session, parts, answer)
    return results, fields


def _decode(session: VaultSession, limits: Limits) -> None:
    for role in Role:
        with session.upload(role) as data:
            session.put(DECODED, role, capture.decode(data, role, limits))
    with _borrowed(session, DECODED) as images:
        for one, other in ((CARD_ROLES[i], CARD_ROLES[j]) for i, j in ((0, 1), (0, 2), (1, 2))):
            if np.array_equal(images[one], images[other]):
                raise CapturesIdentical(f"The captures {one} and {other} are the same picture.")


def _find_card(session: VaultSession, parts: Parts) -> dict[Role, CardView]:
    views = {}
    with _borrowed(session, DECODED) as images:
        for role, image in images.items():
            views[role] = parts.locator.locate(image, role, parts.policy)
            session.put(RECTIFIED, role, parts.locator.rectify(image, views[role]))
    return views


def _card_checks(session: VaultSession, parts: Parts, views: dict[Role, CardView]) -> list[CheckResult]:
    with _borrowed(session, DECODED) as images, _borrowed(session, RECTIFIED) as rectified:
        return parts.examiner.examine(images, rectified, views, parts.policy)


def _read_fields(session: VaultSession, parts: Parts) -> tuple[dict[str, FieldReading], list[CheckResult]]:
    document, engines = parts.locator.document, parts.engines
    readers = field_reading.Readers(engines.reader, engines.latin_reader)
    with _borrowed(session, RECTIFIED) as rectified:
        fields = field_reading.read(rectified, document, readers, parts.policy)
    return fields, field_checks.run(Facts(fields, document, datetime.now(UTC).date()))


def _compare_faces(session: VaultSession, parts: Parts) -> list[CheckResult]:
    engines = parts.engines
    with _borrowed(session, RECTIFIED) as rectified:
        for role, frame in rectified.items():
            session.put(CROP, f"portrait_{role}", find.portrait_crop(frame, parts.locator.document))
    with _borrowed(session, CROP, "portrait_") as portraits:
        found = find.in_portraits(portraits, engines.detector)
        for role, face in found.items():
            session.put(CROP, f"portrait_face_{role}", engines.embedder.align(portraits[role], face.landmarks))
    with session.borrow(DECODED, Role.SELFIE) as selfie:
        face = find.in_selfie(selfie, engines.detector)
        aligned = engines.embedder.align(selfie, face.landmarks)
        results = quality.check(quality.Face.of(selfie, face, aligned))
        session.put(CROP, "selfie_face", aligned)
    with ExitStack() as stack:
        names = [*(f"portrait_face_{role}" for role in found), "selfie_face"]
        templates = engines.embedder.embed([stack.enter_context(session.borrow(CROP, name)) for name in names])
    compare.fuse(templates[:-1])
    session.put(TEMPLATE, "portrait_and_selfie", templates)
    with session.borrow(TEMPLATE, "portrait_and_selfie") as rows:
        points, calibration = parts.portrait_thresholds, parts.portrait_calibration
        compared = compare.check(rows[:1], rows[-1:], points, calibration, parts.policy)
    return [compared, *results]


def _ask_records(session: VaultSession, parts: Parts, authority: RecordsAuthority, read: Form) -> list[CheckResult]:
    answer = records.ask(read, authority)
    if not answer.portrait:
        return [records.check(answer)]
    came = records.fetch(read, authority, session.receive(REGISTERED))
    try:
        compared = _compare_registered(session, parts) if came else registered.unavailable()
    except BadInput:  # no picture, or none of a face: the department's to mend, not the applicant's
        compared = registered.unavailable()
    session.ensure_open()
    return [records.check(answer), *compared]


def _compare_registered(session: VaultSession, parts: Parts) -> list[CheckResult]:
    engines, small = parts.engines, replace(parts.limits, min_side_px=_MIN_REGISTERED_PX)
    with session.upload(REGISTERED) as data:
        session.put(DECODED, REGISTERED, capture.decode(data, REGISTERED, small))
    with session.borrow(DECODED, REGISTERED) as picture:
        session.put(CROP, REGISTERED, find.padded(picture))
    with session.borrow(CROP, REGISTERED) as picture:
        face = find.in_portrait(picture, engines.detector, REGISTERED)
        session.put(CROP, f"{REGISTERED}_face", engines.embedder.align(picture, face.landmarks))
    with session.borrow(CROP, f"{REGISTERED}_face") as aligned:
        session.put(TEMPLATE, REGISTERED, engines.embedder.embed([aligned]))
    with session.borrow(TEMPLATE, REGISTERED) as known, session.borrow(TEMPLATE, "portrait_and_selfie") as rows:
        points = {registered.CARD: parts.portrait_thresholds, registered.SELFIE: parts.face_thresholds}
        return registered.check(known, rows[:1], rows[-1:], points, parts.portrait_calibration, parts.policy)


def _watch_person(session: VaultSession, parts: Parts, answer: LivenessAnswer) -> list[CheckResult]:
    if parts.liveness is None:
        raise RuntimeError("frames came, and nothing was opened to examine them with")
    _decode_frames(session, parts.limits, answer)
    accept, refer = (parts.face_thresholds[fmr] for fmr in (parts.policy.accept_fmr, parts.policy.refer_fmr))
    with ExitStack() as stack:
        clip = answer.clip([stack.enter_context(session.borrow(FRAME, name)) for name in answer.names])
        portrait = stack.enter_context(session.borrow(CROP, f"portrait_face_{Role.CARD_FRONT}"))
        selfie = stack.enter_context(session.borrow(TEMPLATE, "portrait_and_selfie"))[-1:]
        results = parts.liveness.examine(clip, answer.challenge, Claim(selfie, portrait, accept, refer))
    return [injection.fresh(answer.challenge, answer.received_at), *results]


def _decode_frames(session: VaultSession, limits: Limits, answer: LivenessAnswer) -> None:
    small = replace(limits, min_side_px=MIN_SIDE_PX, max_pixels=MAX_PIXELS)
    for name in answer.names:
        with session.upload(name) as data:
            session.put(FRAME, name, capture.decode(data, name, small))


@contextmanager
def _borrowed(session: VaultSession, kind: str, prefix: str = "") -> Iterator[dict[Role, RGBImage]]:
    """The three card pictures of one kind, whose names may begin alike."""
    with ExitStack() as stack:
        yield {role: stack.enter_context(session.borrow(kind, f"{prefix}{role}")) for role in CARD_ROLES}
