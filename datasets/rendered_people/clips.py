"""Renders clips that answer a liveness challenge: of a person, and of every species of attack.

Presentation attacks (ISO/IEC 30107-3: PAI species) are carried by a sheet or a display that follows the challenge as
far as it can: it is turned, tilted and brought closer. Injection attacks replace the camera's frames.
Tuning and test never share people, cameras or materials (`Draws`).
"""

from collections.abc import Callable, Mapping
from dataclasses import replace

import cv2
import numpy as np

from idproof.datasets.rendered_people import camera as cameras
from idproof.datasets.rendered_people import carriers
from idproof.datasets.rendered_people import surface as surfaces
from idproof.datasets.rendered_people.camera import Reflectance, linear
from idproof.datasets.rendered_people.filming import PAGE_LIGHT, film, film_living, inject, move_face, record
from idproof.datasets.rendered_people.puppets import HeadMesh, taken_once
from idproof.datasets.rendered_people.sitting import Distance, Sitting, head_poses, sheet_poses, tremor
from idproof.datasets.rendered_people.surface import Field, Pose, Surface
from idproof.datasets.specimen.draws import Draws
from idproof.models.types import RGBImage
from idproof.pipeline.liveness.frames import Clip

__all__ = ["ATTACKS", "BONA_FIDE", "PUPPETS", "SPECIES", "Distance", "Sitting", "bona_fide", "selfie"]

BONA_FIDE = "bona_fide"


def bona_fide(sitting: Sitting) -> Clip:
    """A person who follows the challenge and watches the screen, with individual amplitudes and camera."""
    surface = surfaces.head(sitting.draws.uniform(0.85, 1.15))
    return film_living(sitting, carriers.enlarged(sitting.photograph), surface, head_poses(sitting))


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
    pose = Pose(draws.uniform(-6, 6), draws.uniform(-4, 4), draws.uniform(-5, 5), tremor(draws, 4.0))
    light = cameras.see(
        carriers.enlarged(sitting.photograph),
        surfaces.head(),
        pose,
        Reflectance(),
        large,
        None,
        PAGE_LIGHT,
        tremor(draws, 6.0),
    )
    return cameras.develop(light, large, draws.rng, float(light.mean()))


def print_flat(sitting: Sitting) -> Clip:
    """A print on office paper, held flat."""
    draws = sitting.draws
    printed = carriers.printed(sitting.photograph, draws)
    reflectance = Reflectance(draws.uniform(0.75, 0.95), draws.uniform(0, 0.05), 0.2)
    return film(sitting, printed, surfaces.sheet(), reflectance, sheet_poses(sitting))


def print_bent(sitting: Sitting) -> Clip:
    """The same, bent about the upright axis as the head is round."""
    draws = sitting.draws
    printed = carriers.printed(sitting.photograph, draws)
    reflectance = Reflectance(draws.uniform(0.75, 0.95), draws.uniform(0, 0.05), 0.2)
    return film(sitting, printed, surfaces.sheet(draws.uniform(15, 70)), reflectance, sheet_poses(sitting))


def screen_photo(sitting: Sitting) -> Clip:
    """A photograph on a display that is turned before the camera."""
    return film(
        sitting,
        carriers.shown(sitting.photograph, sitting.draws),
        surfaces.sheet(),
        carriers.display(sitting.draws),
        sheet_poses(sitting),
    )


def screen_video(sitting: Sitting) -> Clip:
    """A display that plays what the person did for another challenge."""
    recorded = bona_fide(sitting.other())
    still = [Pose(shift=tremor(sitting.draws, 1.0)) for _ in sitting.challenge.capture_ms()]
    width, height = sitting.camera.size
    played = [_square(frame.pixels) for frame in recorded.frames]
    shown = [linear(cv2.resize(picture, (500, 500), interpolation=cv2.INTER_AREA)) for picture in played]
    zoom = sitting.camera.zoom * surfaces.SIDE / max(height, width)
    close = replace(sitting, camera=replace(sitting.camera, zoom=max(zoom, width / surfaces.SIDE) * 1.12))
    return film(close, shown, surfaces.sheet(), carriers.display(sitting.draws), still)


def photo_moved(sitting: Sitting) -> Clip:
    """One good photograph on photographic paper, moved and tilted."""
    draws = sitting.draws
    reflectance = Reflectance(draws.uniform(0.9, 1.0), draws.uniform(0.02, 0.08), 0.1)
    return film(sitting, carriers.enlarged(sitting.photograph), surfaces.sheet(), reflectance, sheet_poses(sitting))


def photo_cut_eyes(sitting: Sitting) -> Clip:
    """A print whose eyes are cut out, with somebody's eyes behind it."""
    draws = sitting.draws
    sheet = surfaces.with_holes(surfaces.sheet(draws.uniform(0, 40)), draws.uniform(6, 14))
    reflectance = Reflectance(draws.uniform(0.75, 0.95), draws.uniform(0, 0.05), 0.2)
    return film(sitting, carriers.printed(sitting.photograph, draws), sheet, reflectance, sheet_poses(sitting))


def warped_frame(sitting: Sitting) -> Clip:
    """One frame, animated by software that knows a head is round, and injected; half of them tint it all as asked."""
    draws = sitting.draws
    tints = float(draws.rng.uniform() < 0.5) * draws.uniform(0.6, 1.2)
    surface = surfaces.head(draws.uniform(0.3, 0.7))
    flat = replace(surface, depth=np.asarray(cv2.GaussianBlur(surface.depth, (0, 0), 14.0)))
    once = replace(sitting.camera, noise=draws.uniform(0.2, 0.8), behind=1.0, adapts=0.0)
    frozen = sitting.photograph + draws.rng.normal(0, sitting.camera.noise, sitting.photograph.shape)
    carried = carriers.enlarged(frozen.clip(0, 255).astype(np.uint8))
    return film(replace(sitting, camera=once), carried, flat, Reflectance(tints, 0, 0), head_poses(sitting))


def puppet_relief(sitting: Sitting) -> Clip:
    """A selfie bent over the relief of a face, moved and lit as asked through its normals, and injected."""
    draws = sitting.draws
    selfie = _taken_once(sitting)
    computed = replace(sitting.camera, noise=draws.uniform(0.0, 0.6), stalls=False)
    return film(
        replace(sitting, camera=computed), carriers.enlarged(selfie), _relief(draws), Reflectance(), head_poses(sitting)
    )


def puppet_camera(sitting: Sitting) -> Clip:
    """The same with a camera's noise, exposure and compression added after it was computed: the strongest relief."""
    selfie = _taken_once(sitting)
    return film(sitting, carriers.enlarged(selfie), _relief(sitting.draws), Reflectance(), head_poses(sitting))


def puppet_eyes(sitting: Sitting) -> Clip:
    """The same with irises that stay on the screen and lids that blink: software that knows what a face does."""
    selfie = _taken_once(sitting)
    return film_living(sitting, carriers.enlarged(selfie), _relief(sitting.draws), head_poses(sitting))


def puppet_mesh(sitting: Sitting) -> Clip:
    """A solid head with the selfie as texture, lit and shaded, before a painted background; noise and compression."""
    draws = sitting.draws
    selfie = _taken_once(sitting)
    mesh = HeadMesh.of(selfie, draws.uniform(0.85, 1.15))
    texture = linear(selfie)

    def see(pose: Pose, glow: tuple[float, float, float], sway: tuple[float, float], _: int) -> Field:
        return mesh.see(texture, pose, sitting.camera, glow, sway)

    return record(sitting, see, head_poses(sitting))


def puppet_animated(sitting: Sitting) -> Clip:
    """The solid head whose eyes watch the screen, and whose lids and lips move as asked: all from the one selfie."""
    draws = sitting.draws
    selfie = _taken_once(sitting)
    mesh = HeadMesh.of(selfie, draws.uniform(0.85, 1.15))
    poses = head_poses(sitting)
    shown = move_face(sitting, carriers.enlarged(selfie), poses, sitting.challenge)
    textures = [
        np.asarray(cv2.resize(one, (surfaces.SIDE, surfaces.SIDE), interpolation=cv2.INTER_AREA)) for one in shown
    ]

    def see(pose: Pose, glow: tuple[float, float, float], sway: tuple[float, float], place: int) -> Field:
        return mesh.see(textures[min(place, len(textures) - 1)], pose, sitting.camera, glow, sway)

    return record(sitting, see, poses)


def wrong_challenge(sitting: Sitting) -> Clip:
    """A person who does other things than those asked, in the right light."""
    other = sitting.other()
    poses = head_poses(other)
    surface = surfaces.head(sitting.draws.uniform(0.85, 1.15))
    return film_living(sitting, carriers.enlarged(sitting.photograph), surface, poses, other.challenge)


def replayed_session(sitting: Sitting) -> Clip:
    """All frames of another session, encoded again, with the times that this one asks for."""
    recorded = bona_fide(sitting.other())
    return inject(sitting, [frame.pixels for frame in recorded.frames])


def injected_loop(sitting: Sitting) -> Clip:
    """A few frames of the person looking ahead, again and again, encoded again."""
    recorded = bona_fide(replace(sitting, challenge=sitting.challenge))
    length = int(sitting.draws.rng.integers(3, 7))
    count = len(recorded.frames)
    return inject(sitting, [recorded.frames[i % length].pixels for i in range(count)])


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


def _taken_once(sitting: Sitting) -> RGBImage:
    draws = sitting.draws
    return taken_once(sitting.photograph, draws.uniform(1.0, 3.0), round(draws.uniform(75, 95)), draws.rng)


def _relief(draws: Draws) -> Surface:
    """The depth that software takes for a face's: generic, and softer than the person's own."""
    surface = surfaces.head(draws.uniform(0.7, 1.2))
    soft = cv2.GaussianBlur(surface.depth, (0, 0), draws.uniform(2.0, 8.0))
    return replace(surface, depth=np.asarray(soft, dtype=np.float32))


def _square(pixels: RGBImage) -> RGBImage:
    """A frame with its sides continued to a square."""
    height, width = pixels.shape[:2]
    side = max(height, width)
    above, left = (side - height) // 2, (side - width) // 2
    edges = above, side - height - above, left, side - width - left
    return np.asarray(cv2.copyMakeBorder(pixels, *edges, cv2.BORDER_REFLECT))
