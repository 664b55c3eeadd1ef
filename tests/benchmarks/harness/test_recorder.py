"""A recording calibration keeps every value, and another calibration judges it later in the same way."""

import numpy as np
import pytest

from idproof.benchmarks.harness.recorder import RecordingCalibration
from idproof.pipeline.calibration import Calibration
from idproof.pipeline.types import Outcome

SPREAD = tuple(np.linspace(0.0, 1.0, 30))


@pytest.mark.parametrize(
    ("side", "outcomes"),
    [
        ("at_most", (Outcome.PASS, Outcome.PASS, Outcome.FAIL)),
        ("at_least", (Outcome.FAIL, Outcome.PASS, Outcome.PASS)),
        ("within", (Outcome.FAIL, Outcome.PASS, Outcome.FAIL)),
    ],
)
def test_a_recorded_judgement_gives_the_same_result_later(side: str, outcomes: tuple[Outcome, ...]) -> None:
    recording, calibration = RecordingCalibration(), Calibration({"depth": SPREAD})
    values = (-5.0, 0.5, 5.0)
    for value in values:
        assert getattr(recording, side)("depth", value, unit="mm", reason="depth_wrong").outcome is Outcome.PASS
    later = [judgement.by(calibration) for judgement in recording.judgements]
    assert tuple(result.outcome for result in later) == outcomes
    assert later == [getattr(calibration, side)("depth", value, unit="mm", reason="depth_wrong") for value in values]


def test_values_have_the_precision_of_a_verdict() -> None:
    recording = RecordingCalibration()
    result = recording.at_most("depth", 1 / 3, unit="mm", reason="depth_wrong")
    assert (recording.judgements[0].value, result.value) == (0.33333, 0.33333)
