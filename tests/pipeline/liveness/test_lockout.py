"""Five failures in three minutes lock for ten minutes."""

import pytest

from idproof.pipeline.liveness.lockout import Lockout


@pytest.mark.parametrize(
    ("failed_at", "now", "remaining"),
    [
        ([], 0.0, 0.0),
        ([0.0, 30.0, 60.0, 90.0], 91.0, 0.0),
        ([0.0, 30.0, 60.0, 90.0, 120.0], 120.0, 600.0),
        ([0.0, 30.0, 60.0, 90.0, 120.0], 719.0, 1.0),
        ([0.0, 30.0, 60.0, 90.0, 120.0], 721.0, 0.0),
        ([0.0, 46.0, 92.0, 138.0, 184.0, 230.0], 231.0, 0.0),
        ([0.0, 100.0, 110.0, 120.0, 130.0, 140.0], 140.0, 600.0),
        ([0.0, 1.0, 2.0, 3.0, 4.0, 500.0], 501.0, 103.0),
    ],
)
def test_five_failures_within_three_minutes_lock_for_ten(failed_at: list[float], now: float, remaining: float) -> None:
    assert Lockout().remaining_s(failed_at, now) == remaining
