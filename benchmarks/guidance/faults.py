"""Faults of captures, each put into a photograph of a card that has none.

Pictures are RGB. A fault is drawn from a generator and gets the card's corners in the picture, (4, 2) pixels from the
upper left one on.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from idproof.models.types import RGBImage
from idproof.pipeline.guidance import Hint

Spoil = Callable[[RGBImage, NDArray[np.float64], np.random.Generator], RGBImage]

# Ranges were chosen by hand, from hardly visible to gross; no outside source.
_DARKER, _BRIGHTER = (0.08, 0.3), (1.4, 2.2)  # gain
_READ_NOISE = 3.0  # grey levels of a sensor whose picture was amplified
_FOCUS_PX, _MOVED_PX = (2.0, 5.0), (9, 25)  # of 1,920: standard deviation of the blur, and length of the movement
_FINGER = (0.06, 0.2)  # share of the card
_SPOT = (0.03, 0.1)
_SKIN, _SPREAD = (205, 150, 120), 12.0
_FURTHER, _NEARER = (0.45, 0.7), (1.5, 1.9)  # scale of the scene
_CUT_OFF = (0.08, 0.3)  # share of the card beyond the picture's edge
_SIDES = 4


@dataclass(frozen=True)
class Fault:
    """One way in which a capture goes wrong.

    Attributes:
        spoil: puts it into a picture.
        hints: the hints that name it.
    """

    spoil: Spoil
    hints: frozenset[Hint]


def _gain(low: float, high: float) -> Spoil:
    def spoil(image: RGBImage, _corners: NDArray[np.float64], rng: np.random.Generator) -> RGBImage:
        noise = rng.normal(0, _READ_NOISE, image.shape).astype(np.float32)
        return _levels(image * np.float32(rng.uniform(low, high)) + noise)

    return spoil


def _out_of_focus(image: RGBImage, _corners: NDArray[np.float64], rng: np.random.Generator) -> RGBImage:
    return _levels(cv2.GaussianBlur(image, (0, 0), _of_width(image, rng.uniform(*_FOCUS_PX))))


def _moved(image: RGBImage, _corners: NDArray[np.float64], rng: np.random.Generator) -> RGBImage:
    length, angle = round(_of_width(image, rng.uniform(*_MOVED_PX))) | 1, rng.uniform(0, np.pi)
    middle, kernel = (length - 1) / 2, np.zeros((length, length), np.float32)
    for along in np.linspace(-middle, middle, _SIDES * length):
        kernel[round(middle + along * np.sin(angle)), round(middle + along * np.cos(angle))] += 1
    return _levels(cv2.filter2D(image, -1, kernel / kernel.sum()))


def _finger(image: RGBImage, corners: NDArray[np.float64], rng: np.random.Generator) -> RGBImage:
    """A skin-coloured oval from one edge of the card inwards."""
    return _oval(image, corners, rng, rng.uniform(*_FINGER), inwards=0.4, colour=_SKIN)


def _spot_of_light(image: RGBImage, corners: NDArray[np.float64], rng: np.random.Generator) -> RGBImage:
    return _oval(image, corners, rng, rng.uniform(*_SPOT), inwards=2.0, colour=(255, 255, 255))


def _oval(
    image: RGBImage,
    corners: NDArray[np.float64],
    rng: np.random.Generator,
    share: float,
    *,
    inwards: float,
    colour: tuple[int, int, int],
) -> RGBImage:
    radius = float(np.sqrt(cv2.contourArea(corners.astype(np.float32)) * share / np.pi))
    side, along = int(rng.integers(_SIDES)), rng.uniform(0.15, 0.85)
    edge = corners[side] * (1 - along) + corners[(side + 1) % _SIDES] * along
    to_middle = corners.mean(axis=0) - edge
    centre = edge + to_middle / np.linalg.norm(to_middle) * min(radius * inwards, float(np.linalg.norm(to_middle)))
    axes = round(radius * 1.25), round(radius / 1.25)
    mask = np.zeros(image.shape[:2], np.uint8)
    cv2.ellipse(mask, tuple(map(int, centre)), axes, rng.uniform(0, 180), 0, 360, 255, -1)
    soft = cv2.GaussianBlur(mask, (0, 0), _of_width(image, 3.0))[..., None].astype(np.float32) / 255
    shade = np.asarray(colour, np.float32) + rng.normal(0, _SPREAD if max(colour) < 255 else 0, 3).astype(np.float32)
    return _levels(image * (1 - soft) + shade * soft)


def _scaled(low: float, high: float) -> Spoil:
    def spoil(image: RGBImage, corners: NDArray[np.float64], rng: np.random.Generator) -> RGBImage:
        scale, middle = rng.uniform(low, high), corners.mean(axis=0)
        return _placed(image, np.array([[scale, 0, 0], [0, scale, 0]]), middle, _middle(image))

    return spoil


def _cut_off(image: RGBImage, corners: NDArray[np.float64], rng: np.random.Generator) -> RGBImage:
    """Moves the scene to one side, until a part of the card lies outside."""
    axis, share = int(rng.integers(2)), rng.uniform(*_CUT_OFF)
    low, high = corners[:, axis].min(), corners[:, axis].max()
    beyond = share * (high - low)
    away = -(low + beyond) if rng.random() < 1 / 2 else image.shape[1 - axis] - high + beyond
    shift = np.zeros(2)
    shift[axis] = away
    return _placed(image, np.eye(2, 3), np.zeros(2), shift)


def _turned(quarters: int) -> Spoil:
    def spoil(image: RGBImage, corners: NDArray[np.float64], rng: np.random.Generator) -> RGBImage:
        angle = 90.0 * quarters if quarters == _SIDES // 2 else 90.0 * float(rng.choice([-1, 1]))
        turn = cv2.getRotationMatrix2D(
            (0, 0), angle, 1.0 if quarters == _SIDES // 2 else image.shape[0] / image.shape[1]
        )
        return _placed(image, np.asarray(turn), corners.mean(axis=0), _middle(image))

    return spoil


def _other_side(image: RGBImage, corners: NDArray[np.float64], rng: np.random.Generator) -> RGBImage:
    """Covers the card with a plain back that carries lines of text."""
    width, height = 856, 540  # tenths of millimetres of ID-1
    back = np.full((height, width, 3), rng.uniform(190, 235, 3), np.float32)
    for row in range(int(rng.integers(5, 9))):
        top, length = 60 + 55 * row, int(rng.integers(width // 3, width - 120))
        back[top : top + 16, 60 : 60 + length] *= np.where(rng.random((1, length, 1)) < 0.6, 0.3, 1.0)
    frame = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    to_picture = cv2.getPerspectiveTransform(frame, corners.astype(np.float32))
    size = image.shape[1::-1]
    over = cv2.warpPerspective(np.ones((height, width), np.float32), to_picture, size)[..., None]
    return _levels(image * (1 - over) + cv2.warpPerspective(back, to_picture, size) * over)


def _two_cards(image: RGBImage, _corners: NDArray[np.float64], rng: np.random.Generator) -> RGBImage:
    """Lays a second card of the same look below or above the first one, in a picture that is high enough for both."""
    other = np.roll(image, int(rng.integers(-20, 20)), axis=1)
    return np.ascontiguousarray(np.concatenate([image, other] if rng.random() < 1 / 2 else [other, image]))


def _placed(
    image: RGBImage, change: NDArray[np.float64], about: NDArray[np.float64], to: NDArray[np.float64]
) -> RGBImage:
    """Applies (2, 3) `change` to the picture about a point, which comes to lie at another; edges are continued."""
    matrix = np.array(change, dtype=np.float64)
    matrix[:, 2] = to - matrix[:, :2] @ about
    moved = cv2.warpAffine(
        image, matrix, image.shape[1::-1], flags=cv2.INTER_LANCZOS4, borderMode=cv2.BORDER_REFLECT_101
    )
    return np.asarray(moved, dtype=np.uint8)


def _middle(image: RGBImage) -> NDArray[np.float64]:
    return np.array([image.shape[1] / 2, image.shape[0] / 2])


def _of_width(image: RGBImage, px_of_1920: float) -> float:
    return float(px_of_1920 * image.shape[1] / 1920)


def _levels(values: NDArray[np.floating]) -> RGBImage:
    return np.asarray(np.clip(np.round(values), 0, 255), dtype=np.uint8)


FAULTS: Mapping[str, Fault] = {
    "dark": Fault(_gain(*_DARKER), frozenset({Hint.MORE_LIGHT})),
    "bright": Fault(_gain(*_BRIGHTER), frozenset({Hint.LESS_LIGHT, Hint.GLARE_HERE})),
    "glare": Fault(_spot_of_light, frozenset({Hint.GLARE_HERE})),
    "out_of_focus": Fault(_out_of_focus, frozenset({Hint.CLEAN_LENS, Hint.HOLD_STILL})),
    "moved": Fault(_moved, frozenset({Hint.HOLD_STILL, Hint.CLEAN_LENS})),
    "finger": Fault(_finger, frozenset({Hint.FINGERS_OFF})),
    "far": Fault(_scaled(*_FURTHER), frozenset({Hint.MOVE_CLOSER})),
    "near": Fault(_scaled(*_NEARER), frozenset({Hint.MOVE_BACK, Hint.CARD_INSIDE})),
    "cut_off": Fault(_cut_off, frozenset({Hint.CARD_INSIDE})),
    "upside_down": Fault(_turned(2), frozenset({Hint.TURN_UPRIGHT})),
    "sideways": Fault(_turned(1), frozenset({Hint.TURN_SIDEWAYS})),
    "other_side": Fault(_other_side, frozenset({Hint.OTHER_SIDE})),
    "two_cards": Fault(_two_cards, frozenset({Hint.ONE_CARD})),
}
"""Every fault by name."""
