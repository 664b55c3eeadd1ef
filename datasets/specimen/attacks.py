"""Attack renderings, to measure defences with. Each kind is one entry; its parameters are drawn at random for each set.

They act where a real one would: on what is printed (`card`), on what the camera is shown instead of the card
(`surface`), or on the captures themselves (`shots`).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

import cv2
import numpy as np

from idproof.datasets.specimen.artwork import SCALE
from idproof.datasets.specimen.camera import Camera, Pose, Shot, develop, photograph
from idproof.datasets.specimen.card import Card
from idproof.models.types import RGBImage

Rng = np.random.Generator
Surface = Callable[[RGBImage], RGBImage]


class AttackKind(StrEnum):
    """The PAI species and digital attacks that can be rendered."""

    PHOTOCOPY_GREY = "photocopy_grey"
    PRINT_COLOUR = "print_colour"
    SCREEN_MONITOR = "screen_monitor"
    REPEAT_CAPTURE = "repeat_capture"
    DIGITAL_WARP = "digital_warp"
    PORTRAIT_SWAP_DIGITAL = "portrait_swap_digital"
    FIELD_EDIT = "field_edit"
    SELFIE_OTHER = "selfie_other"


def _same_card(card: Card, other: RGBImage, rng: Rng) -> Card:
    return card


def _same_surface(rng: Rng) -> Surface:
    return lambda picture: picture


def honest_shots(card: Card, surface: Surface, camera: Camera, poses: Mapping[str, Pose], rng: Rng) -> dict[str, Shot]:
    """Three captures of the thing itself, each from its own pose."""
    return {
        name: photograph(surface(card.seen(pose.turn_deg)), card.document, camera, pose, rng)
        for name, pose in poses.items()
    }


@dataclass(frozen=True)
class Attack:
    """How a kind departs from a bona fide registration.

    Attributes:
        card: changes the card; is given the card, another person's photograph and the set's generator.
        surface: what the camera is shown in place of the flat card; drawn once a set.
        shots: how the captures come about.
        other_selfie: the selfie shows somebody else than the card's holder, a mule for instance. On a swapped
            portrait it shows the same mule, so card and selfie agree.
    """

    card: Callable[[Card, RGBImage, Rng], Card] = _same_card
    surface: Callable[[Rng], Surface] = _same_surface
    shots: Callable[[Card, Surface, Camera, Mapping[str, Pose], Rng], dict[str, Shot]] = honest_shots
    other_selfie: bool = False


def _flat(card: Card, other: RGBImage, rng: Rng) -> Card:
    return replace(card, flat_copy=True)


def _photocopy(rng: Rng) -> Surface:
    """Toner on paper: grey, contrasty, a little grainy."""
    gain, grain = rng.uniform(1.15, 1.5), rng.uniform(4, 10)

    def show(picture: RGBImage) -> RGBImage:
        grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY).astype(np.float32)
        toned = (grey - 150) * gain + 165 + rng.normal(0, grain, grey.shape)
        return np.repeat(toned.clip(15, 245)[..., None], 3, axis=2).astype(np.uint8)

    return show


def _halftone(rng: Rng) -> Surface:
    """Four-colour print: each ink a rotated screen of dots."""
    pitch = SCALE * 25.4 / rng.uniform(85, 150)  # pixels a dot, from lines an inch
    angles = np.radians(np.array([15.0, 75.0, 0.0]) + rng.uniform(-4, 4))

    def show(picture: RGBImage) -> RGBImage:
        y, x = np.mgrid[0 : picture.shape[0], 0 : picture.shape[1]].astype(np.float32)
        ink = 1 - cv2.GaussianBlur(picture, (0, 0), 2.0).astype(np.float32) / 255
        printed = np.empty_like(ink)
        for channel, angle in enumerate(angles):
            u = (x * np.cos(angle) + y * np.sin(angle)) * 2 * np.pi / pitch
            v = (y * np.cos(angle) - x * np.sin(angle)) * 2 * np.pi / pitch
            printed[..., channel] = ((ink[..., channel] - 0.5) * 2.2 + np.cos(u) * np.cos(v) > 0) * 0.92
        paper = (1 - cv2.GaussianBlur(printed, (0, 0), 1.2)) * 250
        return np.asarray(paper.clip(0, 255), dtype=np.uint8)

    return show


def _screen(rng: Rng) -> Surface:
    """A monitor: striped sub-pixels, a dark grid between pixels, bluish white, narrower contrast."""
    pitch = SCALE * rng.uniform(0.10, 0.18)  # pixels of our picture a pixel of the screen
    white = np.array([rng.uniform(0.86, 0.95), 0.97, 1.0], dtype=np.float32)

    def show(picture: RGBImage) -> RGBImage:
        y, x = np.mgrid[0 : picture.shape[0], 0 : picture.shape[1]].astype(np.float32)
        columns = (x / pitch)[..., None] - np.array([0, 1 / 3, 2 / 3])
        stripes = (0.62 + 0.38 * np.cos(2 * np.pi * columns)) / 0.62
        rows = (0.85 + 0.15 * np.cos(2 * np.pi * y / pitch))[..., None] / 0.85
        shown = picture * 0.86 * white * stripes * rows + 14
        return np.asarray(shown.clip(0, 255), dtype=np.uint8)

    return show


def _repeat(card: Card, surface: Surface, camera: Camera, poses: Mapping[str, Pose], rng: Rng) -> dict[str, Shot]:
    """One capture sent three times, shifted by a few pixels and compressed anew."""
    first, *_ = honest_shots(card, surface, camera, dict(list(poses.items())[:1]), rng).values()
    shots = {}
    for name in poses:
        dx, dy = (int(v) for v in rng.integers(-12, 13, 2))
        moved = np.roll(first.pixels, (dy, dx), axis=(0, 1))
        shots[name] = Shot(moved, first.corners + np.array([dx, dy]))
    return shots


def _digital_warp(card: Card, surface: Surface, camera: Camera, poses: Mapping[str, Pose], rng: Rng) -> dict[str, Shot]:
    """One front picture of a card, cut out and warped on a computer into three poses."""
    source = develop(card.seen(0.0).astype(np.float32), camera, rng)
    still = replace(card, flat_copy=True)
    return honest_shots(still, lambda _: source, camera, poses, rng)


def _swap_portrait(card: Card, other: RGBImage, rng: Rng) -> Card:
    return replace(card, portrait=other)


def _edit_field(card: Card, other: RGBImage, rng: Rng) -> Card:
    """One digit of the number changed, so that its check digit no longer holds."""
    number = card.fields["number"]
    places = [i for i, character in enumerate(number) if character.isdigit() and i < len(number) - 3]
    place = int(rng.choice(places))
    digit = str((int(number[place]) + int(rng.integers(1, 10))) % 10)
    return card.with_fields(number=number[:place] + digit + number[place + 1 :])


ATTACKS: Mapping[AttackKind, Attack] = {
    AttackKind.PHOTOCOPY_GREY: Attack(card=_flat, surface=_photocopy),
    AttackKind.PRINT_COLOUR: Attack(card=_flat, surface=_halftone),
    AttackKind.SCREEN_MONITOR: Attack(card=_flat, surface=_screen),
    AttackKind.REPEAT_CAPTURE: Attack(shots=_repeat),
    AttackKind.DIGITAL_WARP: Attack(shots=_digital_warp),
    AttackKind.PORTRAIT_SWAP_DIGITAL: Attack(card=_swap_portrait, other_selfie=True),
    AttackKind.FIELD_EDIT: Attack(card=_edit_field),
    AttackKind.SELFIE_OTHER: Attack(other_selfie=True),
}
