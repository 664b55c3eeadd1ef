"""The queueing model against textbooks and against the simulation; the simulation against itself and against theory."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from idproof.benchmarks.capacity.clusters import simulate_clusters
from idproof.benchmarks.capacity.measured import Costs
from idproof.benchmarks.capacity.model import plan
from idproof.benchmarks.capacity.queueing import erlang_c, servers_needed, waiting
from idproof.benchmarks.capacity.simulate import ClusterConfig, prediction_error, simulate
from idproof.benchmarks.errors import RunUnusable


def costs(service_ms: list[float] | None = None, driver_ms: float = 0.0, contention: float = 1.0) -> Costs:
    return Costs(service_ms or [4000.0], [driver_ms], contention, {}, None, "open")


@pytest.mark.parametrize(
    ("servers", "offered", "waits"),
    [(1, 0.7, 0.7), (2, 1.0, 1 / 3), (3, 2.0, 4 / 9), (10, 8.0, 0.40918), (20, 15.0, 0.16043)],
)
def test_erlang_c_is_that_of_the_tables(servers: int, offered: float, waits: float) -> None:
    assert erlang_c(servers, offered) == pytest.approx(waits, abs=2e-5)


@given(st.integers(1, 500), st.floats(0, 0.999))
def test_erlang_c_is_a_share_and_falls_with_every_server(servers: int, utilisation: float) -> None:
    offered = servers * utilisation
    assert 0 <= erlang_c(servers + 1, offered) <= erlang_c(servers, offered) <= 1


def test_one_server_waits_as_pollaczek_and_khinchine_say() -> None:
    found = waiting(1, per_s=0.2, service_s=4.0, variation=0.0)
    assert found.mean_s == pytest.approx(0.8 * 4.0 / (2 * 0.2))  # M/D/1
    with pytest.raises(ValueError, match="less than"):
        waiting(1, per_s=0.25, service_s=4.0, variation=0.0)


def test_as_few_servers_as_hold_the_promise() -> None:
    needed = servers_needed(2.0, 4.0, 0.5, wait_s=2.0)
    assert waiting(needed, 2.0, 4.0, 0.5).p95_s <= 2.0
    assert needed == 9 or waiting(needed - 1, 2.0, 4.0, 0.5).p95_s > 2.0


@pytest.mark.parametrize("spread", ["exponential", "fixed"])
def test_the_simulation_waits_as_the_theory_says(spread: str) -> None:
    rng = np.random.default_rng(3)
    times = list(rng.exponential(4000, 20_000)) if spread == "exponential" else [4000.0]
    measured = costs(times)
    world = ClusterConfig(nodes=1, replicas=8, per_s=1.6)
    outcomes = [simulate(measured, world, registrations=20_000, seed=seed) for seed in range(4)]
    expected = waiting(8, 1.6, measured.busy_ms / 1000, measured.variation)
    assert np.mean([one.waiting_s for one in outcomes]) == pytest.approx(expected.mean_s, rel=0.12)
    assert outcomes[0].busy_s / outcomes[0].seconds / 8 == pytest.approx(expected.utilisation, rel=0.03)


def test_a_closed_loop_gives_what_the_workers_can_do() -> None:
    measured = costs([4000.0], driver_ms=10.0, contention=1.05)
    one = simulate(measured, ClusterConfig(nodes=1, replicas=1, clients=1), registrations=50)
    assert one.per_s == pytest.approx(1 / 4.01)
    two = simulate(measured, ClusterConfig(nodes=1, replicas=2, clients=2), registrations=50)
    assert two.per_s == pytest.approx(2 / 4.21, rel=0.01)
    assert prediction_error(measured, [one.per_s, two.per_s * 0.9], 50)[0] == pytest.approx(0)
    assert prediction_error(measured, [one.per_s, two.per_s * 0.9], 50)[1] == pytest.approx(1 / 0.9 - 1)


def test_when_nodes_die_everybody_is_told_something() -> None:
    world = ClusterConfig(nodes=4, replicas=2, per_s=1.5, failures_per_hour=60, repair_s=20, straggler_share=0.05)
    outcome = simulate(costs(), world, registrations=4000, seed=2)
    assert outcome.failures > 20
    assert outcome.retried > 0
    assert outcome.ended == 4000
    again = simulate(costs(), world, registrations=4000, seed=2)
    assert (again.verdicts, again.latency_s) == (outcome.verdicts, outcome.latency_s)


def test_one_server_before_many_replicas_is_where_it_breaks() -> None:
    slow_door = costs([4000.0], driver_ms=100.0)
    through_one = simulate(slow_door, ClusterConfig(nodes=100, replicas=2, clients=200), registrations=2000)
    through_ten = simulate(slow_door, ClusterConfig(nodes=100, replicas=2, servers=10, clients=200), registrations=2000)
    assert through_one.per_s == pytest.approx(10, rel=0.05)
    assert through_ten.per_s > 4 * through_one.per_s


def test_a_full_queue_refuses_before_anything_is_examined() -> None:
    outcome = simulate(costs(), ClusterConfig(nodes=1, replicas=1, per_s=2.0, queue=3), registrations=300, seed=4)
    assert outcome.refused > 200
    assert outcome.ended == 300


def test_the_plan_grows_with_the_stream_and_invents_no_price() -> None:
    measured = Costs.read()
    small, large = plan(measured, 600), plan(measured, 60_000, price=0.5)
    assert small.money is None
    assert large.money == pytest.approx(large.node_hours * 0.5)
    # A million registrations of so many seconds each, on cores that cost a part of their machine.
    seconds = measured.busy_ms / 1000 + sum(measured.driver_ms) / len(measured.driver_ms) / 1000
    assert large.core_hours_per_million == pytest.approx(1e6 * seconds / 3600)
    assert small.core_hours_per_million == large.core_hours_per_million
    assert small.money_per_million is None
    assert large.replicas > 50 * small.replicas * 0.8
    assert small.waiting.p95_s <= 5.0
    assert small.waiting.utilisation < 1
    with pytest.raises(ValueError, match="positive"):
        plan(measured, 0)


def test_a_file_that_is_no_run_is_said_to_be_none(tmp_path: Path) -> None:
    file = tmp_path / "run.json"
    for text in ("{", json.dumps({"bench": "card"})):
        file.write_text(text)
        with pytest.raises(RunUnusable):
            Costs.read(file)


def test_the_runner_counts_what_it_simulated() -> None:
    found = simulate_clusters(costs(driver_ms=10), [1, 5], replicas=2, failures=30, seed=1).to_json()
    for size in (1, 5):
        counts = found["counts"][f"nodes{size}"]
        assert counts["lost"] == 0
        assert counts["registrations"] == 50 * size
    assert found["figures"]["capacity.nodes5.utilisation"]["value"] == pytest.approx(0.8, abs=0.25)


def test_the_command_tells_people_and_programs_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    from idproof.service.cli.main import main

    for options in ([], ["--json"]):
        with pytest.raises(SystemExit) as ended:
            main(["capacity", "--registrations-per-hour", "20000", *options])
        assert ended.value.code == 0
    table, _, document = capsys.readouterr().out.partition("{")
    planned = json.loads("{" + document)
    assert f"{planned['replicas']}" in table
    assert planned["money"] is None
    with pytest.raises(SystemExit) as ended:
        main(["capacity", "--registrations-per-hour", "20000", "--profile", "buffalo_l"])
    assert ended.value.code == 2
