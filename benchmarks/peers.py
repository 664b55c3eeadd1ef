"""What we are measured against, used the way most projects use it.

Only for specimens: pytesseract writes the picture and the text it read to temporary files.
"""

import time
from collections.abc import Callable, Sequence
from importlib import import_module

import numpy as np
import pytesseract

from idproof.benchmarks.metrics.rates import Scores
from idproof.models.types import RGBImage
from idproof.pipeline.documents import DocumentType
from idproof.pipeline.fields.read import crop

_LANGUAGES = {"chinese": "chi_tra+eng", "latin": "eng", "digits": "eng", "symbols": "eng"}
_SINGLE_LINE = "--psm 7"


def pytesseract_seconds(frames: Sequence[RGBImage], document: DocumentType) -> float:
    """Seconds to read every field of these canonical frames with one call of pytesseract a field."""
    start = time.perf_counter()
    for frame in frames:
        for spec in document.fields:
            pytesseract.image_to_string(crop(frame, spec, document), lang=_LANGUAGES[spec.script], config=_SINGLE_LINE)
    return time.perf_counter() - start


def scores_per_second(impostors: Scores, genuines: Scores) -> dict[str, float]:
    """How many scores a second each peer that can be used turns into error rates, by name."""
    return {name: measure(impostors, genuines) for name, measure in _SCORE_PEERS.items() if _usable(name) is None}


def score_peers_unavailable() -> dict[str, str]:
    """Peers that cannot be used here, and why."""
    return {name: why for name in _SCORE_PEERS if (why := _usable(name)) is not None}


def _usable(name: str) -> str | None:
    try:
        import_module({"sklearn": "sklearn.metrics", "pyeer": "pyeer.eer_info"}[name])
    except Exception as error:  # noqa: BLE001 - whatever a peer's import does, it is the peer that cannot be used
        return f"{type(error).__name__} on import; install the extra `peers`"
    return None


def _sklearn(impostors: Scores, genuines: Scores) -> float:
    from sklearn.metrics import det_curve

    labels = np.repeat([0, 1], [impostors.size, genuines.size])
    scores = np.concatenate([impostors, genuines])
    start = time.perf_counter()
    det_curve(labels, scores)
    return float(scores.size / (time.perf_counter() - start))


def _pyeer(impostors: Scores, genuines: Scores) -> float:
    from pyeer.eer_info import get_eer_stats

    few, fewer = impostors[:_PYEER_SCORES], genuines[: _PYEER_SCORES // 10]
    start = time.perf_counter()
    get_eer_stats(fewer.tolist(), few.tolist())
    return float((few.size + fewer.size) / (time.perf_counter() - start))


_PYEER_SCORES = 20_000  # it takes seconds for more
_SCORE_PEERS: dict[str, Callable[[Scores, Scores], float]] = {"sklearn": _sklearn, "pyeer": _pyeer}
