"""Attack renderings, to measure defences with. Each kind is one entry; its parameters are drawn at random for each set.

They act where a real one would: on what is printed (`card`), on what the camera is shown instead of the card
(`surface`), or on the captures themselves (`shots`).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

import cv2
import numpy as np
from numpy.typing import NDArray

from idproof.datasets.specimen import edits
from idproof.datasets.specimen.artwork import SCALE, region_mask
from idproof.datasets.specimen.camera import (
    HEIGHT,
    WIDTH,
    Camera,
    Pose,
    Shot,
    Surround,
    develop,
    homography,
    jpeg,
    photograph,
    project,
)
from idproof.datasets.specimen.card import Card
from idproof.models.types import RGBImage
from idproof.pipeline.documents import DocumentType
from idproof.pipeline.errors import InvalidSpecimen

Rng = np.random.Generator
_SHIFT_PX = 12
_SHIFTS = 2 * _SHIFT_PX + 1


@dataclass(frozen=True)
class Surface:
    """What the camera is shown in place of a flat card.

    Attributes:
        show: the flat card's picture to the picture of the copy, both at `SCALE`.
        surround: what the copy itself lies on or in, such as a screen; None when it lies on the desk like a card.
    """

    show: Callable[[RGBImage], RGBImage]
    surround: Surround | None = None


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
    return Surface(lambda picture: picture)


def honest_shots(card: Card, surface: Surface, camera: Camera, poses: Mapping[str, Pose], rng: Rng) -> dict[str, Shot]:
    """Three captures of the thing itself, each from its own pose."""
    return {
        name: photograph(
            surface.show(card.seen(pose.turn_deg)), card.document, camera, pose, rng, surround=surface.surround
        )
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

    return Surface(show)


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
            over = (ink[..., channel] - 0.5) * 2.2 + np.cos(u) * np.cos(v)
            # An edge is a pixel wide: cut off sharply, fine dots would beat with the pixels they are drawn in.
            printed[..., channel] = (0.5 + over * pitch / (2 * np.pi)).clip(0, 1) * 0.92
        paper = (1 - cv2.GaussianBlur(printed, (0, 0), 1.2)) * 250
        return np.asarray(paper.clip(0, 255), dtype=np.uint8)

    return Surface(show)


def _screen(rng: Rng) -> Surface:
    """A monitor: striped sub-pixels, a dark grid between pixels, bluish white, narrower contrast, and its bezel.

    The moiré is not drawn: it comes about where the capture's pixels meet the monitor's.
    """
    pitch = float(rng.uniform(0.10, 0.18))
    white = np.array([rng.uniform(0.86, 0.95), 0.97, 1.0], dtype=np.float32)
    own = rng.spawn(1)[0]
    page, bezel = np.float32(own.uniform(15, 235)), np.float32(own.uniform(12, 60))
    margins = own.uniform([6, 4, 6, 4], [60, 30, 60, 30])  # left, top, right, bottom, from card to bezel
    frame_mm = float(own.uniform(6, 14))

    def emitted(colour: NDArray[np.float32], x: NDArray[np.float32], y: NDArray[np.float32]) -> NDArray[np.float32]:
        columns = (x / pitch)[..., None] - np.array([0, 1 / 3, 2 / 3], dtype=np.float32)
        stripes = (0.62 + 0.38 * np.cos(2 * np.pi * columns)) / 0.62
        rows = (0.85 + 0.15 * np.cos(2 * np.pi * y / pitch))[..., None] / 0.85
        return np.asarray((colour * 0.86 * white * stripes * rows + 14).clip(0, 255), dtype=np.float32)

    def show(picture: RGBImage) -> RGBImage:
        y, x = np.mgrid[0 : picture.shape[0], 0 : picture.shape[1]].astype(np.float32) / np.float32(SCALE)
        return emitted(picture.astype(np.float32), x, y).astype(np.uint8)

    def surround(scene: NDArray[np.float32], plane: NDArray[np.float64], document: DocumentType) -> NDArray[np.float32]:
        x, y = _on_card_plane(plane)
        # How far outside the lit area a point is: 0 and less is lit, up to the frame's breadth is bezel.
        right, bottom = document.width_mm + margins[2], document.height_mm + margins[3]
        sides = (-margins[0] - x, -margins[1] - y, x - right, y - bottom)
        outside = np.maximum.reduce(sides)[..., None]
        lit = emitted(np.full((1, 1, 3), page, dtype=np.float32), x, y)
        return np.asarray(np.where(outside <= 0, lit, np.where(outside < frame_mm, bezel, scene)), dtype=np.float32)

    return Surface(show, surround)


def _on_card_plane(plane: NDArray[np.float64]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Where every pixel of a capture lies on the card's plane: x and y in millimetres, each (height, width)."""
    v, u = np.mgrid[0:HEIGHT, 0:WIDTH].astype(np.float32)
    back = np.linalg.inv(plane).astype(np.float32)
    x, y, w = (row[0] * u + row[1] * v + row[2] for row in back)
    return x / w, y / w


def _repeat(card: Card, surface: Surface, camera: Camera, poses: Mapping[str, Pose], rng: Rng) -> dict[str, Shot]:
    """One capture sent three times, each shifted by a few other pixels and compressed anew."""
    first, *_ = honest_shots(card, surface, camera, dict(list(poses.items())[:1]), rng).values()
    sent = cv2.imdecode(np.frombuffer(jpeg(first.pixels, camera.quality), np.uint8), cv2.IMREAD_COLOR_RGB)
    shots = {}
    for name, place in zip(poses, rng.choice(_SHIFTS**2, size=len(poses), replace=False), strict=True):
        dx, dy = int(place) % _SHIFTS - _SHIFT_PX, int(place) // _SHIFTS - _SHIFT_PX
        move = np.array([[1, 0, dx], [0, 1, dy]], dtype=np.float64)
        moved = cv2.warpAffine(sent, move, (WIDTH, HEIGHT), flags=cv2.INTER_NEAREST, borderMode=cv2.BORDER_REPLICATE)
        shots[name] = Shot(moved, first.corners + np.array([dx, dy]))
    return shots


def _digital_warp(card: Card, surface: Surface, camera: Camera, poses: Mapping[str, Pose], rng: Rng) -> dict[str, Shot]:
    """One front picture of a card, cut out and warped on a computer into three poses."""
    source = develop(card.seen(0.0).astype(np.float32), camera, rng)
    still = replace(card, flat_copy=True)
    return honest_shots(still, Surface(lambda _: source), camera, poses, rng)


def _swap_portrait(card: Card, other: RGBImage, rng: Rng) -> Card:
    """The main portrait only: the second portrait still shows the holder."""
    return replace(card, portrait=other, second_portrait=card.portrait)


def _paste_portrait(
    card: Card, surface: Surface, camera: Camera, poses: Mapping[str, Pose], rng: Rng
) -> dict[str, Shot]:
    """Honest captures of the holder's own card, into which another portrait was laid on a computer.

    `card` is the wanted result. What gives the pasted portrait away: its edge, its smoother noise, light that only
    fits on average, and a second portrait of somebody else.
    """
    if card.second_portrait is None:
        raise ValueError("a swapped portrait needs the holder's own in the second portrait")
    genuine = replace(card, portrait=card.second_portrait, second_portrait=None)
    shots = honest_shots(genuine, surface, camera, poses, rng)
    feather, noise = float(rng.uniform(0.6, 2.0)), float(rng.uniform(0.2, 0.7))
    hand = replace(camera, blur_px=camera.blur_px * float(rng.uniform(0.7, 1.2)), noise=camera.noise * noise)
    return {name: _pasted(shot, genuine, card, hand, poses[name], feather, rng) for name, shot in shots.items()}


def _pasted(shot: Shot, genuine: Card, wanted: Card, hand: Camera, pose: Pose, feather_px: float, rng: Rng) -> Shot:
    plane = homography(genuine.document, hand, pose)
    mask = project(region_mask(genuine.document, genuine.document.portrait), plane)
    before, after = (project(card.seen(pose.turn_deg), plane).astype(np.float32) for card in (genuine, wanted))
    inside = mask > 127
    light = shot.pixels[inside].mean(axis=0) / before[inside].mean(axis=0)  # the white balance is within it
    patch = develop((after * light).astype(np.float32), replace(hand, white=(1.0, 1.0, 1.0)), rng)
    weight = np.float32(1 / 255) * cv2.GaussianBlur(mask, (0, 0), feather_px)[..., None]
    return Shot((shot.pixels * (1 - weight) + patch * weight).astype(np.uint8), shot.corners)


def _edit_field(card: Card, other: RGBImage, rng: Rng) -> Card:
    """One character of one field changed, so that the card contradicts itself; `Card.edited` says which."""
    try:
        edit = edits.draw(card.fields, rng)
    except ValueError as error:
        raise InvalidSpecimen(f"The attack {AttackKind.FIELD_EDIT} cannot be made: {error}.") from None
    return replace(card.with_fields(**{edit.field: edit.text}), edited={"field": edit.field, "kind": edit.kind})


ATTACKS: Mapping[AttackKind, Attack] = {
    AttackKind.PHOTOCOPY_GREY: Attack(card=_flat, surface=_photocopy),
    AttackKind.PRINT_COLOUR: Attack(card=_flat, surface=_halftone),
    AttackKind.SCREEN_MONITOR: Attack(card=_flat, surface=_screen),
    AttackKind.REPEAT_CAPTURE: Attack(shots=_repeat),
    AttackKind.DIGITAL_WARP: Attack(shots=_digital_warp),
    AttackKind.PORTRAIT_SWAP_DIGITAL: Attack(card=_swap_portrait, shots=_paste_portrait, other_selfie=True),
    AttackKind.FIELD_EDIT: Attack(card=_edit_field),
    AttackKind.SELFIE_OTHER: Attack(other_selfie=True),
}
