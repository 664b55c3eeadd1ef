"""Document type files, checked when they are read.

Lengths are millimetres from the card's upper left corner, x to the right, y down; the card is ISO/IEC 7810 ID-1.
A file and the picture that it names are in one folder, so an operator's own type is a path, not code.
"""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import fields as members
from datetime import date
from pathlib import Path
from typing import Any, Self

from idproof.pipeline.documents import character_sets
from idproof.pipeline.documents.date_format import DateFormat
from idproof.pipeline.errors import DocumentTypeInvalid

_LATEST_UTC_OFFSET_H = 14.0
"""Hours. Of the clocks of Kiritimati, the earliest to begin a day (IANA time zone database, Pacific/Kiritimati)."""

_SOME_DAY = date(2019, 11, 23)
SCRIPTS = ("latin", "digits", "chinese", "symbols")
_NEEDED_BY_KIND: Mapping[str, str | None] = {"diffractive": "zones", "second_portrait": "picture", "window": None}
"""Kinds of regions, each with the key without which its check cannot be made."""


@dataclass(frozen=True, slots=True)
class Box:
    """An upright rectangle on the card, in millimetres."""

    x: float
    y: float
    width: float
    height: float

    def __post_init__(self) -> None:
        if self.width <= 0 or self.height <= 0:
            raise ValueError("a box needs a positive width and height")

    def pixels(self, px_per_mm: float, *, pad_mm: float = 0.0) -> tuple[int, int, int, int]:
        """Convert to whole pixels (left, top, right, bottom), grown by `pad_mm` per side, left and top at least 0."""
        left, top = max(0.0, self.x - pad_mm), max(0.0, self.y - pad_mm)
        right, bottom = self.x + self.width + pad_mm, self.y + self.height + pad_mm
        return (
            round(left * px_per_mm),
            round(top * px_per_mm),
            round(right * px_per_mm),
            round(bottom * px_per_mm),
        )


@dataclass(frozen=True, slots=True)
class FieldSpec:
    """One printed field.

    Attributes:
        name: the field's key in a verdict.
        box: of one line of its text.
        script: `latin`, `digits`, `chinese` or `symbols`. Readers of Latin text do not read `chinese` (which may hold
            Latin letters, too), nor `symbols` (capitals, digits and stars), for which they were not made.
        pattern: regular expression (Python `re`, full match) of the printed form.
        required: whether a genuine card always carries it.
        group: characters printed together between spaces, such as 4 for commercial codes; 0 for no such rule.
        forms: patterns of the text without spaces: `A` for a letter, `9` for a digit, `C` for a check digit (0-9 or A),
            anything else for itself; empty when it has no fixed form.
        texts: the complete list of texts that are printed here; empty when there are many.
        repertoire: name of the character set that its issuer prints from: `hkscs-2016`, or a codec of Python; empty
            when any character may be printed.
        letters_mm: height of the digits of a field of digits, as issued; 0 where it is unknown, or where a long text is
            printed smaller.
        date: printed form of the date that the field holds, or None where it holds none.
    """

    name: str
    box: Box
    script: str
    pattern: str
    required: bool
    group: int = 0
    forms: tuple[str, ...] = ()
    texts: tuple[str, ...] = ()
    repertoire: str = ""
    letters_mm: float = 0.0
    date: DateFormat | None = None

    def __post_init__(self) -> None:
        if self.letters_mm < 0:
            raise ValueError("letters cannot have a negative height")
        if self.date is not None and not re.fullmatch(self.pattern, self.date.print(_SOME_DAY)):
            raise ValueError(f"the pattern of {self.name} does not fit dates of the form {self.date.form}")
        if self.repertoire and not character_sets.is_known(self.repertoire):
            raise ValueError(f"{self.repertoire} is no character set")

    def prints(self, character: str) -> bool:
        """True if the issuer's character set contains the character."""
        return character_sets.contains(self.repertoire or "utf-8", character)


@dataclass(frozen=True, slots=True)
class Region:
    """A region whose appearance changes with the angle of view (an optically variable device, OVD).

    Attributes:
        name: within the type.
        box: on the card.
        kind: `diffractive`, `second_portrait` or `window`.
        zones: of a diffractive region: a grey picture of the box in canonical pixels, 0 where nothing diffracts, else
            the number of a zone; zones with one number are made alike and must respond to light alike.
        picture: of a second portrait: the box of the portrait in it, seen at a right angle.
        slide_mm_per_deg: of a second portrait: millimetres by which that picture moves to the right per degree that
            the card's left edge is turned towards the viewer.
    """

    name: str
    box: Box
    kind: str
    zones: Path | None = None
    picture: Box | None = None
    slide_mm_per_deg: float = 0.0

    def __post_init__(self) -> None:
        if self.kind not in _NEEDED_BY_KIND:
            raise ValueError(f"the region {self.name} is of an unknown kind, {self.kind}")
        needed = _NEEDED_BY_KIND[self.kind]
        if needed is not None and getattr(self, needed) is None:
            raise ValueError(f"the region {self.name} lacks {needed}, without which it is not checked")

    @classmethod
    def from_table(cls, name: str, table: dict[str, Any], folder: Path) -> Self:
        """Build from its table of the TOML file."""
        _refuse_unknown_keys(table, {member.name for member in members(cls)} - {"name"}, f"the region {name}")
        return cls(
            name=name,
            box=Box(*table["box"]),
            kind=table["kind"],
            zones=folder / table["zones"] if "zones" in table else None,
            picture=Box(*table["picture"]) if "picture" in table else None,
            slide_mm_per_deg=float(table.get("slide_mm_per_deg", 0.0)),
        )


@dataclass(frozen=True, slots=True)
class DocumentType:
    """A kind of card.

    Attributes:
        name: such as `hkid-2018`.
        width_mm, height_mm, corner_radius_mm: the blank card.
        issued_from: date before which no genuine card of this type was issued.
        px_per_mm: resolution of the canonical frame and of the template picture.
        template: picture of the static print only, grey, (height, width) = the canonical frame's.
        fields: the printed fields in reading order.
        portrait: the main portrait.
        ghost: the second, small portrait, or None.
        regions: optically variable regions.
        checks: names of the checks (`idproof.pipeline.fields.checks`) that its fields must pass.
        card_checks: names of the checks of the card itself that are made; None for every one that can be made.
        calibration: file of the values of bona fide cards of this type, from which the limits of those checks follow;
            None for the policy's.
        utc_offset_h: hours by which the issuer's clocks are ahead of UTC, in summer if they change. The issuer's today
            counts where a date must not be in the future. By default the greatest of any clocks, so that no card of
            today is refused.
        issuer_country: of the issuer, three letters of ISO 3166-1; None if it is not stated.
    """

    name: str
    width_mm: float
    height_mm: float
    corner_radius_mm: float
    issued_from: date
    px_per_mm: float
    template: Path
    fields: tuple[FieldSpec, ...]
    portrait: Box
    ghost: Box | None
    regions: tuple[Region, ...]
    checks: tuple[str, ...] = ()
    card_checks: tuple[str, ...] | None = None
    calibration: Path | None = None
    utc_offset_h: float = _LATEST_UTC_OFFSET_H
    issuer_country: str | None = None

    @property
    def size_px(self) -> tuple[int, int]:
        """(width, height) of the canonical frame in pixels."""
        return round(self.width_mm * self.px_per_mm), round(self.height_mm * self.px_per_mm)

    def field(self, name: str) -> FieldSpec:
        """Return the field of this name; raises KeyError."""
        for spec in self.fields:
            if spec.name == name:
                return spec
        raise KeyError(name)

    def __post_init__(self) -> None:
        card = [*(spec.box for spec in self.fields), self.portrait, *(region.box for region in self.regions)]
        for box in [*card, *([self.ghost] if self.ghost else [])]:
            if box.x < 0 or box.y < 0 or box.x + box.width > self.width_mm or box.y + box.height > self.height_mm:
                raise ValueError("a box reaches over the card's edge")
        if self.card_checks is not None and not self.card_checks:
            raise ValueError("card_checks is left out for all of them, or names at least one")
        if not -_LATEST_UTC_OFFSET_H <= self.utc_offset_h <= _LATEST_UTC_OFFSET_H:
            raise ValueError("utc_offset_h is between -14 and 14 hours")
        if self.issuer_country is not None and not re.fullmatch("[A-Z]{3}", self.issuer_country):
            raise ValueError("issuer_country is three capital letters (ISO 3166-1)")
        if len({spec.name for spec in self.fields}) != len(self.fields):
            raise ValueError("two fields have one name")
        if any(spec.script not in SCRIPTS for spec in self.fields):
            raise ValueError(f"a field's script is one of {', '.join(SCRIPTS)}")

    @classmethod
    def from_table(cls, table: dict[str, Any], folder: Path) -> Self:
        """Build from the parsed TOML; raises KeyError, TypeError or ValueError when it contradicts itself."""
        _refuse_unknown_keys(table, {member.name for member in members(cls)}, "the type")
        of_fields = {member.name for member in members(FieldSpec)} - {"name"} | {"century"}
        for name, spec in table["fields"].items():
            _refuse_unknown_keys(spec, of_fields, f"the field {name}")
        return cls(
            name=table["name"],
            width_mm=float(table["width_mm"]),
            height_mm=float(table["height_mm"]),
            corner_radius_mm=float(table["corner_radius_mm"]),
            issued_from=table["issued_from"],
            px_per_mm=float(table["px_per_mm"]),
            template=folder / table["template"],
            fields=tuple(
                FieldSpec(
                    name=name,
                    box=Box(*spec["box"]),
                    script=spec["script"],
                    pattern=spec["pattern"],
                    required=spec.get("required", True),
                    group=spec.get("group", 0),
                    forms=tuple(spec.get("forms", ())),
                    texts=tuple(spec.get("texts", ())),
                    repertoire=spec.get("repertoire", ""),
                    letters_mm=float(spec.get("letters_mm", 0.0)),
                    date=DateFormat(spec["date"], spec.get("century", 0)) if "date" in spec else None,
                )
                for name, spec in table["fields"].items()
            ),
            portrait=Box(*table["portrait"]),
            ghost=Box(*table["ghost"]) if "ghost" in table else None,
            regions=tuple(Region.from_table(name, spec, folder) for name, spec in table.get("regions", {}).items()),
            checks=tuple(table.get("checks", ())),
            card_checks=tuple(table["card_checks"]) if "card_checks" in table else None,
            calibration=folder / table["calibration"] if "calibration" in table else None,
            utc_offset_h=float(table.get("utc_offset_h", _LATEST_UTC_OFFSET_H)),
            issuer_country=table.get("issuer_country"),
        )


def _refuse_unknown_keys(table: Mapping[str, Any], known: set[str], where: str) -> None:
    """Raises ValueError for a key that nothing reads.

    A misspelt `checks`, or one below the first `[fields.NAME]`, would otherwise leave out its checks without a word.
    """
    if unknown := sorted(table.keys() - known):
        raise ValueError(f"{where} has an unknown key, {unknown[0]}")


def load(path: Path) -> DocumentType:
    """Read a document type file; raises `DocumentTypeInvalid` with a sentence that names the fault."""
    try:
        return DocumentType.from_table(tomllib.loads(path.read_text(encoding="utf-8")), path.parent)
    except OSError as error:
        raise DocumentTypeInvalid(f"The document type file {path.name} cannot be read.") from error
    except (tomllib.TOMLDecodeError, KeyError, TypeError, ValueError) as error:
        raise DocumentTypeInvalid(f"The document type file {path.name} is not usable: {error}.") from error


def load_builtin(name: str = "hkid-2018") -> DocumentType:
    """Read a type that comes with the project; raises `DocumentTypeInvalid` for an unknown name."""
    return load(Path(__file__).parent / f"{name.replace('-', '_')}.toml")
