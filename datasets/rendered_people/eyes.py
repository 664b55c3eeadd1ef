"""Eyes of a rendered person: they look at the screen while the head turns, and they blink.

While somebody looks at one place and turns the head, the eyes turn against it in their sockets (the vestibulo-ocular
reflex; Leigh and Zee, "The Neurology of Eye Movements", 2015). The iris lies about 10 mm before the point about which
the eye turns (13.5 mm behind the cornea, Fry and Hill, "The center of rotation of the eye", 1962; 3.6 mm from cornea
to iris), so that at a turn of 20 degrees it stands 3.4 mm aside of its place between the lids.

Lengths are pixels of the photograph in the framing of deep-funneled LFW (eyes 46 pixels apart, 63 mm on a person).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from idproof.datasets.rendered_people import surface as surfaces
from idproof.datasets.rendered_people.surface import Field, Pose
from idproof.datasets.specimen.draws import Draws
from idproof.models.types import RGBImage

_PX_PER_MM = 46 / 63
_IRIS_DEPTH_MM = 10.0
_IRIS_PX = (
    5.85 * _PX_PER_MM
)  # radius; irises are 11.7 mm wide (Rüfer and others, "White-to-white corneal diameter", 2005)
# Chosen by hand on photographs of the split tuning; no outside source.
_OPENING_PX = (11.0, 4.6)  # half width and half height between the lids
_LID_PX, _LID_WIDTH_PX = 8.0, 14.0  # by which the upper lid comes down, and half of its width
_BROW_PX, _LASHES_PX = -12.0, 3.5  # heights between which the skin of a closed lid is stretched
_REACH_PX, _NEAR_PX = (14, 15), (4, 3)  # around the place of an eye within which the iris is looked for
_STRAYS_PX = (8, 8)  # by which irises differ from their usual place
_SPREAD_PX = np.array([8.0, 3.5])  # by which distance and height of eyes differ
_DARKNESS_WEIGHT = 1.5
_MARGIN_PX = 20  # of the picture around an eye that is drawn anew
_LAST_PX = surfaces.SIDE - 1 - _MARGIN_PX  # of an eye, from the picture's edges
_GAIN = (0.85, 1.0)  # of eyes that stay on their target
_WANDER_DEG = 1.2  # over the screen
_BLINK = 1 / 14  # of the frames: 15 to 20 blinks of a quarter of a second in a minute


@dataclass(frozen=True)
class Look:
    """State of both eyes in one frame.

    Attributes:
        right_deg, up_deg: by which the eyes are turned in the head, to the right of the picture and up.
        closed: 0 for open, 1 for closed.
    """

    right_deg: float = 0.0
    up_deg: float = 0.0
    closed: float = 0.0


@dataclass(frozen=True)
class Eyes:
    """Places of the irises in a photograph, in its pixels."""

    irises: tuple[tuple[float, float], ...]

    @classmethod
    def of(cls, photograph: RGBImage, near: NDArray[np.floating] | None = None) -> "Eyes":
        """Finds two dark spots, about as far apart and as level as eyes are.

        Args:
            photograph: (250, 250, 3) in the framing of deep-funneled LFW.
            near: (2, 2), about where the eyes are, the one at the left of the picture first; their usual places in this
                framing where it is not known.
        """
        red = cv2.GaussianBlur(photograph[..., 0].astype(np.float32), (0, 0), 2.0)
        side, down = round(2.0 * _IRIS_PX), round(1.5 * _IRIS_PX)
        # Darker than both sides and than what lies below: brows are wide, an iris is not.
        around = np.minimum(np.roll(red, side, axis=1), np.roll(red, -side, axis=1))
        dark = np.minimum(around, np.roll(red, -down, axis=0)) - red + 0.3 * (around - red)
        usual = np.asarray(surfaces.EYES if near is None else near, dtype=np.float64).round()
        usual = usual.clip(_MARGIN_PX, _LAST_PX)
        reach, strays = (_REACH_PX, _STRAYS_PX) if near is None else (_NEAR_PX, _NEAR_PX)
        y, x = np.mgrid[-reach[1] : reach[1] + 1, -reach[0] : reach[0] + 1]
        steps = np.column_stack([x.ravel(), y.ravel()])
        places = [(steps + eye).astype(int) for eye in usual]
        usualness = 0.5 * np.square(steps / strays).sum(axis=1)
        scale = _DARKNESS_WEIGHT / max(float(dark.std()), 1.0)
        left, right = (scale * dark[place[:, 1], place[:, 0]] - usualness for place in places)
        apart = (steps[None] - steps[:, None]) / _SPREAD_PX
        score = left[:, None] + right[None] - 0.5 * np.square(apart).sum(axis=-1)
        one, other = np.unravel_index(int(score.argmax()), score.shape)
        found = (places[0][one], places[1][other])
        return cls(tuple((float(place[0]), float(place[1])) for place in found))

    def looking(self, carried: Field, look: Look) -> Field:
        """Returns the photograph, linear and a multiple of 250 pixels a side, with the eyes in this state."""
        factor = carried.shape[0] / surfaces.SIDE
        shift = np.sin(np.radians([look.right_deg, -look.up_deg])) * _IRIS_DEPTH_MM * _PX_PER_MM
        result = carried.copy()
        for iris in self.irises:
            _redraw(result, carried, np.array(iris), shift, look.closed, factor)
        return result


def _redraw(
    result: Field,
    carried: Field,
    iris: NDArray[np.float64],
    shift: NDArray[np.float64],
    closed: float,
    factor: float,
) -> None:
    """Moves the iris by `shift` between the lids, and brings the upper lid down."""
    left, top = (max(0, round((v - _MARGIN_PX) * factor)) for v in iris)
    right, bottom = (min(len(carried), round((v + _MARGIN_PX) * factor)) for v in iris)
    y, x = np.mgrid[top:bottom, left:right].astype(np.float32)
    half = (factor - 1) / 2
    u, v = (x - half) / factor - iris[0], (y - half) / factor - iris[1]
    moved_u, moved_v = _from_iris(u, v, shift)
    lid = _LID_PX * np.sqrt(np.clip(1 - (u / _LID_WIDTH_PX) ** 2, 0, 1))
    lifted = closed * lid * np.clip(np.minimum((v - _BROW_PX) / (_LASHES_PX - _BROW_PX), _LASHES_PX + 1 - v), 0, 1)
    at_u, at_v = u - moved_u * (1 - closed), v - moved_v * (1 - closed) - lifted
    at_x, at_y = ((value + place) * factor + half for value, place in ((at_u, iris[0]), (at_v, iris[1])))
    result[top:bottom, left:right] = cv2.remap(
        carried, at_x.astype(np.float32), at_y.astype(np.float32), cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT
    ).clip(0)


def _from_iris(u: Field, v: Field, shift: NDArray[np.float64]) -> tuple[Field, Field]:
    """Returns the displacement by which the inside of the eye moved: all of it on the iris, none at the lids."""
    across = np.clip((1.2 * _OPENING_PX[0] - np.abs(u - shift[0])) / (1.2 * _OPENING_PX[0] - _IRIS_PX - 0.5), 0, 1)
    upright = np.clip((_OPENING_PX[1] + 2.5 - np.abs(v - shift[1])) / 3.0, 0, 1)
    share = across * upright
    return share * shift[0], share * shift[1]


def looks(poses: Sequence[Pose], draws: Draws) -> list[Look]:
    """Returns the eyes of a person who watches the screen and blinks now and then, in each of these frames."""
    straight, gain = poses[0], draws.uniform(*_GAIN)
    result = []
    for pose in poses:
        right, up = draws.rng.normal(0, _WANDER_DEG, 2) - gain * np.array(
            [pose.yaw - straight.yaw, pose.pitch - straight.pitch]
        )
        blinks = draws.rng.uniform() < _BLINK
        result.append(Look(float(right), float(up), float(draws.rng.uniform(0.6, 1.0)) if blinks else 0.0))
    return result
