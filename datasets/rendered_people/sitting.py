"""One recording of a person who answers a liveness challenge, and the poses in which the person answers it."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum

import cv2
import numpy as np
from numpy.typing import NDArray

from idproof.datasets.rendered_people.camera import Camera, linear
from idproof.datasets.rendered_people.eyes import Eyes
from idproof.datasets.rendered_people.surface import Field, Pose
from idproof.datasets.specimen import backgrounds
from idproof.datasets.specimen.draws import Draws
from idproof.models.types import RGBImage
from idproof.pipeline.liveness.challenge import Action, Challenge, Options, draw

_ISSUED = datetime(2026, 1, 1, tzinfo=UTC)

_REACH = {
    Action.TURN_LEFT: ("yaw", 17.0, 28.0),
    Action.TURN_RIGHT: ("yaw", -28.0, -17.0),
    Action.LOOK_UP: ("pitch", 11.0, 19.0),
    Action.LOOK_DOWN: ("pitch", -19.0, -11.0),
    Action.COME_CLOSER: ("scale", 0.18, 0.36),
}


class Distance(StrEnum):
    """Distance of the person from the camera: a telephone in the hand, or a kiosk."""

    ARM = "arm"
    STANDING = "standing"


@dataclass(frozen=True)
class Sitting:
    """One recording: a person, a camera and a challenge.

    Attributes:
        photograph: (250, 250, 3) in the framing of deep-funneled LFW.
        challenge: to answer.
        draws: random numbers of this recording.
        camera: of this recording.
        scenery: background behind a sheet, linear.
        eyes: in the photograph.
    """

    photograph: RGBImage
    challenge: Challenge
    draws: Draws
    camera: Camera
    scenery: Field
    eyes: Eyes

    @classmethod
    def draw(
        cls,
        photograph: RGBImage,
        draws: Draws,
        options: Options | None = None,
        distance: Distance = Distance.ARM,
        eyes: NDArray[np.floating] | None = None,
    ) -> "Sitting":
        """Draws a challenge, a camera and a room; `eyes` as in `Eyes.of`."""
        challenge = draw(draws.rng.bytes(16), issued_at=_ISSUED, options=options)
        camera = Camera.draw(draws) if distance is Distance.ARM else Camera.of_kiosk(draws)
        scenery = linear(cv2.GaussianBlur(backgrounds.draw(draws.rng, *camera.size), (0, 0), 3.0))
        return cls(photograph, challenge, draws, camera, scenery, Eyes.of(photograph, eyes))

    def other(self) -> "Sitting":
        """Returns the same person and camera with another challenge."""
        while True:
            challenge = draw(self.draws.rng.bytes(16), issued_at=_ISSUED, options=self.challenge.options)
            if [step.action for step in challenge.steps] != [step.action for step in self.challenge.steps]:
                return replace(self, challenge=challenge)


def head_poses(sitting: Sitting, farther: float = 1.0) -> list[Pose]:
    """Returns a pose per frame: towards the action within half of its time, held, and somewhat back at its end."""
    draws, challenge = sitting.draws, sitting.challenge
    base = Pose(draws.uniform(-4, 4), draws.uniform(-3, 3), draws.uniform(-4, 4))
    heads = [step for step in challenge.steps if step.action in _REACH]
    reach = {step: draws.uniform(*_REACH[step.action][1:]) * farther for step in heads}
    pace = draws.uniform(0.40, 0.58)
    poses = []
    for at in challenge.capture_ms():
        pose = base
        for step in heads:
            if step.start_ms <= at < step.end_ms:
                share = (at - step.start_ms) / (step.end_ms - step.start_ms)
                done = min(1.0, share / pace) * (1.0 if share < 0.85 else draws.uniform(0.2, 0.9))
                name = _REACH[step.action][0]
                pose = replace(pose, **{name: getattr(pose, name) + done * reach[step]})
        jitter = draws.rng.normal(0, 0.6, 3)
        poses.append(
            replace(
                pose,
                yaw=pose.yaw + jitter[0],
                pitch=pose.pitch + jitter[1],
                roll=pose.roll + jitter[2],
                shift=tremor(draws, 2.0),
            )
        )
    return poses


def sheet_poses(sitting: Sitting) -> list[Pose]:
    """Returns the poses of a sheet that is turned as the challenge asks a head to be, and farther."""
    return head_poses(sitting, farther=sitting.draws.uniform(1.0, 1.7))


def tremor(draws: Draws, pixels: float) -> tuple[float, float]:
    """Returns a small displacement, across and down; `pixels` is its standard deviation."""
    x, y = draws.rng.normal(0, pixels, 2)
    return float(x), float(y)
