"""Complete verifications with real networks: the decisions, their reasons, and that no picture is left."""

import io
import threading
from collections.abc import Callable
from dataclasses import asdict, replace
from functools import cache
from pathlib import Path

import cv2
import numpy as np
import pytest
from pictures import jpeg, pixels
from PIL import Image

from idproof.benchmarks.face import portrait
from idproof.datasets.sets import read_sets
from idproof.datasets.specimen.make import Registration
from idproof.models.profiles import load_engines
from idproof.pipeline import Captures, Decision, Limits, Policy, Verdict, Verifier, capture
from idproof.pipeline.assurance import CaptureLevel
from idproof.pipeline.card import screen_light, turning
from idproof.pipeline.card.screen_light import LightAnswer
from idproof.pipeline.card.turning import LegMeasures
from idproof.pipeline.errors import BadInput, CapturesIdentical, FaceNotFound, SessionExpired, SeveralFaces
from idproof.pipeline.executors.in_process import InProcessExecutor
from idproof.pipeline.face import compare
from idproof.pipeline.findings import Findings
from idproof.pipeline.liveness.response import LivenessResponse
from idproof.pipeline.opening import rules_for_tools
from idproof.pipeline.origin import CaptureOrigin
from idproof.pipeline.types import Outcome, Role
from idproof.pipeline.vault import Vault, VaultSession
from idproof.pipeline.verdict import from_json, to_json

Build = Callable[..., Captures]


class ExaminedOnce(InProcessExecutor):
    """Examines the first captures that it is given, and finds the same in all others: for tests of the decision."""

    found: Findings | None = None

    def examine(self, session: VaultSession, answer: LivenessResponse | None) -> Findings:
        self.found = self.found or super().examine(session, answer)
        return self.found


@pytest.fixture(scope="module")
def decider(verifier: Verifier) -> Verifier:
    """The verifier for what depends on policy and origin alone; only for the bona fide captures."""
    assert isinstance(verifier.executor, InProcessExecutor)
    return Verifier(verifier.rules, ExaminedOnce(verifier.executor.tools))


@pytest.fixture(scope="module")
def verdict_of(verifier: Verifier, captures_of: Build) -> Callable[[str], Verdict]:
    """Verdicts of attacks, each made once."""
    return cache(lambda attack: verifier.verify(captures_of(attack)))


def test_a_bona_fide_registration_is_accepted_and_every_required_check_was_made(
    verifier: Verifier, captures_of: Build, registration: Registration
) -> None:
    verdict = verifier.verify(captures_of())
    assert (verdict.decision, verdict.reasons) == (Decision.ACCEPT, ())
    assert {check.name for check in verdict.checks} >= set(verifier.policy.required)
    assert {name: field.text for name, field in verdict.fields.items()} == registration.description["truth"]["fields"]
    assert verdict.deletion.outstanding == 0
    assert {entry.kind for entry in verdict.deletion.wiped} == {"upload", "decoded", "rectified", "crop", "template"}


def test_faces_are_compared_as_the_operating_points_were_measured(
    verifier: Verifier, registration: Registration, tmp_path: Path
) -> None:
    """The portrait of three captures with the selfie and its grey picture, as `bench face --sets` does it."""
    registration.write(tmp_path / "00000")
    (compared,), _ = portrait.make_templates(read_sets(tmp_path), load_engines())
    pairs = {
        name: rows @ compared.portraits[portrait.IN_FORCE]
        for name, rows in (("fused", compared.selfie), ("coloured", compared.coloured))
    }
    cosine = verifier.verify(Captures.from_parts(registration.parts())).check("face_comparison").value
    assert cosine == pytest.approx(float(pairs["fused"]), abs=2e-4)
    assert cosine != pytest.approx(float(pairs["coloured"]), abs=1e-3)


@pytest.mark.parametrize(
    ("attack", "check", "reason"),
    [
        ("selfie_other", "face_comparison", "face_mismatch"),
        ("field_edit", "sex_scripts", "sex_scripts_differ"),
        ("photocopy_grey", "recapture_copy", "card_without_colour"),
        ("repeat_capture", "card_angles", "angles_not_distinct"),
        ("print_glossy", "hologram_response", "hologram_static"),
        ("print_glossy", "second_portrait_moves", "second_portrait_static"),
        ("screen_phone", "hologram_response", "hologram_static"),
        ("digital_warp", "hologram_response", "hologram_static"),
        ("hologram_flat", "hologram_response", "hologram_static"),
        ("hologram_sticker", "hologram_shape", "hologram_foreign"),
        ("holo_film_leaf", "fraud_hologram", "hologram_not_as_issued"),
        ("light_laser", "hologram_shape", "hologram_foreign"),
        ("portrait_swap_print", "second_portrait_same", "second_portrait_differs"),
        ("portrait_swap_digital", "second_portrait_same", "second_portrait_differs"),
        ("portrait_swap_digital", "second_portrait_face", "second_portrait_other_face"),
        ("print_colour", "recapture_fine_print", "fine_print_missing"),
        ("screen_phone", "card_corners", "corners_not_rounded_as_issued"),
    ],
)
def test_each_attack_fails_the_check_that_is_made_for_it(
    verdict_of: Callable[[str], Verdict], attack: str, check: str, reason: str
) -> None:
    verdict = verdict_of(attack)
    assert verdict.decision is Decision.REJECT
    assert verdict.check(check).outcome is Outcome.FAIL
    assert reason in verdict.reasons


def test_the_verdict_lists_what_was_not_performed(decider: Verifier, captures_of: Build) -> None:
    verdict = decider.verify(captures_of())
    assert set(verdict.not_performed) == {"liveness", "capture_plan", "records_check", "captures_fresh"}


def test_tilts_the_wrong_way_round_are_referred(verifier: Verifier, registration: Registration) -> None:
    swapped = {
        "card_front": registration.pictures["front.jpg"],
        "card_tilt_left": registration.pictures["tilt_right.jpg"],
        "card_tilt_right": registration.pictures["tilt_left.jpg"],
        "selfie": registration.pictures["selfie.jpg"],
    }
    verdict = verifier.verify(Captures.from_parts(swapped))
    assert (verdict.decision, verdict.reasons) == (Decision.REFER, ("angles_not_as_instructed",))


def test_a_capture_rotated_by_exif_is_as_good_as_an_upright_one(verifier: Verifier, captures_of: Build) -> None:
    upright = Image.open(io.BytesIO(captures_of().selfie))
    exif, buffer = Image.Exif(), io.BytesIO()
    exif[0x0112] = 6
    upright.rotate(90, expand=True).save(buffer, "JPEG", quality=95, exif=exif)
    assert verifier.verify(captures_of(selfie=buffer.getvalue())).decision is Decision.ACCEPT


def test_identical_captures_are_bad_input(verifier: Verifier, captures_of: Build) -> None:
    captures = captures_of()
    with pytest.raises(CapturesIdentical):
        verifier.verify(captures_of(card_tilt_left=captures.card_front, card_tilt_right=captures.card_front))


def test_a_selfie_without_a_face_and_one_with_two(verifier: Verifier, captures_of: Build) -> None:
    selfie = pixels(captures_of().selfie)
    with pytest.raises(FaceNotFound) as caught:
        verifier.verify(captures_of(selfie=jpeg(np.full_like(selfie, 120))))
    assert caught.value.capture is Role.SELFIE
    with pytest.raises(SeveralFaces):
        verifier.verify(captures_of(selfie=jpeg(np.hstack([selfie, selfie]))))


def blurred(selfie: bytes) -> bytes:
    return jpeg(np.asarray(cv2.GaussianBlur(pixels(selfie), (0, 0), 15.0), dtype=np.uint8))


def test_a_poor_selfie_of_the_holder_is_accepted_where_the_comparison_is_certain(
    verifier: Verifier, captures_of: Build
) -> None:
    verdict = verifier.verify(captures_of(selfie=blurred(captures_of().selfie)))
    sharpness = verdict.check("quality_sharpness")
    assert sharpness.limit is not None
    assert (sharpness.value or 1) < sharpness.limit, "or the selfie is not poor"
    assert (verdict.decision, verdict.reasons) == (Decision.ACCEPT, ())


def test_a_poor_selfie_of_somebody_else_is_still_poor(verifier: Verifier, captures_of: Build) -> None:
    verdict = verifier.verify(captures_of(selfie=blurred(captures_of(index=1).selfie)))
    assert verdict.check("quality_sharpness").outcome is Outcome.DOUBT
    assert "selfie_blurred" in verdict.reasons


def test_bytearrays_are_overwritten(verifier: Verifier, captures_of: Build) -> None:
    given = captures_of()
    mutable = Captures(**{role.value: bytearray(data) for role, data in given.items()})
    verifier.verify(mutable)
    assert not any(any(data) for _, data in mutable.items())


class RecordingVault(Vault):
    """A vault that remembers its arrays, to read them afterwards."""

    def open(self) -> VaultSession:
        held: list[np.ndarray] = []
        object.__setattr__(self, "held", held)

        class Session(VaultSession):
            def put(self, kind: str, name: str, array: np.ndarray) -> None:
                super().put(kind, name, array)
                held.append(self._arrays[kind, name].values)
                assert held[-1].any()

        return Session(self.limits)


@pytest.mark.parametrize(
    "stage",
    [
        "capture.decode",
        "examination_tools.CardExaminer.examine",
        "examine.field_reading.read",
        "examine_people.compare.check",
        "verify.decide",
    ],
)
def test_everything_is_overwritten_whichever_stage_raises(
    verifier: Verifier, captures_of: Build, monkeypatch: pytest.MonkeyPatch, stage: str
) -> None:
    def broken(*args: object, **kwargs: object) -> None:
        raise RuntimeError

    monkeypatch.setattr(f"idproof.pipeline.{stage}", broken)
    monkeypatch.setattr(verifier, "vault", RecordingVault(verifier.limits))
    with pytest.raises(RuntimeError):
        verifier.verify(captures_of())
    held = verifier.vault.held  # type: ignore[attr-defined]
    assert (len(held) > 0) == (stage != "capture.decode")
    assert not any(array.any() for array in held)


def test_results_about_zeros_never_become_a_verdict(
    verifier: Verifier, captures_of: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The lifetime ends during the last stage: the session's pictures are zeros from then on."""
    sessions: list[VaultSession] = []

    def late(*args: object, **kwargs: object) -> object:
        sessions[0].wipe()
        return real(*args, **kwargs)  # type: ignore[arg-type]

    real = compare.check
    monkeypatch.setattr(compare, "check", late)
    captures = captures_of()
    with verifier.vault.open() as session:
        sessions.append(session)
        for role, data in captures.items():
            session.receive(role).write(data)
        with pytest.raises(SessionExpired):
            verifier.verify_session(session)


@pytest.mark.parametrize("name", ["card_front", "selfie"])
def test_a_capture_that_is_wiped_during_decoding_is_not_unreadable(
    verifier: Verifier, captures_of: Build, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """The lifetime ends during decoding, on another thread: the decoder reads zeros, and the client gets the reason."""
    real = capture.decode

    with verifier.vault.open() as session:

        def decode_meanwhile(data: memoryview, role: str, limits: Limits) -> object:
            if role == name:
                ending = threading.Thread(target=session.wipe)
                ending.start()
                ending.join(5)
                assert not any(data)
            return real(data, role, limits)

        monkeypatch.setattr(capture, "decode", decode_meanwhile)
        for role, data in captures_of().items():
            session.receive(role).write(data)
        with pytest.raises(SessionExpired):
            verifier.verify_session(session)


def test_a_missing_check_never_accepts(captures_of: Build, decider: Verifier) -> None:
    strict = Policy.for_uploads(required=(*Policy().required, "another_check"))
    verdict = Verifier(replace(decider.rules, policy=strict), decider.executor).verify(captures_of())
    assert (verdict.decision, verdict.reasons) == (Decision.REFER, ("another_check_missing",))


def test_files_without_a_challenge_are_referred_at_best(captures_of: Build, decider: Verifier) -> None:
    ours = Verifier(replace(decider.rules, policy=Policy()), decider.executor)
    verdict = ours.verify(captures_of())
    assert (verdict.decision, verdict.reasons) == (Decision.REFER, ("captures_injectable", "liveness_missing"))
    assert (verdict.capture_level, verdict.injectable) == ("upload", True)
    assert {"liveness", "capture_assurance", "selfie_copy"} <= set(verdict.required)
    from_device = ours.verify(captures_of(), origin=CaptureOrigin(CaptureLevel.DEVICE))
    reasons = ("capture_plan_missing", "liveness_missing")
    assert (from_device.decision, from_device.reasons) == (Decision.REFER, reasons)
    assert "capture_plan" in from_device.required
    assert not from_device.injectable


def test_streamed_captures_need_the_check_of_the_frames_between_them(captures_of: Build, decider: Verifier) -> None:
    streamed = CaptureOrigin(streamed=True)
    without = decider.verify(captures_of(), origin=streamed)
    assert (without.decision, without.reasons) == (Decision.REFER, ("card_turned_continuously_missing",))
    legs = {
        Decision.ACCEPT: LegMeasures(0.1, 0.3),
        Decision.REFER: LegMeasures(0.5, 0.6),
        Decision.REJECT: LegMeasures(0.9, 0.9),
    }
    for decision, leg in legs.items():
        found = turning.check([leg, LegMeasures(0.1, 0.3)])
        verdict = decider.verify(captures_of(), origin=replace(streamed, checks=(found,)))
        assert (verdict.decision, verdict.reasons) == (decision, (found.reason,) if found.reason else ())
        assert "card_turned_continuously" in verdict.required


def test_captures_whose_card_was_lit_need_its_answer(captures_of: Build, decider: Verifier) -> None:
    lit = CaptureOrigin(lit=True)
    without = decider.verify(captures_of(), origin=lit)
    assert (without.decision, without.reasons) == (Decision.REFER, ("card_light_missing",))
    answers = {
        Decision.ACCEPT: LightAnswer(0.97, 0.05, 0.98, 0.06),
        Decision.REFER: LightAnswer(0.1, 0.001, 0.98, 0.06),
    }
    for decision, answer in answers.items():
        found = screen_light.check(answer)
        verdict = decider.verify(captures_of(), origin=replace(lit, checks=(found,)))
        assert (verdict.decision, verdict.reasons) == (decision, (found.reason,) if found.reason else ())
        assert "card_light" in verdict.required
    assert "card_light" not in decider.verify(captures_of()).required


def test_an_operators_exception_stands_in_the_verdict(captures_of: Build, decider: Verifier) -> None:
    verdict = decider.verify(captures_of())
    assert (verdict.decision, verdict.injectable) == (Decision.ACCEPT, True)
    assert verdict.policy == f"{Policy().version}+uploads+without-liveness"


def test_the_operators_limits_are_in_force(captures_of: Build, verifier: Verifier) -> None:
    assert isinstance(verifier.executor, InProcessExecutor)
    tools = replace(verifier.executor.tools, limits=Limits(max_pixels=100_000))
    with pytest.raises(BadInput) as caught:
        Verifier(rules_for_tools(tools, None), InProcessExecutor(tools)).verify(captures_of())
    assert caught.value.code == "capture_too_many_pixels"


def test_the_verdict_survives_json_and_shows_nothing_in_its_representation(
    decider: Verifier, captures_of: Build
) -> None:
    verdict = decider.verify(captures_of())
    assert from_json(to_json(verdict)) == verdict
    assert not any(field.text in repr(verdict) for field in verdict.fields.values() if field.text)
    assert asdict(verdict)["fields"]
