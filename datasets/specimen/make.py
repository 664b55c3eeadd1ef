"""Renders registrations of invented people, bona fide or under attack, and writes them in the set format."""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

import numpy as np

from idproof.datasets.sets import FILE, ROLES
from idproof.datasets.specimen import identity, selfie
from idproof.datasets.specimen.attacks import ATTACKS, BONA_FIDE, AttackKind
from idproof.datasets.specimen.attacks.kinds import Setting
from idproof.datasets.specimen.card import Card, Make
from idproof.datasets.specimen.draws import Draws, Split
from idproof.datasets.specimen.formations import FormationName, formation
from idproof.datasets.specimen.formations.protocol import Delivery, Session
from idproof.datasets.specimen.names import covering
from idproof.datasets.specimen.portraits import Person, PortraitSource
from idproof.datasets.specimen.prints import TYPES
from idproof.datasets.specimen.view import Pose
from idproof.pipeline.documents import DocumentType, load, load_builtin
from idproof.pipeline.errors import InvalidSpecimen
from idproof.pipeline.executors.task_runner import SEQUENTIAL, TaskRunner

# Chosen by hand; no outside source.
TURNS_DEG = {"front": (-5.0, 5.0), "tilt_left": (18.0, 30.0), "tilt_right": (-30.0, -18.0)}
"""Capture name to the range that its turn is drawn from, degrees."""
SAME_PHOTOGRAPH = "same photograph"
"""Source of a selfie that was made from the photograph on the card, as `set.json` names it."""
_FEW = 20  # a source with at most so many people is not split
_ARTWORKS = 12  # of each split; twice as many without one


@dataclass(frozen=True)
class Registration:
    """One rendered registration, still in memory.

    Attributes:
        pictures: file name to bytes.
        description: the contents of `set.json`.
    """

    pictures: Mapping[str, bytes] = field(repr=False)
    description: Mapping[str, Any] = field(repr=False)

    def parts(self) -> dict[str, bytes]:
        """Returns the pictures by role, as the interface names them."""
        captures = self.description["captures"]
        parts = {role: self.pictures[captures[name]] for role, name in ROLES.items()}
        return parts | {"selfie": self.pictures[self.description["selfie"]]}

    def write(self, folder: Path) -> None:
        """Writes into a folder of its own; raises `InvalidSpecimen` when it cannot be written."""
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
    split: Split = Split.ANY,
    runner: TaskRunner = SEQUENTIAL,
    resume: bool = False,
    formed_by: str = FormationName.ANALYTIC,
    as_issued: bool = False,
) -> list[Path]:
    """Writes `count` registrations below `out`, one folder each; the same arguments give the same bytes.

    Args:
        out: folder, made when it is not there.
        count: how many.
        seed: registration i depends on the seed and i, not on `count` (but see `names`).
        portraits: folder or zip of photographs in LFW layout, or None for the bundled ones.
        attack: one of `AttackKind`, or None for bona fide.
        progress: called with registrations done and in total.
        names: `common` draws given names one by one; `covering` distributes all characters of the table of names over
            the `count` people, so that registration i also depends on `count`.
        split: whose people, artworks, cameras, light and parameters of attacks are drawn, see `Split`.
        runner: over processes or a cluster, whose nodes see `out` and `portraits` under the same paths.
        resume: keep complete registrations of a stopped run with the same arguments.
        formed_by: name of the image formation, one of `FormationName`.
        as_issued: choose holders and portraits as `PortraitSource.as_issued` says.

    Returns:
        The folders written, in order.

    Raises:
        InvalidSpecimen: an unknown attack or formation, an attack that the source has too few people for, or a folder
            that cannot be written.
        DatasetInvalid: the photographs cannot be used.
    """
    dealt: list[str] | list[None] = covering(count, seed) if names == "covering" else [None] * count
    formation(formed_by)
    PortraitSource.open(portraits)  # raises at once if it cannot be used
    folders = [out / f"{index:05d}" for index in range(count)]
    todo = [
        (index, characters, folder)
        for index, (characters, folder) in enumerate(zip(dealt, folders, strict=True))
        if not (resume and (folder / FILE).exists())  # written last
    ]
    if len(todo) < count:
        progress(count - len(todo), count)
    written = runner(_written, todo, seed, portraits, attack, split, formed_by, as_issued)
    for done, _ in enumerate(written, start=count - len(todo) + 1):
        progress(done, count)
    return folders


def _written(
    task: tuple[int, str | None, Path],
    seed: int,
    portraits: Path | None,
    attack: str | None,
    split: Split,
    formed_by: str,
    as_issued: bool,
) -> None:
    index, characters, folder = task
    source, document = _opened(portraits, as_issued)
    made = make(seed, index, source, document, attack, characters=characters, split=split, formed_by=formed_by)
    made.write(folder)


@lru_cache(maxsize=1)
def _opened(portraits: Path | None, as_issued: bool) -> tuple[PortraitSource, DocumentType]:
    return PortraitSource.open(portraits, as_issued=as_issued), load_builtin()


def make(
    seed: int,
    index: int,
    source: PortraitSource,
    document: DocumentType,
    attack: str | None = None,
    *,
    characters: str | None = None,
    split: Split = Split.ANY,
    poses: Mapping[str, Pose] | None = None,
    formed_by: str = FormationName.ANALYTIC,
) -> Registration:
    """Renders registration `index` of a seed; raises as `make_sets` does.

    Args:
        seed: of the set.
        index: in the set.
        source: of the photographs.
        document: type of the card.
        attack: see `make_sets`.
        characters: of the holder's given name, see `identity.invent`; a type without Chinese names ignores it.
        split: see `make_sets`.
        poses: capture name to the card's pose, instead of those of an uploading applicant; everything else stays as it
            is without them.
        formed_by: see `make_sets`.
    """
    draws = Draws(np.random.default_rng(np.random.SeedSequence([seed, index])), split)
    kind = kind_of(attack)
    plan = ATTACKS[kind] if kind else BONA_FIDE
    holder, other = people_of(seed, index, source, split)
    if plan.other_selfie and other.label == holder.label:
        raise InvalidSpecimen(f"The attack {kind} needs photographs of two people; the source has one.")
    selfie_person = other if plan.other_selfie else holder
    shown = _another_type(document) if plan.other_document else document
    card = card_of(shown, holder, draws, characters)
    card = plan.card(card, other.photographs[0], draws.spawn())
    session = _begun(formed_by, card.document, draws, poses)
    shots = plan.shots(Setting(card, session, draws.spawn(), formation(formed_by), TURNS_DEG))
    same_photograph = selfie_person.photographs[-1] is card.portrait
    delivery_rng = draws.rng
    captures = {name: session.deliver(shot, delivery_rng) for name, shot in shots.items()}
    pictures = {f"{name}{capture.suffix}": capture.data for name, capture in captures.items()}
    selfie_rng = draws.spawn().rng
    pictures["selfie.jpg"] = selfie.render(selfie_person.photographs[-1], selfie_rng, same_photograph=same_photograph)
    description = _description(card, captures, kind, holder, selfie_person is holder, same_photograph, formed_by)
    description["truth"]["recipe"] = {
        "seed": seed,
        "index": index,
        "characters": characters,
        "split": split.value,
        "formation": str(formed_by),
        **({"as_issued": True} if source.as_issued else {}),
    }
    return Registration(pictures, description | {"document": document.name})


def _begun(formed_by: str, document: DocumentType, draws: Draws, poses: Mapping[str, Pose] | None) -> Session:
    session = formation(formed_by).begin(document, draws, TURNS_DEG)
    return session if poses is None else session.posed(poses)


def _another_type(document: DocumentType) -> DocumentType:
    """Returns one of the specimens' own types other than this one."""
    types = (load(path) for path in sorted(TYPES.glob("*.toml")) if not path.name.endswith(".print.toml"))
    return next(other for other in types if other.name != document.name)


def card_of(document: DocumentType, holder: Person, draws: Draws, characters: str | None) -> Card:
    """Draws the card of a holder; `characters` as in `make`."""
    seeds = draws.split.seeds(_ARTWORKS)
    return Card(
        document=document,
        artwork_seed=seeds[int(draws.rng.integers(len(seeds)))],
        fields=identity.fields_of(document, draws.rng, characters=characters, sex=holder.sex, age=holder.age),
        portrait=holder.photographs[0],
        make=Make.draw(draws),
    )


def kind_of(attack: str | None) -> AttackKind | None:
    """Returns the kind of this name, None for none; raises `InvalidSpecimen` for an unknown one."""
    if attack is None:
        return None
    try:
        return AttackKind(attack)
    except ValueError:
        known = ", ".join(AttackKind)
        raise InvalidSpecimen(f"There is no attack {attack}; known are {known}.") from None


def people_of(seed: int, index: int, source: PortraitSource, split: Split) -> tuple[Person, Person]:
    """Returns the holder of registration `index` and another person; a seed uses all people before one is repeated."""
    holder = _holder(seed, index, source, split)
    others = _of(split, source.others(holder)) or [holder]
    other = others[int(np.random.default_rng(np.random.SeedSequence([seed, index, 7])).integers(len(others)))]
    return source.person(holder), source.person(other)


def _holder(seed: int, index: int, source: PortraitSource, split: Split) -> str:
    rng = np.random.default_rng(np.random.SeedSequence([seed, 2**31]))
    lists = [_of(split, labels) for labels in source.holders()]
    ordered: list[str] = [labels[place] for labels in lists for place in rng.permutation(len(labels))]
    if not source.as_issued:
        return ordered[index % len(ordered)]
    holders: list[str] = []
    for label in ordered:
        if source.gets_card(label):
            holders.append(label)
        if len(holders) > index:
            return holders[index]
    if not holders:
        raise InvalidSpecimen("Nobody of these people has a photograph as an issuing department takes them.")
    return holders[index % len(holders)]


def _of(split: Split, labels: list[str]) -> list[str]:
    """Returns the split's people; everybody of a source too small to split, such as the bundled one."""
    return [label for label in labels if split.holds(label)] if len(labels) > _FEW else labels


def _description(
    card: Card,
    captures: Mapping[str, Delivery],
    kind: AttackKind | None,
    holder: Person,
    same_person: bool,
    same_photograph: bool,
    formed_by: str,
) -> dict[str, Any]:
    return {
        "document": card.document.name,
        "captures": {name: f"{name}{capture.suffix}" for name, capture in captures.items()},
        "selfie": "selfie.jpg",
        "frames": [],
        "truth": {
            "bona_fide": kind is None,
            "attack": kind.value if kind else None,
            "same_person": same_person,
            "fields": dict(card.fields),
            "corners": {name: np.round(capture.corners, 2).tolist() for name, capture in captures.items()},
            "person": hashlib.sha256(holder.label.encode()).hexdigest()[:12],
            "artwork_seed": card.artwork_seed,
            "selfie_source": SAME_PHOTOGRAPH if same_photograph else "another photograph",
            **({"edited": dict(card.edited)} if card.edited else {}),
            **({"formation": formed_by} if formed_by != FormationName.ANALYTIC else {}),
        },
    }
