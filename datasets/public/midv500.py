"""MIDV-500: 50 document types, 10 clips each: five surroundings, two telephones.

Arlazarov, Bulatov, Chernov and Arlazarov, "MIDV-500: a dataset for identity document analysis and recognition on
mobile devices in video stream", Computer Optics 43 (2019), arXiv:1807.05786. Layout as at
ftp://smartengines.com/midv-500/dataset and in the samples of github.com/fcakyon/midv500, each archive unpacked
beside the others:

    01_alb_id/images/01_alb_id.tif                    the document itself
    01_alb_id/images/HA/HA01_02.tif                   frame 2 of the clip HA of document 01
    01_alb_id/ground_truth/HA/HA01_02.json            {"quad": [[x, y], [x, y], [x, y], [x, y]]}

There is one document of each type, printed and laminated; no attacks and no published split. Corners may lie
outside the picture: in the clips P and others the document leaves it.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from idproof.datasets.public.common import Clip, Frame, quadrangle, read_json
from idproof.pipeline.errors import DatasetInvalid

CONDITIONS: Mapping[str, str] = {"T": "table", "K": "keyboard", "H": "hand", "P": "partial", "C": "clutter"}
"""First letter of a clip to the surroundings of the document."""
DEVICES: Mapping[str, str] = {"A": "Apple iPhone 5", "S": "Samsung Galaxy S3"}
"""Second letter of a clip to the telephone."""
_TYPE = re.compile(r"(\d{2})_(\w+)")


def read_clips(root: Path) -> list[Clip]:
    """Returns every clip; raises `DatasetInvalid` when there is none, or one lacks its annotations."""
    clips = [
        _clip(folder)
        for kind in sorted(root.glob("*_*/images"))
        for folder in sorted(kind.iterdir())
        if folder.is_dir() and _TYPE.fullmatch(kind.parent.name) and _is_clip(folder.name)
    ]
    if not clips:
        raise DatasetInvalid(
            f"{root.name} is not MIDV-500 as published: it lacks clips such as 01_alb_id/images/HA/HA01_01.tif."
        )
    return clips


def _is_clip(name: str) -> bool:
    return len(name) == 2 and name[0] in CONDITIONS and name[1] in DEVICES


def _clip(folder: Path) -> Clip:
    name = folder.parents[1].name
    markup = folder.parents[1] / "ground_truth" / folder.name
    if not markup.is_dir():
        raise DatasetInvalid(f"{name} is not MIDV-500 as published: it lacks ground_truth/{folder.name}/.")
    return Clip(
        id=f"{name}/{folder.name}",
        document_class=name.split("_", 1)[1],
        document=name,
        published_class="clip",
        attack=None,
        frames=_frames(folder, markup),
        condition=CONDITIONS[folder.name[0]],
        device=DEVICES[folder.name[1]],
    )


def _frames(folder: Path, markup: Path) -> Callable[[], Iterator[Frame]]:
    def frames() -> Iterator[Frame]:
        for path in sorted(folder.glob("*.tif")):
            annotation = markup / f"{path.stem}.json"
            data = read_json(annotation)
            yield Frame(path, quadrangle(data.get("quad") if isinstance(data, dict) else None, annotation))

    return frames
