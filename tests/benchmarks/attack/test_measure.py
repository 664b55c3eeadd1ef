"""The attack benchmark: real decisions at two levels, and tries that are what their kind says."""

import io
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from idproof.benchmarks.attack import measure, tries
from idproof.benchmarks.attack.executor import StoppingExecutor
from idproof.benchmarks.attack.kinds import ATTACKS, HONEST, RECIPES
from idproof.benchmarks.attack.measure import ANSWERS, OF_THE_FACE, Outcomes, measure_attack, only_kept_by, summarise
from idproof.benchmarks.attack.tries import Try, TryMaker
from idproof.benchmarks.errors import BenchmarkFailed, RunNotResumable
from idproof.benchmarks.harness.output import Run
from idproof.datasets.rendered_people.clips import PUPPETS
from idproof.datasets.specimen.attacks import AttackKind
from idproof.models.types import RGBImage
from idproof.pipeline import Captures, Verifier
from idproof.pipeline.assurance import CaptureLevel
from idproof.pipeline.documents import DocumentType
from idproof.pipeline.liveness.challenge import GRANTABLE
from idproof.pipeline.origin import CaptureOrigin
from idproof.pipeline.types import CARD_ROLES, CheckResult, Decision, Outcome, Role, Status

SEED = 0
Making = Callable[[str], Try]


@pytest.fixture(scope="module")
def tried(document: DocumentType) -> Making:
    made: dict[str, Try] = {}
    maker = TryMaker(SEED, None, document)

    def make(kind: str) -> Try:
        if kind not in made:
            made[kind] = maker.make(kind, 0)
        return made[kind]

    return make


@pytest.fixture(scope="module")
def run() -> Run:
    """One try of three kinds that different stages answer."""
    return measure_attack(tries=1, kinds=["computed_card_plain", "replay_identical", "no_frames"], seed=SEED)


def test_every_computed_card_and_every_puppet_is_tried() -> None:
    computed = {kind.value for kind in AttackKind if kind.startswith("computed_")}
    assert computed | set(PUPPETS) <= set(ATTACKS)
    assert HONEST not in ATTACKS
    assert {RECIPES[kind].card for kind in computed} == {AttackKind(kind) for kind in computed}


def test_an_unknown_kind_is_refused() -> None:
    with pytest.raises(BenchmarkFailed, match="There is no attack sorcery"):
        measure_attack(tries=1, kinds=["sorcery"])


def test_each_kind_has_a_figure_at_each_level(run: Run) -> None:
    assert {name for name in run.figures if ".accepted." in name} == {
        f"attack.{level}.accepted.{kind}"
        for level in ("device", "attested", "capture")
        for kind in ("computed_card_plain", "replay_identical", "no_frames")
    }
    assert run.figures["attack.device.accepted.no_frames"]["n"] == 1
    assert run.extra["data"] == "rendered"


def test_captures_of_another_plan_and_registrations_without_frames_are_not_accepted_of_a_device(run: Run) -> None:
    assert run.counts["replay_identical"]["device"]["reasons"] == {"capture_plan_not_followed": 1}
    assert run.counts["no_frames"]["device"]["decisions"] == {"refer": 1}
    assert "liveness_missing" in run.counts["no_frames"]["device"]["reasons"]


def test_files_are_accepted_by_exception_whatever_plan_they_show(run: Run) -> None:
    """The exception is the operator's, and the figure shows what it costs."""
    assert run.counts["replay_identical"]["capture"]["decisions"] == {"accept": 1}
    assert run.counts["no_frames"]["capture"]["decisions"] == {"accept": 1}


def test_an_honest_registration_in_the_poses_of_its_plan_is_accepted(run: Run) -> None:
    assert run.counts[HONEST]["device"]["decisions"] == {"accept": 1}
    assert (run.figures["attack.bpcer_cost"]["value"], run.figures["attack.device.bpcer"]["value"]) == (0.0, 0.0)


def test_a_stopped_examination_decides_as_the_complete_one(tried: Making, verifier: Verifier) -> None:
    made = tried("computed_card_plain")
    executor = StoppingExecutor(verifier.executor.tools)  # type: ignore[attr-defined]
    stopping = Verifier(verifier.rules, executor)
    origin = CaptureOrigin(CaptureLevel.DEVICE, made.plan)
    verdicts = [
        one.verify(Captures.from_parts(made.parts), made.answer, made.frames, origin) for one in (stopping, verifier)
    ]
    assert {verdict.decision for verdict in verdicts} == {Decision.REJECT}
    failed = [{c.name for c in verdict.checks if c.outcome is Outcome.FAIL} for verdict in verdicts]
    assert failed[0]
    assert failed[0] <= failed[1]


def test_all_options_are_ticked_and_nothing_permits_it(tried: Making) -> None:
    answer = tried("options_all").answer
    assert answer is not None
    assert set(answer.challenge.options.reductions) == set(GRANTABLE)
    assert not answer.reduction_permitted


def test_the_cropped_selfie_is_the_cards_portrait_tinted(tried: Making) -> None:
    crop = np.array(Image.open(io.BytesIO(tried("selfie_crop").parts[Role.SELFIE])).convert("RGB")).astype(float)
    assert crop[..., 0].mean() > 1.05 * crop[..., 2].mean()
    grey = np.corrcoef(crop[..., 0].ravel(), crop[..., 2].ravel())[0, 1]
    assert grey > 0.97  # a portrait engraved in grey has no colours of its own


def test_a_try_is_the_same_for_the_same_seed_and_another_for_another(document: DocumentType, tried: Making) -> None:
    assert TryMaker(SEED, None, document).make("no_frames", 0) == tried("no_frames")
    assert TryMaker(SEED, None, document).make("no_frames", 1).parts != tried("no_frames").parts


def outcomes(kind: str, decision: str, *, cost: bool = False, face_alone: bool = False, same: bool = False) -> Outcomes:
    levels = ("device", "attested", "capture")
    return Outcomes(
        kind,
        dict.fromkeys(levels, decision),
        dict.fromkeys(levels, ("code",)),
        dict.fromkeys(levels, cost),
        dict.fromkeys(levels, face_alone),
        same,
    )


def test_a_cost_is_a_refusal_by_the_answers_alone() -> None:
    figures = summarise([outcomes(HONEST, "refer", cost=True), outcomes(HONEST, "refer")])
    assert (figures["attack.bpcer_cost"]["value"], figures["attack.device.bpcer"]["value"]) == (0.5, 1.0)
    assert {"shared_grain", "fraud_one_picture", "liveness_eyes_mouth", "selfie_copy"} <= set(ANSWERS)


def test_a_try_that_was_not_decided_is_no_success_and_is_counted_apart() -> None:
    """A capture without a card, for instance, says nothing of the checks that answer the attack."""
    tried = [outcomes("puppet_mesh", each) for each in ("accept", "reject", "bad_input", "bad_input")]
    figures = summarise(tried)
    accepted, unusable = (figures[f"attack.device.{name}.puppet_mesh"] for name in ("accepted", "bad_input"))
    assert (accepted["value"], accepted["n"]) == (0.5, 2)
    assert (unusable["value"], unusable["n"]) == (0.5, 4)


def test_tries_that_nothing_decided_have_no_rate() -> None:
    accepted = summarise([outcomes("puppet_mesh", "bad_input")])["attack.device.accepted.puppet_mesh"]
    assert (accepted["value"], accepted["n"]) == (None, 0)


def test_tries_that_the_face_alone_stopped_are_counted_apart() -> None:
    figures = summarise([outcomes("puppet_mesh", "refer", face_alone=True), outcomes("puppet_mesh", "reject")])
    assert figures["attack.capture.face_alone.puppet_mesh"]["value"] == 0.5
    assert {"face_comparison", "quality_exposure"} <= set(OF_THE_FACE)
    assert not set(OF_THE_FACE) & set(ANSWERS)


@pytest.mark.parametrize(
    ("doubted", "alone"),
    [([], False), (["quality_exposure"], True), (["quality_exposure", "fine_print"], False)],
)
def test_the_face_alone_keeps_from_an_accept_when_all_else_passes(doubted: list[str], alone: bool) -> None:
    names = ("face_comparison", "quality_exposure", "fine_print")
    checks = [
        CheckResult(name, Status.ASSESSED, Outcome.DOUBT, reason=f"{name}_low")
        if name in doubted
        else CheckResult(name, Status.ASSESSED, Outcome.PASS)
        for name in names
    ]
    assert only_kept_by(OF_THE_FACE, checks, names) is alone
    assert not only_kept_by(OF_THE_FACE, checks, [*names, "liveness_actions"])


@pytest.mark.parametrize(("pictures", "same"), [(1, True), (2, False)])
def test_a_selfie_of_the_photograph_on_the_card_is_told(
    tmp_path: Path, document: DocumentType, pictures: int, same: bool
) -> None:
    for person in ("Ann", "Ben"):
        (tmp_path / person).mkdir()
        for number in range(1, pictures + 1):
            Image.new("RGB", (250, 250), (60 * number, 90, 120)).save(tmp_path / person / f"{person}_{number:04d}.jpg")
    assert TryMaker(SEED, tmp_path, document).make("no_frames", 0).same_photograph is same


def test_somebody_who_waits_looks_ahead_in_another_photograph_than_the_cards(
    tmp_path: Path, document: DocumentType, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The photographs are told by their shade: those of Ann look ahead from 150 on, Ben has none that does."""
    shades = {"Ann": (200, 40, 160, 180), "Ben": (200, 40)}
    for person, own in shades.items():
        (tmp_path / person).mkdir()
        for number, shade in enumerate(own, 1):
            Image.new("L", (250, 250), shade).convert("RGB").save(
                tmp_path / person / f"{person}_{number:04d}.jpg", quality=95
            )
    chosen: list[int] = []

    def looking_ahead(photographs: Iterable[RGBImage]) -> RGBImage:
        found = next((photograph for photograph in photographs if photograph.mean() >= 150), None)
        if found is None:
            raise ValueError
        chosen.append(round(float(found.mean())))
        return found

    monkeypatch.setattr(tries, "looking_ahead", looking_ahead)
    for index in range(4):
        TryMaker(SEED, tmp_path, document).make("no_frames", index)
    assert chosen == [160] * 4


def test_nothing_of_a_device_is_accepted_where_hardware_must_attest(run: Run) -> None:
    """The attacker holds a device's key, and no hardware that attests to it."""
    accepted = [kind for kind, counts in run.counts.items() if "accept" in counts["attested"]["decisions"]]
    assert not accepted
    assert run.counts[HONEST]["attested"]["reasons"] == {"device_not_attested": 1}


def test_kinds_that_differ_in_neither_card_nor_clip_share_their_bytes(document: DocumentType, tried: Making) -> None:
    without, moved = (tried(kind).parts for kind in ("no_frames", "puppet_mesh"))
    assert all(without[role] == moved[role] for role in CARD_ROLES)
    maker = TryMaker(SEED, None, document)
    maker.make("puppet_mesh", 0)
    assert maker.make("no_frames", 0) == tried("no_frames")
    assert maker.make("no_frames", 1).parts[Role.CARD_FRONT] != without[Role.CARD_FRONT]


def test_a_card_seen_before_is_judged_with_the_people_of_its_own_registration(
    tried: Making, verifier: Verifier
) -> None:
    """The same captures with another selfie: the card's facts are kept, the face is compared anew."""
    executor = StoppingExecutor(verifier.executor.tools)  # type: ignore[attr-defined]
    stopping = Verifier(verifier.rules, executor)
    of_holder, of_crop = tried("no_frames"), tried("selfie_crop")
    found = {}
    for made in (of_holder, of_crop):
        verdict = stopping.verify(Captures.from_parts(made.parts))
        found[made is of_crop] = {check.name: check for check in verdict.checks}
        alone = verifier.verify(Captures.from_parts(made.parts))
        assert {check.name: check for check in alone.checks} == found[made is of_crop]
    assert found[True]["selfie_copy"].outcome is Outcome.FAIL
    assert found[False]["selfie_copy"].outcome is Outcome.PASS


def test_a_stopped_run_goes_on_where_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file, made = tmp_path / "tries", []

    def attempts(task: measure.Task, *_: object) -> list[Outcomes]:
        made.append(task)
        return [outcomes(kind, "refer") for kind in task[1]]

    monkeypatch.setattr(measure, "_attempts", attempts)

    def run(tries: int, honest: int, seed: int = SEED) -> Run:
        return measure_attack(tries=tries, honest=honest, kinds=["no_frames"], seed=seed, resume=file)

    both = (0, ("no_frames", HONEST)), (1, ("no_frames", HONEST))
    once = run(2, 2)
    assert made == [*both]
    again = run(2, 2)
    assert (again.figures, again.counts) == (once.figures, once.counts)
    fewer = run(1, 1)
    assert made == [*both]
    assert fewer.figures["attack.device.accepted.no_frames"]["n"] == 1
    run(3, 2)
    assert made == [*both, (2, ("no_frames",))]
    run(2, 1)  # the second without an honest registration
    assert made[-1] == (1, ("no_frames",))
    with pytest.raises(RunNotResumable, match="other kinds"):
        run(2, 2, SEED + 1)
