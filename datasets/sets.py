"""Reads registrations on disk in the `set.json` format, a public contract of benchmarks and outside tests.

    {"document": "hkid-2018",
     "captures": {"front": "…", "tilt_left": "…", "tilt_right": "…"}, "selfie": "…", "frames": [],
     "truth": {"bona_fide": true, "attack": null, "same_person": true, "fields": {…}, "corners": {…}}}

Paths are relative to the folder of `set.json`. `truth.fields` holds the text as printed; `truth.corners` the card's
top left, top right, bottom right and bottom left corner in pixels, for each capture. Unknown keys are ignored.
"""

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from idproof.pipeline.errors import InvalidSpecimen

FILE = "set.json"
ROLES: Mapping[str, str] = {"card_front": "front", "card_tilt_left": "tilt_left", "card_tilt_right": "tilt_right"}


@dataclass(frozen=True, slots=True)
class Truth:
    """The known truth about a registration.

    Attributes:
        bona_fide: whether it is no attack of any kind.
        attack: kind of the attack, or None.
        same_person: whether the selfie shows the card's holder.
        fields: field name to printed text.
        corners: capture name to four (x, y) points.
        person: an opaque label of the person on the card, or None.
        labels: groups that the holder belongs to, attribute to value, for differential performance.
        formation: name of the image formation that photographed it; empty for the first one, and for a real camera.
    """

    bona_fide: bool
    attack: str | None
    same_person: bool
    fields: Mapping[str, str] = field(repr=False)
    corners: Mapping[str, list[list[float]]] = field(repr=False)
    person: str | None = field(default=None, repr=False)
    labels: Mapping[str, str] = field(default_factory=dict, repr=False)
    formation: str = ""


@dataclass(frozen=True, slots=True)
class RegistrationSet:
    """One registration: its pictures and the truth about it.

    `specimen` is true for registrations that name the seed of their invented artwork, as `idproof specimen make` writes
    them: they hold no person's own data. `recipe` holds the arguments from which the generator renders the same card
    once more, in other poses (`specimen.posing.render`); None for registrations of another origin.
    """

    folder: Path
    document: str
    captures: Mapping[str, str]
    selfie: str
    frames: tuple[str, ...]
    truth: Truth
    specimen: bool = False
    recipe: Mapping[str, Any] | None = None

    def parts(self, selfie_of: "RegistrationSet | None" = None) -> dict[str, bytes]:
        """Returns the bytes of the pictures by role, with the selfie of another registration if one is given."""
        parts = {role: _bytes(self.folder, self.captures[name]) for role, name in ROLES.items()}
        other = selfie_of or self
        return parts | {"selfie": _bytes(other.folder, other.selfie)}


def read_sets(root: Path) -> list[RegistrationSet]:
    """Reads every registration below `root` once, in the order of their folders; symbolic links are followed.

    Raises:
        InvalidSpecimen: there is none, or one is not in the format; the sentence names the folder.
    """
    found = [read_set(file.parent) for file in sorted(_registration_files(root))]
    if not found:
        raise InvalidSpecimen(f"{root.name} holds no registration: no {FILE} was found below it.")
    return found


def _registration_files(root: Path) -> Iterator[Path]:
    """Yields every `set.json` below `root`.

    Links are followed wherever they lead: the folder is the analyst's own, and people link data sets. No folder is
    entered twice, so a link to an ancestor ends there, and a registration that is there twice is measured once: counted
    twice, it would make every interval too narrow.
    """
    entered = {root.resolve(), *root.resolve().parents}
    for name, folders, files in os.walk(root, followlinks=True):
        folder, new = Path(name), []
        for inner in sorted(folders):
            real = (folder / inner).resolve()
            if real not in entered:
                entered.add(real)
                new.append(inner)
        folders[:] = new
        if FILE in files:
            yield folder / FILE


def read_set(folder: Path) -> RegistrationSet:
    """Reads one registration; raises `InvalidSpecimen`."""
    try:
        return _parse(folder, json.loads((folder / FILE).read_text(encoding="utf-8")))
    except OSError:
        raise InvalidSpecimen(f"{folder.name}/{FILE} cannot be read.") from None
    except UnicodeDecodeError:  # its message would contain parts of the file
        raise InvalidSpecimen(f"{folder.name}/{FILE} is not UTF-8.") from None
    except KeyError as error:
        raise InvalidSpecimen(f"{folder.name}/{FILE} lacks the key {error.args[0]}.") from None
    except (ValueError, TypeError) as error:
        raise InvalidSpecimen(f"{folder.name}/{FILE} is not in the set format: {error}.") from None


def _parse(folder: Path, data: Any) -> RegistrationSet:
    data = _object(data, FILE)
    captures, frames = _object(data["captures"], "captures"), data.get("frames", [])
    if not isinstance(frames, list):
        raise TypeError("frames is a list of names")
    truth = _truth(_object(data["truth"], "truth"))
    return RegistrationSet(
        folder=folder,
        document=_text(data["document"], "document"),
        captures={name: _text(captures[name], f"captures.{name}") for name in ROLES.values()},
        selfie=_text(data["selfie"], "selfie"),
        frames=tuple(_text(name, "frames") for name in frames),
        truth=truth,
        specimen="artwork_seed" in data["truth"],
        recipe=_object(data["truth"]["recipe"], "truth.recipe") if "recipe" in data["truth"] else None,
    )


def _truth(truth: dict[str, Any]) -> Truth:
    if not all(isinstance(truth[key], bool) for key in ("bona_fide", "same_person")):
        raise TypeError("truth.bona_fide and truth.same_person are true or false")
    attack, person = truth["attack"], truth.get("person")
    if truth["bona_fide"] and attack is not None:
        raise ValueError("truth.bona_fide is true and truth.attack names an attack")
    corners = _object(truth.get("corners", {}), "truth.corners")
    if not all(_is_quadrangle(points) for points in corners.values()):
        raise TypeError("truth.corners holds four points [x, y] per capture")
    fields = _object(truth.get("fields", {}), "truth.fields")
    labels = _object(truth.get("labels", {}), "truth.labels")
    return Truth(
        bona_fide=truth["bona_fide"],
        attack=None if attack is None else _text(attack, "truth.attack"),
        same_person=truth["same_person"],
        fields={name: _text(value, f"truth.fields.{name}") for name, value in fields.items()},
        corners=corners,
        person=None if person is None else _text(person, "truth.person"),
        labels={name: _text(value, f"truth.labels.{name}") for name, value in labels.items()},
        formation=_text(truth.get("formation", ""), "truth.formation"),
    )


def _object(value: Any, key: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise TypeError(f"{key} is a JSON object")
    return value


def _text(value: Any, key: str) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{key} is a string")
    return value


def _is_quadrangle(points: Any) -> bool:
    return (
        isinstance(points, list)
        and len(points) == 4
        and all(isinstance(p, list) and len(p) == 2 and all(isinstance(v, int | float) for v in p) for p in points)
    )


def _bytes(folder: Path, name: str) -> bytes:
    path = (folder / name).resolve()
    if not path.is_relative_to(folder.resolve()):
        raise InvalidSpecimen(f"{folder.name}/{FILE} names a picture outside its folder.")
    try:
        return path.read_bytes()
    except OSError:
        raise InvalidSpecimen(f"{folder.name} lacks its picture {name}.") from None
