"""Compression of a finished capture: the telephone's own format, a messenger on the way, and the file that arrives."""

import io
from dataclasses import dataclass

import cv2
import numpy as np
from PIL import Image

from idproof.datasets.specimen.draws import Draws
from idproof.datasets.specimen.formations.protocol import Delivery, Shot
from idproof.models.types import RGBImage

_STORED = ("JPEG", "JPEG", "WEBP", "AVIF")


@dataclass(frozen=True)
class Sending:
    """Ways of a capture from the camera to the service.

    Attributes:
        stored: format in which the telephone keeps it; AVIF stands for HEIC, whose encoders are under the GPL. Both
            code blocks of one size with a picture codec of the same generation.
        stored_quality: of that format, 0..100.
        messenger: long side in pixels after a messenger, or None without one.
        messenger_quality: of the messenger's JPEG.
        sent_quality: of the JPEG that arrives; the service takes no WebP.
    """

    stored: str
    stored_quality: int
    messenger: int | None
    messenger_quality: int
    sent_quality: int

    @classmethod
    def draw(cls, draws: Draws) -> "Sending":
        """Draws a way; one in seven goes by messenger. Ranges are chosen by hand."""
        messenger = round(draws.uniform(1280, 1600)) if draws.rng.uniform() < 1 / 7 else None
        return cls(
            stored=_STORED[int(draws.rng.integers(len(_STORED)))],
            stored_quality=round(draws.uniform(72, 97)),
            messenger=messenger,
            messenger_quality=round(draws.uniform(70, 80)),
            sent_quality=round(draws.uniform(82, 97)),
        )


def deliver(shot: Shot, sending: Sending, rng: np.random.Generator) -> Delivery:
    """Compresses a capture as often as its way does."""
    picture, corners = shot.pixels, shot.corners
    if sending.stored != "JPEG" or sending.messenger is not None:
        quality = sending.stored_quality - (22 if sending.stored == "AVIF" else 0)
        picture = _decoded(_encoded(picture, sending.stored, quality))
    if sending.messenger is not None and max(picture.shape[:2]) > sending.messenger:
        height, width = picture.shape[:2]
        factor = sending.messenger / max(width, height)
        size = round(width * factor), round(height * factor)
        picture = np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)
        picture = _decoded(_encoded(picture, "JPEG", sending.messenger_quality))
        # Pixel centres are whole numbers.
        corners = (corners + 0.5) * (np.array(size) / (width, height)) - 0.5
    quality = sending.sent_quality + int(rng.integers(-1, 2))
    return Delivery(".jpg", _encoded(picture, "JPEG", quality), corners)


def _encoded(picture: RGBImage, kind: str, quality: int) -> bytes:
    target = io.BytesIO()
    options = {"speed": 9} if kind == "AVIF" else {"method": 2} if kind == "WEBP" else {}
    Image.fromarray(picture).save(target, kind, quality=quality, **options)
    return target.getvalue()


def _decoded(data: bytes) -> RGBImage:
    with Image.open(io.BytesIO(data)) as picture:
        return np.asarray(picture.convert("RGB"), dtype=np.uint8)
