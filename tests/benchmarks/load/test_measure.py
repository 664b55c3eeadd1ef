"""`bench load` counts verdicts, lost and doubled ones, and its figures have the published names."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import samples
from runs import published
from typer.testing import CliRunner

from idproof.benchmarks.cli import load
from idproof.benchmarks.harness.identity_core import IdentityCore
from idproof.benchmarks.harness.processes import processor_s
from idproof.benchmarks.load.measure import Sample, figures, measure_load, memory_slope
from idproof.benchmarks.load.steps import measure_steps
from idproof.benchmarks.scale.configuration import Configuration


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


def test_steps_are_measured_beside_threads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    samples.make(tmp_path, 1, 5)
    asked: list[Configuration] = []

    def in_process(chosen: Configuration) -> float:
        asked.append(chosen)
        return 0.5

    run = published(measure_steps(tmp_path, [1, 2], registrations=2, processors=2, in_process=in_process))
    assert [(one.executor, one.workers, one.registrations) for one in asked] == [("in-process", 2, 2)] * 2
    measured = {name: figure["value"] for name, figure in run["figures"].items()}
    assert run["counts"]["clients2"] == {"registrations": 2, "verdicts": 2, "problems": {}}
    best = max(measured["load.clients1.throughput_per_s"], measured["load.clients2.throughput_per_s"])
    assert measured["load.over_inprocess"] == pytest.approx(best / 0.5)
    assert (measured["load.lost"], measured["load.doubled"]) == (0, 0)
    for clients in (1, 2):
        name = f"load.clients{clients}"
        assert 0 < measured[f"{name}.p50_ms"] <= measured[f"{name}.p95_ms"]
        ratio = measured[f"{name}.p50_ms"] / measured[f"{name}.processor_ms"]
        assert measured[f"{name}.p50_over_processor"] == pytest.approx(ratio)
    assert measured["load.first_verdict_s"] > 0


@pytest.mark.parametrize("clients", ["0", "two", "", "1,0", "1,2"])
def test_unusable_numbers_of_clients_are_refused(clients: str) -> None:
    done = CliRunner().invoke(load.app, ["--clients", clients])
    assert done.exit_code == 2


def test_the_processor_time_of_a_session_grows_with_its_work() -> None:
    code = "import sys\nwhile sys.stdin.readline(): sum(range(3_000_000)); print(flush=True)"
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True
    ) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        found = []
        for _ in range(3):
            for _ in range(3):
                child.stdin.write(b"\n")
                child.stdin.flush()
                child.stdout.readline()
            found.append(processor_s(child.pid))
        child.stdin.close()
    assert found[0] < found[1] < found[2]
