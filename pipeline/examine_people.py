"""The examination of the people in one registration's pictures: their faces compared, and their frames.

- The card's portrait is compared with the selfie.
- The portrait that the issuing department's records may hold is compared with both.
- Frames that answer a liveness challenge, where there are any, show whether that person is present and alive.
- For a step-up, selfie and frames are compared with the registered portrait or an enrolled template, without a card.
"""

from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from functools import partial

import numpy as np

from idproof.models.types import Embeddings
from idproof.pipeline import capture
from idproof.pipeline.config import Limits
from idproof.pipeline.documents import Region
from idproof.pipeline.examination_tools import ExaminationTools
from idproof.pipeline.face import (
    compare,
    detection,
    enrolled,
    quality,
    registered_portrait,
    second_portrait,
    selfie_copy,
)
from idproof.pipeline.findings import Findings
from idproof.pipeline.liveness import examiner as liveness_examiner
from idproof.pipeline.liveness import injection, requirements, selfie_scene
from idproof.pipeline.liveness.examiner import Claim
from idproof.pipeline.liveness.frames import MAX_PIXELS, MIN_SIDE_PX
from idproof.pipeline.liveness.response import LivenessResponse
from idproof.pipeline.timing import StageTimer
from idproof.pipeline.types import CARD_ROLES, CheckResult, Role
from idproof.pipeline.vault import VaultSession
from idproof.pipeline.vault.card_pictures import borrow_card_pictures
from idproof.pipeline.vault.face_templates import FaceTemplates, borrow_templates, put_templates
from idproof.pipeline.vault.kinds import (
    CROP,
    DECODED,
    ENROLLED_TEMPLATE,
    FRAME,
    RECTIFIED,
    REGISTERED_PORTRAIT,
    TEMPLATE,
)

_FRONT_FACE = f"portrait_face_{Role.CARD_FRONT}"
_FRONT_SECOND_FACE = f"second_face_{Role.CARD_FRONT}"
_SELFIE_SCENE = "selfie_scene"
_MIN_REGISTERED_PX = 80
"""Shorter side of a registered portrait: departments store small ones. Chosen by hand; no outside source."""


@dataclass(frozen=True)
class _SeenInFrames:
    """Facts of the person in the frames of a challenge.

    Attributes:
        cosines: of straight frames with the card's portrait.
        eyes: opening of the person's own eyes before the first action, where it was measured.
    """

    cosines: list[float] = field(default_factory=list)
    eyes: list[float] = field(default_factory=list)


def examine_people(
    session: VaultSession,
    tools: ExaminationTools,
    answer: LivenessResponse | None,
    timer: StageTimer,
    of_selfie: list[CheckResult] | None = None,
) -> tuple[CheckResult, ...]:
    """Compare the card's portrait with the selfie, and check frames for that person alive; raises `BadInput`.

    Args:
        session: holds the captures and the frames.
        tools: of the examination.
        answer: to a challenge, or None.
        timer: of the stages.
        of_selfie: the checks of the selfie's quality, where its face was cropped before (`crop_selfie`).
    """
    with timer.stage("face"):
        of_quality = crop_selfie(session, tools) if of_selfie is None else of_selfie
        compared = _compare_faces(session, tools)
    alive: list[CheckResult] = []
    if answer is not None:
        with timer.stage("liveness"):
            alive, seen = _check_liveness(session, tools, answer)
        of_quality = quality.by_own_eyes(of_quality, max(seen.eyes, default=None))
        judged_by = tools.portrait_thresholds, tools.portrait_calibration, tools.policy
        compared[0] = compare.with_frames(compared[0], seen.cosines, *judged_by)
    fused = next((check for check in alive if check.name == liveness_examiner.NAME), None)
    of_quality = quality.settle(of_quality, compared[0], tools.portrait_calibration, fused)
    return (*compared, *of_quality, *alive)


def compare_registered(session: VaultSession, tools: ExaminationTools) -> tuple[CheckResult, ...]:
    """Compare the portrait that the department gave with the templates of card and selfie.

    Raises:
        BadInput: it is not a picture, or does not show exactly one face.
    """
    name = REGISTERED_PORTRAIT
    _align_registered(session, tools)
    with session.borrow(CROP, f"{name}_face") as aligned:
        session.put(TEMPLATE, name, tools.engines.embedder.embed([aligned]))
    thresholds = {
        registered_portrait.CARD: tools.portrait_thresholds,
        registered_portrait.SELFIE: tools.face_thresholds,
    }
    with session.borrow(TEMPLATE, name) as known, borrow_templates(session) as templates:
        compared = registered_portrait.check(
            known,
            templates.portrait,
            templates.selfie_colour,
            thresholds,
            tools.portrait_calibration,
            tools.policy,
        )
    return tuple(compared)


def examine_person(session: VaultSession, tools: ExaminationTools, answer: LivenessResponse) -> Findings:
    """Compare the selfie and the frames with the registered portrait, and check them for a living person.

    The registered portrait takes the place of the card's: the same comparison, the same checks of the selfie and the
    same checks of liveness as of a registration, without a card.

    Raises:
        BadInput: a picture cannot be used; its `capture` says which.
    """
    timer, name = StageTimer(), REGISTERED_PORTRAIT
    with timer.stage("capture"), session.upload(Role.SELFIE) as data:
        session.put(DECODED, Role.SELFIE, capture.decode(data, Role.SELFIE, tools.limits))
    with timer.stage("face"):
        _align_registered(session, tools)
        of_quality = crop_selfie(session, tools)
        _make_templates(session, tools, [f"{name}_face"], [])
        judged_by = tools.face_thresholds, tools.portrait_calibration, tools.policy
        with borrow_templates(session) as templates:
            compared = compare.check(templates.portrait, templates.selfie_colour, *judged_by)
        with session.borrow(CROP, "selfie_face") as selfie, session.borrow(CROP, f"{name}_face") as portrait:
            copied = selfie_copy.check(selfie, portrait)
    with timer.stage("liveness"):
        alive, seen = _check_liveness(session, tools, answer, f"{name}_face")
    of_quality = quality.by_own_eyes(of_quality, max(seen.eyes, default=None))
    compared = registered_portrait.named(compare.with_frames(compared, seen.cosines, *judged_by))
    fused = next(check for check in alive if check.name == liveness_examiner.NAME)
    settled = quality.settle(of_quality, compared, tools.portrait_calibration, fused)
    checks = (compared, copied, *settled, *alive)
    return Findings(checks, {}, timer.timings_ms, tools.engines.weights)


def examine_enrolled(session: VaultSession, tools: ExaminationTools, answer: LivenessResponse) -> Findings:
    """Compare the selfie and the frames with the template of an earlier registration, and check for a living person.

    As `examine_person`; there is no picture of a portrait, so nothing is checked for being a copy of one.

    Raises:
        BadInput: a picture cannot be used; its `capture` says which.
    """
    timer = StageTimer()
    with timer.stage("capture"), session.upload(Role.SELFIE) as data:
        session.put(DECODED, Role.SELFIE, capture.decode(data, Role.SELFIE, tools.limits))
    with timer.stage("face"):
        of_quality = crop_selfie(session, tools)
        _make_templates(session, tools, [], [])
        judged_by = tools.face_thresholds, tools.portrait_calibration, tools.policy
        with borrow_templates(session) as templates:
            compared = compare.check(templates.portrait, templates.selfie_colour, *judged_by)
    with timer.stage("liveness"):
        alive, seen = _check_liveness(session, tools, answer, None)
    of_quality = quality.by_own_eyes(of_quality, max(seen.eyes, default=None))
    compared = enrolled.named(compare.with_frames(compared, seen.cosines, *judged_by))
    fused = next(check for check in alive if check.name == liveness_examiner.NAME)
    settled = quality.settle(of_quality, compared, tools.portrait_calibration, fused)
    return Findings((compared, *settled, *alive), {}, timer.timings_ms, tools.engines.weights)


def _align_registered(session: VaultSession, tools: ExaminationTools) -> None:
    """Decode the department's portrait, and put its aligned face into the vault; raises `BadInput`."""
    engines, name = tools.engines, REGISTERED_PORTRAIT
    limits = replace(tools.limits, min_side_px=_MIN_REGISTERED_PX)
    with session.upload(name) as data:
        session.put(DECODED, name, capture.decode(data, name, limits))
    with session.borrow(DECODED, name) as picture:
        session.put(CROP, name, detection.pad_edges(picture))
    with session.borrow(CROP, name) as picture:
        face = detection.find_portrait_face(picture, engines.detector, name)
        session.put(CROP, f"{name}_face", engines.embedder.align(picture, face.landmarks))


def _compare_faces(session: VaultSession, tools: ExaminationTools) -> list[CheckResult]:
    """Return the comparisons of the selfie's face with the card's, `face_comparison` first."""
    portraits = _crop_portraits(session, tools)
    second_faces = _crop_second_portrait(session, tools)
    _make_templates(session, tools, portraits, second_faces)
    judged_by = tools.portrait_thresholds, tools.portrait_calibration, tools.policy
    with borrow_templates(session) as templates:
        compared = [compare.check(templates.portrait, templates.selfie, *judged_by)]
        if tools.examiner.second_portrait is not None:
            tilted = _FRONT_SECOND_FACE not in second_faces
            dark = tilted and _second_portrait_is_dark(session)
            both = templates.portrait, templates.second_portrait, *judged_by
            compared.append(second_portrait.check(*both, tilted=tilted, dark=dark))
    with session.borrow(CROP, "selfie_face") as selfie, session.borrow(CROP, _FRONT_FACE) as portrait:
        copied = selfie_copy.check(selfie, portrait)
    return [*compared, copied]


def _make_templates(
    session: VaultSession, tools: ExaminationTools, portraits: list[str], second_faces: list[str]
) -> None:
    """Embed all aligned faces in one batch, and put their fused templates into the vault under their names.

    Without portraits the enrolled template, which the session holds, takes the portrait's place.
    """
    crops = [*portraits, *second_faces, "selfie_grey", "selfie_face"]
    with ExitStack() as stack:
        rows = tools.engines.embedder.embed([stack.enter_context(session.borrow(CROP, name)) for name in crops])
    of_portraits, of_second, of_selfies = np.split(rows, [len(portraits), len(portraits) + len(second_faces)])
    try:
        templates = FaceTemplates(
            portrait=compare.fuse(of_portraits) if portraits else _take_enrolled(session),
            selfie=compare.fuse(of_selfies),  # into the row of the grey one; the coloured one stays as it is
            selfie_colour=of_selfies[1:],
            second_portrait=compare.fuse(of_second) if second_faces else None,
        )
        put_templates(session, templates)
    finally:
        rows.fill(0)  # the rows that were fused into others, too


def _take_enrolled(session: VaultSession) -> Embeddings:
    """Return a copy of the enrolled template, which `put_templates` overwrites; the vault's own is wiped."""
    with session.borrow(TEMPLATE, ENROLLED_TEMPLATE) as enrolled_template:
        taken: Embeddings = enrolled_template.copy()
    session.discard_array(TEMPLATE, ENROLLED_TEMPLATE)
    return taken


def _crop_portraits(session: VaultSession, tools: ExaminationTools) -> list[str]:
    """Crop and align the main portrait of each capture; returns names of the crops in which a face was found."""
    engines = tools.engines
    with borrow_card_pictures(session, RECTIFIED) as rectified:
        for role, frame in rectified.items():
            session.put(CROP, f"portrait_{role}", detection.crop_portrait(frame, tools.locator.document))
    with borrow_card_pictures(session, CROP, "portrait_") as portraits:
        found = detection.find_portrait_faces(portraits, engines.detector)
        for role, face in found.items():
            session.put(CROP, f"portrait_face_{role}", engines.embedder.align(portraits[role], face.landmarks))
    return [f"portrait_face_{role}" for role in found]


def _crop_second_portrait(session: VaultSession, tools: ExaminationTools) -> list[str]:
    """Crop and align the card's second portrait; returns the crops' names, or nothing where there is no such face.

    Of the front capture, or of the tilted ones where the front shows none.
    """
    region = tools.examiner.second_portrait
    if region is None:
        return []
    front, *tilted = (partial(_crop_second_face, session, tools, region, role) for role in CARD_ROLES)
    return front() or [name for crop in tilted for name in crop()]


def _crop_second_face(session: VaultSession, tools: ExaminationTools, region: Region, role: Role) -> list[str]:
    engines, cut, aligned = tools.engines, f"second_portrait_{role}", f"second_face_{role}"
    with session.borrow(RECTIFIED, role) as frame:
        session.put(CROP, cut, second_portrait.crop(frame, region, tools.locator.document))
    with session.borrow(CROP, cut) as picture:
        face = second_portrait.find_face(picture, engines.detector)
        if face is None:
            return []
        session.put(CROP, aligned, engines.embedder.align(picture, face.landmarks))
    return [aligned]


def _second_portrait_is_dark(session: VaultSession) -> bool:
    with session.borrow(CROP, f"second_portrait_{Role.CARD_FRONT}") as picture:
        return second_portrait.is_dark(picture)


def crop_selfie(session: VaultSession, tools: ExaminationTools) -> list[CheckResult]:
    """Crop the selfie's face, aligned in colour and in grey, and what is around it; returns its checks of quality.

    Raises:
        BadInput: the selfie does not show exactly one face.
    """
    engines = tools.engines
    with session.borrow(DECODED, Role.SELFIE) as selfie:
        face = detection.find_selfie_face(selfie, engines.detector)
        aligned = engines.embedder.align(selfie, face.landmarks)
        checks = quality.check(quality.Face.of(selfie, face, aligned, engines.landmarker))
        session.put(CROP, "selfie_grey", compare.remove_colour(aligned))
        session.put(CROP, "selfie_face", aligned)
        session.put(CROP, _SELFIE_SCENE, selfie_scene.cut(selfie, face))
    return checks


def _check_liveness(
    session: VaultSession, tools: ExaminationTools, answer: LivenessResponse, portrait_crop: str | None = _FRONT_FACE
) -> tuple[list[CheckResult], _SeenInFrames]:
    """Return the checks of the frames, and facts of the person in them that other checks use.

    Args:
        session: holds the frames, the selfie's crops and the templates.
        tools: of the examination.
        answer: to the challenge.
        portrait_crop: name of the portrait's aligned face: of the card, or of the department's records; None where
            there is no picture of it.
    """
    if tools.liveness is None:
        raise RuntimeError("frames were received, and no liveness examiner was opened")
    _decode_frames(session, tools.limits, answer)
    accept, refer = (tools.face_thresholds[fmr] for fmr in (tools.policy.accept_fmr, tools.policy.refer_fmr))
    with ExitStack() as stack:
        clip = answer.clip([stack.enter_context(session.borrow(FRAME, name)) for name in answer.names])
        portrait = None if portrait_crop is None else stack.enter_context(session.borrow(CROP, portrait_crop))
        templates = stack.enter_context(borrow_templates(session))
        around = stack.enter_context(session.borrow(CROP, _SELFIE_SCENE))
        seen = _SeenInFrames()

        def compare_with_card(frame: Embeddings) -> None:
            seen.cosines.append(float((templates.portrait @ frame.T).item()))

        claim = Claim(templates.selfie_colour, portrait, accept, refer, around, compare_with_card, seen.eyes.append)
        results = tools.liveness.examine(clip, answer.challenge, claim)
    asked = requirements.check(answer.challenge, reduction_permitted=answer.reduction_permitted)
    return [injection.fresh(answer.challenge, answer.received_at), asked, *results], seen


def _decode_frames(session: VaultSession, limits: Limits, answer: LivenessResponse) -> None:
    of_frames = replace(limits, min_side_px=MIN_SIDE_PX, max_pixels=MAX_PIXELS)
    for name in answer.names:
        with session.upload(name) as data:
            session.put(FRAME, name, capture.decode(data, name, of_frames))
