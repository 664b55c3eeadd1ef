"""The print of a document type's specimens as data: `TYPE.print.toml` beside the type's template picture.

It holds the static print (texts, an emblem, vignettes), how high each field is printed, and, for types other than the
Hong Kong one, a form from which values are made up. Every length is in millimetres.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from idproof.pipeline.documents import Box, DocumentType
from idproof.pipeline.errors import InvalidSpecimen

TYPES = Path(__file__).parent / "types"
"""Folder of the prints of the bundled types, and of the second type itself."""

_LABEL_MM = 1.3
_FIELD_MM = 2.5

Points = tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class Text:
    """A line of static print, its upper left corner at `x`, `y`."""

    text: str
    x: float
    y: float
    height_mm: float = _LABEL_MM
    serif: bool = False
    red: bool = False


@dataclass(frozen=True, slots=True)
class FieldPrint:
    """Print of a field; `form` describes invented values.

    It is `name`; `born`, `issued` or `day` (a birthday of an adult, a day since the type was first issued, one of the
    next ten years), printed in the field's date format; or text with `#` for digits.
    """

    height_mm: float = _FIELD_MM
    serif: bool = False
    form: str = ""


@dataclass(frozen=True, slots=True)
class Hologram:
    """The specimens' own pattern of a diffractive region.

    Attributes:
        seed: which cell has which grating.
        gratings: (distance of the grooves in micrometres, direction across them in degrees) of each.
    """

    seed: int
    gratings: tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class Print:
    """A type's print.

    Attributes:
        ornament_seed: of the border and the vignettes.
        texts: the static lines.
        emblem: filled shapes.
        emblem_line: a line belonging to them.
        vignettes: boxes and how many random strokes stand in each.
        fields: by name; a field that is not listed is printed in the usual way.
        holograms: by the name of the type's region.
    """

    ornament_seed: int
    texts: tuple[Text, ...]
    emblem: tuple[Points, ...]
    emblem_line: Points
    vignettes: tuple[tuple[Box, int], ...]
    fields: Mapping[str, FieldPrint]
    holograms: Mapping[str, Hologram]

    def of(self, name: str) -> FieldPrint:
        """Returns the print of the field with this name."""
        return self.fields.get(name, FieldPrint())


def print_of(document: DocumentType) -> Print:
    """The print of a type; raises `InvalidSpecimen` when there is none or it is not usable."""
    name = f"{document.template.stem}.print.toml"
    beside = document.template.with_name(name)
    return _read(beside if beside.is_file() else TYPES / name)


@lru_cache(maxsize=8)
def _read(path: Path) -> Print:
    try:
        return _parse(tomllib.loads(path.read_text(encoding="utf-8")))
    except OSError:
        raise InvalidSpecimen(f"{path.name} cannot be read: specimens of this type cannot be drawn.") from None
    except (tomllib.TOMLDecodeError, KeyError, TypeError, ValueError) as error:
        raise InvalidSpecimen(f"{path.name} is not usable: {error}.") from None


def _parse(table: Mapping[str, Any]) -> Print:
    emblem = table.get("emblem", {"at": (0, 0)})
    return Print(
        ornament_seed=int(table["ornament_seed"]),
        texts=tuple(
            Text(
                text=entry["text"],
                x=float(entry["at"][0]),
                y=float(entry["at"][1]),
                height_mm=float(entry.get("height_mm", _LABEL_MM)),
                serif=entry.get("serif", False),
                red=entry.get("red", False),
            )
            for entry in table.get("texts", ())
        ),
        emblem=tuple(_moved(shape, emblem["at"]) for shape in emblem.get("polygons", ())),
        emblem_line=_moved(emblem.get("line", ()), emblem["at"]),
        vignettes=tuple((Box(*entry["box"]), int(entry["strokes"])) for entry in table.get("vignettes", ())),
        fields={name: FieldPrint(**entry) for name, entry in table.get("fields", {}).items()},
        holograms={
            name: Hologram(int(entry["seed"]), tuple((float(d), float(angle)) for d, angle in entry["gratings"]))
            for name, entry in table.get("holograms", {}).items()
        },
    )


def _moved(points: Any, at: Any) -> Points:
    return tuple((float(x + at[0]), float(y + at[1])) for x, y in points)
