"""Kinds of attack, and the registration that an attack changes."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from idproof.datasets.specimen.card import Card
from idproof.datasets.specimen.draws import Draws
from idproof.datasets.specimen.formations.protocol import Formation, Session, Shot, Surround, Turns
from idproof.datasets.specimen.material import Material
from idproof.datasets.specimen.view import View
from idproof.models.types import RGBImage


class AttackKind(StrEnum):
    """The PAI species and digital attacks that can be rendered."""

    PHOTOCOPY_GREY = "photocopy_grey"
    PRINT_COLOUR = "print_colour"
    PRINT_GLOSSY = "print_glossy"
    SCREEN_PHONE = "screen_phone"
    SCREEN_MONITOR = "screen_monitor"
    DIGITAL_WARP = "digital_warp"
    REPEAT_CAPTURE = "repeat_capture"
    PORTRAIT_SWAP_PRINT = "portrait_swap_print"
    PORTRAIT_SWAP_DIGITAL = "portrait_swap_digital"
    FIELD_EDIT = "field_edit"
    HOLOGRAM_FLAT = "hologram_flat"
    HOLOGRAM_STICKER = "hologram_sticker"
    HOLO_FILM_GENERIC = "holo_film_generic"
    HOLO_FILM_LEAF = "holo_film_leaf"
    LIGHT_LED = "light_led"
    LIGHT_LASER = "light_laser"
    WRONG_DOCUMENT = "wrong_document"
    SELFIE_OTHER = "selfie_other"
    REPLAY_PRINTS = "replay_prints"
    REPLAY_TWO_PRINTS = "replay_two_prints"
    REPLAY_TABLET = "replay_tablet"
    REPLAY_UPLOADS = "replay_uploads"
    RETOUCHED_PRINT = "retouched_print"
    RETOUCHED_INJECTED = "retouched_injected"
    RETOUCHED_PORTRAITS = "retouched_portraits"
    CONSISTENT_EDIT = "consistent_edit"
    COMPUTED_CARD_PLAIN = "computed_card_plain"
    COMPUTED_CARD_PROCESSED = "computed_card_processed"
    COMPUTED_CARD_CONTINUED = "computed_card_continued"
    COMPUTED_CARD_RENDERED = "computed_card_rendered"
    COMPUTED_FACE_PLAIN = "computed_face_plain"
    COMPUTED_FACE_PROCESSED = "computed_face_processed"
    COMPUTED_FACE_RENDERED = "computed_face_rendered"
    COMPUTED_YEAR_PLAIN = "computed_year_plain"
    COMPUTED_YEAR_PROCESSED = "computed_year_processed"
    COMPUTED_YEAR_RENDERED = "computed_year_rendered"
    COMPUTED_FRONT_PLAIN = "computed_front_plain"
    COMPUTED_FRONT_PROCESSED = "computed_front_processed"
    COMPUTED_FRONT_RENDERED = "computed_front_rendered"
    REPLAY_NOISED = "replay_noised"


@dataclass(frozen=True)
class Setting:
    """The captures of one registration before they are rendered.

    Attributes:
        card: as printed, including changes by the attack.
        session: the camera, the place and the views.
        draws: random numbers of the attack.
        formation: that photographs.
        turns: ranges that the views' turns were drawn from.
    """

    card: Card
    session: Session
    draws: Draws = field(repr=False)
    formation: Formation
    turns: Turns

    @property
    def views(self) -> Mapping[str, View]:
        """Capture name to view."""
        return self.session.views

    def shoot(
        self,
        material: Callable[[View], Material],
        *,
        surround: Surround | None = None,
        session: Session | None = None,
    ) -> dict[str, Shot]:
        """Renders all captures with what `material` puts in the card's place, in other light if `session` brings it."""
        rng, used = self.draws.spawn().rng, session or self.session
        return {
            name: used.photograph(name, material(view), rng, surround=surround) for name, view in used.views.items()
        }

    def shoot_each(self, materials: Mapping[str, Material], *, surround: Surround | None = None) -> dict[str, Shot]:
        """Renders all captures, each with its own material in the card's place."""
        rng = self.draws.spawn().rng
        return {name: self.session.photograph(name, materials[name], rng, surround=surround) for name in self.views}

    def elsewhere(self, draws: Draws) -> Session:
        """Draws another camera in another place, with turns of the same ranges."""
        return self.formation.begin(self.card.document, draws, self.turns)

    def scan(self, draws: Draws) -> RGBImage:
        """Returns the flat picture that a copy is made from, (h, w, 3) at `SCALE`."""
        return self.session.scan(self.card.material, self.card.document, draws)


def honest(setting: Setting) -> dict[str, Shot]:
    """Renders the card itself."""
    return setting.shoot(setting.card.material)


Shown = tuple[Material, Surround | None]
"""The object in the card's place, and what is drawn around it."""


class Showing(Protocol):
    """Shows something in the card's place while it is turned from one capture to the next."""

    def __call__(self, leg: tuple[str, str], progress: float, view: View) -> Shown:
        """Returns what is shown at one moment.

        Args:
            leg: names of the capture before and of the one that follows.
            progress: of the way from one pose to the other, 0..1.
            view: of the card at this moment.
        """


def honest_between(setting: Setting) -> Showing:
    """Turns the card itself."""

    def show(leg: tuple[str, str], progress: float, view: View) -> Shown:  # noqa: ARG001
        return setting.card.material(view), None

    return show


def _same(card: Card, _other: RGBImage, _draws: Draws) -> Card:
    return card


@dataclass(frozen=True)
class Attack:
    """The differences of a kind of attack from a bona fide registration.

    Attributes:
        shots: renders the captures.
        card: changes the print; receives the card and another person's photograph.
        other_selfie: the selfie shows somebody else than the card's holder, a mule for instance. On a swapped
            portrait it shows the same mule, so card and selfie agree.
        other_document: the card is of another type than the registration says.
        between: shows what is before the camera while the angles are changed; None where that is not modelled.
    """

    shots: Callable[[Setting], dict[str, Shot]] = honest
    card: Callable[[Card, RGBImage, Draws], Card] = _same
    other_selfie: bool = False
    other_document: bool = False
    between: Callable[[Setting], Showing] | None = None
