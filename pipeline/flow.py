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
from functools import partial
from typing import Protocol

import numpy as np

from idproof.models.liveness_texture import WEIGHTS as LIVENESS_WEIGHTS
from idproof.models.score_reports import ScoreCalibration
from idproof.models.types import Engines, RGBImage
from idproof.pipeline import capture, verdict
from idproof.pipeline.card.examiner import CardExaminer
from idproof.pipeline.card.locating.locator import CardLocator
from idproof.pipeline.card.view import CardView
from idproof.pipeline.config import Limits, Policy
from idproof.pipeline.decide import decide
from idproof.pipeline.documents import DocumentType
from idproof.pipeline.errors import BadInput, CapturesIdentical
from idproof.pipeline.executors.branches import Branches
from idproof.pipeline.face import compare, detection, quality, registered_portrait, second_portrait
from idproof.pipeline.fields import checks as field_checks
from idproof.pipeline.fields import read as field_reading
from idproof.pipeline.fields import records
from idproof.pipeline.fields.card_data import CardData, card_data
from idproof.pipeline.fields.checks.facts import Facts
from idproof.pipeline.fields.records import RecordsAuthority
from idproof.pipeline.findings import Findings
from idproof.pipeline.liveness import examiner, injection
from idproof.pipeline.liveness.examiner import Claim, LivenessExaminer
from idproof.pipeline.liveness.frames import MAX_PIXELS, MIN_SIDE_PX
from idproof.pipeline.liveness.response import LivenessResponse
from idproof.pipeline.types import CARD_ROLES, CheckResult, FieldReading, Role, Verdict
from idproof.pipeline.vault import VaultSession

RECORDS_CHECK, VARIABLE_REGIONS = "records_check", "optically_variable_regions"
DECODED, RECTIFIED, CROP, TEMPLATE, FRAME = "decoded", "rectified", "crop", "template", "frame"
REGISTERED = "registered_portrait"
TEMPLATES = "portrait_and_selfie"
_MIN_REGISTERED_PX = 80  # departments keep small ones


@dataclass(frozen=True)
class Parts:
    """What examines the pictures: made once, read only."""

    engines: Engines
    locator: CardLocator
    examiner: CardExaminer
    policy: Policy
    limits: Limits
    face_thresholds: dict[float, float]
    portrait_thresholds: dict[float, float]
    portrait_calibration: ScoreCalibration
    liveness: LivenessExaminer | None = None


@dataclass(frozen=True)
class Rules:
    """What a verdict is given by, wherever the pictures are examined.

    Attributes:
        document: the type that is expected.
        policy: the thresholds in force.
        limits: bounds on what is taken in.
        profile: of the networks.
        card_checks: checks of the card itself that must have passed.
        optically_variable: whether the card's optically variable regions are among them.
        records: the issuing department's, where they are asked.
    """

    document: DocumentType
    policy: Policy
    limits: Limits
    profile: str
    card_checks: tuple[str, ...]
    optically_variable: bool
    records: RecordsAuthority | None = None

    @property
    def required(self) -> tuple[str, ...]:
        """Checks that must all have passed for an accept: the card's, the policy's, and those the type names."""
        asked = (records.NAME,) if self.records is not None else ()
        return (*self.card_checks, *self.policy.required, *quality.NAMES, *self.document.checks, *asked)

    @property
    def not_performed(self) -> tuple[str, ...]:
        """Parts of identity proofing that are left to others here."""
        done = {RECORDS_CHECK} if self.records is not None else set()
        done |= {VARIABLE_REGIONS} if self.optically_variable else set()
        return tuple(name for name in self.policy.not_performed if name not in done)


class Executor(Protocol):
    """Where the pictures are examined: in this process (`executor`), or on a cluster (`distribute`)."""

    @property
    def weights(self) -> dict[str, str]:
        """File name to full SHA-256 of every network in use."""
        ...

    def examine(self, session: VaultSession, answer: LivenessResponse | None) -> Findings:
        """Everything that the captures tell; leaves the templates with the session.

        Raises:
            BadInput: a capture cannot be used; nothing was decided about the applicant.
        """
        ...

    def compare_registered(self, session: VaultSession) -> tuple[CheckResult, ...]:
        """The portrait that the department gave, under `REGISTERED`, against the templates; raises `BadInput`."""
        ...

    def close(self) -> None:
        """Let go of threads and of connections."""
        ...


@dataclass(frozen=True, repr=False)
class CardFindings:
    """What the three captures of the card told: facts, without a picture. The fields are personal data."""

    checks: tuple[CheckResult, ...]
    fields: dict[str, FieldReading]
    field_checks: tuple[CheckResult, ...]


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


def run(session: VaultSession, rules: Rules, executor: Executor, answer: LivenessResponse | None = None) -> Verdict:
    """Verify what the session holds; everything in it is wiped before this returns or raises.

    With an answer to a challenge liveness is checked and required; without one it stays among what was not performed.

    Raises:
        BadInput: a capture cannot be used; nothing was decided about the applicant.
    """
    started = datetime.now(UTC)
    watch = Stopwatch()
    try:
        findings = executor.examine(session, answer)
        checks = [*findings.checks]
        if rules.records is not None and findings.fields:
            with watch.stage("records"):
                checks += _ask_records(session, rules.records, executor, card_data(findings.fields))
        session.ensure_open()
    finally:
        with watch.stage("wipe"):
            receipt = session.wipe()
    required = rules.required if answer is None else (*rules.required, examiner.NAME)
    decision, reasons = decide(checks, required)
    return Verdict(
        id=verdict.new_id(),
        decision=decision,
        reasons=reasons,
        checks=tuple(checks),
        document_type=rules.document.name,
        fields=findings.fields,
        form=asdict(card_data(findings.fields)),
        not_performed=tuple(name for name in rules.not_performed if answer is None or name != examiner.NAME),
        policy=rules.policy.version,
        profile=rules.profile,
        weights=findings.weights if answer is None else {**findings.weights, **LIVENESS_WEIGHTS},
        started_at=started.isoformat(timespec="milliseconds"),
        timings_ms={**findings.timings_ms, **watch.timings_ms},
        deletion=receipt,
    )


def examine(session: VaultSession, parts: Parts, answer: LivenessResponse | None, branches: Branches) -> Findings:
    """Everything that the captures tell: of the card, its fields, the two faces and the frames.

    Once the card is found in every capture, what is asked of the card, of its fields and of the people does not
    depend on each other and goes side by side.

    Raises:
        BadInput: a capture cannot be used.
    """
    watch = Stopwatch()
    with watch.stage("capture"):
        decode(session, parts.limits)
    with watch.stage("location"):
        views = find_card(session, parts, branches)
    seen, of_people = branches.run(
        lambda: examine_card(session, parts, views, watch), lambda: examine_people(session, parts, answer, watch)
    )
    checks = (*seen.checks, *seen.field_checks, *of_people)
    return Findings(checks, seen.fields, watch.timings_ms, parts.engines.weights)


def examine_card(session: VaultSession, parts: Parts, views: dict[Role, CardView], watch: Stopwatch) -> CardFindings:
    """Every check of the card that was found, its fields, and theirs."""
    with watch.stage("card"):
        checks = _card_checks(session, parts, views)
    with watch.stage("fields"):
        fields, of_fields = _read_fields(session, parts)
    return CardFindings(tuple(checks), fields, tuple(of_fields))


def examine_people(
    session: VaultSession, parts: Parts, answer: LivenessResponse | None, watch: Stopwatch
) -> tuple[CheckResult, ...]:
    """The card's portrait against the selfie, and whether frames show that person alive; raises `BadInput`."""
    with watch.stage("face"):
        compared = _compare_faces(session, parts)
    if answer is None:
        return tuple(compared)
    with watch.stage("liveness"):
        return (*compared, *_watch_person(session, parts, answer))


def decode(session: VaultSession, limits: Limits) -> None:
    """The four captures to pictures of the vault; raises `BadInput`."""
    for role in Role:
        with session.upload(role) as data:
            session.put(DECODED, role, capture.decode(data, role, limits))
    with _borrowed(session, DECODED) as images:
        for one, other in ((CARD_ROLES[i], CARD_ROLES[j]) for i, j in ((0, 1), (0, 2), (1, 2))):
            if np.array_equal(images[one], images[other]):
                raise CapturesIdentical(f"The captures {one} and {other} are the same picture.")


def find_card(session: VaultSession, parts: Parts, branches: Branches) -> dict[Role, CardView]:
    """Where the card is in its captures, which are brought into its own frame; raises `BadInput`."""

    def find_in(role: Role) -> CardView:
        with session.borrow(DECODED, role) as image:
            view = parts.locator.locate(image, role, parts.policy)
            session.put(RECTIFIED, role, parts.locator.rectify(image, view))
        return view

    return dict(zip(CARD_ROLES, branches.run(*(partial(find_in, role) for role in CARD_ROLES)), strict=True))


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
            session.put(CROP, f"portrait_{role}", detection.crop_portrait(frame, parts.locator.document))
    with _borrowed(session, CROP, "portrait_") as portraits:
        found = detection.find_portrait_faces(portraits, engines.detector)
        for role, face in found.items():
            session.put(CROP, f"portrait_face_{role}", engines.embedder.align(portraits[role], face.landmarks))
    with session.borrow(DECODED, Role.SELFIE) as selfie:
        face = detection.find_selfie_face(selfie, engines.detector)
        aligned = engines.embedder.align(selfie, face.landmarks)
        results = quality.check(quality.Face.of(selfie, face, aligned))
        session.put(CROP, "selfie_grey", compare.remove_colour(aligned))
        session.put(CROP, "selfie_face", aligned)
    with ExitStack() as stack:
        of_card = [f"portrait_face_{role}" for role in found]
        names = [*of_card, *_second_face(session, parts), "selfie_grey", "selfie_face"]
        templates = engines.embedder.embed([stack.enter_context(session.borrow(CROP, name)) for name in names])
    compare.fuse(templates[: len(found)])
    compare.fuse(templates[-2:])
    session.put(TEMPLATE, TEMPLATES, templates)
    with session.borrow(TEMPLATE, TEMPLATES) as rows:
        judged_by = parts.portrait_thresholds, parts.portrait_calibration, parts.policy
        compared = [compare.check(rows[:1], rows[-2:-1], *judged_by)]
        if parts.examiner.second is not None:
            compared.append(second_portrait.check(rows[:1], rows[len(found) : -2], *judged_by))
    return [*compared, *results]


def _second_face(session: VaultSession, parts: Parts) -> list[str]:
    """The name under which the second portrait's face lies ready, in a list; none where there is no such face."""
    engines, region = parts.engines, parts.examiner.second
    if region is None:
        return []
    with session.borrow(RECTIFIED, Role.CARD_FRONT) as frame:
        session.put(CROP, "second_portrait", second_portrait.crop(frame, region, parts.locator.document))
    with session.borrow(CROP, "second_portrait") as picture:
        face = second_portrait.find_face(picture, engines.detector)
        if face is None:
            return []
        session.put(CROP, "second_face", engines.embedder.align(picture, face.landmarks))
    return ["second_face"]


def _ask_records(
    session: VaultSession, authority: RecordsAuthority, executor: Executor, read: CardData
) -> list[CheckResult]:
    answer = records.ask(read, authority)
    if not answer.portrait:
        return [records.check(answer)]
    came = records.fetch(read, authority, session.receive(REGISTERED))
    try:
        compared = executor.compare_registered(session) if came else registered_portrait.unavailable()
    except BadInput:  # no picture, or none of a face: the department's to mend, not the applicant's
        compared = registered_portrait.unavailable()
    session.ensure_open()
    return [records.check(answer), *compared]


def compare_registered(session: VaultSession, parts: Parts) -> tuple[CheckResult, ...]:
    """The portrait that the department gave against the card's and the selfie's templates.

    Raises:
        BadInput: it is no picture, or none of one face.
    """
    engines, small = parts.engines, replace(parts.limits, min_side_px=_MIN_REGISTERED_PX)
    with session.upload(REGISTERED) as data:
        session.put(DECODED, REGISTERED, capture.decode(data, REGISTERED, small))
    with session.borrow(DECODED, REGISTERED) as picture:
        session.put(CROP, REGISTERED, detection.pad_edges(picture))
    with session.borrow(CROP, REGISTERED) as picture:
        face = detection.find_portrait_face(picture, engines.detector, REGISTERED)
        session.put(CROP, f"{REGISTERED}_face", engines.embedder.align(picture, face.landmarks))
    with session.borrow(CROP, f"{REGISTERED}_face") as aligned:
        session.put(TEMPLATE, REGISTERED, engines.embedder.embed([aligned]))
    with session.borrow(TEMPLATE, REGISTERED) as known, session.borrow(TEMPLATE, TEMPLATES) as rows:
        points = {
            registered_portrait.CARD: parts.portrait_thresholds,
            registered_portrait.SELFIE: parts.face_thresholds,
        }
        found = registered_portrait.check(known, rows[:1], rows[-1:], points, parts.portrait_calibration, parts.policy)
    return tuple(found)


def _watch_person(session: VaultSession, parts: Parts, answer: LivenessResponse) -> list[CheckResult]:
    if parts.liveness is None:
        raise RuntimeError("frames came, and nothing was opened to examine them with")
    _decode_frames(session, parts.limits, answer)
    accept, refer = (parts.face_thresholds[fmr] for fmr in (parts.policy.accept_fmr, parts.policy.refer_fmr))
    with ExitStack() as stack:
        clip = answer.clip([stack.enter_context(session.borrow(FRAME, name)) for name in answer.names])
        portrait = stack.enter_context(session.borrow(CROP, f"portrait_face_{Role.CARD_FRONT}"))
        selfie = stack.enter_context(session.borrow(TEMPLATE, TEMPLATES))[-1:]
        results = parts.liveness.examine(clip, answer.challenge, Claim(selfie, portrait, accept, refer))
    return [injection.fresh(answer.challenge, answer.received_at), *results]


def _decode_frames(session: VaultSession, limits: Limits, answer: LivenessResponse) -> None:
    small = replace(limits, min_side_px=MIN_SIDE_PX, max_pixels=MAX_PIXELS)
    for name in answer.names:
        with session.upload(name) as data:
            session.put(FRAME, name, capture.decode(data, name, small))


@contextmanager
def _borrowed(session: VaultSession, kind: str, prefix: str = "") -> Iterator[dict[Role, RGBImage]]:
    """The three card pictures of one kind, whose names may begin alike."""
    with ExitStack() as stack:
        yield {role: stack.enter_context(session.borrow(kind, f"{prefix}{role}")) for role in CARD_ROLES}
