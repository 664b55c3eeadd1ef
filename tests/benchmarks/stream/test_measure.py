"""`bench stream` serves a device only with guidance in time and often enough, and says what was dropped."""

from dataclasses import replace
from pathlib import Path

import pytest
from runs import published

from idproof.benchmarks.harness.output import RENDERED
from idproof.benchmarks.stream.measure import Step, figures, measure_stream
from idproof.datasets.specimen.make import Registration

STEP = Step(
    devices=2,
    p95_ms=60.0,
    p50_ms=25.0,
    worst_p95_ms=70.0,
    guided_fps=9.0,
    least_guided_fps=8.5,
    answered=90,
    sent=100,
    dropped=8,
    mib=6.0,
    cpu_ms=12.0,
    cores_busy=0.5,
    errors={},
)


def test_a_run_before_a_real_server_has_the_published_figures(registration: Registration, tmp_path: Path) -> None:
    registration.write(tmp_path / "00000")
    steps: list[int] = []
    run = published(
        measure_stream(
            tmp_path,
            devices=(1,),
            seconds=2.0,
            rate=5.0,
            warm_up_s=1.0,
            progress=lambda done, _: steps.append(done),
        )
    )
    assert (run["bench"], run["data"], steps) == ("stream", RENDERED, [1])
    (step,) = run["counts"]["steps"]
    assert 5 <= step["sent"] <= 11
    assert 3 <= step["answered"] <= step["sent"]
    assert 0 < step["p50_ms"] <= step["p95_ms"] == step["worst_p95_ms"]
    assert step["guided_fps"] == step["least_guided_fps"] == step["answered"] / 2
    assert step["errors"] == {}
    measured = run["figures"]
    assert {
        "stream.devices_at_10fps",
        "stream.guidance_ms.p95",
        "stream.guided_fps.min",
        "stream.session_mib.max",
        "stream.cpu_ms_a_frame",
        "stream.dropped",
    } == set(measured)
    assert 0 < measured["stream.cpu_ms_a_frame"]["value"] < 1000
    assert measured["stream.session_mib.max"]["value"] < 100


@pytest.mark.parametrize(
    ("change", "served"),
    [({}, True), ({"p95_ms": 100.1}, False), ({"least_guided_fps": 4.9}, False), ({"dropped": 90}, True)],
)
def test_late_or_rare_guidance_serves_nobody(change: dict[str, float], served: bool) -> None:
    step = replace(STEP, **change)  # type: ignore[arg-type]
    assert step.served is served
    assert figures([step])["stream.devices_at_10fps"]["value"] == (2 if served else 0)


def test_the_figures_are_those_of_the_most_devices_that_were_served() -> None:
    steps = [STEP, replace(STEP, devices=4, p95_ms=90.0, mib=20.0), replace(STEP, devices=8, least_guided_fps=1.0)]
    found = figures(steps)
    assert found["stream.devices_at_10fps"]["value"] == 4
    assert found["stream.guidance_ms.p95"]["value"] == 90.0
    assert found["stream.session_mib.max"]["value"] == 5.0
    assert found["stream.dropped"]["value"] == 0.08
