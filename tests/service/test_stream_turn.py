"""A turn without a socket: what is kept, what is dropped and told, and that nothing stays."""

import random
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from idproof.pipeline import Limits, Policy, Vault
from idproof.pipeline.errors import CaptureUnreadable
from idproof.pipeline.guidance import Guidance, Hint
from idproof.pipeline.liveness.challenge import draw
from idproof.service.applicant_messages import on_screen
from idproof.service.errors import StreamProblem
from idproof.service.storage import CaptureSession
from idproof.service.stream.chain import Chain, Shows
from idproof.service.stream.messages import base64
from idproof.service.stream.session import Turn

SECRET, NONCE = bytes(range(32)), bytes(32)
GOOD = Guidance(Hint.GOOD, 0.5, px_per_mm=11.0)


class Eye:
    """Sees what a test says, and fails on what is no picture."""

    def __init__(self) -> None:
        self.found = GOOD

    def card(self, *_: Any) -> Guidance:
        return self.found

    def face(self, *_: Any) -> Guidance:
        return self.found

    def action(self, *_: Any) -> Guidance:
        return Guidance(Hint.LOOK_STRAIGHT)


def challenge() -> Any:
    return draw(bytes(16), issued_at=datetime.now(UTC))


@pytest.fixture
def turn() -> Iterator[Turn]:
    ends = (datetime.now(UTC) + timedelta(minutes=10)).isoformat(timespec="seconds")
    session = CaptureSession("cs_" + "0" * 26, base64(NONCE), challenge(), ends)
    made = Turn(session, SECRET, Eye(), Vault(Limits()), 60.0, Policy())  # type: ignore[arg-type]
    yield made
    made.end()


def sent(
    turn: Turn, device: Chain, shows: str, *, still: bool, ms: float = 0.0, size: int = 50
) -> list[dict[str, Any]]:
    packed = device.pack(Shows(shows), still, 1, round(ms * 1000), b"\xff\xd8" + bytes(size))
    return turn.take(packed, 0.0)


def looked(turn: Turn) -> list[dict[str, Any]]:
    work = turn.work()
    return [] if work is None else turn.looked(work, turn.look(work))


class ReadsWhile(Eye):
    """Begins to read, lets something happen to the turn, and then finds no JPEG where there are zeros."""

    def __init__(self, happening: Callable[[], object]) -> None:
        super().__init__()
        self.happening = happening

    def card(self, data: memoryview, *_: Any) -> Guidance:
        assert any(data)
        happening = threading.Thread(target=self.happening)  # as the event loop goes on while a thread looks
        happening.start()
        happening.join(5)
        if not any(data):
            raise CaptureUnreadable("The frame is not a JPEG that can be decoded.", capture="frame")
        return self.found


MEANWHILE: dict[str, Callable[[Turn], object]] = {
    "the verification begins": Turn.clear,
    "the pictures' time ends": lambda turn: turn.pictures.wipe(),
    "the device goes": Turn.hang_up,
    "the turn ends": Turn.end,
    "it begins again": Turn.restart,
}


@pytest.mark.parametrize("still", [False, True], ids=["preview", "still"])
@pytest.mark.parametrize("meanwhile", MEANWHILE)
def test_a_frame_that_is_overwritten_while_it_is_looked_at_is_no_fault_of_the_device(
    turn: Turn, meanwhile: str, still: bool
) -> None:
    sent(turn, Chain(SECRET, NONCE), turn.stage, still=still)
    turn.guide = ReadsWhile(lambda: MEANWHILE[meanwhile](turn))  # type: ignore[assignment]
    work = turn.work()
    assert work is not None
    assert turn.look(work) is None
    dropped = turn.dropped
    assert turn.looked(work, None) == []
    assert turn.dropped == dropped + 1
    assert turn.pictures.outstanding == 0


def through_cards(turn: Turn, device: Chain) -> None:
    for stage in turn.stages[:4]:
        for _ in range(2):
            sent(turn, device, stage, still=True)
            said = looked(turn)
        assert [message["type"] for message in said] == ["guidance", "stage"]


def test_of_frames_that_wait_only_the_newest_is_looked_at_and_the_others_are_told(turn: Turn) -> None:
    device = Chain(SECRET, NONCE)
    for _ in range(10):
        sent(turn, device, turn.stage, still=False)
    (guidance,) = looked(turn)
    assert (guidance["seq"], guidance["dropped"], guidance["want"]) == (10, 9, "still")
    assert looked(turn) == []
    assert turn.pictures.outstanding == 0


def test_at_most_two_stills_of_a_role_are_kept_the_better_ones(turn: Turn) -> None:
    for score in (0.3, 0.9, 0.1, 0.6, 0.7):
        turn.pictures.receive("new").write(b"x")
        turn.stills.offer("selfie", "new", score)
    assert turn.stills.count("selfie") == 2
    assert turn.pictures.outstanding == 2
    turn.stills.choose()
    turn.stills.choose()  # a second time changes nothing
    assert turn.pictures.outstanding == 1
    with turn.pictures.upload("selfie") as view:
        assert bytes(view) == b"x"


def test_a_whole_turn_comes_to_its_end_with_the_nearest_frame_of_each_moment(turn: Turn) -> None:
    device = Chain(SECRET, NONCE)
    through_cards(turn, device)
    assert turn.stage == "liveness"
    asked = challenge()
    turn.ask(asked, None)
    said: list[dict[str, Any]] = []
    for at in range(0, asked.duration_ms, 100):
        said += sent(turn, device, "liveness", still=True, ms=at)
        looked(turn)
    assert [message["stage"] for message in said] == ["finish"]
    away = [abs(shot.captured_ms - at) for shot, at in zip(turn.said().frames, asked.capture_ms(), strict=True)]
    assert max(away) <= 50
    turn.clear()
    assert turn.pictures.outstanding == 4 + len(asked.capture_ms())


def test_a_challenge_with_a_gap_is_asked_again_and_its_frames_are_gone(turn: Turn) -> None:
    device = Chain(SECRET, NONCE)
    through_cards(turn, device)
    asked = challenge()
    turn.ask(asked, None)
    said: list[dict[str, Any]] = []
    for at in range(0, asked.duration_ms, 100):
        if not 2000 < at < 3500:
            said += sent(turn, device, "liveness", still=True, ms=at)
    assert (said[-1]["stage"], said[-1]["again"]) == ("liveness", "challenge_incomplete")
    assert turn.pictures.outstanding == 8


def test_a_card_with_too_few_pixels_is_not_kept(turn: Turn) -> None:
    turn.guide.found = Guidance(Hint.GOOD, 0.9, px_per_mm=5.0)  # type: ignore[attr-defined]
    sent(turn, Chain(SECRET, NONCE), turn.stage, still=True)
    (guidance,) = looked(turn)
    assert (guidance["hint"], guidance["want"]) == ("move_closer", "preview")
    assert turn.pictures.outstanding == 0


def test_retaking_overwrites_the_stage_and_all_after_it(turn: Turn) -> None:
    device = Chain(SECRET, NONCE)
    through_cards(turn, device)
    with pytest.raises(StreamProblem, match="not done"):
        turn.retake("liveness")
    standing = turn.retake(turn.stages[1])
    assert (standing["stage"], standing["kept"]) == (turn.stages[1], {turn.stages[0]: 2})
    assert turn.pictures.outstanding == 2


def test_hanging_up_leaves_nothing_and_coming_back_begins_anew(turn: Turn) -> None:
    device = Chain(SECRET, NONCE)
    through_cards(turn, device)
    sent(turn, device, "liveness", still=True)
    turn.hang_up()
    assert turn.pictures.outstanding == 0
    turn.come_back()
    assert (turn.stage, turn.chain.next) == (turn.stages[0], device.next)


def test_ten_thousand_random_orders_never_break_a_turn(turn: Turn) -> None:
    """Whatever comes in whatever order: a stage of the list, bounded pictures, or a problem with a code."""
    dice, device = random.Random(7), Chain(SECRET, NONCE)
    for _ in range(10_000):
        deed = dice.randrange(8)
        with suppress(StreamProblem):  # a stage that was not done is not taken again
            if deed < 5:
                shows = turn.stage if deed < 3 and turn.stage in set(Shows) else dice.choice(list(Shows))
                sent(turn, device, shows, still=dice.random() < 0.6, ms=dice.uniform(0, 9000), size=8)
                looked(turn) if dice.random() < 0.7 else None
            elif deed == 5:
                turn.retake(dice.choice(turn.stages[:4]))
            elif deed == 6 and turn.stage == "liveness":
                turn.ask(challenge(), None)
            elif dice.random() < 0.02:
                turn.hang_up()
                turn.come_back()
        assert 0 <= turn.place < len(turn.stages)
        assert turn.chain.next == device.next
        assert turn.pictures.outstanding <= 4 * 2 + 16 + 3
    turn.end()
    assert turn.pictures.outstanding == 0


def test_a_screen_is_told_what_can_be_mended_and_nothing_of_an_attacks_checks() -> None:
    names = {
        "selfie_blurred": "quality_sharpness",
        "hologram_static": "hologram_response",
        "face_flat": "liveness_depth",
    }
    names |= {"face_mismatch": "face_comparison", "records_unavailable": "records"}
    checks = [{"name": name, "reason": reason} for reason, name in names.items()]
    answer = {"id": "ver_1", "decision": "reject", "checks": checks, "reasons": list(names)}
    for language in ("en", "zh-Hant"):
        message = on_screen.verdict(answer, language)
        assert message["reasons"] == ["selfie_blurred", "card_doubtful", "person_doubtful", "records_doubtful"]
        assert len(set(message["texts"].values())) == 4
