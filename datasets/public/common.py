"""Clips, frames, annotations and folds of public sets; no document is in two folds."""

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
"""Shape (4, 2), pixels: top left, top right, bottom right and bottom left corner of the document as it is read; corners
may lie outside the picture."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One picture of a clip.

    Attributes:
        path: the file.
        quadrangle: place of the document; None where the set has none.
    """

    path: Path
    quadrangle: Quadrangle | None = field(repr=False)

    def read(self) -> RGBImage:
        """Reads the picture, upright by its EXIF orientation; raises `DatasetInvalid` when missing or damaged."""
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
        published_class: the set's own name of the kind, such as `photo_replacement`.
        attack: our name of the attack; None when the set calls the document genuine.
        condition: light and surroundings in the set's words, or None.
        device: camera, or None.
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
    """Returns a fold 0..count-1 per clip; all clips of one document are in one fold.

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
    """Raises `DatasetInvalid` with the name of the first missing folder, unless `root` holds all of `wanted`."""
    missing = [name for name in wanted if not (root / name).is_dir()]
    if missing:
        raise DatasetInvalid(f"{root.name} is not {dataset} as published: it lacks the folder {missing[0]}/.")


def read_json(path: Path) -> Any:
    """Reads an annotation; raises `DatasetInvalid`."""
    try:
        return json.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        raise DatasetInvalid(f"The annotation {_short(path)} is missing.") from None
    except (OSError, ValueError):
        raise DatasetInvalid(f"The annotation {_short(path)} is not readable JSON.") from None


def quadrangle(points: Any, path: Path) -> Quadrangle:
    """Returns four points of an annotation as an array; raises `DatasetInvalid` with the name of the file."""
    try:
        corners = np.asarray(points, dtype=np.float64)
    except (TypeError, ValueError):
        corners = np.empty(0)
    if corners.shape != (4, 2) or not np.isfinite(corners).all():
        raise DatasetInvalid(f"The annotation {_short(path)} does not hold four corners of the document.")
    return corners


def via_quadrangles(path: Path) -> Mapping[str, Quadrangle]:
    """Returns file name to quadrangle, of a VGG Image Annotator 2 project with the region `doc_quad`.

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
    """Returns a reader of frames whose quadrangles are in one VIA project; it reads the project when called."""
    paths = tuple(paths)

    def frames() -> Iterator[Frame]:
        corners = via_quadrangles(annotation)
        for path in paths:
            yield Frame(path, corners.get(path.name))

    return frames


def _short(path: Path) -> str:
    """Returns the last three parts of a path, without the user's folders."""
    return "/".join(path.parts[-3:])
