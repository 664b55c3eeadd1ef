"""Renders clips that answer a liveness challenge: of a person, and of every species of attack.

Presentation attacks (ISO/IEC 30107-3: PAI species) are carried by a sheet or a display that follows the challenge as
far as it can: it is turned, tilted and brought closer. Injection attacks replace the camera's frames.
Tuning and test never share people, cameras or materials (`Draws`).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum

import cv2
import numpy as np
from numpy.typing import NDArray

from idproof.datasets.rendered_people import camera as cameras
from idproof.datasets.rendered_people import carriers
from idproof.datasets.rendered_people import surface as surfaces
from idproof.datasets.rendered_people.camera import Camera, Reflectance, linear
from idproof.datasets.rendered_people.eyes import Eyes, looks
from idproof.datasets.rendered_people.living_features import move_features
from idproof.datasets.rendered_people.puppets import HeadMesh, taken_once
from idproof.datasets.rendered_people.surface import Field, Pose, Surface
from idproof.datasets.specimen import backgrounds
from idproof.datasets.specimen.draws import Draws
from idproof.models.types import RGBImage
from idproof.pipeline.liveness.challenge import Action, Challenge, Options, draw
from idproof.pipeline.liveness.frames import Clip, Frame

BONA_FIDE = "bona_fide"
_PAGE = (0.6, 0.6, 0.6)  # light of the screen while it gives instructions. Chosen by hand.
_ISSUED = datetime(2026, 1, 1, tzinfo=UTC)
Poses = Sequence[Pose]
Seen = Callable[[Pose, tuple[float, float, float], tuple[float, float], int], Field]
"""Light that the camera receives, by the pose of what it sees, the screen's colour, the camera's sway and the frame."""


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


def bona_fide(sitting: Sitting) -> Clip:
    """A person who follows the challenge and watches the screen, with individual amplitudes and camera."""
    surface = surfaces.head(sitting.draws.uniform(0.85, 1.15))
    return _film_living(sitting, carriers.enlarged(sitting.photograph), surface, _acted(sitting))


def selfie(sitting: Sitting) -> RGBImage:
    """The person's selfie, taken at the same place by the same camera, at half as much again of its resolution.

    A few seconds before the challenge: the person sits a little otherwise, and the camera sees a little more or less.
    """
    draws = Draws(np.random.default_rng(sitting.challenge.nonce[0]), sitting.draws.split)
    width, height = sitting.camera.size
    large = replace(
        sitting.camera,
        size=(width * 3 // 2, height * 3 // 2),
        zoom=sitting.camera.zoom * 1.5 * draws.uniform(0.85, 1.15),
        quality=round(draws.uniform(80, 95)),
    )
    pose = Pose(draws.uniform(-6, 6), draws.uniform(-4, 4), draws.uniform(-5, 5), _tremor(draws, 4.0))
    light = cameras.see(
        carriers.enlarged(sitting.photograph),
        surfaces.head(),
        pose,
        Reflectance(),
        large,
        None,
        _PAGE,
        _tremor(draws, 6.0),
    )
    return cameras.develop(light, large, draws.rng, float(light.mean()))


def print_flat(sitting: Sitting) -> Clip:
    """A print on office paper, held flat."""
    draws = sitting.draws
    printed = carriers.printed(sitting.photograph, draws)
    reflectance = Reflectance(draws.uniform(0.75, 0.95), draws.uniform(0, 0.05), 0.2)
    return _film(sitting, printed, surfaces.sheet(), reflectance, _handled(sitting))


def print_bent(sitting: Sitting) -> Clip:
    """The same, bent about the upright axis as the head is round."""
    draws = sitting.draws
    printed = carriers.printed(sitting.photograph, draws)
    reflectance = Reflectance(draws.uniform(0.75, 0.95), draws.uniform(0, 0.05), 0.2)
    return _film(sitting, printed, surfaces.sheet(draws.uniform(15, 70)), reflectance, _handled(sitting))


def screen_photo(sitting: Sitting) -> Clip:
    """A photograph on a display that is turned before the camera."""
    return _film(
        sitting,
        carriers.shown(sitting.photograph, sitting.draws),
        surfaces.sheet(),
        carriers.display(sitting.draws),
        _handled(sitting),
    )


def screen_video(sitting: Sitting) -> Clip:
    """A display that plays what the person did for another challenge."""
    recorded = bona_fide(sitting.other())
    still = [Pose(shift=_tremor(sitting.draws, 1.0)) for _ in sitting.challenge.capture_ms()]
    width, height = sitting.camera.size
    played = [_square(frame.pixels) for frame in recorded.frames]
    shown = [linear(cv2.resize(picture, (500, 500), interpolation=cv2.INTER_AREA)) for picture in played]
    zoom = sitting.camera.zoom * surfaces.SIDE / max(height, width)
    close = replace(sitting, camera=replace(sitting.camera, zoom=max(zoom, width / surfaces.SIDE) * 1.12))
    return _film(close, shown, surfaces.sheet(), carriers.display(sitting.draws), still)


def photo_moved(sitting: Sitting) -> Clip:
    """One good photograph on photographic paper, moved and tilted."""
    draws = sitting.draws
    reflectance = Reflectance(draws.uniform(0.9, 1.0), draws.uniform(0.02, 0.08), 0.1)
    return _film(sitting, carriers.enlarged(sitting.photograph), surfaces.sheet(), reflectance, _handled(sitting))


def photo_cut_eyes(sitting: Sitting) -> Clip:
    """A print whose eyes are cut out, with somebody's eyes behind it."""
    draws = sitting.draws
    sheet = surfaces.with_holes(surfaces.sheet(draws.uniform(0, 40)), draws.uniform(6, 14))
    reflectance = Reflectance(draws.uniform(0.75, 0.95), draws.uniform(0, 0.05), 0.2)
    return _film(sitting, carriers.printed(sitting.photograph, draws), sheet, reflectance, _handled(sitting))


def warped_frame(sitting: Sitting) -> Clip:
    """One frame, animated by software that knows a head is round, and injected; half of them tint it all as asked."""
    draws = sitting.draws
    tints = float(draws.rng.uniform() < 0.5) * draws.uniform(0.6, 1.2)
    surface = surfaces.head(draws.uniform(0.3, 0.7))
    flat = replace(surface, depth=np.asarray(cv2.GaussianBlur(surface.depth, (0, 0), 14.0)))
    once = replace(sitting.camera, noise=draws.uniform(0.2, 0.8), behind=1.0, adapts=0.0)
    frozen = sitting.photograph + draws.rng.normal(0, sitting.camera.noise, sitting.photograph.shape)
    carried = carriers.enlarged(frozen.clip(0, 255).astype(np.uint8))
    return _film(replace(sitting, camera=once), carried, flat, Reflectance(tints, 0, 0), _acted(sitting))


def puppet_relief(sitting: Sitting) -> Clip:
    """A selfie bent over the relief of a face, moved and lit as asked through its normals, and injected."""
    draws = sitting.draws
    selfie = _taken_once(sitting)
    computed = replace(sitting.camera, noise=draws.uniform(0.0, 0.6), stalls=False)
    return _film(
        replace(sitting, camera=computed), carriers.enlarged(selfie), _relief(draws), Reflectance(), _acted(sitting)
    )


def puppet_camera(sitting: Sitting) -> Clip:
    """The same with a camera's noise, exposure and compression added after it was computed: the strongest relief."""
    selfie = _taken_once(sitting)
    return _film(sitting, carriers.enlarged(selfie), _relief(sitting.draws), Reflectance(), _acted(sitting))


def puppet_eyes(sitting: Sitting) -> Clip:
    """The same with irises that stay on the screen and lids that blink: software that knows what a face does."""
    selfie = _taken_once(sitting)
    return _film_living(sitting, carriers.enlarged(selfie), _relief(sitting.draws), _acted(sitting))


def puppet_mesh(sitting: Sitting) -> Clip:
    """A solid head with the selfie as texture, lit and shaded, before a painted background; noise and compression."""
    draws = sitting.draws
    selfie = _taken_once(sitting)
    mesh = HeadMesh.of(selfie, draws.uniform(0.85, 1.15))
    texture = linear(selfie)

    def see(pose: Pose, glow: tuple[float, float, float], sway: tuple[float, float], _: int) -> Field:
        return mesh.see(texture, pose, sitting.camera, glow, sway)

    return _record(sitting, see, _acted(sitting))


def puppet_animated(sitting: Sitting) -> Clip:
    """The solid head whose eyes watch the screen, and whose lids and lips move as asked: all from the one selfie."""
    draws = sitting.draws
    selfie = _taken_once(sitting)
    mesh = HeadMesh.of(selfie, draws.uniform(0.85, 1.15))
    poses = _acted(sitting)
    shown = _moved(sitting, carriers.enlarged(selfie), poses, sitting.challenge)
    textures = [
        np.asarray(cv2.resize(one, (surfaces.SIDE, surfaces.SIDE), interpolation=cv2.INTER_AREA)) for one in shown
    ]

    def see(pose: Pose, glow: tuple[float, float, float], sway: tuple[float, float], place: int) -> Field:
        return mesh.see(textures[min(place, len(textures) - 1)], pose, sitting.camera, glow, sway)

    return _record(sitting, see, poses)


def wrong_challenge(sitting: Sitting) -> Clip:
    """A person who does other things than those asked, in the right light."""
    other = sitting.other()
    poses = _acted(other)
    surface = surfaces.head(sitting.draws.uniform(0.85, 1.15))
    return _film_living(sitting, carriers.enlarged(sitting.photograph), surface, poses, other.challenge)


def replayed_session(sitting: Sitting) -> Clip:
    """All frames of another session, encoded again, with the times that this one asks for."""
    recorded = bona_fide(sitting.other())
    return _injected(sitting, [frame.pixels for frame in recorded.frames])


def injected_loop(sitting: Sitting) -> Clip:
    """A few frames of the person looking ahead, again and again, encoded again."""
    recorded = bona_fide(replace(sitting, challenge=sitting.challenge))
    length = int(sitting.draws.rng.integers(3, 7))
    count = len(recorded.frames)
    return _injected(sitting, [recorded.frames[i % length].pixels for i in range(count)])


SPECIES: Mapping[str, Callable[[Sitting], Clip]] = {
    "print_flat": print_flat,
    "print_bent": print_bent,
    "screen_photo": screen_photo,
    "screen_video": screen_video,
    "photo_moved": photo_moved,
    "photo_cut_eyes": photo_cut_eyes,
    "warped_frame": warped_frame,
    "wrong_challenge": wrong_challenge,
    "replayed_session": replayed_session,
    "injected_loop": injected_loop,
}
"""Species of attack; the last four leave no trace of paper or display."""
PUPPETS: Mapping[str, Callable[[Sitting], Clip]] = {
    "puppet_relief": puppet_relief,
    "puppet_camera": puppet_camera,
    "puppet_mesh": puppet_mesh,
    "puppet_eyes": puppet_eyes,
    "puppet_animated": puppet_animated,
}
"""Species that do what is asked with a computed face."""
ATTACKS: Mapping[str, Callable[[Sitting], Clip]] = {**SPECIES, **PUPPETS}

_REACH = {
    Action.TURN_LEFT: ("yaw", 17.0, 28.0),
    Action.TURN_RIGHT: ("yaw", -28.0, -17.0),
    Action.LOOK_UP: ("pitch", 11.0, 19.0),
    Action.LOOK_DOWN: ("pitch", -19.0, -11.0),
    Action.COME_CLOSER: ("scale", 0.18, 0.36),
}


def _acted(sitting: Sitting, farther: float = 1.0) -> list[Pose]:
    """A pose for each frame: towards the action within half of its time, held, and somewhat back at its end."""
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
                shift=_tremor(draws, 2.0),
            )
        )
    return poses


def _handled(sitting: Sitting) -> list[Pose]:
    """A sheet that is turned as the challenge asks a head to be, and farther, to show for it."""
    return _acted(sitting, farther=sitting.draws.uniform(1.0, 1.7))


def _film(
    sitting: Sitting, carried: Field | Sequence[Field], surface: Surface, reflectance: Reflectance, poses: Poses
) -> Clip:
    """Records a surface that carries a photograph, or one for each frame."""
    camera = sitting.camera

    def see(pose: Pose, glow: tuple[float, float, float], sway: tuple[float, float], place: int) -> Field:
        picture = carried if isinstance(carried, np.ndarray) else carried[min(place, len(carried) - 1)]
        return cameras.see(picture, surface, pose, reflectance, camera, sitting.scenery, glow, sway)

    return _record(sitting, see, poses)


def _film_living(
    sitting: Sitting, carried: Field, surface: Surface, poses: Sequence[Pose], performed: Challenge | None = None
) -> Clip:
    """Records a face that moves as in `_moved`; `performed` is the sitting's own challenge by default."""
    moved = _moved(sitting, carried, poses, performed or sitting.challenge)
    return _film(sitting, moved, surface, Reflectance(), poses)


def _moved(sitting: Sitting, carried: Field, poses: Poses, performed: Challenge) -> Sequence[Field]:
    """Returns a face per frame, whose eyes watch the screen and blink, and whose lids and lips move when asked.

    Their draws change no other draw of the sitting.
    """
    draws = Draws(np.random.default_rng([*sitting.challenge.nonce]), sitting.draws.split)
    seen = [sitting.eyes.looking(carried, look) for look in looks(poses, draws)]
    return move_features(sitting.photograph, seen, performed, draws)


def _record(sitting: Sitting, see: Seen, poses: Poses) -> Clip:
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
        sway = _tremor(draws, 1.2)
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
    return _PAGE


def _taken_once(sitting: Sitting) -> RGBImage:
    draws = sitting.draws
    return taken_once(sitting.photograph, draws.uniform(1.0, 3.0), round(draws.uniform(75, 95)), draws.rng)


def _relief(draws: Draws) -> Surface:
    """The depth that software takes for a face's: generic, and softer than the person's own."""
    surface = surfaces.head(draws.uniform(0.7, 1.2))
    soft = cv2.GaussianBlur(surface.depth, (0, 0), draws.uniform(2.0, 8.0))
    return replace(surface, depth=np.asarray(soft, dtype=np.float32))


def _injected(sitting: Sitting, pictures: Sequence[RGBImage]) -> Clip:
    draws, quality = sitting.draws, round(sitting.draws.uniform(60, 90))
    frames = []
    for at, pixels in zip(sitting.challenge.capture_ms(), pictures, strict=False):
        _, packed = cv2.imencode(".jpg", pixels[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])
        taken = _delivered(at, sitting.camera, draws)
        again = cameras.decoded(packed)
        frames.append(Frame(again, round(taken, 1), round(taken * sitting.camera.rate / 1000)))
    return Clip(tuple(frames))


def _tremor(draws: Draws, pixels: float) -> tuple[float, float]:
    x, y = draws.rng.normal(0, pixels, 2)
    return float(x), float(y)


def _square(pixels: RGBImage) -> RGBImage:
    """A frame with its sides continued to a square."""
    height, width = pixels.shape[:2]
    side = max(height, width)
    above, left = (side - height) // 2, (side - width) // 2
    edges = above, side - height - above, left, side - width - left
    return np.asarray(cv2.copyMakeBorder(pixels, *edges, cv2.BORDER_REFLECT))
