"""Attacks that happen on a computer, after the camera or in its place."""

import cv2
import numpy as np

from idproof.datasets.specimen.attacks.kinds import Setting, honest
from idproof.datasets.specimen.camera import Shot, develop, jpeg, outline, radiance_of
from idproof.datasets.specimen.material import Material, card_outline
from idproof.datasets.specimen.view import HEIGHT, WIDTH, View
from idproof.models.types import RGBImage

_SHIFT_PX = 12
_SHIFTS = 2 * _SHIFT_PX + 1


def repeat(setting: Setting) -> dict[str, Shot]:
    """One capture sent three times, each shifted by a few other pixels and compressed anew."""
    first, *_ = honest(setting).values()
    sent = cv2.imdecode(np.frombuffer(jpeg(first.pixels, setting.camera.quality), np.uint8), cv2.IMREAD_COLOR_RGB)
    shots, places = {}, setting.draws.rng.choice(_SHIFTS**2, size=len(setting.views), replace=False)
    for name, place in zip(setting.views, places, strict=True):
        dx, dy = int(place) % _SHIFTS - _SHIFT_PX, int(place) // _SHIFTS - _SHIFT_PX
        move = np.array([[1, 0, dx], [0, 1, dy]], dtype=np.float64)
        moved = cv2.warpAffine(sent, move, (WIDTH, HEIGHT), flags=cv2.INTER_NEAREST, borderMode=cv2.BORDER_REPLICATE)
        shots[name] = Shot(np.asarray(moved, dtype=np.uint8), first.corners + np.array([dx, dy]))
    return shots


def warp_one(setting: Setting) -> dict[str, Shot]:
    """One good front picture of the card, cut out and laid in three poses over pictures of a table.

    The card's noise, highlights and hologram are those of the one picture, stretched; new noise is added over all.
    """
    first, *_ = honest(setting).values()
    source_view = next(iter(setting.views.values()))
    mend, noise = setting.draws.uniform(0.3, 1.2), setting.draws.uniform(0.3, 2.0)
    rng = setting.draws.spawn().rng
    shots = {}
    for name, view in setting.views.items():
        before = setting.scenes[name]
        blank = _placeholder(view)
        desk = develop(radiance_of(blank, view, before), before, setting.camera, rng)
        between = view.homography @ np.linalg.inv(source_view.homography)
        moved = cv2.warpPerspective(first.pixels, between, (WIDTH, HEIGHT), flags=cv2.INTER_CUBIC)
        cover = cv2.GaussianBlur(outline(blank, view), (0, 0), mend)[..., None]
        mixed = desk * (1 - cover) + moved * cover + rng.normal(0, noise, desk.shape)
        shots[name] = Shot(mixed.clip(0, 255).astype(np.uint8), view.corners)
    return shots


def _placeholder(view: View) -> Material:
    """A plain card where the picture will be laid."""
    shape = card_outline(view.document)
    flat: RGBImage = np.full((*shape.shape, 3), 128, dtype=np.uint8)
    return Material(flat, shape)
