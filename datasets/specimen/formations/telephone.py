"""The processing of a telephone's camera, from light on the sensor to the file that is sent.

Formations that name it hand over linear light and get a capture back. Ranges are drawn from the cells of the split
(`Draws`), so that tuning and test never share a camera; both choose from the same methods. The steps are those of
textbooks on image signal processors: sampling through a Bayer filter, noise, demosaicing, white balance, colour matrix,
noise reduction, tone mapping (local and global), sharpening, digital zoom, compression. All ranges were chosen by hand
to span telephones of about 2016 to 2026; no outside source.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from idproof.datasets.specimen.draws import Draws
from idproof.datasets.specimen.formations import delivery, demosaicing, tone
from idproof.datasets.specimen.formations.delivery import Sending
from idproof.datasets.specimen.formations.protocol import Delivery, OtherCamera, Shot
from idproof.models.types import RGBImage

Linear = NDArray[np.float32]
_MOST_RENDERED = 4_500_000  # pixels that are rendered; larger captures are enlarged from them, as telephones do
_ASPECTS = (16 / 9, 4 / 3, 4 / 3, 3 / 2)


@dataclass(frozen=True)
class Movement:
    """Movement of the hand and the focus during one exposure, in pixels of a picture 1,920 pixels wide.

    Attributes:
        streak: length of the blur.
        angle: its direction, radians.
        defocus: radius of the disc of confusion.
        shear: horizontal displacement between the first and the last row by the rolling shutter.
        wobble: amplitude of a faster displacement on top.
    """

    streak: float
    angle: float
    defocus: float
    shear: float
    wobble: float

    @classmethod
    def draw(cls, draws: Draws) -> "Movement":
        """Draws a hand that holds about still, as guidance on a screen requires."""
        return cls(
            streak=abs(float(draws.rng.normal(0, 0.8))),
            angle=float(draws.rng.uniform(0, np.pi)),
            defocus=draws.uniform(0.0, 1.6),
            shear=float(draws.rng.normal(0, 2.0)),
            wobble=abs(float(draws.rng.normal(0, 0.25))),
        )


@dataclass(frozen=True)
class Telephone:
    """One telephone, the same for all captures of a registration.

    Attributes:
        size: (width, height) of its captures.
        rendered: width of the light that it wants; the rest is digital enlargement.
        focal: focal length as a share of the width.
        lens_blur: standard deviation in pixels of the rendered light.
        bloom: (share, standard deviation as a share of the width) of light that the lens and grease on it scatter.
        fringes: lateral chromatic aberration, relative difference of magnification of red and blue.
        vignette: share of light lost in the corners.
        brightness: linear value that automatic exposure gives the middle of the picture on average.
        noise: standard deviation at mid grey as a share of it, before all processing.
        balance: errors of the white balance, factors of red and blue.
        grey_world: how far the white balance takes the scene's mean for grey, 0..1.
        matrix: (3, 3) colour matrix, rows sum to 1.
        demosaicing: name of the method, see `demosaicing`.
        denoising: name and strength, see `tone.denoised`.
        local: name and strength of the local tone mapping, see `tone.locally_mapped`.
        contrast: strength of the S in the tone curve, 0..1.
        sharpening: (radius in pixels, amount) of the unsharp mask.
        sending: what happens to the finished capture.
    """

    size: tuple[int, int]
    rendered: int
    focal: float
    lens_blur: float
    bloom: tuple[float, float]
    fringes: float
    vignette: float
    brightness: float
    noise: float
    balance: tuple[float, float]
    grey_world: float
    matrix: NDArray[np.float32]
    demosaicing: str
    denoising: tuple[str, float]
    local: tuple[str, float]
    contrast: float
    sharpening: tuple[float, float]
    sending: Sending

    @classmethod
    def draw(cls, draws: Draws) -> "Telephone":
        """Draws a telephone; one in twenty sends more than 9 megapixels, up to 24."""
        rng = draws.rng
        large = rng.uniform() < 0.05
        pixels = 1e6 * np.exp(draws.uniform(np.log(9.0), np.log(24.0)) if large else draws.uniform(0.70, np.log(9.0)))
        aspect = _ASPECTS[int(rng.integers(len(_ASPECTS)))]
        size = _even(np.sqrt(pixels * aspect)), _even(np.sqrt(pixels / aspect))
        zoom = draws.uniform(1.1, 1.9) if rng.uniform() < 0.2 else 1.0
        rendered = min(size[0] / zoom, np.sqrt(_MOST_RENDERED * aspect))
        saturation = draws.uniform(-0.05, 0.75)
        return cls(
            size=size,
            rendered=_even(rendered),
            focal=draws.uniform(0.70, 1.15),
            lens_blur=draws.uniform(0.35, 0.85),
            fringes=draws.uniform(-8e-4, 8e-4),
            vignette=draws.uniform(0.0, 0.3),
            brightness=draws.uniform(0.17, 0.33),
            noise=draws.uniform(0.02, 0.11),
            balance=(draws.uniform(0.93, 1.08), draws.uniform(0.92, 1.09)),
            grey_world=draws.uniform(0.0, 0.35),
            matrix=_matrix(saturation, rng),
            demosaicing=str(rng.choice(list(demosaicing.METHODS))),
            denoising=(str(rng.choice(tone.DENOISING)), draws.uniform(0.2, 1.0)),
            local=(str(rng.choice(tone.LOCAL)), draws.uniform(0.1, 0.7)),
            contrast=draws.uniform(0.0, 0.4),
            sharpening=(draws.uniform(0.6, 1.9), draws.uniform(0.1, 1.5)),
            sending=Sending.draw(draws),
            # The square makes clean lenses frequent and greasy ones rare.
            bloom=(draws.uniform(0.0, 0.6) ** 2, float(np.exp(draws.uniform(np.log(0.003), np.log(0.03))))),
        )

    def develop(
        self,
        light: Linear,
        illuminant: NDArray[np.float64],
        moved: Movement,
        rng: np.random.Generator,
        other: OtherCamera | None = None,
    ) -> RGBImage:
        """Turns light into a capture.

        Args:
            light: (h, w, 3), `rendered` wide, linear.
            illuminant: (3,), colour of the light on the card.
            moved: movement during the exposure.
            rng: of the noise.
            other: multiplies lens blur and noise.

        Returns:
            (height, width, 3) of `size`.
        """
        blur, noise = (1.0, 1.0) if other is None else (other.blur, other.noise)
        seen = self._through_lens(light, moved, blur)
        raw = demosaicing.mosaic(seen)
        # Shot noise grows with the root of the light; a fifth of the variance at mid grey is the reading's.
        spread = np.sqrt((0.8 * raw / 0.18 + 0.2).clip(0.05)) * np.float32(0.18 * self.noise * noise)
        raw += spread * rng.standard_normal(raw.shape, dtype=np.float32)
        colour = demosaicing.METHODS[self.demosaicing](raw.clip(0, 1))
        colour *= self._gains(colour, illuminant)
        # A pixel that is blown out in one channel is white, whatever the gains say.
        colour = np.minimum(colour, 1.0) @ self.matrix.T
        coded = tone.curve(tone.locally_mapped(colour.clip(0, 1), *self.local), self.contrast)
        coded = tone.denoised(coded, *self.denoising)
        coded = tone.sharpened(coded, *self.sharpening)
        picture = np.asarray((coded * 255 + 0.5).clip(0, 255), dtype=np.uint8)
        if picture.shape[1::-1] != self.size:
            picture = np.asarray(cv2.resize(picture, self.size, interpolation=cv2.INTER_CUBIC), dtype=np.uint8)
        return picture

    def moved_corners(self, corners: NDArray[np.float64], moved: Movement) -> NDArray[np.float64]:
        """Returns points (n, 2) of the capture where the rolling shutter puts them."""
        shift = moved.shear * (corners[:, 1] / self.size[1] - 0.5) + moved.wobble * _waves(corners[:, 1] / self.size[1])
        return corners + np.column_stack([shift * self.size[0] / 1920, np.zeros(len(corners))])

    def deliver(self, shot: Shot, rng: np.random.Generator) -> Delivery:
        """Compresses a capture, and sends it by messenger if this telephone does."""
        return delivery.deliver(shot, self.sending, rng)

    def _through_lens(self, light: Linear, moved: Movement, blur: float) -> Linear:
        scale = light.shape[1] / 1920
        middle = light[light.shape[0] // 5 : -light.shape[0] // 5, light.shape[1] // 5 : -light.shape[1] // 5, 1]
        seen = light * np.float32(self.brightness / max(float(np.minimum(middle, 2.0).mean()), 1e-4))
        if moved.defocus * scale > 0.5:
            seen = cv2.filter2D(seen, -1, _disc(moved.defocus * scale))
        if moved.streak * scale > 0.4:
            seen = cv2.filter2D(seen, -1, _streak(moved.streak * scale, moved.angle))
        seen = cv2.GaussianBlur(seen, (0, 0), self.lens_blur * blur)
        share, width = self.bloom
        seen += np.float32(share) * (_widely_blurred(seen, width * light.shape[1]) - seen)
        return self._displaced(seen, moved) * _vignette(light.shape[:2], self.vignette)[..., None]

    def _displaced(self, light: Linear, moved: Movement) -> Linear:
        """Chromatic aberration, and rows that are read one after the other."""
        height, width = light.shape[:2]
        y, x = np.mgrid[0:height, 0:width].astype(np.float32)
        rows = y[:, :1] / height
        shift = (moved.shear * (rows - 0.5) + moved.wobble * _waves(rows)) * np.float32(width / 1920)
        planes = []
        for channel, sign in enumerate((1, 0, -1)):
            factor = np.float32(1 + sign * self.fringes)
            from_x = (x - shift - width / 2) * factor + width / 2
            from_y = (y - height / 2) * factor + height / 2
            plane = cv2.remap(light[..., channel], from_x, from_y, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
            planes.append(plane)
        return np.stack(planes, axis=-1).clip(0)

    def _gains(self, colour: Linear, illuminant: NDArray[np.float64]) -> NDArray[np.float32]:
        used = np.minimum(colour[::8, ::8], 0.95).reshape(-1, 3).mean(axis=0)
        mean = used / max(float(used[1]), 1e-4)
        white = illuminant / illuminant[1]
        believed = white ** (1 - self.grey_world) * mean.clip(0.3, 3) ** self.grey_world
        red, blue = self.balance
        return np.asarray(np.array([red, 1.0, blue]) / believed, dtype=np.float32)


def _widely_blurred(light: Linear, sigma: float) -> Linear:
    small = cv2.resize(light, None, fx=0.25, fy=0.25, interpolation=cv2.INTER_AREA)
    soft = cv2.GaussianBlur(small, (0, 0), sigma / 4)
    return np.asarray(cv2.resize(soft, light.shape[1::-1], interpolation=cv2.INTER_LINEAR), dtype=np.float32)


def _even(length: float) -> int:
    return 2 * round(length / 2)


def _matrix(saturation: float, rng: np.random.Generator) -> NDArray[np.float32]:
    """Returns a matrix that raises the saturation and mixes the channels a little; greys stay grey."""
    luma = np.array([0.2126, 0.7152, 0.0722])
    matrix = (1 + saturation) * np.eye(3) - saturation * luma
    matrix += rng.normal(0, 0.02, (3, 3))
    return np.asarray(matrix / matrix.sum(axis=1, keepdims=True), dtype=np.float32)


def _waves(rows: NDArray[np.floating]) -> NDArray[np.floating]:
    return np.asarray(np.sin(2 * np.pi * 3.3 * rows + 1.0))


def _disc(radius: float) -> Linear:
    reach = int(np.ceil(radius)) + 1
    y, x = np.mgrid[-reach : reach + 1, -reach : reach + 1]
    kernel = (radius + 0.5 - np.hypot(x, y)).clip(0, 1).astype(np.float32)
    return np.asarray(kernel / kernel.sum(), dtype=np.float32)


def _streak(length: float, angle: float) -> Linear:
    reach = int(np.ceil(length)) + 2
    y, x = np.mgrid[-reach : reach + 1, -reach : reach + 1].astype(np.float32)
    along, across = x * np.cos(angle) + y * np.sin(angle), y * np.cos(angle) - x * np.sin(angle)
    kernel = ((length / 2 + 0.5 - np.abs(along)).clip(0, 1) * (1 - np.abs(across)).clip(0)).astype(np.float32)
    return np.asarray(kernel / kernel.sum(), dtype=np.float32)


def _vignette(shape: tuple[int, ...], strength: float) -> Linear:
    y, x = np.linspace(-1, 1, shape[0])[:, None], np.linspace(-1, 1, shape[1])[None, :]
    return (1 - strength * (0.7 * (x * x + y * y) / 2 + 0.3 * ((x * x + y * y) / 2) ** 2)).astype(np.float32)
