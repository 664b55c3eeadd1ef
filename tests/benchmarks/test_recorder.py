"""What a calibration is made from: every value as asked, and judged afterwards as the check would have been."""

import numpy as np
import pytest

from idproof.benchmarks.harness.recorder import Recorder
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
def test_what_was_asked_is_judged_later_as_it_would_have_been(side: str, outcomes: tuple[Outcome, ...]) -> None:
    recorder, calibration = Recorder(), Calibration({"depth": SPREAD})
    values = (-5.0, 0.5, 5.0)
    for value in values:
        assert getattr(recorder, side)("depth", value, unit="mm", reason="depth_wrong").outcome is Outcome.PASS
    later = [asked.of(calibration) for asked in recorder.asked]
    assert tuple(result.outcome for result in later) == outcomes
    assert later == [getattr(calibration, side)("depth", value, unit="mm", reason="depth_wrong") for value in values]


def test_values_are_kept_as_precisely_as_a_verdict_tells_them() -> None:
    recorder = Recorder()
    result = recorder.at_most("depth", 1 / 3, unit="mm", reason="depth_wrong")
    assert (recorder.asked[0].value, result.value) == (0.33333, 0.33333)
