"""The time of each stage, of the whole registration and of a clip; peers are timed on the same clips."""

from pathlib import Path

import pytest
import samples
from runs import published

from idproof.benchmarks.latency.measure import measure_latency
from idproof.benchmarks.peers.peer import FacePeer, Template
from idproof.datasets.sets import read_sets
from idproof.pipeline import Verifier


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One bona fide card and one that is not found."""
    out = tmp_path_factory.mktemp("sets")
    samples.make(out / "bona", 1, 31)
    samples.make(out / "wrong_document", 1, 31, attack="wrong_document")
    return out


def test_the_latency_of_each_stage_and_its_share(verifier: Verifier, folder: Path) -> None:
    compared: list[float] = []

    def similarity(one: Template, other: Template) -> float:
        compared.append(float(abs(one - other).max() > 255))
        return compared[-1]

    colours = FacePeer(
        "colours", "numpy", "numpy", open=lambda: lambda frame: frame.mean((0, 1)), similarity=similarity
    )
    absent = FacePeer("absent", "absent", "no_module_of_this_name")
    run = measure_latency(
        read_sets(folder)[:1] * 2 + read_sets(folder / "wrong_document"),
        verifier,
        clips=1,
        face_peers=(colours, absent),
    )
    assert published(run)["data"] == "rendered"
    assert run.counts == {"registrations": 2, "bad_input": 1}
    shares = [entry["value"] for name, entry in run.figures.items() if name.endswith(".share")]
    assert sum(shares) < 1  # what the clock shows around the stages belongs to none of them
    assert sum(shares) == pytest.approx(1.0, abs=0.02)
    assert run.figures["latency.card.p50_ms"]["value"] <= run.figures["latency.card.p95_ms"]["value"]
    assert run.figures["latency.total.p50_ms"]["value"] > run.figures["latency.card.p50_ms"]["value"]
    spent = run.figures["latency.processor.p50_ms"]["value"]
    assert 0 < spent < 1.2 * run.figures["latency.total.p95_ms"]["value"], "one thread works"
    clip = run.figures["latency.liveness_clip16.p50_ms"]
    assert (clip["n"], clip["unit"]) == (1, "ms")
    assert clip["value"] > 100
    assert run.figures["latency.colours_clip16.p50_ms"]["n"] == 1
    assert compared == [0.0] * 3 * 15  # two clips to warm up and one, each frame with the next
    assert set(run.extra["peers_unavailable"]) == {"absent"}
