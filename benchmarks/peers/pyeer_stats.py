"""pyeer's `get_eer_stats`: lists of Python numbers."""

import time

from idproof.benchmarks.metrics.rates import Scores
from idproof.benchmarks.peers.peer import ScorePeer

_SCORES = 20_000  # it takes seconds for more


def _per_second(impostors: Scores, genuines: Scores) -> float:
    from pyeer.eer_info import get_eer_stats

    few, fewer = impostors[:_SCORES], genuines[: _SCORES // 10]
    start = time.perf_counter()
    get_eer_stats(fewer.tolist(), few.tolist())
    return float((few.size + fewer.size) / (time.perf_counter() - start))


PEER = ScorePeer("pyeer", "pyeer", "pyeer.eer_info", per_second=_per_second)
