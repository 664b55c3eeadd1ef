"""Makes registrations of invented people, bona fide or under attack, and writes them in the set format."""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np

from idproof.datasets.sets import FILE, ROLES
from idproof.datasets.specimen import identity, selfie
from idproof.datasets.specimen.attacks import ATTACKS, Attack, AttackKind
from idproof.datasets.specimen.camera import HEIGHT, WIDTH, Camera, Pose, Shot, corners_px, jpeg
from idproof.datasets.specimen.card import Card
from idproof.datasets.specimen.names import covering
from idproof.datasets.specimen.portraits import Person, PortraitSource
from idproof.pipeline.documents import DocumentType, load_builtin
from idproof.pipeline.errors import InvalidSpecimen

_TURNS_DEG = {"front": (-5.0, 5.0), "tilt_left": (18.0, 30.0), "tilt_right": (-30.0, -18.0)}
_MARGIN_PX = 12
_ARTWORKS = 6


@dataclass(frozen=True)
class Registration:
    """One rendered registration, still in memory.

    Attributes:
        pictures: file name to JPEG bytes.
        description: the contents of `set.json`.
    """

    pictures: Mapping[str, bytes] = field(repr=False)
    description: Mapping[str, Any] = field(repr=False)

    def parts(self) -> dict[str, bytes]:
        """The pictures by role, as the interface names them."""
        captures = self.description["captures"]
        parts = {role: self.pictures[captures[name]] for role, name in ROLES.items()}
        return parts | {"selfie": self.pictures[self.description["selfie"]]}

    def write(self, folder: Path) -> None:
        """Into a folder of its own; raises `InvalidSpecimen` when it cannot be written."""
        try:
            folder.mkdir(parents=True, exist_ok=True)
            for name, data in self.pictures.items():
                (folder / name).write_bytes(data)
            text = json.dumps(self.description, ensure_ascii=False, indent=1)
            (folder / FILE).write_text(text + "\n", encoding="utf-8")
        except OSError as error:
            raise InvalidSpecimen(f"{folder.name} cannot be written: {error.strerror}.") from None


def make_sets(
    out: Path,
    count: int,
    seed: int,
    portraits: Path | None = None,
    attack: str | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
    *,
    names: Literal["common", "covering"] = "common",
) -> list[Path]:
    """Write `count` registrations below `out`, one folder each; the same arguments give the same bytes.

    Args:
        out: folder, made when it is not there.
        count: how many.
        seed: registration i depends on the seed and i, not on `count` (but see `names`).
        portraits: folder or zip of photographs in LFW layout, or None for the bundled ones.
        attack: one of `AttackKind`, or None for bona fide.
        progress: called with registrations done and in total.
        names: `common` draws given names one by one; `covering` deals all characters of the table of names over the
            `count` people, so that registration i then depends on `count` too.

    Returns:
        The folders written, in order.

    Raises:
        InvalidSpecimen: an unknown attack, an attack that the source has too few people for, or a folder that
            cannot be written.
        DatasetInvalid: the photographs cannot be used.
    """
    source, document = PortraitSource.open(portraits), load_builtin()
    dealt: list[str] | list[None] = covering(count, seed) if names == "covering" else [None] * count
    folders = []
    for index, characters in enumerate(dealt):
        folder = out / f"{index:05d}"
        make(seed, index, source, document, attack, characters=characters).write(folder)
        folders.append(folder)
        progress(index + 1, count)
    return folders


def make(
    seed: int,
    index: int,
    source: PortraitSource,
    document: DocumentType,
    attack: str | None = None,
    *,
    characters: str | None = None,
) -> Registration:
    """Registration `index` of a seed; raises as `make_sets` does.

    `characters` is the holder's given name, see `identity.invent`; a type without Chinese names ignores it.
    """
    rng = np.random.default_rng(np.random.SeedSequence([seed, index]))
    kind = _kind(attack)
    plan = ATTACKS[kind] if kind else Attack()
    holder, other = _people(seed, index, source)
    if plan.other_selfie and other.label == holder.label:
        raise InvalidSpecimen(f"The attack {kind} needs photographs of two people; the source has one.")
    selfie_person = other if plan.other_selfie else holder
    card = Card(
        document=document,
        artwork_seed=int(rng.integers(_ARTWORKS)),
        fields=identity.fields_of(document, rng, characters=characters),
        portrait=holder.photographs[0],
        optics_phase=float(rng.uniform(0, 1)),
    )
    card = plan.card(card, other.photographs[0], rng)
    camera = Camera.draw(rng)
    poses = {name: _pose(rng, document, camera, turn) for name, turn in _TURNS_DEG.items()}
    shots = plan.shots(card, plan.surface(rng), camera, poses, rng)
    same_photograph = selfie_person.photographs[-1] is card.portrait
    pictures = {f"{name}.jpg": jpeg(shot.pixels, camera.quality) for name, shot in shots.items()}
    pictures["selfie.jpg"] = selfie.render(selfie_person.photographs[-1], rng, same_photograph=same_photograph)
    return Registration(pictures, _description(card, shots, kind, holder, selfie_person is holder, same_photograph))


def _kind(attack: str | None) -> AttackKind | None:
    if attack is None:
        return None
    try:
        return AttackKind(attack)
    except ValueError:
        known = ", ".join(AttackKind)
        raise InvalidSpecimen(f"There is no attack {attack}; known are {known}.") from None


def _people(seed: int, index: int, source: PortraitSource) -> tuple[Person, Person]:
    """The holder and somebody else; a seed walks through all people before one comes again."""
    labels = source.holders()
    order = np.random.default_rng(np.random.SeedSequence([seed, 2**31])).permutation(len(labels))
    holder = labels[order[index % len(labels)]]
    others = [label for label in source.labels() if label != holder] or [holder]
    other = others[int(np.random.default_rng(np.random.SeedSequence([seed, index, 7])).integers(len(others)))]
    return source.person(holder), source.person(other)


def _pose(rng: np.random.Generator, document: DocumentType, camera: Camera, turn: tuple[float, float]) -> Pose:
    """Drawn again until the whole card is in the picture, as the guidance on a screen would have it."""
    while True:
        pose = Pose.draw(rng, float(rng.uniform(*turn)))
        corners = corners_px(document, camera, pose)
        if (corners > _MARGIN_PX).all() and (corners < np.array([WIDTH, HEIGHT]) - _MARGIN_PX).all():
            return pose


def _description(
    card: Card,
    shots: Mapping[str, Shot],
    kind: AttackKind | None,
    holder: Person,
    same_person: bool,
    same_photograph: bool,
) -> dict[str, Any]:
    return {
        "document": card.document.name,
        "captures": {name: f"{name}.jpg" for name in shots},
        "selfie": "selfie.jpg",
        "frames": [],
        "truth": {
            "bona_fide": kind is None,
            "attack": kind.value if kind else None,
            "same_person": same_person,
            "fields": dict(card.fields),
            "corners": {name: np.round(shot.corners, 2).tolist() for name, shot in shots.items()},
            "person": hashlib.sha256(holder.label.encode()).hexdigest()[:12],
            "artwork_seed": card.artwork_seed,
            "selfie_source": "same photograph" if same_photograph else "another photograph",
            **({"edited": dict(card.edited)} if card.edited else {}),
        },
    }
