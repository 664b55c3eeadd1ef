"""The guidance benchmark: films with faults, real guidance and the real verification."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from idproof.benchmarks.errors import BenchmarkFailed
from idproof.benchmarks.guidance.faults import FAULTS
from idproof.benchmarks.guidance.measure import NONE, Played, figures, measure_guidance
from idproof.datasets.sets import RegistrationSet, read_sets
from idproof.datasets.specimen.make import make_sets
from idproof.pipeline.guidance import Hint


@pytest.fixture(scope="module")
def sets(tmp_path_factory: pytest.TempPathFactory) -> list[RegistrationSet]:
    root: Path = tmp_path_factory.mktemp("guidance")
    make_sets(root, 3, 9)
    return read_sets(root)


def played(fault: str, *, good: bool, accepted: bool, after_ms: int | None = None) -> Played:
    return Played(fault, 1, good, accepted, (), None, after_ms)


def test_a_clean_card_is_taken_and_accepted_and_faults_are_named(sets: list[RegistrationSet]) -> None:
    run = measure_guidance(sets, faults=["upside_down", NONE, "out_of_focus"], seed=1)
    assert run.counts[NONE]["good_accepted"] == 1
    assert run.counts["out_of_focus"]["hinted_refused"] + run.counts["out_of_focus"]["hinted_accepted"] == 1
    assert run.counts["upside_down"]["first_hints"] == {"turn_upright": 1}
    assert run.figures["guidance.good_agrees"]["value"] == 1
    for fault in ("out_of_focus", "upside_down"):
        assert run.figures[f"guidance.hint.{fault}"]["value"] == 1
    assert 0 < run.figures["guidance.first_hint_ms.p95"]["value"] < 2400


def test_an_unknown_fault_and_a_folder_of_attacks_are_refused(sets: list[RegistrationSet]) -> None:
    with pytest.raises(BenchmarkFailed, match="no fault haze"):
        measure_guidance(sets, faults=["haze"])
    with pytest.raises(BenchmarkFailed, match="no bona fide"):
        measure_guidance([])


def test_agreement_is_of_what_guidance_took_and_a_fault_that_does_not_matter_needs_no_hint() -> None:
    found = figures(
        [
            played(NONE, good=True, accepted=True),
            played("finger", good=True, accepted=True),
            played("finger", good=True, accepted=False),
            played("finger", good=False, accepted=False, after_ms=300),
            played("dark", good=False, accepted=True, after_ms=100),
        ]
    )
    assert found["guidance.good_agrees"]["value"] == pytest.approx(2 / 3)
    assert found["guidance.needless"]["value"] == 1 / 2
    assert found["guidance.hint.finger"]["value"] == 1 / 2
    assert found["guidance.hint.dark"]["n"] == 1
    assert found["guidance.first_hint_ms.p95"]["value"] == 2400


@pytest.mark.parametrize("fault", FAULTS)
def test_every_fault_changes_the_picture_and_is_drawn_from_the_seed(fault: str) -> None:
    image = np.random.default_rng(0).integers(0, 256, (270, 480, 3), dtype=np.uint8)
    image = np.asarray(cv2.GaussianBlur(image, (0, 0), 2), dtype=np.uint8)
    corners = np.array([[110.0, 50], [370, 55], [365, 215], [112, 220]])
    once, again, other = (FAULTS[fault].spoil(image, corners, np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert once.dtype == np.uint8
    assert once.shape[1:] == image.shape[1:]
    assert np.array_equal(once, again)
    assert not np.array_equal(once, image)
    assert fault == "upside_down" or not np.array_equal(once, other)
    assert Hint.GOOD not in FAULTS[fault].hints
