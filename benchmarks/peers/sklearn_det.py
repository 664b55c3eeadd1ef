"""scikit-learn's `det_curve`: sorts all scores."""

import time

import numpy as np

from idproof.benchmarks.metrics.rates import Scores
from idproof.benchmarks.peers.peer import ScorePeer


def _per_second(impostors: Scores, genuines: Scores) -> float:
    from sklearn.metrics import det_curve

    labels = np.repeat([0, 1], [impostors.size, genuines.size])
    scores = np.concatenate([impostors, genuines])
    start = time.perf_counter()
    det_curve(labels, scores)
    return float(scores.size / (time.perf_counter() - start))


PEER = ScorePeer("sklearn", "scikit-learn", "sklearn.metrics", per_second=_per_second)
