"""Attacks by computer on pictures that a camera took, or in the place of the camera."""

import cv2
import numpy as np

from idproof.datasets.specimen.attacks.kinds import Setting, honest
from idproof.datasets.specimen.formations.protocol import Shot
from idproof.datasets.specimen.material import Material, card_outline
from idproof.datasets.specimen.projection import outline
from idproof.datasets.specimen.view import View
from idproof.models.types import RGBImage

_SHIFT_PX = 12  # at most, in either direction. Chosen by hand.
_SHIFTS = 2 * _SHIFT_PX + 1


def repeat(setting: Setting) -> dict[str, Shot]:
    """Sends one capture three times, each shifted by a few other pixels and compressed again."""
    first, *_ = honest(setting).values()
    arrived = setting.session.deliver(first, setting.draws.spawn().rng)
    sent = np.asarray(cv2.imdecode(np.frombuffer(arrived.data, np.uint8), cv2.IMREAD_COLOR_RGB))
    shots, places = {}, setting.draws.rng.choice(_SHIFTS**2, size=len(setting.views), replace=False)
    for name, place in zip(setting.views, places, strict=True):
        dx, dy = int(place) % _SHIFTS - _SHIFT_PX, int(place) // _SHIFTS - _SHIFT_PX
        move = np.array([[1, 0, dx], [0, 1, dy]], dtype=np.float64)
        moved = cv2.warpAffine(sent, move, sent.shape[1::-1], flags=cv2.INTER_NEAREST, borderMode=cv2.BORDER_REPLICATE)
        shots[name] = Shot(np.asarray(moved, dtype=np.uint8), arrived.corners + np.array([dx, dy]))
    return shots


def warp_one(setting: Setting) -> dict[str, Shot]:
    """Cuts out one good front picture of the card, and warps it in three poses onto pictures of a table.

    Noise, highlights and hologram of the card are those of the one picture, warped; new noise is added to everything.
    Ranges are chosen by hand.
    """
    first, *_ = honest(setting).values()
    source_view = next(iter(setting.views.values()))
    feather, noise = setting.draws.uniform(0.3, 1.2), setting.draws.uniform(0.3, 2.0)
    rng = setting.draws.spawn().rng
    shots = {}
    for name, view in setting.views.items():
        blank = _placeholder(view)
        table = setting.session.photograph(name, blank, rng).pixels
        between = view.homography @ np.linalg.inv(source_view.homography)
        moved = cv2.warpPerspective(first.pixels, between, view.size, flags=cv2.INTER_CUBIC)
        cover = cv2.GaussianBlur(outline(blank, view), (0, 0), feather)[..., None]
        mixed = table * (1 - cover) + moved * cover + rng.normal(0, noise, table.shape)
        shots[name] = Shot(mixed.clip(0, 255).astype(np.uint8), view.corners)
    return shots


def _placeholder(view: View) -> Material:
    """Returns a plain grey card for the place of the picture."""
    shape = card_outline(view.document)
    flat: RGBImage = np.full((*shape.shape, 3), 128, dtype=np.uint8)
    return Material(flat, shape)
