"""The attack benchmark: real decisions at two levels, and tries that are what their kind says."""

import io
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image

from idproof.benchmarks.attack.executor import StoppingExecutor
from idproof.benchmarks.attack.kinds import ATTACKS, HONEST, RECIPES
from idproof.benchmarks.attack.measure import ANSWERS, Outcomes, measure_attack, summarise
from idproof.benchmarks.attack.tries import Try, make_try
from idproof.benchmarks.errors import BenchmarkFailed
from idproof.benchmarks.harness.output import Run
from idproof.datasets.rendered_people.clips import PUPPETS
from idproof.datasets.specimen.attacks import AttackKind
from idproof.pipeline import Captures, Verifier
from idproof.pipeline.assurance import CaptureLevel
from idproof.pipeline.documents import DocumentType
from idproof.pipeline.liveness.challenge import REDUCING
from idproof.pipeline.origin import CaptureOrigin
from idproof.pipeline.types import Decision, Outcome, Role

SEED = 0
Making = Callable[[str], Try]


@pytest.fixture(scope="module")
def tried(document: DocumentType) -> Making:
    made: dict[str, Try] = {}

    def make(kind: str) -> Try:
        if kind not in made:
            made[kind] = make_try(kind, 0, SEED, None, document)
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
        for level in ("device", "capture")
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
    assert set(answer.challenge.options.reductions) == set(REDUCING)
    assert not answer.reduction_permitted


def test_the_cropped_selfie_is_the_cards_portrait_tinted(tried: Making) -> None:
    crop = np.array(Image.open(io.BytesIO(tried("selfie_crop").parts[Role.SELFIE])).convert("RGB")).astype(float)
    assert crop[..., 0].mean() > 1.05 * crop[..., 2].mean()
    grey = np.corrcoef(crop[..., 0].ravel(), crop[..., 2].ravel())[0, 1]
    assert grey > 0.97  # a portrait engraved in grey has no colours of its own


def test_a_try_is_the_same_for_the_same_seed_and_another_for_another(document: DocumentType, tried: Making) -> None:
    assert make_try("no_frames", 0, SEED, None, document) == tried("no_frames")
    assert make_try("no_frames", 1, SEED, None, document).parts != tried("no_frames").parts


def test_a_cost_is_a_refusal_by_the_answers_alone() -> None:
    outcome = {"device": "refer", "capture": "accept"}
    reasons: dict[str, tuple[str, ...]] = {"device": ("grain_not_seen",), "capture": ()}
    results = [
        Outcomes(HONEST, outcome, reasons, {"device": True, "capture": False}),
        Outcomes(HONEST, outcome, reasons, {"device": False, "capture": False}),
    ]
    figures = summarise(results)
    assert (figures["attack.bpcer_cost"]["value"], figures["attack.device.bpcer"]["value"]) == (0.5, 1.0)
    assert "shared_grain" in ANSWERS
