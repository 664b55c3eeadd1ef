"""How long one registration takes, stage by stage, with nothing beside it."""

import time
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from idproof.benchmarks.harness.output import Run, data_of, plain
from idproof.benchmarks.latency import clips as clip_latency
from idproof.datasets.sets import RegistrationSet
from idproof.pipeline import BadInput, Captures, Verifier

_WARM_UP = 2  # the first calls also pay for memory and for networks that settle
TOTAL = "total"


def run(
    sets: Sequence[RegistrationSet],
    verifier: Verifier,
    *,
    clips: int = 0,
    seed: int = 0,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Run:
    """Verify every set once, one after the other, after the first few were verified to warm up.

    `latency.liveness_clip16` is what frames that answer a challenge add, 16 of 384 × 512 pixels: registrations of
    `sets` hold none, so it is measured by itself, on rendered clips of the bundled people, and is no part of the total.
    Peers that are installed are timed on the same clips (`latency_clips`).

    Args:
        sets: registrations; those whose captures cannot be used are counted and left out.
        verifier: opened with the profile to measure.
        clips: how many clips to examine; 0 leaves them out.
        seed: of the clips; nothing else here is random.
        progress: called with registrations done and in total.
    """
    for entry in sets[:_WARM_UP]:
        _timings(verifier, entry)
    timings = []
    for done, entry in enumerate(sets, start=1):
        timings.append(_timings(verifier, entry))
        progress(done, len(sets))
    measured = [found for found in timings if found is not None]
    of_clips, beside = clip_latency.run(verifier.profile, clips, seed) if clips else ({}, {})
    return Run(
        bench="latency",
        profile=verifier.profile,
        weights=verifier.weights,
        seed=seed,
        counts={"registrations": len(measured), "bad_input": len(timings) - len(measured)},
        figures=_figures(measured) | of_clips,
        extra={"data": data_of(sets), **beside},
    )


def _timings(verifier: Verifier, entry: RegistrationSet) -> Mapping[str, float] | None:
    captures = Captures.from_parts(entry.parts())
    start = time.perf_counter()
    try:
        stages = verifier.verify(captures).timings_ms
    except BadInput:
        return None
    return {**stages, TOTAL: (time.perf_counter() - start) * 1000}


def _figures(measured: Sequence[Mapping[str, float]]) -> dict[str, dict[str, object]]:
    """Median and 95th percentile of each stage, and the stage's share of all time."""
    if not measured:
        return {}
    figures: dict[str, dict[str, object]] = {}
    everything = sum(timings[TOTAL] for timings in measured)
    for stage in measured[0]:
        values = np.array([timings[stage] for timings in measured])
        figures[f"latency.{stage}.p50_ms"] = plain(float(np.median(values)), len(values), "ms")
        figures[f"latency.{stage}.p95_ms"] = plain(float(np.percentile(values, 95)), len(values), "ms")
        if stage != TOTAL:
            figures[f"latency.{stage}.share"] = plain(float(values.sum() / everything), len(values), "share of total")
    return figures
