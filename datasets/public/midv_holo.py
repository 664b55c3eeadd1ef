"""MIDV-Holo: documents of an invented country, with a hologram or with one of four forgeries of it, filmed tilting.

Koliaskina et al., "MIDV-Holo: A Dataset for ID Document Hologram Detection in a Video Stream", ICDAR 2023,
doi:10.1007/978-3-031-41682-8_30. Layout from github.com/SmartEngines/midv-holo and from how
github.com/EPITAResearchLab/pouliquen.24.icdar reads it; at ftp://smartengines.com/midv-holo:

    images/origins/passport/psp05_01_02/img_0001.jpg       type psp05, document 1 of it, clip 2; 5 frames a second
    images/origins/passport/psp05_01_02/list.lst           names of its frames
    images/fraud/copy_without_holo/ID/id01_01_01/…         the same for each forgery
    markup/origins/passport/psp05_01_02/img_0001.jpg.json  {"document": {"templates": {TYPE: {"template_quad": …}}}}
    metadata/*.json                                        {"A": {DEVICE: [clip folder, …]}, …}, light A to E
    templates/hologram_masks/{id,passport}_hologram_mask.png

The readme names the forgeries without `fraud/`; both are read. The set publishes no split. The folds published with
Pouliquen et al., "Weakly Supervised Training for Hologram Verification in Identity Documents" (ICDAR 2024,
arXiv:2404.17253) are read when their folder `splits_kfold_s0` is put beside `images`; `Clip.split` is then the fold
`k0` … `k4` that tests the clip.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from idproof.datasets.public.common import Clip, Frame, Quadrangle, quadrangle, read_json, require
from idproof.pipeline.errors import DatasetInvalid

ORIGINS = "origins"
ATTACKS: Mapping[str, str | None] = {
    ORIGINS: None,
    # A print of the blank without any hologram. Our prints show one state of it; no kind of ours is more similar.
    "copy_without_holo": "print_colour",
    # The hologram was drawn in an image editor and printed along: it is there, flat, in one state. No film lies on it,
    # so it is not our sticker.
    "pseudo_holo_copy": "hologram_flat",
    # A printed photograph of an original, with one state of its hologram.
    "photo_holo_copy": "print_colour",
    # An original whose portrait was covered with another print; the hologram around it is real.
    "photo_replacement": "portrait_swap_print",
}
"""Class in the set to our kind of attack."""
LIGHTS: Mapping[str, str] = {
    "A": "office, without glare",
    "B": "office",
    "C": "flashlight, without glare",
    "D": "flashlight",
    "E": "outdoors",
}
KINDS = ("ID", "passport")
SPLITS = "splits_kfold_s0"
_CLIP = re.compile(r"(?P<type>(?:id|psp)\d{2})_(?P<document>\d{2})_\d{2}")


def read_clips(root: Path) -> list[Clip]:
    """Returns every clip; raises `DatasetInvalid` when the root is not in the published layout."""
    require(root, "MIDV-Holo", "images", "markup")
    known, folds = _metadata(root / "metadata"), _folds(root / SPLITS)
    clips = []
    for name in ATTACKS:
        for folder in (root / "images" / name, root / "images" / "fraud" / name):
            paths = [path for kind in KINDS for path in sorted((folder / kind).glob("*")) if path.is_dir()]
            clips += [_clip(root, name, path, known, folds) for path in paths]
    if not clips:
        raise DatasetInvalid(
            f"{root.name} is not MIDV-Holo as published: it lacks clips such as images/origins/passport/psp05_01_02/."
        )
    return clips


def hologram_masks(root: Path) -> dict[str, NDArray[np.bool_]]:
    """Returns `ID` and `passport` to the place of an original's hologram, (height, width); those that are there.

    A mask covers the whole document: scale it to the size of the rectified frame.
    """
    masks = {}
    for kind in KINDS:
        path = root / "templates" / "hologram_masks" / f"{kind.lower()}_hologram_mask.png"
        if path.is_file():
            with Image.open(path) as image:
                masks[kind] = np.asarray(image.convert("L")) > 127
    return masks


def kind_of(clip: Clip) -> str:
    """Returns `ID` or `passport`."""
    return clip.id.split("/")[-2]


def _clip(root: Path, name: str, path: Path, known: Mapping[str, tuple[str, str]], folds: Mapping[str, str]) -> Clip:
    match = _CLIP.fullmatch(path.name)
    if match is None:
        raise DatasetInvalid(f"{path.name} is not a clip of MIDV-Holo: clips are named like psp05_01_02.")
    short, markup = f"{name}/{path.parent.name}/{path.name}", root / "markup" / path.relative_to(root / "images")
    if not markup.is_dir():
        raise DatasetInvalid(f"{root.name} is not MIDV-Holo as published: it lacks the markup of {short}.")
    light, device = known.get(short, (None, None))
    return Clip(
        id=short,
        document_class=match["type"],
        document=f"{match['type']}_{match['document']}",
        published_class=name,
        attack=ATTACKS[name],
        frames=_frames(path, markup),
        condition=None if light is None else LIGHTS.get(light, light),
        device=device,
        split=folds.get(short),
    )


def _frames(folder: Path, markup: Path) -> Callable[[], Iterator[Frame]]:
    def frames() -> Iterator[Frame]:
        for name in _names(folder):
            annotation = markup / f"{name}.json"
            yield Frame(folder / name, _quadrangle(annotation) if annotation.is_file() else None)

    return frames


def _names(folder: Path) -> list[str]:
    listed = folder / "list.lst"
    if listed.is_file():
        return [line.strip() for line in listed.read_text(encoding="utf-8").splitlines() if line.strip()]
    return sorted(path.name for path in folder.glob("*.jpg"))


def _quadrangle(annotation: Path) -> Quadrangle:
    try:
        template = next(iter(read_json(annotation)["document"]["templates"].values()))
        points = template["template_quad"]
    except (KeyError, TypeError, AttributeError, StopIteration):
        points = None
    return quadrangle(points, annotation)


def _metadata(folder: Path) -> dict[str, tuple[str, str]]:
    """Returns clip to light and device; empty when there is no metadata."""
    found: dict[str, tuple[str, str]] = {}
    for path in sorted(folder.rglob("*.json")):
        try:
            for light, devices in read_json(path).items():
                for device, clips in devices.items():
                    found |= {_key(clip): (light, device) for clip in clips}
        except (AttributeError, TypeError):
            raise DatasetInvalid(f"metadata/{path.name} does not map light to device to clips.") from None
    return found


def _folds(folder: Path) -> dict[str, str]:
    found = {}
    for path in sorted(folder.glob("k*/**/test.txt")):
        fold, name = path.relative_to(folder).parts[0], path.parent.name
        for line in path.read_text(encoding="utf-8").splitlines():
            if line.strip():
                found[_key(f"{name}/{PurePosixPath(line.strip()).parent}")] = fold
    return found


def _key(clip: str) -> str:
    """Returns the clip's id from any path to it: class, ID or passport, name."""
    return "/".join(PurePosixPath(clip).with_suffix("").parts[-3:])
