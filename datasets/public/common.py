"""Shared by the readers of public sets: clips, frames, annotations, and folds that never split a document."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from idproof.models.types import RGBImage
from idproof.pipeline.errors import DatasetInvalid

Quadrangle = NDArray[np.float64]
"""Shape (4, 2): the document's top left, top right, bottom right and bottom left corner, as the document is read,
in pixels; corners may lie outside the picture."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One picture of a clip.

    Attributes:
        path: the file.
        quadrangle: where the document is, or None where the set does not say.
    """

    path: Path
    quadrangle: Quadrangle | None = field(repr=False)

    def read(self) -> RGBImage:
        """The picture, upright as its EXIF orientation says; raises `DatasetInvalid` when missing or damaged."""
        try:
            with Image.open(self.path) as image:
                return np.array(ImageOps.exif_transpose(image).convert("RGB"), dtype=np.uint8)
        except FileNotFoundError:
            raise DatasetInvalid(f"{_short(self.path)} is missing.") from None
        except (UnidentifiedImageError, OSError):
            raise DatasetInvalid(f"{_short(self.path)} is not a picture, or a damaged one.") from None


@dataclass(frozen=True, slots=True)
class Clip:
    """A film of one document, or a single photograph or scan of it.

    Attributes:
        id: unique within its set.
        document_class: the set's name of the document type, such as `alb_id`.
        document: unique label of the document filmed; the same for an original and the copies made of it.
        published_class: the set's own name of what this is, such as `photo_replacement`.
        attack: the kind of attack in our words, or None when the set calls it genuine.
        condition: light and surroundings in the set's words, or None.
        device: what filmed it, or None.
        split: the published split that the clip belongs to, or None.
        frames: reads the annotations and yields the frames in order; raises `DatasetInvalid`.
    """

    id: str
    document_class: str
    document: str
    published_class: str
    attack: str | None
    frames: Callable[[], Iterator[Frame]] = field(repr=False)
    condition: str | None = None
    device: str | None = None
    split: str | None = None


def folds(clips: Sequence[Clip], count: int, seed: int) -> list[int]:
    """A fold 0..count-1 for each clip; all clips of one document share theirs, so no document is in two folds.

    Raises:
        ValueError: fewer documents than folds, or fewer than two folds.
    """
    documents = sorted({clip.document for clip in clips})
    if not 2 <= count <= len(documents):
        raise ValueError("two folds or more, and a document for each")
    order = np.random.default_rng(seed).permutation(len(documents))
    fold = {documents[place]: i % count for i, place in enumerate(order)}
    return [fold[clip.document] for clip in clips]


def require(root: Path, dataset: str, *wanted: str) -> None:
    """Raise `DatasetInvalid`, naming what is missing, unless `root` holds every folder of `wanted`."""
    missing = [name for name in wanted if not (root / name).is_dir()]
    if missing:
        raise DatasetInvalid(f"{root.name} is not {dataset} as published: it lacks the folder {missing[0]}/.")


def read_json(path: Path) -> Any:
    """A parsed annotation; raises `DatasetInvalid`."""
    try:
        return json.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        raise DatasetInvalid(f"The annotation {_short(path)} is missing.") from None
    except (OSError, ValueError):
        raise DatasetInvalid(f"The annotation {_short(path)} is not readable JSON.") from None


def quadrangle(points: Any, path: Path) -> Quadrangle:
    """Four points of an annotation as an array; raises `DatasetInvalid`, naming the file."""
    try:
        corners = np.asarray(points, dtype=np.float64)
    except (TypeError, ValueError):
        corners = np.empty(0)
    if corners.shape != (4, 2) or not np.isfinite(corners).all():
        raise DatasetInvalid(f"The annotation {_short(path)} does not hold four corners of the document.")
    return corners


def via_quadrangles(path: Path) -> Mapping[str, Quadrangle]:
    """File name to quadrangle, of a VGG Image Annotator 2 project with the region `doc_quad`.

    Dutta and Zisserman, "The VIA annotation software for images, audio and video" (2019). Pictures without that
    region are left out; raises `DatasetInvalid` when the file is no such project.
    """
    try:
        pictures = list(read_json(path)["_via_img_metadata"].values())
        found = {
            picture["filename"]: region["shape_attributes"]
            for picture in pictures
            for region in picture["regions"]
            if region["region_attributes"].get("field_name") == "doc_quad"
        }
        points = {name: list(zip(a["all_points_x"], a["all_points_y"], strict=True)) for name, a in found.items()}
    except (KeyError, TypeError, AttributeError, ValueError):
        raise DatasetInvalid(f"The annotation {_short(path)} is not a VGG Image Annotator project.") from None
    return {name: quadrangle(corners, path) for name, corners in points.items()}


def via_frames(paths: Iterable[Path], annotation: Path) -> Callable[[], Iterator[Frame]]:
    """Frames whose quadrangles stand in one VIA project, which is read when they are asked for."""
    paths = tuple(paths)

    def frames() -> Iterator[Frame]:
        corners = via_quadrangles(annotation)
        for path in paths:
            yield Frame(path, corners.get(path.name))

    return frames


def _short(path: Path) -> str:
    """The last parts of a path: enough to find it, without the user's folders."""
    return "/".join(path.parts[-3:])
