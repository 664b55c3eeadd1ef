"""A step-up compares a living person with the portrait that the records give at this moment, and keeps nothing."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from held_faces import HOLDER, Authority, answer_of, frames_of, jpeg, photographs, registered, sat, selfie_of

from idproof.datasets.specimen.portraits import PortraitSource
from idproof.pipeline import Decision, Outcome, Role, VaultSession, Verifier, step_up
from idproof.pipeline.assurance import CaptureLevel
from idproof.pipeline.config import Policy
from idproof.pipeline.errors import CaptureUnreadable, PortraitUnavailable, RecordsUnavailable
from idproof.pipeline.fields.card_data import CardData
from idproof.pipeline.fields.records import RecordStatus
from idproof.pipeline.liveness.challenge import Challenge, Options, draw
from idproof.pipeline.origin import CaptureOrigin

CARD = CardData(number="A1234563")
DEVICE = CaptureOrigin(CaptureLevel.DEVICE)


def with_records(verifier: Verifier, authority: Any) -> Verifier:
    policy = replace(Policy(), required=("fields_readable", "face_comparison"))
    return Verifier(replace(verifier.rules, records=authority, policy=policy), verifier.executor)


def challenge(options: Options | None = None) -> Challenge:
    return draw(bytes([5]) * 32, issued_at=datetime.now(UTC), options=options or Options())


@pytest.fixture
def check(verifier: Verifier) -> Callable[..., step_up.HolderCheck]:
    """Checks whoever is before the camera; remembers the session."""

    def run(
        authority: Any,
        *,
        selfie: bytes | None = None,
        frames: list[Any] | None = None,
        origin: CaptureOrigin = DEVICE,
        asked: Challenge | None = None,
    ) -> step_up.HolderCheck:
        asked = asked or challenge()
        frames = frames or frames_of(sat(), asked)
        answer = answer_of(asked, frames)
        run.session = session = verifier.vault.open()  # type: ignore[attr-defined]
        with session:
            session.receive(Role.SELFIE).write(selfie or selfie_of(sat()))
            for name, frame in zip(answer.names, frames, strict=True):
                session.receive(name).write(jpeg(frame.pixels))
            return with_records(verifier, authority).check_holder(session, CARD, answer, origin)

    return run


def emptied(check: Any) -> VaultSession:
    session: VaultSession = check.session
    assert session.outstanding == 0
    return session


def test_the_holder_is_accepted_and_nothing_stays(check: Any) -> None:
    authority = Authority(registered())
    found = check(authority)
    assert (found.decision, found.reasons) == (Decision.ACCEPT, ())
    assert authority.asked == ["card", "portrait"]
    assert {*found.required} <= {result.name for result in found.checks if result.outcome is Outcome.PASS}
    assert emptied(check)
    roles = {role for entry in found.deletion.wiped for role in entry.roles}
    assert {"selfie", "registered_portrait", "frame_00"} <= roles
    assert found.deletion.outstanding == 0


def test_a_print_of_the_holder_is_not_accepted(check: Any) -> None:
    asked = challenge()
    found = check(Authority(registered()), frames=frames_of(sat(), asked, "print_flat"), asked=asked)
    assert found.decision is Decision.REJECT
    assert found.reasons
    assert emptied(check)


def test_the_portrait_itself_shown_as_face_is_not_accepted(check: Any) -> None:
    """The card's portrait, or the records', as selfie and as a print before the camera."""
    asked, same = challenge(), sat(0)
    found = check(
        Authority(registered()), selfie=registered(), frames=frames_of(same, asked, "print_flat"), asked=asked
    )
    assert found.decision is Decision.REJECT
    assert "selfie_is_card_portrait" in found.reasons


def test_another_living_person_is_not_accepted(check: Any) -> None:
    other = PortraitSource.open(None).others(HOLDER)[0]
    found = check(Authority(registered(other)))
    assert found.decision is Decision.REJECT
    assert found.reasons[0] == "registered_portrait_differs"


def test_somebody_elses_frames_after_the_holders_selfie_are_not_accepted(check: Any) -> None:
    other = PortraitSource.open(None).others(HOLDER)[0]
    asked = challenge()
    found = check(Authority(registered()), frames=frames_of(sat(0, other), asked), asked=asked)
    assert found.decision is not Decision.ACCEPT


def test_a_recording_of_another_challenge_is_not_accepted(check: Any) -> None:
    earlier = draw(bytes([9]) * 32, issued_at=datetime.now(UTC))
    assert check(Authority(registered()), frames=frames_of(sat(), earlier)).decision is Decision.REJECT


def test_files_and_reduced_challenges_are_not_accepted(check: Any) -> None:
    found = check(Authority(registered()), origin=CaptureOrigin(CaptureLevel.UPLOAD))
    assert (found.decision, found.reasons) == (Decision.REFER, ("captures_injectable",))
    asked = challenge(Options(cannot_turn=True))
    found = check(Authority(registered()), frames=frames_of(sat(), asked), asked=asked)
    assert found.decision is Decision.REFER
    assert "challenge_reduced" in found.reasons


@pytest.mark.parametrize(
    ("authority", "error"),
    [
        (None, PortraitUnavailable),
        (Authority(None, RecordStatus.UNAVAILABLE, offers=False), RecordsUnavailable),
        (Authority(None), RecordsUnavailable),
        (Authority(None, offers=False), PortraitUnavailable),
        (Authority(b"no picture"), PortraitUnavailable),
        (Authority(jpeg(photographs()[0] * 0)), PortraitUnavailable),
    ],
)
def test_without_a_portrait_nothing_is_decided(check: Any, authority: Any, error: type[Exception]) -> None:
    with pytest.raises(error):
        check(authority)
    emptied(check)


def test_a_card_that_the_records_call_lost_is_rejected_and_nobody_is_looked_at(check: Any) -> None:
    authority = Authority(registered(), RecordStatus.LOST_OR_INVALID, offers=False)
    found = check(authority)
    assert (found.decision, found.reasons[0]) == (Decision.REJECT, "card_lost_or_invalid")
    assert authority.asked == ["card"]


def test_a_selfie_that_cannot_be_used_is_the_callers_to_mend(check: Any) -> None:
    with pytest.raises(CaptureUnreadable) as caught:
        check(Authority(registered()), selfie=b"no picture")
    assert caught.value.capture == Role.SELFIE
    emptied(check)
