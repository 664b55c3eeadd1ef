"""Several readings of one line become one, character by character.

Readings come from several captures and from independent readers. They are aligned to the one that agrees best with
the others (the weighted medoid under edit distance), and each place is put to the vote; a reader's second guesses
vote as well, with the little weight it gives them. Spaces are no characters here: readers lose them, so where one
stands is settled apart.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from rapidfuzz.distance import Levenshtein

from idproof.models.types import LineReading

_LOST = 0.5  # with what confidence a reading that has no character at a place votes for there being none
_BLANK = 0.8  # and a wholly blank reading, for which readers give no confidence
_SPACE_VOTES = 1.0  # a space needs the word of one good reader, or of two lesser ones

Votes = dict[str, float]
"""Character, or "" for none, to its share of the votes at one place; the shares sum to 1."""


@dataclass(frozen=True, slots=True)
class WeightedReading:
    """One reading and how much it counts.

    Attributes:
        reading: what was read.
        weight: of its votes.
        reader: who read it.
        marks: how many marks of ink were counted on its line; 0 where none were counted.
    """

    reading: LineReading
    weight: float = 1.0
    reader: str = ""
    marks: int = 0

    @property
    def joined(self) -> str:
        """The text without its spaces."""
        return self.reading.text.replace(" ", "")


@dataclass(frozen=True, slots=True, repr=False)
class FusedReading:
    """What all readings together saw.

    Attributes:
        votes: for each place, the shares of the votes.
        supporters: for each place, how many readings saw its winner first.
        spaces: places that have a space before them.
        dissent: how sure the surest reading was that there is text where the others saw blank paper, 0..1.
        marks: the most marks of ink that were counted on one capture's line.
    """

    votes: tuple[Votes, ...]
    supporters: tuple[int, ...]
    spaces: frozenset[int]
    dissent: float = 0.0
    marks: int = 0

    def __repr__(self) -> str:
        """Field values stay out of logs."""
        return f"FusedReading(<{len(self.votes)} places>)"

    @property
    def text(self) -> str:
        """The winner of each place, without spaces."""
        return "".join(max(votes, key=votes.__getitem__) for votes in self.votes)

    def spaced(self, text: str) -> str:
        """`text`, as long as `votes`, with its spaces."""
        return "".join(f" {c}" if i in self.spaces else c for i, c in enumerate(text))


def fuse(readings: Sequence[WeightedReading]) -> FusedReading:
    """Put the readings to the vote; with no reading, or when blank wins, there are no places.

    Example:
        >>> reading = lambda text: LineReading(text, (0.9,) * len(text))
        >>> fuse([WeightedReading(reading(t)) for t in ("A1B", "A18", "A1B")]).text
        'A1B'
    """
    backbone = _medoid(readings)
    tallies: list[defaultdict[str, float]] = [defaultdict(float) for _ in backbone]
    firsts: list[list[str]] = [[] for _ in backbone]
    spaces: defaultdict[int, float] = defaultdict(float)
    for reading in readings:
        _vote(reading, backbone, tallies, firsts, spaces)
    votes = tuple(_shares(tally) for tally in tallies)
    winners = [max(place, key=place.__getitem__) for place in votes]
    kept = [i for i, winner in enumerate(winners) if winner]
    return FusedReading(
        votes=tuple(votes[i] for i in kept),
        supporters=tuple(firsts[i].count(winners[i]) for i in kept),
        spaces=frozenset(n for n, i in enumerate(kept) if n > 0 and spaces[i] >= _SPACE_VOTES),
        dissent=0.0 if kept else max((w.reading.confidence for w in readings), default=0.0),
        marks=max((w.marks for w in readings), default=0),
    )


def _medoid(readings: Sequence[WeightedReading]) -> str:
    def distance(candidate: WeightedReading) -> tuple[float, int, float]:
        apart = sum(w.weight * Levenshtein.distance(candidate.joined, w.joined) for w in readings)
        # Of equals the longer: a place can be voted away, but what has no place gets no vote.
        return apart, -len(candidate.joined), -candidate.weight * (candidate.reading.confidence or _BLANK)

    return min(readings, key=distance).joined if readings else ""


def _vote(
    reading: WeightedReading,
    backbone: str,
    tallies: list[defaultdict[str, float]],
    firsts: list[list[str]],
    spaces: defaultdict[int, float],
) -> None:
    places = _places(backbone, reading.joined)
    seen = [i for i, character in enumerate(reading.reading.text) if character != " "]
    for place, at in enumerate(places):
        if at is None:
            tallies[place][""] += reading.weight * (_LOST if reading.joined else _BLANK)
            continue
        i = seen[at]
        character = reading.reading.text[i]
        tallies[place][character] += reading.weight * reading.reading.confidences[i]
        firsts[place].append(character)
        for other, share in reading.reading.alternatives[i] if reading.reading.alternatives else ():
            tallies[place][other] += reading.weight * share
        if i > 0 and reading.reading.text[i - 1] == " ":
            spaces[place] += reading.weight


def _places(backbone: str, text: str) -> list[int | None]:
    """For each place of the backbone, the aligned place of `text`, or None."""
    places: list[int | None] = [None] * len(backbone)
    for step in Levenshtein.opcodes(backbone, text):
        if step.tag in ("equal", "replace"):
            for i, j in zip(range(step.src_start, step.src_end), range(step.dest_start, step.dest_end), strict=True):
                places[i] = j
    return places


def _shares(tally: defaultdict[str, float]) -> Votes:
    total = sum(tally.values())
    return {character: value / total for character, value in tally.items()} if total > 0 else {"": 1.0}
