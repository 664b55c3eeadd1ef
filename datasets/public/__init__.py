"""Readers of public sets of filmed identity documents, in the published layout.

Nothing is downloaded: the user names the folder of a set. Each reader returns `Clip`s; pictures and quadrangles are
read when a clip's frames are asked for.
"""

from collections.abc import Callable, Mapping
from pathlib import Path

from idproof.datasets.public import dlc2021, midv500, midv2020, midv_dynattack, midv_holo
from idproof.datasets.public.common import Clip, Frame, folds

__all__ = ["READERS", "Clip", "Frame", "folds"]

READERS: Mapping[str, Callable[[Path], list[Clip]]] = {
    "midv-500": midv500.read_clips,
    "midv-2020": midv2020.read_clips,
    "midv-holo": midv_holo.read_clips,
    "midv-dynattack": midv_dynattack.read_clips,
    "dlc-2021": dlc2021.read_clips,
}
"""Name of a set to the reader of its root; each raises `DatasetInvalid` when the root is not in its layout."""
