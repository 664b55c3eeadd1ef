"""`bench scale`: every configuration really verifies, and its figures are ratios of what was measured in one run."""

import json
from pathlib import Path

import pytest
import samples

from idproof.benchmarks.capacity.measured import Costs
from idproof.benchmarks.scale.configuration import IN_PROCESS, RAY, Configuration
from idproof.benchmarks.scale.measure import Measured, measure_configuration, measure_scaling


def test_what_one_configuration_measured(tmp_path: Path) -> None:
    samples.make(tmp_path, 1, 7)
    chosen = Configuration(IN_PROCESS, 1, 2, str(tmp_path), "open")
    found = measure_configuration(chosen)
    assert len(found.service_ms) == 2
    assert found.driver_ms == [0.0, 0.0]
    assert found.per_s == pytest.approx(1000 / (sum(found.latency_ms) / 2), rel=0.3)
    assert sum(found.decisions.values()) == 2
    assert found.weights


def test_the_figures_are_ratios_within_one_run(tmp_path: Path) -> None:
    def invented(chosen: Configuration) -> Measured:
        slower = 1.04 if chosen.workers == 2 else 1.0
        driver = 10.0 if chosen.executor == RAY else 0.0
        latency = 4000 * slower + driver
        per_s = chosen.workers / latency * 1000
        n = chosen.registrations
        return Measured(per_s, [latency] * n, [latency - driver] * n, [driver] * n, {"accept": n}, {"net": "0"})

    samples.make(tmp_path, 1, 7)
    run = measure_scaling(tmp_path, registrations=20, measure=invented).to_json()
    figures = {name: entry["value"] for name, entry in run["figures"].items()}
    assert figures["scale.ray2_over_ray1"] == pytest.approx(2 * 4010 / 4170)
    assert figures["scale.ray2_over_inprocess"] == pytest.approx(4160 / 4170)
    assert figures["scale.overhead_ms"] == pytest.approx(10)
    assert figures["scale.ray1_minus_inprocess1_ms"] == pytest.approx(10)
    assert figures["scale.contention"] == pytest.approx(1.04)
    assert figures["scale.simulation_error"] < 0.02
    assert Costs.of(json.loads(json.dumps(run))).contention == pytest.approx(1.04)
