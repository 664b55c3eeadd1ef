"""What we are measured against, one file each, used the way most projects use it.

A peer that cannot be used here is named with the reason (`unavailable`), never left out silently. The extra `peers`
brings them. Only for specimens and published photographs: some write pictures to temporary files.
"""

from idproof.benchmarks.peers import insight, pyeer_stats, resnet, sklearn_det, verify
from idproof.benchmarks.peers.peer import FacePeer, Peer, ScorePeer, unavailable

FACES: tuple[FacePeer, ...] = (verify.PEER, resnet.PEER, insight.PEER)
"""Whole ways from a photograph to a comparison score."""
SCORES: tuple[ScorePeer, ...] = (sklearn_det.PEER, pyeer_stats.PEER)
"""From scores to error rates."""

__all__ = ["FACES", "SCORES", "FacePeer", "Peer", "ScorePeer", "unavailable"]
