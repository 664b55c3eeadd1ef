"""Measures the time of one registration, stage by stage, with nothing else running."""

import os
import time
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from idproof.benchmarks import peers
from idproof.benchmarks.harness.output import Run, data_of, plain
from idproof.benchmarks.latency.clips import measure_clips
from idproof.benchmarks.peers.peer import FacePeer
from idproof.datasets.sets import RegistrationSet
from idproof.pipeline import BadInput, Captures, Verifier

_WARM_UP = 2  # the first calls also pay for memory and for networks that settle
TOTAL, PROCESSOR = "total", "processor"


def measure_latency(
    sets: Sequence[RegistrationSet],
    verifier: Verifier,
    *,
    clips: int = 0,
    seed: int = 0,
    face_peers: Sequence[FacePeer] = peers.FACES,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Run:
    """Verifies every set once, one after the other, after the first two warmed up the networks.

    `latency.processor` is the processor time, which other work on the machine hardly changes: versions are compared
    by it.

    `latency.liveness_clip16` is the time of a clip that answers a challenge: 16 frames of 384 × 512 pixels. The
    registrations of `sets` hold none, so it is measured on rendered clips of the bundled people and is not part of the
    total. Installed peers are timed on the same clips (`clips.py`).

    Args:
        sets: registrations; those whose captures cannot be used are counted and left out.
        verifier: opened with the profile to measure.
        clips: how many clips to examine; 0 leaves them out.
        seed: of the clips; nothing else here is random.
        face_peers: timed on the clips.
        progress: called with registrations done and in total.
    """
    for entry in sets[:_WARM_UP]:
        _timings(verifier, entry)
    timings = []
    for done, entry in enumerate(sets, start=1):
        timings.append(_timings(verifier, entry))
        progress(done, len(sets))
    measured = [found for found in timings if found is not None]
    of_clips, beside = measure_clips(verifier.profile, clips, seed, face_peers) if clips else ({}, {})
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
    start, spent = time.perf_counter(), _processor_s()
    try:
        stages = verifier.verify(captures).timings_ms
    except BadInput:
        return None
    total, processor = time.perf_counter() - start, _processor_s() - spent
    return {**stages, PROCESSOR: processor * 1000, TOTAL: total * 1000}


def _processor_s() -> float:
    """Returns the processor time of this process and of the programs that it ran to their end."""
    used = os.times()
    return used.user + used.system + used.children_user + used.children_system


def _figures(measured: Sequence[Mapping[str, float]]) -> dict[str, dict[str, object]]:
    """Returns the median and 95th percentile of each stage, and its share of all time."""
    if not measured:
        return {}
    figures: dict[str, dict[str, object]] = {}
    everything = sum(timings[TOTAL] for timings in measured)
    for stage in measured[0]:
        values = np.array([timings[stage] for timings in measured])
        figures[f"latency.{stage}.p50_ms"] = plain(float(np.median(values)), len(values), "ms")
        figures[f"latency.{stage}.p95_ms"] = plain(float(np.percentile(values, 95)), len(values), "ms")
        if stage not in (TOTAL, PROCESSOR):
            figures[f"latency.{stage}.share"] = plain(float(values.sum() / everything), len(values), "share of total")
    return figures
