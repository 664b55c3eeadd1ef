"""The engine's benchmark, small."""

from runs import published

from idproof.benchmarks.far_engine.measure import measure_far_engine


def test_every_pair_is_counted_and_every_peer_accounted_for() -> None:
    seen: list[tuple[int, int]] = []
    run = measure_far_engine(n=3000, dim=32, workers=2, progress=lambda done, total: seen.append((done, total)))
    figures = run.figures
    assert run.counts["impostor_comparisons"] + run.counts["genuine_comparisons"] == 3000 * 2999 // 2
    assert run.counts["genuine_comparisons"] == 750 * 6
    assert published(run)["data"] == "invented"
    assert seen[-1] == (3000 * 2999 // 2,) * 2
    assert figures["far.comparisons_per_s"]["value"] > 0
    assert 0 < figures["far.ratio_to_matmul"]["value"] < 3
    assert figures["far.ratio_to_sklearn"]["value"] > 1
    assert ("far.ratio_to_pyeer" in figures) != ("pyeer" in run.extra["peers_unavailable"])
    assert figures["far.fnmr@fmr1e-3"]["value"] <= figures["far.fnmr@fmr1e-6"]["value"]
    assert run.extra["thresholds"]["1e-03"] < run.extra["thresholds"]["1e-06"]
