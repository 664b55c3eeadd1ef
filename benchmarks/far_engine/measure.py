"""Measures the speed and memory of comparing all pairs of many templates, beside the bare matrix product and peers.

Templates are invented: unit vectors in clusters, one per subject. The engine is measured, not a network.
"""

import resource
import time
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from idproof.benchmarks import peers
from idproof.benchmarks.engine import FixedPoint, TailTooShort, Tally, all_pairs, fixed_point, kernel
from idproof.benchmarks.harness.output import INVENTED, Run, figure, plain
from idproof.benchmarks.metrics import Rate, rate
from idproof.pipeline.executors.task_runner import TaskRunner

# Chosen by hand; no outside source.
_EACH = 4  # templates per subject
_SPREAD = 0.35  # of a subject's templates about their middle
_BLOCK = 1024
_PEER_SCORES = 2_000_000  # what sorting peers do in a second
FMRS = (1e-3, 1e-4, 1e-5, 1e-6, 1e-7, 1e-8)


def measure_far_engine(
    *,
    n: int = 100_000,
    dim: int = 128,
    workers: int = 2,
    seed: int = 0,
    runner: TaskRunner | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Run:
    """Compares n invented templates with each other.

    Args:
        n: templates.
        dim: their dimensions.
        workers: threads, of the engine and of the bare product.
        seed: of the templates.
        runner: over a cluster instead of threads.
        progress: called with comparisons done and in total.
    """
    compiled = kernel.is_compiled()
    templates = fixed_point(invented(n, dim, seed))
    subjects = np.arange(n) // _EACH
    # The product is timed before and after, so that what slows the machine meanwhile slows both.
    bare = [_bare(templates, workers)]
    start = time.perf_counter()
    result = all_pairs(templates, subjects, block=_BLOCK, workers=workers, runner=runner, progress=progress)
    seconds = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    bare.append(_bare(templates, workers))
    impostor, genuine = result.impostor(), result.genuine()
    compared = impostor.total + genuine.total
    speed = compared / seconds
    figures = {
        "far.comparisons_per_s": plain(speed, compared, "1/s"),
        "far.ratio_to_matmul": plain(speed / float(np.mean(bare)), compared, "ratio"),
        "far.peak_mib": plain(peak, n, "MiB"),
        **_peer_figures(speed, seed),
        **_rates(impostor, genuine),
    }
    return Run(
        bench="far-engine",
        profile="none",
        weights={},
        seed=seed,
        counts={"templates": n, "impostor_comparisons": impostor.total, "genuine_comparisons": genuine.total},
        figures=figures,
        extra={
            "data": INVENTED,
            "templates": "invented",
            "kernel": "compiled" if compiled else "in passes: install the extra `bench` for the compiled one",
            "largest_error": templates.largest_error,
            "thresholds": {f"{fmr:.0e}": templates.cosine(t) for fmr, t in _thresholds(impostor).items()},
            "peers_unavailable": peers.unavailable(peers.SCORES),
        },
    )


def invented(n: int, dim: int, seed: int) -> NDArray[np.float32]:
    """Returns (n, dim) unit vectors; every four in a row belong to one subject."""
    rng = np.random.default_rng(seed)
    middles = rng.normal(size=(-(-n // _EACH), dim)).astype(np.float32)
    vectors = np.repeat(middles, _EACH, axis=0)[:n] + _SPREAD * rng.normal(size=(n, dim)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors


def _bare(templates: FixedPoint, workers: int) -> float:
    """Returns scores per second of the product alone, in the engine's blocks, without counting."""
    from concurrent.futures import ThreadPoolExecutor

    values = templates.values[: 16 * _BLOCK]

    def product(start: int) -> int:
        out = np.empty((_BLOCK, 2 * _BLOCK), dtype=np.float32)
        mine, scores = values[start : start + _BLOCK], 0
        for at in range(0, len(values) - 2 * _BLOCK + 1, 2 * _BLOCK):
            np.matmul(mine, values[at : at + 2 * _BLOCK].T, out=out[: len(mine)])
            scores += len(mine) * 2 * _BLOCK
        return scores

    starts = list(range(0, len(values), _BLOCK)) * 2
    with threadpool_limits(1), ThreadPoolExecutor(workers) as pool:
        start = time.perf_counter()
        scores = sum(pool.map(product, starts))
        return scores / (time.perf_counter() - start)


def _peer_figures(speed: float, seed: int) -> dict[str, dict[str, object]]:
    """Returns the speed as a multiple of the peers', who get their scores ready made."""
    rng = np.random.default_rng(seed)
    impostors = rng.normal(0.0, 0.1, _PEER_SCORES).astype(np.float32)
    genuines = rng.normal(0.6, 0.1, _PEER_SCORES // 100).astype(np.float32)
    figures: dict[str, dict[str, object]] = {}
    for peer in peers.SCORES:
        if peer.why_not() is None:
            ratio = speed / peer.per_second(impostors, genuines)
            figures[f"far.ratio_to_{peer.name}"] = plain(ratio, _PEER_SCORES, "ratio")
    return figures


def _thresholds(impostor: Tally) -> dict[float, int]:
    found = {}
    for fmr in FMRS:
        try:
            found[fmr] = impostor.threshold(fmr)
        except TailTooShort:
            continue
    return found


def _rates(impostor: Tally, genuine: Tally) -> dict[str, dict[str, object]]:
    figures: dict[str, dict[str, object]] = {}
    for fmr, threshold in _thresholds(impostor).items():
        missed: Rate = rate(genuine.total - genuine.at_least(threshold), genuine.total)
        figures[f"far.fnmr@fmr{fmr:.0e}".replace("e-0", "e-")] = figure(missed)
    return figures
