"""Fusion of several readings of one line into one, by a vote per character.

Readings come from several captures and from independent readers. They are aligned to the reading that agrees best with
the others (the weighted medoid under edit distance), and each position is decided by vote. A reader's alternatives vote
as well, with the weight that it gives them. Spaces do not count as characters, because readers lose them; they are
decided separately.

A character that one reading has and another lacks is a disagreement about the length of the text, which no vote for
single characters shows. `FusedReading.presence` measures it.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

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
        capture: place of the capture that it was read in; a reader that reads one capture twice supports a character
            once. None: a capture of its own.
    """

    reading: LineReading
    weight: float = 1.0
    reader: str = ""
    marks: int = 0
    capture: int | None = None

    @property
    def joined(self) -> str:
        """The text without its spaces."""
        return self.reading.text.replace(" ", "")


class FirstChoice(NamedTuple):
    """The character that one reading has at one position.

    Attributes:
        reader: name of the engine.
        source: the same for all readings of one capture by one reader.
        character: it.
    """

    reader: str
    source: int
    character: str


@dataclass(frozen=True, slots=True, repr=False)
class FusedReading:
    """Result of the vote.

    Attributes:
        votes: for each position, the shares of the votes.
        supporters: for each position, the number of captures whose first choice is the winner, summed over the readers.
        spaces: positions that have a space before them.
        dissent: highest confidence of a reading with text where the vote says blank paper, 0..1.
        marks: largest number of marks of ink on one capture's line.
        firsts: for each position, the first choices of the readings that have a character there.
        readers: names of the readers that were asked, whatever they read.
        presence: smallest share of the readings' weight, 0..1, that agrees with the result about whether there is a
            character: at any of its positions, and between them, where a reading has a character that the result lacks.
        presence_readers: smallest number of readers with a reading that agrees so.
    """

    votes: tuple[Votes, ...]
    supporters: tuple[int, ...]
    spaces: frozenset[int]
    dissent: float = 0.0
    marks: int = 0
    firsts: tuple[tuple[FirstChoice, ...], ...] = ()
    readers: frozenset[str] = frozenset()
    presence: float = 1.0
    presence_readers: int = 0

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
    firsts: list[list[FirstChoice]] = [[] for _ in backbone]
    alignments = [_align(backbone, reading.joined) for reading in readings]
    for reading, aligned, source in zip(readings, alignments, _sources(readings), strict=True):
        _vote(reading, aligned, source, tallies, firsts)
    spaces = _space_votes(readings, alignments)
    votes = tuple(_shares(tally) for tally in tallies)
    winners = [max(shares, key=shares.__getitem__) for shares in votes]
    printed = [i for i, winner in enumerate(winners) if winner]
    presence, presence_readers = _presence(readings, alignments, frozenset(printed))
    return FusedReading(
        votes=tuple(votes[i] for i in printed),
        supporters=tuple(len({f.source for f in firsts[i] if f.character == winners[i]}) for i in printed),
        spaces=frozenset(n for n, i in enumerate(printed) if n > 0 and spaces[i] >= _MIN_SPACE_VOTES),
        dissent=0.0 if printed else max((w.reading.confidence for w in readings), default=0.0),
        marks=max((w.marks for w in readings), default=0),
        firsts=tuple(tuple(firsts[i]) for i in printed),
        readers=frozenset(w.reader for w in readings),
        presence=presence,
        presence_readers=presence_readers,
    )


def _medoid(readings: Sequence[WeightedReading]) -> str:
    def distance(candidate: WeightedReading) -> tuple[float, int, float]:
        apart = sum(w.weight * Levenshtein.distance(candidate.joined, w.joined) for w in readings)
        # Of equals the longer: a vote can remove a position, but cannot add one.
        return apart, -len(candidate.joined), -candidate.weight * (candidate.reading.confidence or _BLANK_CONFIDENCE)

    return min(readings, key=distance).joined if readings else ""


@dataclass(frozen=True, slots=True)
class _Alignment:
    """One reading beside the backbone.

    Attributes:
        positions: for each position of the backbone the place of the reading's character, or None.
        inserted: positions of the backbone before which the reading has further characters.
    """

    positions: tuple[int | None, ...]
    inserted: frozenset[int]


def _vote(
    reading: WeightedReading,
    aligned: _Alignment,
    source: int,
    tallies: list[defaultdict[str, float]],
    firsts: list[list[FirstChoice]],
) -> None:
    seen = [i for i, character in enumerate(reading.reading.text) if character != " "]
    for position, at in enumerate(aligned.positions):
        if at is None:
            tallies[position][""] += reading.weight * (_MISSING_CONFIDENCE if reading.joined else _BLANK_CONFIDENCE)
            continue
        i = seen[at]
        character = reading.reading.text[i]
        tallies[position][character] += reading.weight * reading.reading.confidences[i]
        firsts[position].append(FirstChoice(reading.reader, source, character))
        for other, share in reading.reading.alternatives[i] if reading.reading.alternatives else ():
            tallies[position][other] += reading.weight * share


def _sources(readings: Sequence[WeightedReading]) -> list[int]:
    """Returns a number for each reading: that of the first reading of the same capture by the same reader."""
    known: dict[tuple[str, int], int] = {}
    return [
        i if reading.capture is None else known.setdefault((reading.reader, reading.capture), i)
        for i, reading in enumerate(readings)
    ]


def _space_votes(readings: Sequence[WeightedReading], alignments: Sequence[_Alignment]) -> defaultdict[int, float]:
    """Returns the votes for a space before each position of the backbone.

    Where a reading lost characters beside a space, the space may stand on either side of them; the readings that lost
    none there decide.
    """
    votes: defaultdict[int, float] = defaultdict(float)
    unclear: list[tuple[float, range]] = []
    for reading, aligned in zip(readings, alignments, strict=True):
        spaced = _spaced(reading.reading.text)
        for position, at in enumerate(aligned.positions):
            if at is None or at not in spaced:
                continue
            first = _first_after_space(aligned, position)
            if first == position:
                votes[position] += reading.weight
            else:
                unclear.append((reading.weight, range(first, position + 1)))
    clear = dict(votes)
    for weight, places in unclear:
        votes[max(places, key=lambda place: clear.get(place, 0.0))] += weight
    return votes


def _spaced(text: str) -> frozenset[int]:
    """Returns the places, among the characters of a text that are no spaces, that follow a space."""
    seen = [i for i, character in enumerate(text) if character != " "]
    return frozenset(n for n, i in enumerate(seen) if i > 0 and text[i - 1] == " ")


def _first_after_space(aligned: _Alignment, position: int) -> int:
    """Returns the first position before which a space may stand that a reading has before its character here."""
    while position > 0 and aligned.positions[position - 1] is None and position not in aligned.inserted:
        position -= 1
    return position


def _align(backbone: str, text: str) -> _Alignment:
    positions: list[int | None] = [None] * len(backbone)
    inserted: set[int] = set()
    for step in Levenshtein.opcodes(backbone, text):
        if step.tag in ("equal", "replace"):
            for i, j in zip(range(step.src_start, step.src_end), range(step.dest_start, step.dest_end), strict=True):
                positions[i] = j
        elif step.tag == "insert":
            inserted.add(step.src_start)
    return _Alignment(tuple(positions), frozenset(inserted))


def _presence(
    readings: Sequence[WeightedReading], alignments: Sequence[_Alignment], printed: frozenset[int]
) -> tuple[float, int]:
    """Returns `FusedReading.presence` and `FusedReading.presence_readers`."""
    total = sum(w.weight for w in readings)
    length = len(alignments[0].positions) if alignments else 0
    gaps = sorted(frozenset().union(*(aligned.inserted for aligned in alignments)))
    agreeing = [
        *([(a.positions[i] is not None) == (i in printed) for a in alignments] for i in range(length)),
        *([gap not in a.inserted for a in alignments] for gap in gaps),
    ]
    if not agreeing or total <= 0:
        return 1.0, len({w.reader for w in readings})
    shares = [
        sum(w.weight for w, agrees in zip(readings, column, strict=True) if agrees) / total for column in agreeing
    ]
    supporting = [len({w.reader for w, agrees in zip(readings, column, strict=True) if agrees}) for column in agreeing]
    return min(shares), min(supporting)


def _shares(tally: defaultdict[str, float]) -> Votes:
    total = sum(tally.values())
    return {character: value / total for character, value in tally.items()} if total > 0 else {"": 1.0}
