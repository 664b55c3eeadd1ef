"""Measures the time of a liveness clip, beside the time in which peers find the same person in the same frames.

The examination of a clip finds the face in every frame, judges light, motion and noise, and compares the templates of
a few frames. A peer makes a template of every frame and compares each with the next: more templates than ours, and
nothing else of liveness. All examine the same clips, one after the other on the same cores.
"""

import time
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import cv2
import numpy as np

from idproof.benchmarks import peers
from idproof.benchmarks.harness.output import plain
from idproof.benchmarks.peers.peer import FacePeer
from idproof.datasets.appearance import looking_ahead
from idproof.datasets.rendered_people.clips import Sitting, bona_fide
from idproof.datasets.specimen.draws import Draws
from idproof.datasets.specimen.portraits import PortraitSource
from idproof.models.profiles import load_engines
from idproof.pipeline.liveness.challenge import Challenge, Options
from idproof.pipeline.liveness.examiner import LivenessExaminer
from idproof.pipeline.liveness.frames import Clip

OURS = "liveness"
_WARM_UP = 2  # clips; the first ones also pay for memory and for networks that settle
_SIDE_PX = 250
_OPTIONS = Options(cannot_blink=True)
"""Applicants who cannot blink: opening the mouth is asked with 16 frames, closing the eyes with 19."""

Way = Callable[[Clip, Challenge], object]


def measure_clips(
    profile: str, clips: int, seed: int, face_peers: Sequence[FacePeer] = peers.FACES
) -> tuple[dict[str, dict[str, object]], dict[str, Any]]:
    """Returns `latency.liveness_clip16` and `latency.PEER_clip16`, and the members of the run about the peers.

    Args:
        profile: of our networks.
        clips: number of clips of 16 frames, rendered of the bundled people.
        seed: of the clips.
        face_peers: timed beside us.
    """
    cv2.setNumThreads(1)
    unavailable = peers.unavailable(face_peers)
    usable = [peer for peer in face_peers if peer.name not in unavailable]
    ways = {OURS: _examination(profile)} | {peer.name: _same_person(peer) for peer in usable}
    ms: dict[str, list[float]] = {name: [] for name in ways}
    for place in range(_WARM_UP + clips):
        sitting = _sitting(place, seed)
        clip = bona_fide(sitting)
        for name, way in ways.items():
            start = time.perf_counter()
            way(clip, sitting.challenge)
            ms[name].append((time.perf_counter() - start) * 1000)
    figures = {
        f"latency.{name}_clip16.p{share}_ms": plain(float(np.percentile(row[_WARM_UP:], share)), clips, "ms")
        for name, row in ms.items()
        for share in (50, 95)
    }
    return figures, {"peers": {peer.name: peer.version() for peer in usable}, "peers_unavailable": unavailable}


def _sitting(place: int, seed: int) -> Sitting:
    people = PortraitSource.open(None)
    labels = people.labels()
    picture = cv2.resize(looking_ahead(people.person(labels[place % len(labels)]).photographs), (_SIDE_PX, _SIDE_PX))
    return Sitting.draw(np.asarray(picture, dtype=np.uint8), Draws(np.random.default_rng((seed, place))), _OPTIONS)


def _examination(profile: str) -> Way:
    engines = load_engines(profile)
    examiner = LivenessExaminer(
        engines.detector, engines.embedder, ensemble=engines.passive, landmarker=engines.landmarker
    )
    return examiner.examine


def _same_person(peer: FacePeer) -> Way:
    to_template = peer.open()

    def compare(clip: Clip, _: Challenge) -> list[float]:
        found = [template for frame in clip.frames if (template := to_template(frame.pixels)) is not None]
        return [peer.similarity(one, other) for one, other in pairwise(found)]

    return compare
