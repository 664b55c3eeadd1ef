"""Skin of a hand at full resolution: the traced light, carried over by the normals, times what is painted on it."""

import cv2
import numpy as np
from numpy.typing import NDArray

from idproof.datasets.specimen.formations.traced import tracer
from idproof.datasets.specimen.formations.traced.hand import Hand
from idproof.datasets.specimen.formations.traced.resampling import continued, enlarged
from idproof.datasets.specimen.view import View

Layer = NDArray[np.float32]


def covered(
    view: View, hand: Hand, stage: tracer.Stage, radiance: Layer, what: NDArray[np.uint8], level: float
) -> tuple[Layer, Layer] | None:
    """Returns how far the hand covers each pixel of a capture, and the hand's light, or None where no hand is seen.

    Args:
        view: of the wanted capture.
        hand: that holds the card.
        stage: the traced scene.
        radiance: (h, w, 3), the traced picture.
        what: (h, w), what its pixels show.
        level: irradiance on the card, that the light is divided by.

    Returns:
        (height, width) of 0..1 and (height, width, 3).
    """
    small = what == tracer.HAND
    if not small.any():
        return None
    rows, columns = np.nonzero(cv2.dilate(small.astype(np.uint8), np.ones((5, 5), np.uint8)))
    # Skin has less detail than print: drawn at half the size where captures are large.
    drawn = view.resized(min(view.size[0], 1400))
    step = drawn.size[0] / what.shape[1]
    left, top = int(columns.min() * step), int(rows.min() * step)
    right = min(drawn.size[0], int((columns.max() + 1) * step) + 1)
    bottom = min(drawn.size[1], int((rows.max() + 1) * step) + 1)
    shown, places, normals = tracer.shown(stage, drawn, (left, top, right, bottom))
    there = shown == tracer.HAND
    if not there.any():
        return None
    _, _, low_normals = tracer.shown(stage, stage.view)
    fit, ratio = _fitted(radiance / np.float32(level), low_normals, small, np.array(hand.skin, np.float32))
    on_card = (places[there] - view.translation) @ view.rotation
    albedo, gloss = hand.painted(on_card.astype(np.float32), view.document)
    light = np.zeros((*there.shape, 3), dtype=np.float32)
    light[there] = (_quadratic(normals[there]) @ fit).clip(0.02)
    box = np.array([left, top, right, bottom]) / step
    grown = cv2.warpAffine(
        ratio,
        np.array([[step, 0, -box[0] * step], [0, step, -box[1] * step]]),
        there.shape[::-1],
        flags=cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REPLICATE,
    )
    # Light that enters the skin comes out a little beside and redder.
    soft = continued(light, there, 3.0)
    light = np.where(there[..., None], 0.6 * light + soft * np.array([0.44, 0.38, 0.35], np.float32), soft)
    skin = np.zeros_like(light)
    skin[there] = albedo
    skin = continued(skin, there, 0.6, keep=True) * light * grown[..., None]
    shine = np.zeros_like(light)
    shine[there] = (0.02 * gloss * (-normals[there][:, 2]).clip(0) ** 6)[:, None]
    skin = skin + shine * light
    cover = np.zeros((drawn.size[1], drawn.size[0]), np.float32)
    full = np.zeros((drawn.size[1], drawn.size[0], 3), np.float32)
    cover[top:bottom, left:right] = cv2.GaussianBlur(there.astype(np.float32), (0, 0), 0.7)
    full[top:bottom, left:right] = skin
    return enlarged(cover, view), enlarged(full, view)


def _fitted(radiance: Layer, normals: Layer, hand: NDArray[np.bool_], skin: Layer) -> tuple[Layer, Layer]:
    """Returns the light on skin as a quadratic of its normal (9, 3), and what shadows leave of it (h, w)."""
    falling = radiance[hand] / skin
    basis = _quadratic(normals[hand])
    ridge = 0.02 * len(basis) * np.eye(9)
    ridge[0, 0] = 1e-6
    fit = np.linalg.solve(basis.T @ basis + ridge, basis.T @ falling)
    expected = (basis @ fit).clip(0.02).mean(axis=1)
    ratio = np.ones(hand.shape, np.float32)
    ratio[hand] = (falling.mean(axis=1) / expected).clip(0.1, 2.0)
    smooth = continued(ratio[..., None].repeat(3, axis=2), hand, 1.2)[..., 0]
    return fit.astype(np.float32), np.asarray(smooth.clip(0.15, 1.6), dtype=np.float32)


def _quadratic(n: Layer) -> Layer:
    """Functions of a normal that describe light without sharp lamps (Ramamoorthi and Hanrahan 2001)."""
    x, y, z = n[..., 0], n[..., 1], n[..., 2]
    return np.stack([np.ones_like(x), x, y, z, x * y, y * z, x * z, x * x - y * y, 3 * z * z - 1], axis=-1)
