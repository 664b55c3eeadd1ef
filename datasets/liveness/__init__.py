"""Public sets of living faces and presentation attacks, read where they lie and in the layout they were published in.

Nothing is downloaded: each is given out by its makers on a signed agreement, and whoever has one names its folder.
"""

from collections.abc import Callable, Mapping
from pathlib import Path

from idproof.datasets.liveness import celeba_spoof, oulu_npu, replay_attack, siw
from idproof.datasets.liveness.common import Sample

__all__ = ["READERS", "Sample"]

READERS: Mapping[str, Callable[[Path], list[Sample]]] = {
    "celeba-spoof": celeba_spoof.read_samples,
    "siw": siw.read_samples,
    "oulu-npu": oulu_npu.read_samples,
    "replay-attack": replay_attack.read_samples,
}
"""Name of a set to the reader of its root; each raises `DatasetInvalid` when the root is not in its layout."""
