"""Reading of the printed fields by every reader in every capture, and their fusion.

A field is certain when all of these hold; any other field is reported as read, but uncertain, and never accepts:

- its text has the document type's form;
- each character is the first choice of at least two readings and has a sufficient share of the votes;
- where two readers read the field, each character was seen by both: the captures of one reader share its mistakes;
- the readings agree on how many characters there are: one that some have and others lack is a disagreement. Where
  marks of ink can be counted, their number decides instead;
- a Chinese name, which one reader reads alone, is confirmed by the codes under it, where the document type has them.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from idproof.models.types import LineReader, LineReading, RGBImage
from idproof.pipeline.config import Policy
from idproof.pipeline.documents import DocumentType, FieldSpec
from idproof.pipeline.fields import capitals, grammar, ink_marks, same_print
from idproof.pipeline.fields.capitals import Letter
from idproof.pipeline.fields.chinese_name import resolve_name
from idproof.pipeline.fields.fuse import FusedReading, WeightedReading, fuse
from idproof.pipeline.types import FieldReading, Role

# Chosen by hand on rendered tuning cards; no outside source.
_PAD_MM = 0.3  # around a field's box
_MIN_REPORTED_SHARE = 0.05  # of the votes, from which an alternative is reported
_MIN_SIMILARITY, _MIN_LEAD = 0.85, 0.08  # to a printed text, and over the next text
# Shares of the readings' weight that agree on how many characters there are. Where the form allows one number only, one
# capture of three may lose or gain a character. Elsewhere only one capture of the reader with the lower weight may.
_MIN_PRESENCE_ONE_LENGTH, _MIN_PRESENCE = 2 / 3, 0.85

_FIELD_CHARACTERS = {
    "chinese": re.compile(r"[\u3400-\u9fff\U00020000-\U0003ffff]"),
    "digits": re.compile(r"\d"),
    "latin": re.compile(r"[A-Za-z]"),
    "symbols": re.compile(r"\S"),
}
_NAME, _CODES = "chinese_name", "chinese_codes"


@dataclass(frozen=True, slots=True)
class Readers:
    """Two independent readers.

    Attributes:
        every_script: reads all fields, with weight 1.
        latin: reads Latin letters and digits, with a lower weight.
        latin_weight: the weight of its votes; chosen by hand on rendered tuning cards.
    """

    every_script: LineReader
    latin: LineReader
    latin_weight: float = 0.5


class Asked(NamedTuple):
    """Captures, by their place, in which each reader reads a field."""

    every_script: frozenset[int]
    latin: frozenset[int]


def read(
    rectified: Mapping[Role, RGBImage],
    document: DocumentType,
    readers: Readers,
    policy: Policy,
    suffices: Callable[[dict[str, FieldReading]], bool] = lambda _: True,
) -> dict[str, FieldReading]:
    """Reads every field of the document type, by name.

    - First by both readers in the first capture, and further only what needs more (`_asked_first`).
    - A field that this leaves in doubt is read by every reader in every capture (`_doubted`).
    - One that is not certain even so is read once more with the colours of the card's print taken away, and all its
      readings vote.

    Args:
        rectified: canonical frames of the captures, the front first.
        document: the type.
        readers: of the lines.
        policy: the shares of votes that make a field certain.
        suffices: returns false where the fields speak against the card; all of them are in doubt then, so that no
            registration is refused by a first reading.
    """
    frames = list(rectified.values())
    asked, every = _asked_first(document, len(frames)), _asked_all(document, len(frames))
    readings = read_lines(frames, document, readers, asked)
    found = resolve_fields(readings, document, policy)
    while True:
        doubted = _doubted(found, readings, frames, document) if suffices(found) else every.keys()
        rest = {name: left for name in doubted if any(left := _without(every[name], asked[name]))}
        if not rest:
            break
        more = read_lines(frames, document, readers, rest)
        readings = {n: sorted([*lines, *more.get(n, ())], key=_by_reader) for n, lines in readings.items()}
        asked = asked | {name: every[name] for name in rest}
        found = resolve_fields(readings, document, policy)
    unclear = tuple(spec for spec in document.fields if not found[spec.name].certain)
    if not unclear:
        return found
    again = read_lines(frames, document, readers, {spec.name: every[spec.name] for spec in unclear}, _ink_alone)
    settled = resolve_fields({n: [*lines, *again.get(n, ())] for n, lines in readings.items()}, document, policy)
    for spec in unclear:
        if not _keeps_length(settled[spec.name].text, readings[spec.name], spec):
            settled[spec.name] = replace(settled[spec.name], certain=False)
    return settled


def _asked_all(document: DocumentType, captures: int) -> dict[str, Asked]:
    """Returns every reader in every capture for each field; one reader alone reads scripts that the other cannot."""
    every = frozenset(range(captures))
    return {spec.name: Asked(every, every if _is_latin(spec) else frozenset()) for spec in document.fields}


def _asked_first(document: DocumentType, captures: int) -> dict[str, Asked]:
    """Returns the captures that settle most fields.

    One capture is enough for a field that both readers read alike and whose form leaves no choice of its length, and
    for one of known texts. A name is read in all captures by the reader that is surer, because readers lose one of
    several upright strokes in a row; so is what one reader reads alone.
    """
    every, front = frozenset(range(captures)), frozenset({0})
    return {
        spec.name: Asked(
            front if spec.texts or (_is_latin(spec) and (spec.forms or spec.group)) else every,
            front if _is_latin(spec) else frozenset(),
        )
        for spec in document.fields
    }


def _is_latin(spec: FieldSpec) -> bool:
    return spec.script in ("latin", "digits")


def _without(asked: Asked, done: Asked) -> Asked:
    return Asked(asked.every_script - done.every_script, asked.latin - done.latin)


def _by_reader(reading: WeightedReading) -> tuple[float, int]:
    """Sorts readings as if all captures had been read at once: of readings that agree equally well the first counts."""
    return -reading.weight, reading.capture or 0


def _doubted(
    found: Mapping[str, FieldReading],
    readings: Mapping[str, Sequence[WeightedReading]],
    frames: Sequence[RGBImage],
    document: DocumentType,
) -> set[str]:
    """Returns the fields whose first reading does not settle them.

    It does when it is certain, its readings agree on the spaces, and a capture that was not read at all shows the same
    print: whoever edits a field in one capture only is found so.
    """
    doubted = set()
    for spec in document.fields:
        read_in = {reading.capture for reading in readings[spec.name]}
        spaces = {grammar.spaced_commas(reading.reading.text).count(" ") for reading in readings[spec.name]}
        if (
            not found[spec.name].certain
            or (spec.script == "latin" and not spec.forms and len(spaces) > 1)
            or (len(read_in) < len(frames) and not same_print.is_same([crop(f, spec, document) for f in frames]))
        ):
            doubted.add(spec.name)
    if _NAME in doubted:  # its codes decide about its characters
        doubted.add(_CODES)
    return doubted & found.keys()


def _keeps_length(text: str, readings: Sequence[WeightedReading], spec: FieldSpec) -> bool:
    """Returns whether the first readings that are of the form had as many characters as a text.

    Readers lose one of several upright strokes in a row, as in `Illya`, in most captures and however a line is
    prepared. So a second reading must not outvote one that saw another number of characters, unless what that one read
    is no text that the field can print. Codes confirm how many characters a Chinese name has.
    """
    if spec.name == _NAME or grammar.has_one_length(text, spec):
        return True
    formed = [w for w in readings if grammar.has_form(grammar.spaced_commas(w.reading.text), spec)]
    as_long = sum(w.weight for w in formed if len(w.joined) == len(text.replace(" ", "")))
    return as_long >= _MIN_PRESENCE * sum(w.weight for w in formed)


def _ink_alone(line: RGBImage) -> RGBImage:
    """Returns each pixel as grey as its lightest colour: black ink stays, coloured lines of the print fade."""
    return np.repeat(line.max(axis=2, keepdims=True), 3, axis=2)


def _as_captured(line: RGBImage) -> RGBImage:
    return line


def resolve_fields(
    readings: Mapping[str, Sequence[WeightedReading]], document: DocumentType, policy: Policy
) -> dict[str, FieldReading]:
    """Returns one reading per field; the Chinese name is resolved with the help of its codes, and needs them."""
    fused = {spec.name: fuse(readings[spec.name]) for spec in document.fields}
    resolved = {spec.name: resolve_field(fused[spec.name], spec, policy) for spec in document.fields}
    if _NAME in resolved and _CODES in resolved:
        name, codes = resolved[_NAME], resolved[_CODES]
        if not codes.certain:
            resolved[_NAME] = replace(name, certain=False)
        elif codes.text:
            resolved[_NAME] = resolve_name(fused[_NAME], name, codes.text, document.field(_NAME))
    return resolved


def read_lines(
    frames: Sequence[RGBImage],
    document: DocumentType,
    readers: Readers,
    asked: Mapping[str, Asked] | None = None,
    prepare: Callable[[RGBImage], RGBImage] = _as_captured,
) -> dict[str, list[WeightedReading]]:
    """Returns all readings of the fields, by default of all in every capture; each reader is called once.

    Args:
        frames: canonical frames of the captures.
        document: the type.
        readers: of the lines.
        asked: captures in which each reader reads a field, by the field's name.
        prepare: changes a line before it is read; returns a line of the same size.
    """
    asked = _asked_all(document, len(frames)) if asked is None else asked
    readings: dict[str, list[WeightedReading]] = {name: [] for name in asked}
    fields = [spec for spec in document.fields if spec.name in asked]
    for reader, weight, captures in (
        (readers.every_script, 1.0, {name: chosen.every_script for name, chosen in asked.items()}),
        (readers.latin, readers.latin_weight, {name: chosen.latin for name, chosen in asked.items()}),
    ):
        places = [(n, spec) for n in range(len(frames)) for spec in fields if n in captures[spec.name]]
        lines = [prepare(crop(frames[capture], spec, document)) for capture, spec in places]
        if not lines:
            continue
        for (capture, spec), reading in zip(places, reader.read(lines), strict=True):
            found = WeightedReading(normalise(reading, spec), weight, reader.name, capture=capture)
            readings[spec.name].append(found)
    for spec in fields:
        if spec.script == "symbols":
            readings[spec.name] = _with_marks(readings[spec.name], [crop(frame, spec, document) for frame in frames])
    return readings


def _with_marks(readings: Sequence[WeightedReading], lines: Sequence[RGBImage]) -> list[WeightedReading]:
    """Returns the readings of a line of symbols, and the same again with the stars that were counted."""
    counted = [ink_marks.count_marks(line) for line in lines]
    with_counts = [replace(reading, marks=found.count) for reading, found in zip(readings, counted, strict=True)]
    return with_counts + [
        replace(reading, reading=ink_marks.restore_stars(reading.reading, found), reader=ink_marks.NAME)
        for reading, found in zip(readings, counted, strict=True)
    ]


def crop(image: RGBImage, spec: FieldSpec, document: DocumentType) -> RGBImage:
    """Returns the field's line of text out of a canonical frame, as a view."""
    left, top, right, bottom = spec.box.pixels(document.px_per_mm, pad_mm=_PAD_MM)
    return image[top:bottom, left:right]


def normalise(reading: LineReading, spec: FieldSpec) -> LineReading:
    """Returns the reading with one character for the same ink, so that readings can be compared.

    In an optional field, a reading without any character that the field can hold counts as blank paper: readers make
    letters of the card's pattern.
    """
    if not spec.required and not _FIELD_CHARACTERS[spec.script].search(reading.text):
        return LineReading("", ())
    upper = bool(spec.forms) or spec.script == "symbols"

    def unify(character: str) -> str:
        written = grammar.unify(character.upper() if upper else character)
        return written if len(written) == 1 else character

    text = "".join(map(unify, reading.text))
    if spec.script != "latin" or spec.forms:
        twice = grammar.read_twice(text) if spec.forms else frozenset()
        return _written(reading, [(i, unify) for i in range(len(text)) if i not in twice])
    write = {
        Letter.CAPITAL: lambda character: capitals.as_capital(unify(character)),
        Letter.SMALL: lambda character: unify(character).lower(),
    }
    letters = capitals.letters(text, spec.pattern)
    return _written(
        reading,
        [(i, write.get(letter, unify)) for i, letter in enumerate(letters) if letter is not Letter.REPEATED],
    )


def _written(reading: LineReading, kept: Sequence[tuple[int, Callable[[str], str]]]) -> LineReading:
    """Returns a reading's characters at some places, each written by a function."""
    return LineReading(
        text="".join(write(reading.text[i]) for i, write in kept),
        confidences=tuple(reading.confidences[i] for i, _ in kept),
        alternatives=tuple(
            tuple((write(character), share) for character, share in reading.alternatives[i]) for i, write in kept
        )
        if reading.alternatives
        else (),
    )


def resolve_field(fused: FusedReading, spec: FieldSpec, policy: Policy) -> FieldReading:
    """Returns the one reading of a field, and whether it is certain."""
    if not fused.votes:
        blank = not spec.required and fused.dissent < policy.field_share
        return FieldReading(text="", confidence=round(1.0 - fused.dissent, 4) if blank else 0.0, certain=blank)
    if spec.texts:
        return _most_similar_text(fused, spec)
    text, corrections, share = grammar.correct(fused, spec)
    printed = grammar.printed(text, fused, spec)
    return FieldReading(
        text=printed,
        confidence=round(share, 4),
        certain=(
            grammar.has_form(printed, spec)
            and share >= policy.field_share
            and min(fused.supporters) >= policy.field_supporters
            and _is_seen_by_all(text, printed, fused, spec)
        ),
        corrections=corrections,
        alternatives=tuple(
            (i, character, round(votes, 4))
            for i, shares in enumerate(fused.votes)
            for character, votes in shares.items()
            if character != text[i] and votes >= _MIN_REPORTED_SHARE
        ),
    )


def _is_seen_by_all(text: str, printed: str, fused: FusedReading, spec: FieldSpec) -> bool:
    """Returns whether independent evidence agrees on every character, and on how many there are."""
    if spec.script == "symbols":  # one reader, and the marks of ink that were counted
        return fused.marks <= len(fused.votes)
    readers = len(fused.readers)
    return (
        fused.presence >= (_MIN_PRESENCE_ONE_LENGTH if grammar.has_one_length(printed, spec) else _MIN_PRESENCE)
        and fused.presence_readers >= readers
        and grammar.engines_behind(text, fused, spec) >= readers
    )


def _most_similar_text(fused: FusedReading, spec: FieldSpec) -> FieldReading:
    """Returns the printed text most similar to the reading; certain when it is similar enough and has a clear lead."""
    ranked = sorted(((grammar.similarity(fused.text, text), text) for text in spec.texts), reverse=True)
    similarity, text = ranked[0]
    runner_up = ranked[1][0] if len(ranked) > 1 else 0.0
    return FieldReading(
        text=text,
        confidence=round(similarity, 4),
        certain=similarity >= _MIN_SIMILARITY and similarity - runner_up >= _MIN_LEAD,
    )
