"""Lists the attempts of a run: bona fide registrations, attacks, and other people's selfies with bona fide cards.

Zero-effort impostors are the next people of the folder. Look-alikes are chosen by the data: the people of the folder
whose selfie resembles the holder's selfie most, by the profile's own comparison. That comparison does not decide the
attempt; the comparison of the card's portrait with the selfie does.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from idproof.benchmarks.harness.output import BONA_FIDE
from idproof.datasets.sets import RegistrationSet
from idproof.models.types import Embeddings

IMPOSTOR, LOOKALIKE = "impostor_selfie", "lookalike_selfie"


@dataclass(frozen=True)
class Attempt:
    """One attempt with a card: with the selfie of its own registration, or with that of another."""

    kind: str
    selfie: RegistrationSet | None = None


@dataclass(frozen=True)
class Trial:
    """All attempts with one card, which is therefore examined once."""

    card: RegistrationSet
    attempts: tuple[Attempt, ...]


def trials(
    sets: Sequence[RegistrationSet],
    *,
    others: int = 1,
    lookalikes: int = 0,
    selfies: Sequence[Embeddings | None] = (),
) -> list[Trial]:
    """Returns every registration with its own selfie, and every bona fide card with selfies of other people.

    Args:
        sets: registrations.
        others: zero-effort impostors per bona fide card.
        lookalikes: look-alikes per bona fide card.
        selfies: (1, dimensions) template of each bona fide registration's selfie, in their order, None where it could
            not be used; asked for look-alikes alone.
    """
    people = [entry for entry in sets if _takes_part(entry)]
    nearest = _nearest(people, selfies, lookalikes) if lookalikes else [[] for _ in people]
    found = []
    place = 0
    for entry in sets:
        attempts = [Attempt(kind_of(entry))]
        if _takes_part(entry):
            attempts += [Attempt(IMPOSTOR, other) for other in _next_people(people, place, others)]
            attempts += [Attempt(LOOKALIKE, other) for other in nearest[place]]
            place += 1
        found.append(Trial(entry, tuple(attempts)))
    return found


def holders(sets: Sequence[RegistrationSet]) -> list[RegistrationSet]:
    """Returns the registrations whose cards and selfies others use: bona fide, with the holder's selfie."""
    return [entry for entry in sets if _takes_part(entry)]


def kind_of(entry: RegistrationSet) -> str:
    """Returns `bona_fide`, the kind of attack, or the kind of impostor."""
    if entry.truth.bona_fide:
        return BONA_FIDE
    return entry.truth.attack or IMPOSTOR


def person_of(entry: RegistrationSet) -> str:
    """Returns the holder's label in the set, or the card's number."""
    return entry.truth.person or entry.truth.fields.get("number", "")


def _takes_part(entry: RegistrationSet) -> bool:
    return entry.truth.bona_fide and entry.truth.same_person


def _next_people(people: Sequence[RegistrationSet], place: int, wanted: int) -> Iterator[RegistrationSet]:
    met = {person_of(people[place])}
    for other in [*people[place + 1 :], *people[:place]]:
        if len(met) > wanted:
            return
        if person_of(other) not in met:
            met.add(person_of(other))
            yield other


def _nearest(
    people: Sequence[RegistrationSet], selfies: Sequence[Embeddings | None], wanted: int
) -> list[list[RegistrationSet]]:
    """Returns, per holder, one registration of each of the people who resemble the holder most."""
    if len(selfies) != len(people):
        raise ValueError("one template per bona fide registration")
    usable = [i for i, template in enumerate(selfies) if template is not None]
    rows = np.concatenate([row for row in selfies if row is not None]) if usable else np.empty((0, 1))
    found: list[list[RegistrationSet]] = [[] for _ in people]
    for row, place in enumerate(usable):
        met = {person_of(people[place])}
        for other in np.argsort(-(rows @ rows[row]), kind="stable"):
            candidate = people[usable[other]]
            if len(met) > wanted:
                break
            if person_of(candidate) not in met:
                met.add(person_of(candidate))
                found[place].append(candidate)
    return found
