"""The examination of one registration's pictures: every stage with its tools, and a fact from each picture.

- Uploads are decoded; the card is found in its three captures and brought into its own frame.
- From there, every check of the card itself; its fields and their checks.
- Beside these, the people in the pictures (`examine_people`).

This file with `examine_people`, and `verify` on the other side of the executor, are the only ones that know every
stage.
"""

from collections.abc import Callable
from functools import partial
from typing import TypeVar

import numpy as np

from idproof.pipeline import capture
from idproof.pipeline.card import light, turns
from idproof.pipeline.card.view import CardView
from idproof.pipeline.config import Limits
from idproof.pipeline.errors import CapturesIdentical
from idproof.pipeline.examination_tools import ExaminationTools
from idproof.pipeline.examine_people import (
    compare_registered,
    crop_selfie,
    examine_enrolled,
    examine_people,
    examine_person,
)
from idproof.pipeline.executors.branches import ONE_AFTER_ANOTHER, Branches
from idproof.pipeline.fields import checks as field_checks
from idproof.pipeline.fields import read as field_reading
from idproof.pipeline.fields.checks.dates import today
from idproof.pipeline.fields.checks.facts import Facts
from idproof.pipeline.findings import CardFindings, Findings
from idproof.pipeline.liveness.response import LivenessResponse
from idproof.pipeline.timing import StageTimer
from idproof.pipeline.types import CARD_ROLES, CheckResult, FieldReading, Role, Status
from idproof.pipeline.vault import VaultSession
from idproof.pipeline.vault.card_pictures import borrow_card_pictures
from idproof.pipeline.vault.kinds import DECODED, RECTIFIED

Result = TypeVar("Result")

__all__ = [
    "ExaminationTools",
    "check_card",
    "compare_registered",
    "crop_selfie",
    "decode_captures",
    "examine",
    "examine_card",
    "examine_enrolled",
    "examine_people",
    "examine_person",
    "find_card",
    "read_fields",
]


def examine(
    session: VaultSession, tools: ExaminationTools, answer: LivenessResponse | None, branches: Branches
) -> Findings:
    """Examine every capture: the card, its fields, the two faces and the frames.

    Steps that do not need each other's results run side by side: the captures are decoded, the card is found in each
    and the selfie's face in the selfie, and then the checks of the card, its fields and the people. What is found does
    not depend on the number of threads. If one step fails, everything is wiped at once, and the others end with it.

    Raises:
        BadInput: a capture cannot be used.
    """
    timer = StageTimer()
    with branches.thread():
        decode_captures(session, tools.limits, branches, timer)
        find = partial(_find_in, session, tools, timer)
        front, left, right, of_selfie = branches.run(
            partial(find, Role.CARD_FRONT),
            partial(find, Role.CARD_TILT_LEFT),
            partial(find, Role.CARD_TILT_RIGHT),
            partial(_timed, timer, "face", partial(crop_selfie, session, tools)),
            on_failure=session.wipe,
        )
        views = {Role.CARD_FRONT: front, Role.CARD_TILT_LEFT: left, Role.CARD_TILT_RIGHT: right}
        poses = turns.measure_poses(views, tools.locator.document)
        people_step = partial(examine_people, session, tools, answer, timer, of_selfie)
        fields_step = partial(_timed, timer, "fields", partial(_read_and_blame, session, tools, views))
        card_step = partial(_timed, timer, "card", partial(check_card, session, tools, views))
        # The longest first, so that none is begun when only one thread is left to work: frames take longest.
        if answer is None:
            of_card, (fields, of_fields), people = branches.run(
                card_step, fields_step, people_step, on_failure=session.wipe
            )
        else:
            people, of_card, (fields, of_fields) = branches.run(
                people_step, card_step, fields_step, on_failure=session.wipe
            )
    return Findings((*of_card, *of_fields, *people), fields, timer.timings_ms, tools.engines.weights, poses)


def examine_card(
    session: VaultSession, tools: ExaminationTools, views: dict[Role, CardView], timer: StageTimer
) -> CardFindings:
    """Run every check of the card that was found, read its fields, and run theirs."""
    with timer.stage("card"):
        checks = check_card(session, tools, views)
    with timer.stage("fields"):
        fields, of_fields = _read_and_blame(session, tools, views)
    poses = turns.measure_poses(views, tools.locator.document)
    return CardFindings(tuple(checks), fields, tuple(of_fields), poses)


def check_card(session: VaultSession, tools: ExaminationTools, views: dict[Role, CardView]) -> list[CheckResult]:
    """Run every check of the card that was found."""
    with (
        borrow_card_pictures(session, DECODED) as images,
        borrow_card_pictures(session, RECTIFIED) as rectified,
    ):
        return tools.examiner.examine(images, rectified, views, tools.policy)


def read_fields(session: VaultSession, tools: ExaminationTools) -> tuple[dict[str, FieldReading], list[CheckResult]]:
    """Read the fields of the rectified captures, and run their checks."""
    document, engines = tools.locator.document, tools.engines
    readers = field_reading.Readers(engines.reader, engines.latin_reader)
    facts = partial(Facts, document=document, today=today(document))
    with borrow_card_pictures(session, RECTIFIED) as rectified:
        fields = field_reading.read(
            rectified, document, readers, tools.policy, lambda found: field_checks.is_consistent(facts(found))
        )
    return fields, field_checks.run(facts(fields))


def _read_and_blame(
    session: VaultSession, tools: ExaminationTools, views: dict[Role, CardView]
) -> tuple[dict[str, FieldReading], list[CheckResult]]:
    """Read the fields and run their checks; darkness explains what could not be read in the dark."""
    fields, of_fields = read_fields(session, tools)
    unread = any(check.status is Status.COULD_NOT_ASSESS for check in of_fields)
    if unread and _is_card_dark(session, tools, views):
        of_fields = field_checks.blame_darkness(of_fields)
    return fields, of_fields


def _is_card_dark(session: VaultSession, tools: ExaminationTools, views: dict[Role, CardView]) -> bool:
    with borrow_card_pictures(session, DECODED) as images:
        return light.is_too_dark(images, views, tools.locator.document)


def decode_captures(
    session: VaultSession, limits: Limits, branches: Branches = ONE_AFTER_ANOTHER, timer: StageTimer | None = None
) -> None:
    """Decode the four captures into pictures of the vault; raises `BadInput`."""
    timer = timer or StageTimer()

    def decode(role: Role) -> None:
        with timer.stage("capture"), session.upload(role) as data:
            session.put(DECODED, role, capture.decode(data, role, limits))

    branches.run(*(partial(decode, role) for role in Role), on_failure=session.wipe)
    with timer.stage("capture"), borrow_card_pictures(session, DECODED) as images:
        for one, other in ((CARD_ROLES[i], CARD_ROLES[j]) for i, j in ((0, 1), (0, 2), (1, 2))):
            if np.array_equal(images[one], images[other]):
                raise CapturesIdentical(f"The captures {one} and {other} are the same picture.")


def find_card(session: VaultSession, tools: ExaminationTools, branches: Branches) -> dict[Role, CardView]:
    """Find the card in its captures, and put each into the vault rectified; raises `BadInput`."""
    find = partial(_find_in, session, tools, StageTimer())
    found = branches.run(*(partial(find, role) for role in CARD_ROLES), on_failure=session.wipe)
    return dict(zip(CARD_ROLES, found, strict=True))


def _find_in(session: VaultSession, tools: ExaminationTools, timer: StageTimer, role: Role) -> CardView:
    with timer.stage("location"), session.borrow(DECODED, role) as image:
        view = tools.locator.locate(image, role, tools.policy)
        session.put(RECTIFIED, role, tools.locator.rectify(image, view))
    return view


def _timed(timer: StageTimer, stage: str, call: Callable[[], Result]) -> Result:
    with timer.stage(stage):
        return call()
