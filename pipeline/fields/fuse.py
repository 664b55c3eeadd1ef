"""Fusion of several readings of one line into one, by a vote per character.

Readings come from several captures and from independent readers. They are aligned to the reading that agrees best with
the others (the weighted medoid under edit distance), and each position is decided by vote. A reader's alternatives vote
as well, with the weight that it gives them. Spaces do not count as characters, because readers lose them; they are
decided separately.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from rapidfuzz.distance import Levenshtein

from idproof.models.types import LineReading

# Chosen by hand on rendered tuning cards; no outside source.
_MISSING_CONFIDENCE = 0.5  # of the vote for no character, by a reading that has none at a position
_BLANK_CONFIDENCE = 0.8  # of the same vote by a blank reading, for which readers give no confidence
_MIN_SPACE_VOTES = 1.0  # a space needs the vote of one reader with full weight, or of two with half weight

Votes = dict[str, float]
"""Character, or "" for none, to its share of the votes at one position; the shares sum to 1."""


@dataclass(frozen=True, slots=True)
class WeightedReading:
    """One reading and its weight.

    Attributes:
        reading: the text with its confidences.
        weight: of its votes.
        reader: name of the engine.
        marks: number of marks of ink on its line; 0 where none were counted.
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
    """Result of the vote.

    Attributes:
        votes: for each position, the shares of the votes.
        supporters: for each position, the number of readings whose first choice is the winner.
        spaces: positions that have a space before them.
        dissent: highest confidence of a reading with text where the vote says blank paper, 0..1.
        marks: largest number of marks of ink on one capture's line.
    """

    votes: tuple[Votes, ...]
    supporters: tuple[int, ...]
    spaces: frozenset[int]
    dissent: float = 0.0
    marks: int = 0

    def __repr__(self) -> str:
        """Describes the reading without its text, so that field values stay out of logs."""
        return f"FusedReading(<{len(self.votes)} positions>)"

    @property
    def text(self) -> str:
        """The winner of each position, without spaces."""
        return "".join(max(votes, key=votes.__getitem__) for votes in self.votes)

    def spaced(self, text: str) -> str:
        """Returns `text`, which is as long as `votes`, with its spaces."""
        return "".join(f" {c}" if i in self.spaces else c for i, c in enumerate(text))


def fuse(readings: Sequence[WeightedReading]) -> FusedReading:
    """Decides each position by vote; without readings, or when blank wins, there are no positions.

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
    winners = [max(shares, key=shares.__getitem__) for shares in votes]
    printed = [i for i, winner in enumerate(winners) if winner]
    return FusedReading(
        votes=tuple(votes[i] for i in printed),
        supporters=tuple(firsts[i].count(winners[i]) for i in printed),
        spaces=frozenset(n for n, i in enumerate(printed) if n > 0 and spaces[i] >= _MIN_SPACE_VOTES),
        dissent=0.0 if printed else max((w.reading.confidence for w in readings), default=0.0),
        marks=max((w.marks for w in readings), default=0),
    )


def _medoid(readings: Sequence[WeightedReading]) -> str:
    def distance(candidate: WeightedReading) -> tuple[float, int, float]:
        apart = sum(w.weight * Levenshtein.distance(candidate.joined, w.joined) for w in readings)
        # Of equals the longer: a vote can remove a position, but cannot add one.
        return apart, -len(candidate.joined), -candidate.weight * (candidate.reading.confidence or _BLANK_CONFIDENCE)

    return min(readings, key=distance).joined if readings else ""


def _vote(
    reading: WeightedReading,
    backbone: str,
    tallies: list[defaultdict[str, float]],
    firsts: list[list[str]],
    spaces: defaultdict[int, float],
) -> None:
    positions = _align(backbone, reading.joined)
    seen = [i for i, character in enumerate(reading.reading.text) if character != " "]
    for position, at in enumerate(positions):
        if at is None:
            tallies[position][""] += reading.weight * (_MISSING_CONFIDENCE if reading.joined else _BLANK_CONFIDENCE)
            continue
        i = seen[at]
        character = reading.reading.text[i]
        tallies[position][character] += reading.weight * reading.reading.confidences[i]
        firsts[position].append(character)
        for other, share in reading.reading.alternatives[i] if reading.reading.alternatives else ():
            tallies[position][other] += reading.weight * share
        if i > 0 and reading.reading.text[i - 1] == " ":
            spaces[position] += reading.weight


def _align(backbone: str, text: str) -> list[int | None]:
    """Returns for each position of the backbone the aligned position of `text`, or None."""
    positions: list[int | None] = [None] * len(backbone)
    for step in Levenshtein.opcodes(backbone, text):
        if step.tag in ("equal", "replace"):
            for i, j in zip(range(step.src_start, step.src_end), range(step.dest_start, step.dest_end), strict=True):
                positions[i] = j
    return positions


def _shares(tally: defaultdict[str, float]) -> Votes:
    total = sum(tally.values())
    return {character: value / total for character, value in tally.items()} if total > 0 else {"": 1.0}
