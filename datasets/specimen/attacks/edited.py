"""One field changed, so that the card contradicts itself: printed anew on the card, or laid into the captures."""

from dataclasses import replace

from idproof.datasets.specimen import edits
from idproof.datasets.specimen.attacks.kinds import Setting, honest
from idproof.datasets.specimen.attacks.swaps import laid_in
from idproof.datasets.specimen.card import Card
from idproof.datasets.specimen.draws import Draws
from idproof.datasets.specimen.formations.protocol import Shot
from idproof.datasets.specimen.lettering import another_hand
from idproof.datasets.specimen.prints import print_of
from idproof.models.types import RGBImage
from idproof.pipeline.errors import InvalidSpecimen

REPRINTED, LAID_IN = "reprinted", "laid_in"


def one_field(card: Card, _other: RGBImage, draws: Draws) -> Card:
    """One character of one field changed; `Card.edited` says which, how, in whose letters, and what stood there."""
    try:
        edit = edits.draw(card.fields, draws.rng)
    except ValueError as error:
        raise InvalidSpecimen(f"The attack field_edit cannot be made: {error}.") from None
    how = REPRINTED if draws.rng.uniform() < 0.5 else LAID_IN
    departure, letters = another_hand(print_of(card.document).of(edit.field), draws)
    told = {
        "field": edit.field,
        "kind": edit.kind,
        "by": how,
        "print": departure.value,
        "was": card.fields[edit.field],
    }
    changed = card.with_fields(**{edit.field: edit.text})
    return replace(changed, edited=told, lettering={edit.field: letters})


def shots(setting: Setting) -> dict[str, Shot]:
    """Of the edited card itself, or of the genuine one with the edited field laid in."""
    card = setting.card
    if card.edited is None:
        raise ValueError("nothing was edited")
    if card.edited["by"] == REPRINTED:
        return honest(setting)
    name = card.edited["field"]
    genuine = replace(card.with_fields(**{name: card.edited["was"]}), edited=None, lettering={})
    return laid_in(setting, genuine, card.document.field(name).box)
