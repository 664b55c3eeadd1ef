"""Records what a camera sees of a person, or of what carries one, while a challenge is answered."""

from collections.abc import Callable, Sequence

import cv2
import numpy as np

from idproof.datasets.rendered_people import camera as cameras
from idproof.datasets.rendered_people.camera import Camera, Reflectance
from idproof.datasets.rendered_people.eyes import looks
from idproof.datasets.rendered_people.living_features import move_features
from idproof.datasets.rendered_people.sitting import Sitting, tremor
from idproof.datasets.rendered_people.surface import Field, Pose, Surface
from idproof.datasets.specimen.draws import Draws
from idproof.models.types import RGBImage
from idproof.pipeline.liveness.challenge import Challenge
from idproof.pipeline.liveness.frames import Clip, Frame

PAGE_LIGHT = (0.6, 0.6, 0.6)  # light of the screen while it gives instructions. Chosen by hand.
Poses = Sequence[Pose]
Seen = Callable[[Pose, tuple[float, float, float], tuple[float, float], int], Field]
"""Light that the camera receives, by the pose of what it sees, the screen's colour, the camera's sway and the frame."""


def film(
    sitting: Sitting, carried: Field | Sequence[Field], surface: Surface, reflectance: Reflectance, poses: Poses
) -> Clip:
    """Records a surface that carries a photograph, or one for each frame."""
    camera = sitting.camera

    def see(pose: Pose, glow: tuple[float, float, float], sway: tuple[float, float], place: int) -> Field:
        picture = carried if isinstance(carried, np.ndarray) else carried[min(place, len(carried) - 1)]
        return cameras.see(picture, surface, pose, reflectance, camera, sitting.scenery, glow, sway)

    return record(sitting, see, poses)


def film_living(
    sitting: Sitting, carried: Field, surface: Surface, poses: Sequence[Pose], performed: Challenge | None = None
) -> Clip:
    """Records a face that moves as in `move_face`; `performed` is the sitting's own challenge by default."""
    faces = move_face(sitting, carried, poses, performed or sitting.challenge)
    return film(sitting, faces, surface, Reflectance(), poses)


def move_face(sitting: Sitting, carried: Field, poses: Poses, performed: Challenge) -> Sequence[Field]:
    """Returns a face per frame, whose eyes watch the screen and blink, and whose lids and lips move when asked.

    Their draws change no other draw of the sitting.
    """
    draws = Draws(np.random.default_rng([*sitting.challenge.nonce]), sitting.draws.split)
    seen = [sitting.eyes.looking(carried, look) for look in looks(poses, draws)]
    return move_features(sitting.photograph, seen, performed, draws)


def record(sitting: Sitting, see: Seen, poses: Poses) -> Clip:
    """Records what the camera sees at the times that the challenge requires."""
    draws, camera, challenge = sitting.draws, sitting.camera, sitting.challenge
    lag, lead = draws.uniform(30, 130), int(draws.rng.integers(0, 400))
    frames: list[Frame] = []
    reference = None
    poses = list(poses)
    times = challenge.capture_ms()
    twice = int(draws.rng.integers(1, len(times))) if camera.stalls else None
    for i, at in enumerate(times):
        taken = _delivered(at, camera, draws)
        sway = tremor(draws, 1.2)
        glow = _glow(challenge, taken - lag)
        pose = poses[min(i, len(poses) - 1)]
        light = see(pose, glow, sway, i)
        reference = float(light.mean()) if reference is None else reference
        pixels = cameras.develop(light, camera, draws.rng, reference)
        if i == twice:
            pixels = frames[-1].pixels
        frames.append(Frame(pixels, round(taken, 1), lead + round(taken * camera.rate / 1000)))
    return Clip(tuple(frames))


def _delivered(at_ms: float, camera: Camera, draws: Draws) -> float:
    """Returns when the camera delivers the next frame, at a rate that varies a little."""
    gap = 1000 / camera.rate
    return float(np.ceil(at_ms / gap) * gap + draws.rng.uniform(-0.12, 0.12) * gap)


def _glow(challenge: Challenge, at_ms: float) -> tuple[float, float, float]:
    for shown in challenge.lights:
        if shown.start_ms <= at_ms < shown.end_ms:
            red, green, blue = ((channel / 255) ** 2.2 for channel in shown.colour)
            return (red, green, blue)
    return PAGE_LIGHT


def inject(sitting: Sitting, pictures: Sequence[RGBImage]) -> Clip:
    """Returns pictures as frames that were encoded again and took the place of the camera's."""
    draws, quality = sitting.draws, round(sitting.draws.uniform(60, 90))
    frames = []
    for at, pixels in zip(sitting.challenge.capture_ms(), pictures, strict=False):
        _, packed = cv2.imencode(".jpg", pixels[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])
        taken = _delivered(at, sitting.camera, draws)
        again = cameras.decoded(packed)
        frames.append(Frame(again, round(taken, 1), round(taken * sitting.camera.rate / 1000)))
    return Clip(tuple(frames))
