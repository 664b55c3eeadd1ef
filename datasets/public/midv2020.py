"""MIDV-2020: 10 document types, 100 mock documents each, as templates, scans, photographs and clips.

Bulatov et al., "MIDV-2020: a comprehensive benchmark dataset for identity document analysis", Computer Optics 46
(2022), arXiv:2107.00396. Layout as in its readme, at ftp://smartengines.com/midv-2020/dataset; every archive holds
`images/` and `annotations/` and is unpacked into a folder of its name:

    photo/images/alb_id/00.jpg                 photo/annotations/alb_id.json      one VIA project per type
    clips/images/alb_id/00/000001.jpg          clips/annotations/alb_id/00.json   one VIA project per clip

and like `photo`: `templates`, `scan_upright`, `scan_rotated`. A root may also be one of them. Quadrangles are the
VIA regions `doc_quad`; the templates have none. There are no attacks and no published split.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path

from idproof.datasets.public.common import Clip, require, via_frames
from idproof.pipeline.errors import DatasetInvalid

STILLS = ("templates", "scan_upright", "scan_rotated", "photo")
CLIPS = "clips"
PHOTO_CONDITIONS: Mapping[range, tuple[str, str]] = {
    range(10): ("projective distortion", "Apple iPhone XR"),
    range(10, 20): ("projective distortion", "Samsung S10"),
    range(20, 25): ("text documents in the background", "Apple iPhone XR"),
    range(25, 30): ("text documents in the background", "Samsung S10"),
    range(30, 35): ("keyboard in the background", "Apple iPhone XR"),
    range(35, 40): ("keyboard in the background", "Samsung S10"),
    range(40, 45): ("natural lighting, outdoors", "Apple iPhone XR"),
    range(45, 50): ("natural lighting, outdoors", "Samsung S10"),
    range(50, 55): ("table in the background", "Apple iPhone XR"),
    range(55, 60): ("table in the background", "Samsung S10"),
    range(60, 65): ("highlight", "Apple iPhone XR"),
    range(65, 70): ("highlight", "Samsung S10"),
    range(70, 80): ("low lighting", "Apple iPhone XR"),
    range(80, 90): ("low lighting", "Samsung S10"),
    range(90, 95): ("cloth in the background", "Apple iPhone XR"),
    range(95, 100): ("cloth in the background", "Samsung S10"),
}
"""Numbers of photographs to condition and telephone, from the readme; it gives none for clips and scans."""


def read_clips(root: Path) -> list[Clip]:
    """Returns all clips of all parts that are there; a still is a clip of one frame. Raises `DatasetInvalid`."""
    parts = [name for name in (*STILLS, CLIPS) if (root / name).is_dir()]
    if not parts and (root / "images").is_dir():
        parts, root = [root.name], root.parent
    if not parts:
        raise DatasetInvalid(
            f"{root.name} is not MIDV-2020 as published: it lacks the folders {', '.join((*STILLS, CLIPS))}, "
            "of which one is enough."
        )
    clips = [clip for part in parts for clip in _part(root / part)]
    if not clips:
        raise DatasetInvalid(f"{root.name} is not MIDV-2020 as published: images/ holds no pictures such as alb_id/00.")
    return clips


def _part(folder: Path) -> Iterator[Clip]:
    require(folder, "MIDV-2020", "images", "annotations")
    for kind in sorted(path for path in (folder / "images").iterdir() if path.is_dir()):
        for path in sorted(kind.iterdir()):
            # Clips are folders of frames, stills are files: a part that stands alone need not keep its name.
            if path.is_dir():
                annotation, frames = (
                    folder / "annotations" / kind.name / f"{path.name}.json",
                    sorted(path.glob("*.jpg")),
                )
            elif path.suffix in {".jpg", ".tif"}:
                annotation, frames = folder / "annotations" / f"{kind.name}.json", [path]
            else:
                continue
            condition, device = _condition(folder.name, path.stem)
            yield Clip(
                id=f"{folder.name}/{kind.name}/{path.stem}",
                document_class=kind.name,
                document=f"{kind.name}/{path.stem}",
                published_class=folder.name,
                attack=None,
                frames=via_frames(frames, annotation),
                condition=condition,
                device=device,
            )


def _condition(part: str, number: str) -> tuple[str | None, str | None]:
    if part != "photo" or not number.isdigit():
        return None, None
    return next((said for numbers, said in PHOTO_CONDITIONS.items() if int(number) in numbers), (None, None))
