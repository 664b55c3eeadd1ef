"""The first formation with other foils, then glare on the laminate and the strong processing of a telephone.

Lamps, lens and sensor are those of the first formation. What follows them differs: scattered light, exposure, white
balance, tone, local tone, saturation, noise reduction, size, sharpening and JPEG. Limits that hold here and in a
formation of another kind depend little on a camera's processing.
"""

from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from idproof.datasets.specimen.camera import jpeg
from idproof.datasets.specimen.draws import Draws
from idproof.datasets.specimen.formations.analytic import Analytic, AnalyticSession
from idproof.datasets.specimen.formations.protocol import Delivery, Formation, OtherCamera, Shot, Surround, Turns
from idproof.datasets.specimen.material import Material
from idproof.models.types import RGBImage
from idproof.pipeline.documents import DocumentType

_GAMMA = 2.2
_LOCAL_PX = 96.0  # standard deviation of the neighbourhood of local tone mapping
_MID = 0.5  # grey level, 0..1, that local tone mapping draws towards
_DARKEST = 0.08
_RADIUS = (0.02, 0.05)  # of a highlight, as shares of the width: it covers up to 6 % of the card, as guidance allows
_TINT = (1.0, 0.97, 0.92)  # of a highlight

Light = NDArray[np.float32]


@dataclass(frozen=True)
class Processing:
    """Processing of one telephone, the same for all captures. The ranges that `draw` draws from were chosen by hand.

    Attributes:
        scale: size of the picture as a multiple of the sensor's.
        denoise: strength of the bilateral filter in grey levels; 0 for none.
        sharpen: strength of the unsharp mask.
        halo_px: its standard deviation.
        gamma: exponent on the coded picture.
        white: gain of red, green and blue.
        exposure: gain of the light.
        saturation: multiple of the distance from grey.
        local: strength of local tone mapping, 0..1.
        quality: of the JPEG, 0..100.
        glare: share of the captures with a highlight on the card.
        haze: light that laminate and lens lay over everything, 1 for white paper.
        bloom: (share, standard deviation as a share of the width) of light that a greasy lens scatters.
        foil: multiple of the light that holograms send.
    """

    scale: float
    denoise: float
    sharpen: float
    halo_px: float
    gamma: float
    white: tuple[float, float, float]
    exposure: float
    saturation: float
    local: float
    quality: int
    glare: float
    haze: float = 0.0
    bloom: tuple[float, float] = (0.0, 0.01)
    foil: float = 1.0

    @classmethod
    def draw(cls, draws: Draws) -> "Processing":
        """Draws a telephone."""
        return cls(
            scale=float(draws.rng.choice([1.0, 1.0, 0.85, 1.35])),
            denoise=draws.uniform(8, 28) if draws.rng.uniform() < 0.6 else 0.0,
            sharpen=draws.uniform(0.0, 1.6),
            halo_px=draws.uniform(0.7, 2.0),
            gamma=draws.uniform(0.78, 1.25),
            white=(draws.uniform(0.86, 1.14), 1.0, draws.uniform(0.86, 1.14)),
            exposure=draws.uniform(0.85, 1.12),
            saturation=draws.uniform(0.55, 1.75),
            local=draws.uniform(0.0, 0.36),
            quality=round(draws.uniform(60, 92)),
            glare=0.7 if draws.rng.uniform() < 0.7 else 0.0,
            # The powers make clear laminates and clean lenses frequent, milky and greasy ones rare.
            haze=draws.uniform(0.0, 0.67) ** 3,
            bloom=(draws.uniform(0.0, 0.7) ** 2, float(np.exp(draws.uniform(np.log(0.003), np.log(0.03))))),
            foil=float(np.exp(draws.uniform(np.log(0.25), np.log(4.0)))),
        )

    def apply(self, pixels: RGBImage, highlight: Light) -> RGBImage:
        """Returns the processed picture; `highlight` (h, w) is light that the card mirrors, 1 for white paper."""
        light = (pixels / np.float32(255)) ** _GAMMA + highlight[..., None] * np.asarray(_TINT, dtype=np.float32)
        share, width = self.bloom
        if share > 0:
            around = cv2.resize(light, None, fx=1 / 4, fy=1 / 4, interpolation=cv2.INTER_AREA)
            around = cv2.GaussianBlur(around, (0, 0), width * light.shape[1] / 4)
            light += np.float32(share) * (cv2.resize(around, light.shape[1::-1]) - light)
        light = (light + np.float32(self.haze)) / np.float32(1 + self.haze)
        gains = np.asarray(self.white, dtype=np.float32) * self.exposure
        coded = (light * gains).clip(0, 1) ** np.float32(self.gamma / _GAMMA)
        grey = coded.mean(axis=2)
        small = cv2.resize(grey, None, fx=1 / 8, fy=1 / 8, interpolation=cv2.INTER_AREA)
        around = cv2.resize(cv2.GaussianBlur(small, (0, 0), _LOCAL_PX / 8), grey.shape[::-1])
        coded = (coded * ((_MID / np.maximum(around, _DARKEST)) ** self.local)[..., None]).clip(0, 1)
        grey = coded.mean(axis=2, keepdims=True)
        picture = ((grey + (coded - grey) * self.saturation).clip(0, 1) * 255).astype(np.uint8)
        if self.denoise:
            picture = np.asarray(cv2.bilateralFilter(picture, 5, self.denoise, 2.0), dtype=np.uint8)
        if self.scale != 1:
            how = cv2.INTER_AREA if self.scale < 1 else cv2.INTER_CUBIC
            picture = np.asarray(cv2.resize(picture, None, fx=self.scale, fy=self.scale, interpolation=how), np.uint8)
        values = picture.astype(np.float32)
        values += self.sharpen * (values - cv2.GaussianBlur(values, (0, 0), self.halo_px))
        return np.asarray(values.clip(0, 255), dtype=np.uint8)


@dataclass(frozen=True)
class ProcessedSession(AnalyticSession):
    """A session of the first formation whose captures are processed; implements `Session`.

    Attributes:
        processing: of the telephone.
    """

    processing: Processing

    def photograph(
        self,
        name: str,
        material: Material,
        rng: np.random.Generator,
        *,
        surround: Surround | None = None,
        other: OtherCamera | None = None,
    ) -> Shot:
        """Renders one capture; see `Session`."""
        foils = tuple(replace(foil, strength=foil.strength * self.processing.foil) for foil in material.foils)
        return super().photograph(name, replace(material, foils=foils), rng, surround=surround, other=other)

    def deliver(self, shot: Shot, rng: np.random.Generator) -> Delivery:
        """Lays a highlight over the card in some captures, processes and encodes."""
        highlight = np.zeros(shot.pixels.shape[:2], dtype=np.float32)
        if rng.uniform() < self.processing.glare:
            highlight = _highlight(shot, rng)
        picture = self.processing.apply(shot.pixels, highlight)
        return Delivery(".jpg", jpeg(picture, self.processing.quality), shot.corners * self.processing.scale)


class Processed:
    """Implements `Formation`."""

    def begin(self, document: DocumentType, draws: Draws, turns: Turns) -> ProcessedSession:
        """Draws the session of the first formation, and a telephone."""
        inner = Analytic().begin(document, draws, turns)
        return ProcessedSession(inner.views, inner.camera, inner.scenes, Processing.draw(draws.spawn()))


def _highlight(shot: Shot, rng: np.random.Generator) -> Light:
    """(h, w): an oblong spot somewhere on the card, on the card alone."""
    height, width = shot.pixels.shape[:2]
    x0, y0 = rng.uniform(shot.corners.min(axis=0), shot.corners.max(axis=0))
    radius, angle, oblong = rng.uniform(*_RADIUS) * width, rng.uniform(0, np.pi), rng.uniform(1, 3)
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    along = ((x - x0) * np.cos(angle) + (y - y0) * np.sin(angle)) / (radius * oblong)
    across = ((y - y0) * np.cos(angle) - (x - x0) * np.sin(angle)) / radius
    card = np.zeros((height, width), dtype=np.float32)
    cv2.fillConvexPoly(card, shot.corners.astype(np.int32), 1.0)
    return np.asarray(rng.uniform(0.15, 1.6) * np.exp(-(along**2) - across**2) * card, dtype=np.float32)


FORMATION: Formation = Processed()
