"""Selfies made poor in one component of quality each, to measure what a comparison with a poor selfie is worth.

Quality refers a selfie because a poor picture may resemble more people. Whoever presents somebody else's card can
choose how poor the selfie is, so each kind is measured, and the worst one counts.
"""

from collections.abc import Callable, Mapping

import cv2
import numpy as np

from idproof.datasets.rendered_people.surface import EYES, SIDE, Pose, displacement, head, lookup
from idproof.models.types import DetectedFace, Engines, RGBImage
from idproof.pipeline.face import quality
from idproof.pipeline.types import Outcome

# Strengths, chosen by hand so that most photographs of tuning people get beyond the limit of their component; no
# outside source. Lengths are pixels of a picture of 250 × 250 whose eyes are 46 pixels apart.
_BLUR_PX, _DARK, _NOISE, _BRIGHT, _FLAT, _SHADE = 3.5, 0.13, 3.0, 2.6, 0.15, 0.12
_TURN_DEG, _CUT_PX, _DISTANCE = 38.0, 118, 400.0
_COVER = np.array([[82, 138], [125, 128], [168, 138], [152, 190], [98, 190]], dtype=np.int32)
_COLOURS = ((120, 170, 210), (235, 238, 240), (30, 30, 34), (60, 140, 90))  # of masks and scarves


def _blurred(picture: RGBImage) -> RGBImage:
    return np.asarray(cv2.GaussianBlur(picture, (0, 0), _BLUR_PX), dtype=np.uint8)


def _dark(picture: RGBImage) -> RGBImage:
    noise = np.random.default_rng(int(picture[::16, ::16].sum())).normal(0, _NOISE, picture.shape)
    return np.asarray((picture * _DARK + noise).clip(0, 255), dtype=np.uint8)


def _bright(picture: RGBImage) -> RGBImage:
    return np.asarray((picture * _BRIGHT).clip(0, 255), dtype=np.uint8)


def _flat(picture: RGBImage) -> RGBImage:
    return np.asarray(128 + (picture.astype(np.float32) - picture.mean()) * _FLAT, dtype=np.uint8)


def _half_dark(picture: RGBImage) -> RGBImage:
    ramp = np.clip((np.arange(SIDE) - SIDE / 2) / 20 + 0.5, 0, 1) * (1 - _SHADE) + _SHADE
    return np.asarray(picture * ramp[None, :, None], dtype=np.uint8)


def _turned(picture: RGBImage) -> RGBImage:
    side = _TURN_DEG if picture[:, : SIDE // 2].mean() > picture[:, SIDE // 2 :].mean() else -_TURN_DEG
    seen = lookup(displacement(head(), Pose(side), _DISTANCE), (SIDE, SIDE), 1.0, (0.0, 0.0))
    turned = cv2.remap(picture, seen[..., 0], seen[..., 1], cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT)
    return np.asarray(turned, dtype=np.uint8)


def _cut(picture: RGBImage) -> RGBImage:
    return np.ascontiguousarray(picture[:, _CUT_PX:])


def _covered(picture: RGBImage) -> RGBImage:
    colour = _COLOURS[int(picture[::16, ::16].sum()) % len(_COLOURS)]
    return np.asarray(cv2.fillPoly(picture.copy(), [_COVER], colour), dtype=np.uint8)


SPOILERS: Mapping[str, tuple[str, Callable[[RGBImage], RGBImage]]] = {
    "blurred": ("sharpness", _blurred),
    "dark": ("exposure", _dark),
    "bright": ("exposure", _bright),
    "flat": ("dynamic_range", _flat),
    "half_dark": ("illumination", _half_dark),
    "turned": ("pose", _turned),
    "cut": ("framing", _cut),
    "covered": ("occlusion", _covered),
}
"""Kind to the component of quality that it spoils, and the picture that it makes of one in the framing of LFW."""


def make_poor(selfie: RGBImage, face: DetectedFace, engines: Engines) -> dict[str, RGBImage]:
    """Returns kind to the aligned face (112, 112, 3) of the selfie made poor.

    A kind is left out where quality does not object to its component, or no face is found any more.
    """
    picture = _in_lfw_framing(selfie, face)
    found = {}
    for kind, (component, spoil) in SPOILERS.items():
        spoilt = spoil(picture)
        faces = engines.detector.detect(spoilt)
        if not faces:
            continue
        aligned = engines.embedder.align(spoilt, faces[0].landmarks)
        results = quality.check(quality.Face.of(spoilt, faces[0], aligned, engines.landmarker))
        if any(each.name == f"quality_{component}" and each.outcome is Outcome.DOUBT for each in results):
            found[kind] = aligned
    return found


def _in_lfw_framing(selfie: RGBImage, face: DetectedFace) -> RGBImage:
    """Returns (250, 250, 3), the eyes where `rendered_people.surface` has them."""
    eyes, wanted = face.landmarks[:2].astype(np.float64), np.array(EYES)
    one, other = (complex(*(points[1] - points[0])) for points in (eyes, wanted))
    turn = other / one
    rotation = np.array([[turn.real, -turn.imag], [turn.imag, turn.real]])
    shift = wanted[0] - rotation @ eyes[0]
    matrix = np.column_stack([rotation, shift])
    picture = cv2.warpAffine(selfie, matrix, (SIDE, SIDE), flags=cv2.INTER_AREA, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(picture, dtype=np.uint8)
