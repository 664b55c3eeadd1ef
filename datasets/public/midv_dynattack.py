"""MIDV-DynAttack: forged holograms that change, and prints exchanged while they are filmed, beside MIDV-Holo.

Pouliquen, Chazalon, Chiron, Géraud and Awal, "Verification of Dynamic Holographic Behavior in Identity Documents"
(ICDAR 2025), Zenodo 17079529: 1,200 clips of 12 attacks on the documents of MIDV-Holo. Layout as described by and read
in github.com/EPITAResearchLab/pouliquen.25.icdar, below `data/midvdynattack`:

    cropped/origins/ID/id01_01_01/img_0001.jpg        portrait and main hologram, put straight; 15 pictures a second
    cropped/fraud/CLASS/passport/psp05_01_02/…        the same for each attack; MIDV-Holo's own forgeries too
    splits_kfold_s0/k0/simple/test.txt                lines such as ID/id01_01_01: the clips of every class that the
                                                      fold `k0` tests; from `data/` of that repository

`rectified/` holds the whole documents in the same folders, and is read when there is no `cropped/`. Every third picture
is read, 5 a second, and clips of ten pictures or fewer are left out, both as in the publication.

Not verified, because the set could not be opened where this was written: that the archive is named and packed like the
description says, the size of the pictures, whether `cropped.tar.gz` holds the clips of MIDV-Holo too, and the form of
the annotations in `tracking/`, which are therefore not read.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError

from idproof.datasets.public import midv_holo
from idproof.datasets.public.common import Clip, Frame, Quadrangle, require
from idproof.pipeline.errors import DatasetInvalid

ATTACKS: Mapping[str, str] = {
    # Prints of the blank: without laminate, under a dull one, and under one that reflects several lamps.
    "no_holo": "print_colour",
    "plastified_lowreflect": "print_glossy",
    "plastified_noholo": "print_glossy",
    "laser": "light_laser",
    "plastified_led": "light_led",
    "swap": "replay_two_prints",
    "swap_three": "replay_prints",
    # Foils over the whole blank.
    "plain_holo": "holo_film_generic",
    "leaf_holo": "holo_film_generic",
    # Foils cut to the genuine outline.
    "holo_star_world": "holo_film_leaf",
    "holo_completemask": "holo_film_leaf",
    "double_sticker": "hologram_sticker",
}
"""Class of MIDV-DynAttack to the kind of ours that is most similar."""
HOLO_ATTACKS: Mapping[str, str | None] = {
    name: kind for name, kind in midv_holo.ATTACKS.items() if name != midv_holo.ORIGINS
}
"""The same for MIDV-Holo's own forgeries, which lie beside them where they were unpacked."""
PARTS = ("cropped", "rectified")
SPLITS = midv_holo.SPLITS
EVERY = 3
"""Pictures per picture that is read."""
MORE_THAN = 10
"""Clips have more pictures than this."""
_NAME = "MIDV-DynAttack"
_CLIP = re.compile(r"(?P<type>(?:id|psp)\d{2})_(?P<document>\d{2})_\d{2}")


def read_clips(root: Path) -> list[Clip]:
    """Returns every clip of more than ten pictures; raises `DatasetInvalid` when the root is not as published."""
    part = part_of(root)
    require(root / part, _NAME, midv_holo.ORIGINS, *(f"fraud/{name}" for name in ATTACKS))
    folds, clips = _folds(root / SPLITS), []
    for name, attack in {midv_holo.ORIGINS: None, **ATTACKS, **HOLO_ATTACKS}.items():
        folder = f"{part}/{name if name == midv_holo.ORIGINS else f'fraud/{name}'}"
        found = [path for kind in midv_holo.KINDS for path in sorted((root / folder / kind).glob("*")) if path.is_dir()]
        if not found and name not in HOLO_ATTACKS:
            raise DatasetInvalid(
                f"{root.name} is not {_NAME} as published: it lacks clips such as {folder}/ID/id01_01_01/."
            )
        clips += [clip for path in found if (clip := _clip(name, attack, path, folds)) is not None]
    return clips


def count_short(root: Path) -> int:
    """Returns the number of clips that were left out because they have ten pictures or fewer."""
    folders = (path for path in (root / part_of(root)).glob("**/*") if path.is_dir() and _CLIP.fullmatch(path.name))
    return sum(len(list(path.glob("*.jpg"))) <= MORE_THAN for path in folders)


def part_of(root: Path) -> str:
    """Returns the part that is read, one of `PARTS`; raises `DatasetInvalid` when there is none."""
    part = next((part for part in PARTS if (root / part).is_dir()), None)
    if part is None:
        raise DatasetInvalid(f"{root.name} is not {_NAME} as published: it lacks the folder {PARTS[0]}/.")
    return part


def _clip(name: str, attack: str | None, path: Path, folds: Mapping[str, str] | None) -> Clip | None:
    match = _CLIP.fullmatch(path.name)
    if match is None:
        raise DatasetInvalid(f"{path.name} is not a clip of {_NAME}: clips are named like psp05_01_02.")
    pictures = sorted(path.glob("*.jpg"))
    if not pictures:
        raise DatasetInvalid(f"The clip {name}/{path.parent.name}/{path.name} holds no picture such as img_0001.jpg.")
    if len(pictures) <= MORE_THAN:
        return None
    return Clip(
        id=f"{name}/{path.parent.name}/{path.name}",
        document_class=match["type"],
        document=f"{match['type']}_{match['document']}",
        published_class=name,
        attack=attack,
        frames=_frames(pictures[::EVERY]),
        split=None if folds is None else folds.get(f"{path.parent.name}/{path.name}"),
    )


def _frames(pictures: list[Path]) -> Callable[[], Iterator[Frame]]:
    def frames() -> Iterator[Frame]:
        for path in pictures:
            yield Frame(path, _whole(path))

    return frames


def _whole(path: Path) -> Quadrangle:
    """Returns the corners of the picture itself: it was put straight by the publishers."""
    try:
        with Image.open(path) as image:
            width, height = image.size
    except (UnidentifiedImageError, OSError):
        raise DatasetInvalid(f"{'/'.join(path.parts[-3:])} is not a picture, or a damaged one.") from None
    return np.array([[0, 0], [width - 1, 0], [width - 1, height - 1], [0, height - 1]], dtype=np.float64)


def _folds(folder: Path) -> dict[str, str] | None:
    """Returns `KIND/CLIP` to the fold that tests it; None when the folds are not there."""
    if not folder.is_dir():
        return None
    found: dict[str, str] = {}
    for fold in sorted(path for path in folder.glob("k*") if path.is_dir()):
        listed = fold / "simple" / "test.txt"
        if not listed.is_file():
            raise DatasetInvalid(f"{SPLITS} is not as published: it lacks {fold.name}/simple/test.txt.")
        found |= {line.strip(): fold.name for line in listed.read_text(encoding="utf-8").splitlines() if line.strip()}
    if not found:
        raise DatasetInvalid(f"{SPLITS} is not as published: it lacks k0/simple/test.txt.")
    return found
