"""DLC-2021, the Document Liveness Challenge: originals, copies and recaptures of MIDV-2020's documents.

Polevoy et al., "Document Liveness Challenge Dataset (DLC-2021)", Journal of Imaging 8 (2022) 181,
doi:10.3390/jimaging8070181. Layout as in its readme, at ftp://smartengines.com/dlc-2021 and Zenodo records 7467028,
6792396 and 7467000; a root holds `clips/` or is it:

    dlc-2021.csv                                      without a heading: clip;device;condition
    clips/images/alb_id/00.cc0001/000001.jpg          template 00, type cc, clip 1
    clips/annotations/alb_id/00.cc0001.json           a VIA project with the region doc_quad

The lists of the published baseline's train and test frames come in an archive of their own, which is not read.
"""

import csv
import re
from collections.abc import Mapping
from pathlib import Path

from idproof.datasets.public.common import Clip, require, via_frames
from idproof.pipeline.errors import DatasetInvalid

ATTACKS: Mapping[str, str | None] = {
    "or": None,  # laminated mock document, which the set calls original
    "cc": "print_colour",  # unlaminated colour copy
    "cg": "photocopy_grey",  # unlaminated grey copy
    "re": "screen_monitor",  # filmed from a screen; the screens are monitors and notebooks
}
"""Type of a clip in the set to our kind of attack."""
TABLE = "dlc-2021.csv"
_CLIP = re.compile(r"(?P<template>\d{2})\.(?P<type>[a-z]{2})\d{4}")


def read_clips(root: Path) -> list[Clip]:
    """Returns every clip; raises `DatasetInvalid` when the root is not in the published layout or a type is unknown."""
    folder = root / "clips" if (root / "clips").is_dir() else root
    require(folder, "DLC-2021", "images", "annotations")
    conditions = _conditions(next((path for path in (root / TABLE, root.parent / TABLE) if path.is_file()), None))
    clips = [_clip(path, folder, conditions) for path in sorted((folder / "images").glob("*/*")) if path.is_dir()]
    if not clips:
        raise DatasetInvalid(
            f"{root.name} is not DLC-2021 as published: images/ holds no clips such as alb_id/00.cc0001/."
        )
    return clips


def _clip(path: Path, folder: Path, conditions: Mapping[str, tuple[str, str]]) -> Clip:
    name, kind = f"{path.parent.name}/{path.name}", path.parent.name
    match = _CLIP.fullmatch(path.name)
    if match is None or match["type"] not in ATTACKS:
        raise DatasetInvalid(f"{name} is not a clip of DLC-2021: known types are {', '.join(ATTACKS)}.")
    device, condition = conditions.get(name, (None, None))
    return Clip(
        id=name,
        document_class=kind,
        document=f"{kind}/{match['template']}",
        published_class=match["type"],
        attack=ATTACKS[match["type"]],
        frames=via_frames(sorted(path.glob("*.jpg")), folder / "annotations" / kind / f"{path.name}.json"),
        condition=condition,
        device=device,
    )


def _conditions(table: Path | None) -> dict[str, tuple[str, str]]:
    """Returns clip to device and condition; empty when the table was not downloaded."""
    if table is None:
        return {}
    try:
        with table.open(newline="", encoding="utf-8-sig") as file:
            rows = [[cell.strip() for cell in row] for row in csv.reader(file, delimiter=";") if row]
        return {clip: (device, condition) for clip, device, condition in rows}
    except (OSError, ValueError):
        raise DatasetInvalid(f"{TABLE} does not hold rows of clip;device;condition.") from None
