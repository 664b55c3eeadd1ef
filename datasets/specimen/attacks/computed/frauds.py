"""The frauds that a program computes captures for."""

from collections.abc import Callable
from dataclasses import replace

import cv2
import numpy as np

from idproof.datasets.specimen import edits
from idproof.datasets.specimen.attacks.computed import parts
from idproof.datasets.specimen.attacks.computed.captures import Design, capture, rendered_card
from idproof.datasets.specimen.attacks.computed.photograph import arrived, straightened, take
from idproof.datasets.specimen.attacks.computed.program import RENDERED, Program
from idproof.datasets.specimen.attacks.kinds import Setting, Showing, Shown, honest
from idproof.datasets.specimen.attacks.swaps import holders_photograph
from idproof.datasets.specimen.card import Card
from idproof.datasets.specimen.draws import Draws
from idproof.datasets.specimen.formations.protocol import Shot
from idproof.datasets.specimen.light import Room
from idproof.datasets.specimen.view import View
from idproof.models.types import RGBImage
from idproof.pipeline.errors import InvalidSpecimen

_YEAR = range(8, 10)  # digits of the year in DD-MM-YYYY that are changed: the decade and the year
_REPLAY_NOISE = (0.6, 2.5)  # grey levels added to a replayed capture. Chosen by hand.
_REPLAY_SHIFT_PX = 3.0  # Chosen by hand.

Shots = Callable[[Setting], dict[str, Shot]]


def one_photograph(program: Program) -> Shots:
    """All three captures of a genuine card from one photograph of it."""
    return lambda setting: _all(setting, program, _of_card(setting, program))


def another_face(program: Program) -> Shots:
    """The same, with the attacker's face in both portraits."""
    return lambda setting: _all(setting, program, _of_face(setting, program))


def one_photograph_between(setting: Setting) -> Showing:
    """A film of the rendered card: the program knows the poses before it has to show the way between them."""
    return _turned(setting, _of_card(setting, RENDERED))


def another_face_between(setting: Setting) -> Showing:
    """The same, with the attacker's face in both portraits."""
    return _turned(setting, _of_face(setting, RENDERED))


def another_year(program: Program) -> Shots:
    """The same, with one digit of the birth year copied from another date of the same card."""

    def shots(setting: Setting) -> dict[str, Shot]:
        card = setting.card
        if card.edited is None:
            raise ValueError("no year was changed")
        genuine = replace(card.with_fields(date_of_birth=card.edited["was"]), edited=None)
        photo = take(setting, genuine, program)
        chosen = _changed_digit(genuine, card.fields["date_of_birth"])
        changed = parts.with_glyph(photo.flat, card.document, genuine.fields, *chosen)
        return _all(setting, program, Design(photo, changed, Room.draw(setting.draws)))

    return shots


def derived_front(program: Program) -> Shots:
    """Two genuine tilted captures, and a front capture computed from the first of them."""

    def shots(setting: Setting) -> dict[str, Shot]:
        real, name = honest(setting), "tilt_left"
        pixels = arrived(setting, real[name])
        view = setting.views[name].resized(pixels.shape[1])
        photo = straightened(pixels, view, program)
        return real | {"front": capture(setting, "front", program, Design(photo, photo.flat, Room.draw(setting.draws)))}

    return shots


def replayed(setting: Setting) -> dict[str, Shot]:
    """Genuine captures of an earlier session, shifted by a fraction of a pixel, lightly noised and compressed again."""
    draws = setting.draws
    rng = draws.spawn().rng
    found = {}
    for name, shot in honest(setting).items():
        pixels = arrived(setting, shot)
        dx, dy = (draws.uniform(-_REPLAY_SHIFT_PX, _REPLAY_SHIFT_PX) for _ in range(2))
        move = np.array([[1, 0, dx], [0, 1, dy]])
        moved = cv2.warpAffine(
            pixels, move, pixels.shape[1::-1], flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
        )
        noisy = moved + rng.normal(0, draws.uniform(*_REPLAY_NOISE), moved.shape)
        found[name] = Shot(noisy.clip(0, 255).astype(np.uint8), shot.corners + np.array([dx, dy]))
    return found


def with_another_year(card: Card, _other: RGBImage, draws: Draws) -> Card:
    """The card with one digit of the birth year changed so that no rule of the print is broken."""
    born = card.fields.get("date_of_birth", "")
    there = {character for _, character in parts.digits(card.fields)}
    wanted = [
        born[:place] + digit + born[place + 1 :]
        for place in _YEAR
        for digit in sorted(there)
        if place < len(born) and digit != born[place]
    ]
    consistent = [text for text in wanted if not edits.contradictions({**card.fields, "date_of_birth": text})]
    if not consistent:
        raise InvalidSpecimen("The card has no digit to change its birth year with.")
    text = consistent[int(draws.rng.integers(len(consistent)))]
    told = {"field": "date_of_birth", "kind": "year", "by": "copied_glyph", "was": born}
    return replace(card.with_fields(date_of_birth=text), edited=told)


def _changed_digit(genuine: Card, wanted: str) -> tuple[parts.Glyph, parts.Glyph]:
    """The place of the one digit that differs, and another place on the genuine card where that digit stands."""
    born = genuine.fields["date_of_birth"]
    place = next(i for i, (one, other) in enumerate(zip(born, wanted, strict=True)) if one != other)
    sources = [glyph for glyph, character in parts.digits(genuine.fields) if character == wanted[place]]
    return parts.Glyph("date_of_birth", place), sources[0]


def _of_card(setting: Setting, program: Program) -> Design:
    photo = take(setting, setting.card, program)
    return Design(photo, photo.flat, Room.draw(setting.draws))


def _of_face(setting: Setting, program: Program) -> Design:
    card = setting.card
    genuine = replace(card, portrait=holders_photograph(card), second_portrait=None)
    photo = take(setting, genuine, program)
    changed = parts.with_face(photo.flat, card.document, card.portrait)
    return Design(photo, changed, Room.draw(setting.draws), card.portrait)


def _turned(setting: Setting, design: Design) -> Showing:
    def show(leg: tuple[str, str], progress: float, view: View) -> Shown:  # noqa: ARG001
        return rendered_card(setting, view, design), None

    return show


def _all(setting: Setting, program: Program, design: Design) -> dict[str, Shot]:
    return {name: capture(setting, name, program, design) for name in setting.views}
