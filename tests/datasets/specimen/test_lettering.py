"""Fields printed by another hand: how often, how far from the issuer's letters, and nothing else on the card."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from idproof.datasets.specimen import identity
from idproof.datasets.specimen.card import Card
from idproof.datasets.specimen.draws import Draws, Split
from idproof.datasets.specimen.lettering import AS_ISSUED, Departure, Face, Lettering, another_hand
from idproof.datasets.specimen.prints import FieldPrint
from idproof.pipeline.documents import DocumentType

OTHERS = {
    "serif": Lettering(face=Face.SERIF),
    "plain": Lettering(face=Face.PLAIN),
    "bolder": Lettering(weight_mm=0.03),
    "smaller": Lettering(size=0.9),
    "bluish": Lettering(ink=(40, 52, 112)),
}


@pytest.fixture(scope="module")
def card(document: DocumentType) -> Card:
    fields = identity.fields_of(document, np.random.default_rng(5), characters=None)
    return Card(document, 3, fields, np.full((250, 250, 3), 128, np.uint8))


def hands(split: Split, count: int = 600) -> list[tuple[Departure, Lettering]]:
    return [another_hand(FieldPrint(), Draws(np.random.default_rng([7, i]), split)) for i in range(count)]


def test_a_third_prints_as_the_issuer_does_and_the_others_depart_in_one_thing() -> None:
    drawn = hands(Split.ANY)
    counts = Counter(departure for departure, _ in drawn)
    assert 150 < counts[Departure.NONE] < 250
    assert min(counts[departure] for departure in Departure) > 60
    for departure, letters in drawn:
        changed = [getattr(letters, name) != getattr(AS_ISSUED, name) for name in ("face", "weight_mm", "size", "ink")]
        assert sum(changed) == (departure is not Departure.NONE)


@pytest.mark.parametrize("name", ["weight_mm", "size"])
def test_tuning_and_test_see_no_hand_in_common(name: str) -> None:
    tuning, test = ({getattr(letters, name) for _, letters in hands(split)} for split in (Split.TUNING, Split.TEST))
    assert tuning & test == {getattr(AS_ISSUED, name)}


@pytest.mark.parametrize("name", ["number", "sex"])
@pytest.mark.parametrize("other", OTHERS)
def test_other_letters_change_their_field_and_nothing_else(
    card: Card, document: DocumentType, other: str, name: str
) -> None:
    forged = replace(card, lettering={name: OTHERS[other]}).printed(None).astype(int)
    difference = np.abs(forged - card.printed(None)).max(axis=2)
    left, top, right, bottom = document.field(name).box.pixels(20, pad_mm=0.3)
    assert difference[top:bottom, left:right].max() > 60
    difference[top:bottom, left:right] = 0
    assert difference.max() == 0


def test_the_issuers_letters_are_the_default(card: Card) -> None:
    assert np.array_equal(replace(card, lettering={"number": AS_ISSUED}).printed(None), card.printed(None))
