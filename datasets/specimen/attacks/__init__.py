"""Renders attacks, to measure defences: one file per family, with random parameters for each set.

They act where a real attack would: on the print, on the object in the card's place, on the light, or on the captures.
"""

from collections.abc import Mapping

from idproof.datasets.specimen.attacks import (
    computed,
    copies,
    digital,
    edited,
    foils,
    lamps,
    replays,
    retouched,
    swaps,
)
from idproof.datasets.specimen.attacks.kinds import Attack, AttackKind, honest_between

BONA_FIDE = Attack(between=honest_between)

ATTACKS: Mapping[AttackKind, Attack] = {
    AttackKind.PHOTOCOPY_GREY: Attack(copies.photocopy),
    AttackKind.PRINT_COLOUR: Attack(copies.colour_print),
    AttackKind.PRINT_GLOSSY: Attack(copies.glossy_print),
    AttackKind.SCREEN_PHONE: Attack(copies.phone),
    AttackKind.SCREEN_MONITOR: Attack(copies.monitor),
    AttackKind.DIGITAL_WARP: Attack(digital.warp_one),
    AttackKind.REPEAT_CAPTURE: Attack(digital.repeat),
    AttackKind.PORTRAIT_SWAP_PRINT: Attack(swaps.glued, card=swaps.swapped, other_selfie=True),
    AttackKind.PORTRAIT_SWAP_DIGITAL: Attack(swaps.pasted, card=swaps.swapped, other_selfie=True),
    AttackKind.FIELD_EDIT: Attack(edited.shots, card=edited.one_field),
    AttackKind.HOLOGRAM_FLAT: Attack(foils.flat),
    AttackKind.HOLOGRAM_STICKER: Attack(foils.sticker),
    AttackKind.HOLO_FILM_GENERIC: Attack(foils.film),
    AttackKind.HOLO_FILM_LEAF: Attack(foils.leaf),
    AttackKind.LIGHT_LED: Attack(lamps.led),
    AttackKind.LIGHT_LASER: Attack(lamps.laser),
    AttackKind.WRONG_DOCUMENT: Attack(other_document=True),
    AttackKind.SELFIE_OTHER: Attack(other_selfie=True),
    AttackKind.REPLAY_PRINTS: Attack(replays.prints, between=replays.prints_between),
    AttackKind.REPLAY_TWO_PRINTS: Attack(replays.two_prints, between=replays.two_prints_between),
    AttackKind.REPLAY_TABLET: Attack(replays.tablet, between=replays.tablet_between),
    AttackKind.REPLAY_UPLOADS: Attack(replays.uploads),
    AttackKind.RETOUCHED_PRINT: Attack(retouched.printed, card=retouched.other_names),
    AttackKind.RETOUCHED_INJECTED: Attack(retouched.injected, card=retouched.other_names),
    AttackKind.RETOUCHED_PORTRAITS: Attack(retouched.portraits, card=swaps.swapped, other_selfie=True),
    AttackKind.CONSISTENT_EDIT: Attack(retouched.on_the_card, card=retouched.other_names),
    AttackKind.COMPUTED_CARD_PLAIN: Attack(computed.one_photograph(computed.PLAIN)),
    AttackKind.COMPUTED_CARD_PROCESSED: Attack(computed.one_photograph(computed.PROCESSED)),
    AttackKind.COMPUTED_CARD_CONTINUED: Attack(computed.one_photograph(computed.CONTINUED)),
    AttackKind.COMPUTED_CARD_RENDERED: Attack(
        computed.one_photograph(computed.RENDERED), between=computed.one_photograph_between
    ),
    AttackKind.COMPUTED_FACE_PLAIN: Attack(
        computed.another_face(computed.PLAIN), card=swaps.swapped, other_selfie=True
    ),
    AttackKind.COMPUTED_FACE_PROCESSED: Attack(
        computed.another_face(computed.PROCESSED), card=swaps.swapped, other_selfie=True
    ),
    AttackKind.COMPUTED_FACE_RENDERED: Attack(
        computed.another_face(computed.RENDERED),
        card=swaps.swapped,
        other_selfie=True,
        between=computed.another_face_between,
    ),
    AttackKind.COMPUTED_YEAR_PLAIN: Attack(computed.another_year(computed.PLAIN), card=computed.with_another_year),
    AttackKind.COMPUTED_YEAR_PROCESSED: Attack(
        computed.another_year(computed.PROCESSED), card=computed.with_another_year
    ),
    AttackKind.COMPUTED_YEAR_RENDERED: Attack(
        computed.another_year(computed.RENDERED), card=computed.with_another_year
    ),
    AttackKind.COMPUTED_FRONT_PLAIN: Attack(computed.derived_front(computed.PLAIN)),
    AttackKind.COMPUTED_FRONT_PROCESSED: Attack(computed.derived_front(computed.PROCESSED)),
    AttackKind.COMPUTED_FRONT_RENDERED: Attack(computed.derived_front(computed.RENDERED)),
    AttackKind.REPLAY_NOISED: Attack(computed.replayed),
}

__all__ = ["ATTACKS", "BONA_FIDE", "Attack", "AttackKind"]
