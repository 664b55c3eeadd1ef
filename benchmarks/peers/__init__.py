"""Other software that we are measured against, one file per peer, used as most projects use it.

A peer that cannot be used here is named with the reason (`unavailable`), never left out silently. The extra `peers`
installs them. Use them only on specimens and published photographs: some write pictures to temporary files.
"""

from idproof.benchmarks.peers import insight, pyeer_stats, resnet, sklearn_det, verify
from idproof.benchmarks.peers.peer import FacePeer, Peer, ScorePeer, unavailable

FACES: tuple[FacePeer, ...] = (verify.PEER, resnet.PEER, insight.PEER)
"""Peers that turn photographs into comparison scores."""
SCORES: tuple[ScorePeer, ...] = (sklearn_det.PEER, pyeer_stats.PEER)
"""Peers that turn scores into error rates."""

__all__ = ["FACES", "SCORES", "FacePeer", "Peer", "ScorePeer", "unavailable"]
