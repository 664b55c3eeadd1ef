"""Angle-matched replays: a victim's own photographs of the genuine card, one for each angle, shown again.

The victim's photographs are taken by another camera in another place, with the card turned nearly as the attacker will
turn the copy: hologram and second portrait are right for each angle. Ranges are chosen by hand; no outside source.
"""

from collections.abc import Mapping
from dataclasses import replace

import cv2
import numpy as np

from idproof.datasets.specimen.attacks import copies
from idproof.datasets.specimen.attacks.flattening import flattened
from idproof.datasets.specimen.attacks.kinds import Setting, Showing, Shown
from idproof.datasets.specimen.draws import Draws
from idproof.datasets.specimen.formations.protocol import Session, Shot
from idproof.datasets.specimen.material import Coat, Material, card_outline
from idproof.datasets.specimen.view import Pose, View
from idproof.models.types import RGBImage

_OFF_DEG = 2.5  # difference between the victim's and the attacker's angle, to each side
_TABLET_PITCH_MM, _TABLET_MARGINS, _TABLET_RIM = (0.075, 0.115), (30, 20), (5, 11)
_EXCHANGED_AT = (0.3, 0.7)  # share of the way between two angles at which a print gives way to the next
_MOST_LAG = 0.35  # share of the way by which a video is early or late at most, halfway between two angles
_FILM_FRAMES = 11  # of a video from one angle to the next


def prints(setting: Setting) -> dict[str, Shot]:
    """Prints the photograph of each angle, and holds each print to the camera at its angle."""
    pictures = _flat(setting)
    return _printed(setting, {name: pictures[name] for name in setting.views})


def two_prints(setting: Setting) -> dict[str, Shot]:
    """Prints the front and one tilted photograph, and exchanges the two prints as the angles are asked for."""
    return _printed(setting, _two(setting))


def tablet(setting: Setting) -> dict[str, Shot]:
    """Plays a video of the photographs on a tablet that turns along."""
    draws = setting.draws
    quality = round(draws.uniform(55, 85))
    pictures = {name: _as_video(picture, quality) for name, picture in _flat(setting).items()}
    return copies.screen(setting, draws.uniform(*_TABLET_PITCH_MM), _TABLET_MARGINS, _TABLET_RIM, pictures)


def prints_between(setting: Setting) -> Showing:
    """Holds the print of each angle, and exchanges it on the way to the next one without a frame that shows it."""
    pictures = _flat(setting)
    return _exchanged(setting, {name: pictures[name] for name in setting.views})


def two_prints_between(setting: Setting) -> Showing:
    """The same with two prints: where one angle repeats another, nothing is exchanged."""
    return _exchanged(setting, _two(setting))


def tablet_between(setting: Setting) -> Showing:
    """Plays a video of a card that somebody else turned, on a tablet that is turned along as well as a hand can."""
    draws = setting.draws
    quality, lag = round(draws.uniform(55, 85)), draws.uniform(-_MOST_LAG, _MOST_LAG)
    display = copies.Display.draw(draws, setting.card, draws.uniform(*_TABLET_PITCH_MM), _TABLET_MARGINS, _TABLET_RIM)
    films: dict[tuple[str, str], list[Material]] = {}

    def show(leg: tuple[str, str], progress: float, view: View) -> Shown:  # noqa: ARG001
        if leg not in films:
            films[leg] = [display.showing(_as_video(each, quality)) for each in _filmed(setting, leg)]
        # The video is at rest at both ends, where it is stopped; on the way it is early or late.
        place = progress + lag * np.sin(np.pi * progress)
        return films[leg][round(float(np.clip(place, 0, 1)) * (_FILM_FRAMES - 1))], display.surround

    return show


def tablet_at_rest(setting: Setting, pose: Pose) -> tuple[copies.Display, RGBImage]:
    """Returns a tablet, and the frame of a video of the genuine card that it shows while the card is held in a pose."""
    draws = setting.draws
    display = copies.Display.draw(draws, setting.card, draws.uniform(*_TABLET_PITCH_MM), _TABLET_MARGINS, _TABLET_RIM)
    session = setting.elsewhere(draws.spawn()).without_hands()
    name = next(iter(session.views))
    session = session.posed(dict.fromkeys(session.views, _near(draws, pose, session.views[name].pose)))
    shot = session.photograph(name, setting.card.material(session.views[name]), draws.spawn().rng)
    return display, _as_video(flattened(shot, setting.card.document), round(draws.uniform(55, 85)))


def uploads(setting: Setting) -> dict[str, Shot]:
    """Sends the victim's photographs as they are, compressed again on their way."""
    draws, session = setting.draws, _victims(setting)
    rng, quality, share = draws.spawn().rng, round(draws.uniform(68, 90)), draws.uniform(0.6, 1.0)
    shots = {}
    for name, view in session.views.items():
        taken = session.deliver(session.photograph(name, setting.card.material(view), rng), rng)
        picture = np.asarray(cv2.imdecode(np.frombuffer(taken.data, np.uint8), cv2.IMREAD_COLOR))
        height, width = picture.shape[:2]
        size = max(1280, round(width * share)), max(round(1280 * height / width), round(height * share))
        smaller = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
        _, data = cv2.imencode(".jpg", smaller, [cv2.IMWRITE_JPEG_QUALITY, quality])
        pixels = np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR_RGB), dtype=np.uint8)
        shots[name] = Shot(pixels, (taken.corners + 0.5) * (np.array(size) / (width, height)) - 0.5)
    return shots


def _two(setting: Setting) -> dict[str, RGBImage]:
    """Returns the flat photograph of each capture when there are two: the front, and one tilted one."""
    pictures = _flat(setting)
    front, *tilted = setting.views
    second = tilted[int(setting.draws.rng.integers(len(tilted)))]
    return {name: pictures[second if name == second else front] for name in setting.views}


def _exchanged(setting: Setting, pictures: Mapping[str, RGBImage]) -> Showing:
    sheets = _sheets(setting, pictures)
    at: dict[tuple[str, str], float] = {}

    def show(leg: tuple[str, str], progress: float, view: View) -> Shown:  # noqa: ARG001
        before, after = leg
        exchanged = progress >= at.setdefault(leg, setting.draws.uniform(*_EXCHANGED_AT))
        return sheets[after if exchanged else before], None

    return show


def _filmed(setting: Setting, leg: tuple[str, str]) -> list[RGBImage]:
    """Returns the flat frames of a video in which the victim's card is turned from one angle to the next."""
    draws, rng = setting.draws, setting.draws.spawn().rng
    session = setting.elsewhere(draws.spawn()).without_hands()
    name = next(iter(session.views))
    own, ends = session.views[name].pose, [setting.views[each].pose for each in leg]
    first, last = (_near(draws, end, own) for end in ends)
    frames = []
    for share in np.linspace(0, 1, _FILM_FRAMES):
        turn = (1 - share) * first.turn_deg + share * last.turn_deg
        pitch = (1 - share) * first.pitch_deg + share * last.pitch_deg
        pose = replace(own, turn_deg=float(turn), pitch_deg=float(pitch))
        posed = session.posed(dict.fromkeys(session.views, pose))
        shot = posed.photograph(name, setting.card.material(posed.views[name]), rng)
        frames.append(flattened(shot, setting.card.document))
    return frames


def _victims(setting: Setting) -> Session:
    """Returns another camera in another place, before which the card is turned nearly as in the setting.

    An attacker keeps the photographs on which no finger covers the card.
    """
    draws = setting.draws
    session = setting.elsewhere(draws.spawn()).without_hands()
    return session.posed(
        {name: _near(draws, setting.views[name].pose, view.pose) for name, view in session.views.items()}
    )


def _near(draws: Draws, wanted: Pose, own: Pose) -> Pose:
    turn = wanted.turn_deg + draws.uniform(-_OFF_DEG, _OFF_DEG)
    return replace(own, turn_deg=turn, pitch_deg=wanted.pitch_deg + draws.uniform(-_OFF_DEG, _OFF_DEG))


def _flat(setting: Setting) -> dict[str, RGBImage]:
    """Returns the victim's photograph of each angle, put straight: (h, w, 3) at `SCALE`."""
    session, rng = _victims(setting), setting.draws.spawn().rng
    shots = {name: session.photograph(name, setting.card.material(view), rng) for name, view in session.views.items()}
    return {name: flattened(shot, setting.card.document) for name, shot in shots.items()}


def _printed(setting: Setting, pictures: Mapping[str, RGBImage]) -> dict[str, Shot]:
    """Prints pictures on one printer and glossy paper, and photographs each in its capture."""
    return setting.shoot_each(_sheets(setting, pictures))


def _sheets(setting: Setting, pictures: Mapping[str, RGBImage]) -> dict[str, Material]:
    """Prints pictures on one printer and glossy paper: one print for one picture, however often it is shown."""
    draws = setting.draws
    printer = copies.inkjet(draws) if draws.rng.uniform() < 0.75 else copies.halftone(draws, (150, 200))
    coats = (Coat(draws.uniform(0.02, 0.10), draws.uniform(0.03, 0.12)),)
    outline = card_outline(setting.card.document)
    sheets = {id(picture): Material(printer(picture), outline, coats=coats) for picture in pictures.values()}
    return {name: sheets[id(picture)] for name, picture in pictures.items()}


def _as_video(picture: RGBImage, quality: int) -> RGBImage:
    """Returns a picture as a frame of a compressed video: fewer pixels, coarse colours, blocks."""
    small = cv2.resize(picture, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    options = [
        cv2.IMWRITE_JPEG_QUALITY,
        quality,
        cv2.IMWRITE_JPEG_SAMPLING_FACTOR,
        cv2.IMWRITE_JPEG_SAMPLING_FACTOR_420,
    ]
    _, data = cv2.imencode(".jpg", small, options)
    frame = np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR))
    return np.asarray(cv2.resize(frame, picture.shape[1::-1], interpolation=cv2.INTER_CUBIC), dtype=np.uint8)
