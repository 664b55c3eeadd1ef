"""Photographs that stand behind and below composited cards.

All come inside an installed package; nothing is downloaded, and none is copied into this repository but inside rendered
captures. `licence` is what the package's documentation says of each picture. For two it says nothing: the policy of
scikit-image admits public domain and CC0 alone (its issue 3927), and neither shows a person. The people in others are
an astronaut in her official portrait (NASA, public domain) and a photographer (CC0). Tuning and test never show the
same photograph.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from skimage import data

from idproof.datasets.specimen.draws import Draws, Split
from idproof.models.types import RGBImage

_MIDDLEBURY = "Middlebury 2014 stereo data, Scharstein et al."
CC0, PUBLIC_DOMAIN, NOT_STATED = "CC0", "public domain", "not stated by the package"
"""Values of `Photograph.licence`."""


@dataclass(frozen=True)
class Photograph:
    """One photograph.

    Attributes:
        name: of the picture in its package.
        package: that brings it.
        source: its maker, or the collection that it was taken from.
        licence: as the package documents it: `CC0`, `PUBLIC_DOMAIN`, or `NOT_STATED`.
        load: returns the pixels, RGB or grey.
        crop: (top, bottom, left, right) in pixels that is used, or None for all.
    """

    name: str
    package: str
    source: str
    licence: str
    load: Callable[[], RGBImage]
    crop: tuple[int, int, int, int] | None = None

    def pixels(self) -> RGBImage:
        """Returns RGB (h, w, 3)."""
        picture = self.load()
        if picture.ndim == 2:
            picture = np.repeat(picture[..., None], 3, axis=2)
        top, bottom, left, right = self.crop or (0, picture.shape[0], 0, picture.shape[1])
        return np.ascontiguousarray(picture[top:bottom, left:right, :3])


SURFACES: Mapping[Split, tuple[Photograph, ...]] = {
    Split.TUNING: (
        Photograph("brick", "scikit-image", "CC0Textures, Bricks25", CC0, data.brick),
        Photograph("grass", "scikit-image", "DeviantArt, Grass-01 by linolafett", CC0, data.grass),
        Photograph("coffee", "scikit-image", "Rachel Michetti", CC0, data.coffee, (20, 210, 490, 600)),
    ),
    Split.TEST: (
        Photograph("gravel", "scikit-image", "CC0Textures, Gravel04", CC0, data.gravel),
        Photograph("motorcycle_left", "scikit-image", _MIDDLEBURY, NOT_STATED, lambda: _stereo(0), (425, 495, 30, 330)),
        Photograph("moon", "scikit-image", "not stated by the package", NOT_STATED, data.moon),
    ),
}
"""Photographs of surfaces that a card can lie on."""

SCENES: Mapping[Split, tuple[Photograph, ...]] = {
    Split.TUNING: (
        Photograph("coffee", "scikit-image", "Rachel Michetti", CC0, data.coffee),
        Photograph("chelsea", "scikit-image", "Stefan van der Walt", CC0, data.chelsea),
        Photograph("camera", "scikit-image", "Lav Varshney", CC0, data.camera),
    ),
    Split.TEST: (
        Photograph("motorcycle_left", "scikit-image", _MIDDLEBURY, NOT_STATED, lambda: _stereo(0)),
        Photograph("rocket", "scikit-image", "SpaceX", PUBLIC_DOMAIN, data.rocket),
        Photograph("astronaut", "scikit-image", "NASA", PUBLIC_DOMAIN, data.astronaut),
    ),
}
"""Photographs that can stand behind a card that is held up, and that its light is estimated from."""


def surface(draws: Draws) -> RGBImage:
    """Draws a surface below a card: (h, w, 3), one of the split's photographs, more or less faded and bright."""
    light = _chosen(draws, SURFACES)
    mean = light.mean(axis=(0, 1))
    light = mean + (light - mean) * np.float32(draws.uniform(0.2, 1.0))
    light *= np.float32(draws.uniform(0.10, 0.62) / max(float(np.square(mean).mean()), 1e-3)) ** 0.5
    return np.asarray((light * 255).clip(0, 255), dtype=np.uint8)


def scene(draws: Draws) -> RGBImage:
    """Draws surroundings of a card: (h, w, 3), one of the split's photographs, more or less bright."""
    return np.asarray((np.power(_chosen(draws, SCENES), draws.uniform(0.6, 1.2)) * 255).clip(0, 255), dtype=np.uint8)


def _chosen(draws: Draws, among: Mapping[Split, tuple[Photograph, ...]]) -> NDArray[np.float32]:
    """Returns one photograph, values 0..1, perhaps mirrored, with other colours."""
    held = among[draws.split] if draws.split in among else sum(among.values(), ())
    picture = held[int(draws.rng.integers(len(held)))].pixels()
    if draws.rng.uniform() < 0.5:
        picture = picture[:, ::-1]
    light = picture.astype(np.float32) / 255
    tint = np.array([draws.uniform(0.86, 1.12), draws.uniform(0.95, 1.05), draws.uniform(0.8, 1.1)], dtype=np.float32)
    grey = light.mean(axis=2, keepdims=True)
    toned = (grey + (light - grey) * np.float32(draws.uniform(0.4, 1.1))) * tint
    return np.asarray(toned.clip(0, 1), dtype=np.float32)


def tiled(picture: RGBImage, width: int, height: int) -> RGBImage:
    """Returns (height, width, 3): the picture repeated as if mirrored at its edges."""
    down, across = -(-height // picture.shape[0]) + 1, -(-width // picture.shape[1]) + 1
    pair = np.concatenate([picture, picture[:, ::-1]], axis=1)
    square = np.concatenate([pair, pair[::-1]], axis=0)
    return np.ascontiguousarray(np.tile(square, ((down + 1) // 2, (across + 1) // 2, 1))[:height, :width])


def _stereo(side: int) -> RGBImage:
    """Returns one of a pair of pictures that comes with its disparities."""
    return np.asarray(data.stereo_motorcycle()[side], dtype=np.uint8)


def small(picture: RGBImage, width: int, height: int) -> RGBImage:
    """Returns the picture at another size, each pixel the mean of its area."""
    return np.asarray(cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA), dtype=np.uint8)
