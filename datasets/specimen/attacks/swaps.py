"""Attacks that put another person's photograph in the place of the main portrait.

The second portrait still shows the holder. Ranges are chosen by hand; no outside source.
"""

from dataclasses import replace

import cv2
import numpy as np

from idproof.datasets.specimen.artwork import SCALE, region_mask
from idproof.datasets.specimen.attacks.copies import halftone, inkjet
from idproof.datasets.specimen.attacks.kinds import Setting
from idproof.datasets.specimen.card import Card
from idproof.datasets.specimen.draws import Draws
from idproof.datasets.specimen.formations.protocol import OtherCamera, Shot
from idproof.datasets.specimen.material import Coat, Material
from idproof.datasets.specimen.projection import warp
from idproof.datasets.specimen.view import View
from idproof.models.types import RGBImage
from idproof.pipeline.documents import Box


def swapped(card: Card, other: RGBImage, _draws: Draws) -> Card:
    """Returns the card with the other person in the main portrait only."""
    return replace(card, portrait=other, second_portrait=card.portrait)


def glued(setting: Setting) -> dict[str, Shot]:
    """Sticks a printed photograph over the portrait, slightly turned, with its own paper, dots, gloss and edge."""
    card, draws = setting.card, setting.draws
    printer = halftone(draws, (150, 200)) if draws.rng.uniform() < 0.4 else inkjet(draws)
    cast, size = draws.rng.normal(0, 4, 3), draws.uniform(0.985, 1.02)
    askew, shift = float(draws.rng.normal(0, 0.6)), draws.rng.normal(0, 0.15, 2) * SCALE
    edge = draws.uniform(0.12, 0.5)
    glossy = Coat(draws.uniform(0.0, 0.09), draws.uniform(0.03, 0.3))
    mask = region_mask(card.document, card.document.portrait)
    box = card.document.portrait
    middle = ((box.x + box.width / 2) * SCALE, (box.y + box.height / 2) * SCALE)
    move = cv2.getRotationMatrix2D(middle, askew, size)
    move[:, 2] += shift
    patch = cv2.warpAffine(mask, move, mask.shape[::-1], flags=cv2.INTER_LINEAR).astype(np.float32) / 255
    genuine = replace(card, portrait=holders_photograph(card), second_portrait=None)

    def material(view: View) -> Material:
        below = genuine.material(view)
        photo = np.clip(printer(card.printed(view)) + cast, 0, 255).astype(np.float32)
        photo = cv2.warpAffine(photo, move, mask.shape[::-1], flags=cv2.INTER_LINEAR)
        rim = np.abs(patch - cv2.GaussianBlur(patch, (0, 0), 2.5)) * 2 * edge
        albedo = below.albedo * (1 - patch[..., None]) + photo * patch[..., None]
        coats = (*(replace(coat, mask=1 - patch) for coat in below.coats), replace(glossy, mask=patch))
        return replace(below, albedo=(albedo * (1 - rim[..., None])).clip(0, 255).astype(np.uint8), coats=coats)

    return setting.shoot(material)


def pasted(setting: Setting) -> dict[str, Shot]:
    """Inserts another portrait by computer into genuine captures of the holder's own card.

    Signs of the insertion: its edge, its smoother noise, light that fits only on average, and a second portrait of
    somebody else.
    """
    card = setting.card
    genuine = replace(card, portrait=holders_photograph(card), second_portrait=None)
    return laid_in(setting, genuine, card.document.portrait)


def laid_in(setting: Setting, genuine: Card, box: Box) -> dict[str, Shot]:
    """Inserts one box of the wanted card (`setting.card`) by computer into captures of a genuine card.

    The box is rendered in the same light, but by another camera: smoother, and with less noise.
    """
    draws = setting.draws
    feather, noise = draws.uniform(0.6, 2.0), draws.uniform(0.2, 0.7)
    other = OtherCamera(blur=draws.uniform(0.7, 1.2), noise=noise)
    shots, rng = setting.shoot(genuine.material), draws.spawn().rng
    flat_mask = region_mask(genuine.document, box).astype(np.float32) / 255
    result = {}
    for name, shot in shots.items():
        view = setting.views[name]
        patch = setting.session.photograph(name, setting.card.material(view), rng, other=other).pixels
        weight = cv2.GaussianBlur(warp(flat_mask, view), (0, 0), feather)[..., None]
        mixed = shot.pixels * (1 - weight) + patch * weight
        result[name] = Shot((mixed + 0.5).astype(np.uint8), shot.corners)
    return result


def holders_photograph(card: Card) -> RGBImage:
    """Returns the photograph of a swapped card's holder."""
    if card.second_portrait is None:
        raise ValueError("a swapped portrait needs the holder's own in the second portrait")
    return card.second_portrait
