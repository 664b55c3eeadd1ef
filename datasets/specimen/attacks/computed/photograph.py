"""The photograph that a program starts from, and the card straightened out of it."""

from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from idproof.datasets.specimen.artwork import SCALE, size
from idproof.datasets.specimen.attacks.computed.program import Program
from idproof.datasets.specimen.attacks.kinds import Setting
from idproof.datasets.specimen.card import Card
from idproof.datasets.specimen.formations.protocol import Shot
from idproof.datasets.specimen.view import Pose, View
from idproof.models.types import RGBImage

_NEIGHBOURS_PX = 5  # side of the square that noise reduction averages in. Chosen by hand.
_TURN_DEG = (-5.0, 5.0)  # of a photograph like the front capture. Chosen by hand.


@dataclass(frozen=True)
class Straightened:
    """A card straightened out of one photograph.

    Attributes:
        flat: RGB (h, w, 3) at `SCALE`, as the photograph showed it.
        view: of the photograph.
    """

    flat: RGBImage
    view: View


def take(setting: Setting, card: Card, program: Program) -> Straightened:
    """Photographs a genuine card from the front, as the program prefers, and straightens it."""
    draws = setting.draws
    pose = Pose.draw(draws, draws.uniform(*_TURN_DEG))
    if program.close_share:
        pose = Pose(0.0, 0.0, 0.0, (0.0, 0.0), program.close_share)
    session = setting.session.posed(dict.fromkeys(setting.views, pose))
    name, view = next(iter(session.views.items()))
    material = card.material(view)
    if program.polarised:
        material = replace(material, coats=(), foils=tuple(replace(foil, strength=0.0) for foil in material.foils))
    pixels = arrived(setting, session.photograph(name, material, draws.spawn().rng))
    return straightened(pixels, view.resized(pixels.shape[1]), program)


def arrived(setting: Setting, shot: Shot) -> RGBImage:
    """Returns a capture's pixels as they arrive, in the size of its view."""
    sent = setting.session.deliver(shot, setting.draws.spawn().rng)
    pixels = np.asarray(cv2.imdecode(np.frombuffer(sent.data, np.uint8), cv2.IMREAD_COLOR_RGB), dtype=np.uint8)
    height, width = shot.pixels.shape[:2]
    return np.asarray(cv2.resize(pixels, (width, height), interpolation=cv2.INTER_CUBIC), dtype=np.uint8)


def straightened(pixels: RGBImage, view: View, program: Program) -> Straightened:
    """Removes noise as the program does, and straightens the card."""
    clean = pixels
    if program.denoise:
        clean = np.asarray(cv2.bilateralFilter(pixels, _NEIGHBOURS_PX, program.denoise * 2, 2.0), dtype=np.uint8)
    flat = cv2.warpPerspective(
        clean, from_flat(view), size(view.document), flags=cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP
    )
    return Straightened(np.asarray(flat, dtype=np.uint8), view)


def from_flat(view: View) -> NDArray[np.float64]:
    """(3, 3): pixels of a flat picture at `SCALE` to pixels of a capture."""
    to_mm = np.array([[1 / SCALE, 0, 0.5 / SCALE], [0, 1 / SCALE, 0.5 / SCALE], [0, 0, 1]])
    return np.asarray(view.homography @ to_mm)
