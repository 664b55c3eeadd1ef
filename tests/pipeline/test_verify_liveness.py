"""Frames that answer a challenge are verified with the captures, required once they are sent, and wiped."""

import hashlib
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import cv2
import numpy as np
import pytest

from idproof.datasets.rendered_people.clips import Sitting, bona_fide, selfie
from idproof.datasets.specimen.draws import Draws, Split
from idproof.datasets.specimen.make import Registration
from idproof.datasets.specimen.portraits import PortraitSource
from idproof.models.types import DetectedFace, RGBImage
from idproof.pipeline import Captures, Decision, Policy, Verifier, opening
from idproof.pipeline.config import Limits
from idproof.pipeline.errors import CaptureUnreadable, FramesUnusable
from idproof.pipeline.liveness import examiner
from idproof.pipeline.liveness.response import FrameTiming, LivenessResponse
from idproof.pipeline.opening import open_tools

HOLDER = "bundled/office-holder"
Answered = tuple[LivenessResponse, list[bytearray]]


def sat(label: str = HOLDER, photograph: int = 1) -> Sitting:
    """A bundled person before a camera."""
    picture = PortraitSource.open(None).person(label).photographs[photograph]
    return Sitting.draw(cv2.resize(picture, (250, 250)), Draws(np.random.default_rng(3), Split.TEST))


def encoded(pixels: np.ndarray) -> bytearray:
    return bytearray(cv2.imencode(".png", pixels[..., ::-1])[1].tobytes())


@pytest.fixture(scope="module")
def answer_of() -> Callable[..., Answered]:
    """The answer of a bundled person, from a photograph that is on no card of theirs."""

    def build(label: str = HOLDER, photograph: int = 1, late_s: float = 30.0) -> Answered:
        sitting = sat(label, photograph)
        frames = bona_fide(sitting).frames
        shots = [FrameTiming(frame.captured_ms, frame.number) for frame in frames]
        answer = LivenessResponse(sitting.challenge, shots, sitting.challenge.issued_at + timedelta(seconds=late_s))
        return answer, [encoded(frame.pixels) for frame in frames]

    return build


@pytest.fixture
def elsewhere(other_card: Callable[[int], Registration]) -> dict[str, bytes]:
    """The registration of somebody of whom there are further photographs; the selfie is of another day."""
    wanted = hashlib.sha256(HOLDER.encode()).hexdigest()[:12]
    made = next(made for i in range(6) if (made := other_card(i)).description["truth"]["person"] == wanted)
    return made.parts()


@pytest.fixture
def held(elsewhere: dict[str, bytes]) -> Captures:
    """The same with the selfie taken where the challenge is answered."""
    return Captures.from_parts({**elsewhere, "selfie": bytes(encoded(selfie(sat())))})


def test_the_live_holder_is_accepted_and_the_frames_are_wiped(
    verifier: Verifier, held: Captures, answer_of: Callable[..., Answered]
) -> None:
    answer, sent = answer_of()
    verdict = verifier.verify(held, answer, sent)
    assert (verdict.decision, verdict.reasons) == (Decision.ACCEPT, ())
    assert "liveness" not in verdict.not_performed
    assert {"liveness", "liveness_selfie", "liveness_portrait_copy", "liveness_fresh"} <= {
        c.name for c in verdict.checks
    }
    wiped = {entry.kind: entry for entry in verdict.deletion.wiped}
    frames = len(sent)
    assert (wiped["frame"].count, wiped["frame"].bytes) == (frames, frames * 512 * 384 * 3)
    assert wiped["upload"].count == 4 + frames
    assert not any(any(frame) for frame in sent)
    assert verdict.timings_ms["liveness"] > 0
    alone = verifier.verify(held).check("face_comparison")
    both = verdict.check("face_comparison")
    assert both.value != alone.value, "the frames take part in the comparison with the card"
    assert both.limit == alone.limit


def test_another_live_person_and_a_late_answer_are_rejected(
    verifier: Verifier, held: Captures, answer_of: Callable[..., Answered]
) -> None:
    verdict = verifier.verify(held, *answer_of("bundled/astronaut", 0, late_s=3600))
    assert verdict.decision is Decision.REJECT
    assert {"frames_of_another_person", "challenge_expired"} <= set(verdict.reasons)


def test_frames_that_cannot_be_used_are_one_clear_error(
    verifier: Verifier, held: Captures, answer_of: Callable[..., Answered]
) -> None:
    answer, frames = answer_of()
    with pytest.raises(CaptureUnreadable, match="frame_00"):
        verifier.verify(held, answer, [b"no picture", *frames[1:]])
    with pytest.raises(FramesUnusable, match=f"{len(frames)} frames, and {len(frames) - 1}"):
        verifier.verify(held, answer, frames[1:])
    with pytest.raises(FramesUnusable):
        replace(answer, timings=answer.timings[:3])


def test_without_frames_liveness_is_listed_as_not_performed(verifier: Verifier, held: Captures) -> None:
    verdict = verifier.verify(held)
    assert "liveness" in verdict.not_performed
    assert not [check for check in verdict.checks if check.name.startswith("liveness")]


def test_a_policys_own_calibration_of_liveness_is_the_one_in_force() -> None:
    own = examiner.standing_calibration()
    assert "--distance standing" in str(own.source["recipe"])
    assert own.values.keys() == examiner.shipped_calibration().values.keys()
    assert open_tools("open", "hkid-2018", Policy(liveness_calibration=own), Limits(), 1).liveness.calibration is own
    assert open_tools("open", "hkid-2018", Policy(), Limits(), 1).liveness.calibration == examiner.shipped_calibration()


def test_the_networks_of_a_profile_examine_the_frames(monkeypatch: pytest.MonkeyPatch) -> None:
    class Real:
        def classify(self, image: RGBImage, face: DetectedFace) -> tuple[float, bool]:
            """Returns that every face is real."""
            return 1.0, True

    networks, load = Real(), opening.load_engines
    monkeypatch.setattr(
        opening, "load_engines", lambda *asked, **given: replace(load(*asked, **given), passive=networks)
    )
    assert open_tools("open", "hkid-2018", Policy(), Limits(), 1).liveness.ensemble is networks


def test_a_selfie_of_another_day_refers(
    verifier: Verifier, elsewhere: dict[str, bytes], answer_of: Callable[..., Answered]
) -> None:
    verdict = verifier.verify(Captures.from_parts(elsewhere), *answer_of())
    assert (verdict.decision, verdict.reasons) == (Decision.REFER, ("selfie_not_of_clip",))


def test_a_copy_of_the_cards_portrait_as_the_selfie_is_rejected(
    verifier: Verifier, elsewhere: dict[str, bytes], answer_of: Callable[..., Answered]
) -> None:
    portrait = PortraitSource.open(None).person(HOLDER).photographs[0]
    tinted = (cv2.resize(portrait, (800, 800)) * np.array([1.1, 0.95, 0.8])).clip(0, 255).astype(np.uint8)
    copied = Captures.from_parts({**elsewhere, "selfie": bytes(encoded(tinted))})
    verdict = verifier.verify(copied, *answer_of())
    assert verdict.decision is Decision.REJECT
    assert "selfie_is_card_portrait" in verdict.reasons
