"""The printed fields, read by every reader in every capture, and settled.

A field is certain when its text has the document type's form, at least two readings saw each of its characters
first, none of them had to be taken with a small share of the votes, and no mark of ink was left without a character
where marks can be counted. Anything else is reported as read, but uncertain, and never accepts.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from idproof.models.types import LineReader, LineReading, RGBImage
from idproof.pipeline.config import Policy
from idproof.pipeline.documents import DocumentType, FieldSpec
from idproof.pipeline.fields import grammar, ink_marks
from idproof.pipeline.fields.chinese_name import resolve_name
from idproof.pipeline.fields.fuse import FusedReading, WeightedReading, fuse
from idproof.pipeline.types import FieldReading, Role

_PAD_MM = 0.3
_WORTH_TELLING = 0.05
_HOLDS = {
    "chinese": re.compile(r"[\u3400-\u9fff\U00020000-\U0003ffff]"),
    "digits": re.compile(r"\d"),
    "latin": re.compile(r"[A-Za-z]"),
    "symbols": re.compile(r"\S"),
}
_LIKE, _CLEARLY = 0.85, 0.08
_NAME, _CODES = "chinese_name", "chinese_codes"


@dataclass(frozen=True, slots=True)
class Readers:
    """Two readers that know nothing of each other.

    Attributes:
        every_script: reads all fields.
        latin: reads Latin letters and digits; its word counts less where the first one's does.
        latin_weight: how much.
    """

    every_script: LineReader
    latin: LineReader
    latin_weight: float = 0.5


def read(
    rectified: Mapping[Role, RGBImage], document: DocumentType, readers: Readers, policy: Policy
) -> dict[str, FieldReading]:
    """Every field of the document type, by name; `rectified` holds the canonical frames of the captures."""
    return resolve_fields(read_lines(list(rectified.values()), document, readers), document, policy)


def resolve_fields(
    heard: Mapping[str, Sequence[WeightedReading]], document: DocumentType, policy: Policy
) -> dict[str, FieldReading]:
    """One reading of each field from what was heard of it; the Chinese name with the help of its codes."""
    fused = {spec.name: fuse(heard[spec.name]) for spec in document.fields}
    settled = {spec.name: resolve_field(fused[spec.name], spec, policy) for spec in document.fields}
    if _NAME in settled and _CODES in settled and settled[_CODES].certain:
        settled[_NAME] = resolve_name(fused[_NAME], settled[_NAME], settled[_CODES].text, document.field(_NAME))
    return settled


def read_lines(
    frames: Sequence[RGBImage], document: DocumentType, readers: Readers
) -> dict[str, list[WeightedReading]]:
    """Every reading of every field; each reader is called once."""
    heard: dict[str, list[WeightedReading]] = {spec.name: [] for spec in document.fields}
    latin = [spec for spec in document.fields if spec.script in ("latin", "digits")]
    for reader, weight, specs in (
        (readers.every_script, 1.0, document.fields),
        (readers.latin, readers.latin_weight, latin),
    ):
        asked = [(spec, crop(frame, spec, document)) for frame in frames for spec in specs]
        for (spec, _), reading in zip(asked, reader.read([line for _, line in asked]), strict=True):
            heard[spec.name].append(WeightedReading(normalise(reading, spec), weight, reader.name))
    for spec in document.fields:
        if spec.script == "symbols":
            heard[spec.name] = _with_marks(heard[spec.name], [crop(frame, spec, document) for frame in frames])
    return heard


def _with_marks(heard: Sequence[WeightedReading], lines: Sequence[RGBImage]) -> list[WeightedReading]:
    """The readings of a line of symbols, and the same with the stars that were counted: a second look at the stars."""
    counted = [ink_marks.count_marks(line) for line in lines]
    told = [replace(witness, marks=found.count) for witness, found in zip(heard, counted, strict=True)]
    return told + [
        replace(witness, reading=ink_marks.restore_stars(witness.reading, found), reader=ink_marks.NAME)
        for witness, found in zip(heard, counted, strict=True)
    ]


def crop(image: RGBImage, spec: FieldSpec, document: DocumentType) -> RGBImage:
    """The field's line of text out of a canonical frame, a view."""
    left, top, right, bottom = spec.box.pixels(document.px_per_mm, pad_mm=_PAD_MM)
    return image[top:bottom, left:right]


def normalise(reading: LineReading, spec: FieldSpec) -> LineReading:
    """One way of writing the same ink, character by character, so that readings can be compared.

    Where a field may be blank, a reading without one character that the field can hold is blank paper: readers make
    a letter of the card's pattern.
    """
    if not spec.required and not _HOLDS[spec.script].search(reading.text):
        return LineReading("", ())
    upper = bool(spec.forms) or spec.script == "symbols"

    def one(character: str) -> str:
        written = grammar.plain(character.upper() if upper else character)
        return written if len(written) == 1 else character

    text = "".join(map(one, reading.text))
    capitals = grammar.upright_in_capitals(text) if spec.script == "latin" and not spec.forms else (False,) * len(text)

    def at(place: int, character: str) -> str:
        return grammar.as_capital(one(character)) if capitals[place] else one(character)

    return replace(
        reading,
        text="".join(at(i, c) for i, c in enumerate(text)),
        alternatives=tuple(
            tuple((at(i, c), share) for c, share in place) for i, place in enumerate(reading.alternatives)
        ),
    )


def resolve_field(fused: FusedReading, spec: FieldSpec, policy: Policy) -> FieldReading:
    """One reading of one field."""
    if not fused.votes:
        blank = not spec.required and fused.dissent < policy.field_share
        return FieldReading(text="", confidence=round(1.0 - fused.dissent, 4) if blank else 0.0, certain=blank)
    if spec.texts:
        return _one_of(fused, spec)
    text, corrections, share = grammar.correct(fused, spec)
    printed = grammar.printed(text, fused, spec)
    return FieldReading(
        text=printed,
        confidence=round(share, 4),
        certain=(
            grammar.has_form(printed, spec)
            and share >= policy.field_share
            and min(fused.supporters) >= policy.field_supporters
            and fused.marks <= len(fused.votes)
        ),
        corrections=corrections,
        alternatives=tuple(
            (i, character, round(votes, 4))
            for i, place in enumerate(fused.votes)
            for character, votes in place.items()
            if character != text[i] and votes >= _WORTH_TELLING
        ),
    )


def _one_of(fused: FusedReading, spec: FieldSpec) -> FieldReading:
    """The printed text most like what was read; certain when it is much like it, and clearly more than others are."""
    ranked = sorted(((grammar.likeness(fused.text, text), text) for text in spec.texts), reverse=True)
    likeness, text = ranked[0]
    runner_up = ranked[1][0] if len(ranked) > 1 else 0.0
    return FieldReading(
        text=text,
        confidence=round(likeness, 4),
        certain=likeness >= _LIKE and likeness - runner_up >= _CLEARLY,
    )
