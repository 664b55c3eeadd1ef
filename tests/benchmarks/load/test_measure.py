"""`bench load` counts verdicts, lost and doubled ones, and its figures have the published names."""

import json

import pytest
from runs import published

from idproof.benchmarks.harness.identity_core import IdentityCore
from idproof.benchmarks.load.measure import Sample, figures, measure_load, memory_slope


def test_a_run_in_the_sandbox_has_the_published_figures() -> None:
    run = published(measure_load([], registrations=12, clients=2, sandbox=True))
    assert json.loads(json.dumps(run)) == run
    assert run["counts"] == {"registrations": 12, "verdicts": 12, "problems": {}, "clients": 2, "core_events": 12}
    measured = run["figures"]
    assert {"load.throughput_per_s", "load.p99_ms", "load.lost", "load.doubled", "load.rss_slope_mib_per_1000"} <= set(
        measured
    )
    assert (measured["load.lost"]["value"], measured["load.doubled"]["value"]) == (0, 0)
    assert measured["load.p50_ms"]["value"] <= measured["load.p99_ms"]["value"]
    assert measured["load.rss_mib"]["value"] > 20


class FinishedLoad:
    def __init__(self, verdicts: list[str], memory: list[Sample]) -> None:
        self.verdicts, self.memory, self.times_ms, self.seconds = verdicts, memory, [1.0] * len(verdicts), 2.0


def test_what_is_lost_or_doubled_is_counted() -> None:
    core = IdentityCore({"ver_1": {"evt_1"}, "ver_2": {"evt_2", "evt_3"}})
    found = figures(FinishedLoad(["ver_1", "ver_2", "ver_3"], []), core)  # type: ignore[arg-type]
    assert (found["load.lost"]["value"], found["load.doubled"]["value"]) == (1, 1)
    assert found["load.throughput_per_s"]["value"] == 1.5


def test_memory_that_grows_shows_and_the_start_does_not_count() -> None:
    steady = [Sample(n, 100.0 + (50 if n < 200 else 80)) for n in range(0, 1000, 10)]
    assert memory_slope(steady)["value"] == pytest.approx(0, abs=1e-6)
    leaking = [Sample(n, 100 + n * 0.01) for n in range(0, 1000, 10)]
    assert memory_slope(leaking)["value"] == pytest.approx(10)
    assert memory_slope([])["value"] is None
