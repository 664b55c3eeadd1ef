"""Measures peers beside us on the same photographs and the same cards, one after the other on the same cores.

Faces: every system makes a template of each photograph of a list of labelled pairs and compares the pairs. Each system
is judged at its best threshold on these pairs, so that its own threshold does not matter; a photograph without a
template counts against the system. Fields: the front of each card in its canonical frame is read by our readers, by
RapidOCR's whole pipeline and by pytesseract field by field.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from idproof.benchmarks import peers
from idproof.benchmarks.face.templates import central, unit
from idproof.benchmarks.harness.cards import locate_card
from idproof.benchmarks.harness.output import CAPTURED, PHOTOGRAPHS, RENDERED, Run, data_of, figure, plain
from idproof.benchmarks.metrics import best_accuracy, fnmr_at, rate, threshold_at_fmr
from idproof.benchmarks.peers import rapid, tesseract
from idproof.benchmarks.peers.peer import FacePeer, Template, ToTemplate
from idproof.datasets.lfw import LabelledFaces
from idproof.datasets.sets import RegistrationSet
from idproof.models.profiles import load_engines
from idproof.models.types import Engines, RGBImage
from idproof.pipeline import Policy
from idproof.pipeline.card.locating.locator import CardLocator
from idproof.pipeline.documents import DocumentType, load_builtin
from idproof.pipeline.errors import BadInput
from idproof.pipeline.fields.read import Readers, read_lines, resolve_fields
from idproof.pipeline.types import Role

OURS = "idproof"
_FMR = 1e-2  # the lowest that a few hundred impostor pairs can show
_NEVER = -1e9  # the score of a pair without one of its templates: below every threshold

Advance = Callable[[int, int], None]
Read = Callable[[RGBImage], Mapping[str, str]]


@dataclass(frozen=True)
class Pairs:
    """Photographs to compare; `same` says which pairs show one person."""

    pictures: Sequence[RGBImage]
    pairs: Sequence[tuple[int, int]]
    same: Sequence[bool]

    @classmethod
    def read(cls, faces: LabelledFaces, file: Path, most: int) -> "Pairs":
        """Reads the first pairs of each kind, at most half of `most` each."""
        kinds: dict[bool, list[tuple[int, int]]] = {True: [], False: []}
        for one, other, same in faces.read_pairs(file):
            if len(kinds[same]) < most // 2:
                kinds[same].append((one, other))
        chosen = [*kinds[True], *kinds[False]]
        places = sorted({place for pair in chosen for place in pair})
        number = {place: i for i, place in enumerate(places)}
        pictures = [faces.pictures(place, place + 1)[0] for place in places]
        return cls(
            pictures,
            [(number[one], number[other]) for one, other in chosen],
            [True] * len(kinds[True]) + [False] * len(kinds[False]),
        )


@dataclass
class PeerResults:
    """The figures, counts and versions that a run collects."""

    figures: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    unavailable: dict[str, str] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)


def measure_peers(
    *,
    pairs: Pairs | None = None,
    sets: Sequence[RegistrationSet] = (),
    profile: str = "open",
    seed: int = 0,
    faces: Sequence[FacePeer] = peers.FACES,
    progress: Advance = lambda done, total: None,
) -> Run:
    """Measures ourselves and every peer that can be used here; the others are named with the reason.

    Args:
        pairs: photographs, for the faces; None leaves them out.
        sets: bona fide registrations, for the fields; none leaves them out.
        profile: of our networks.
        seed: recorded with the run; nothing here is random.
        faces: peers that compare faces.
        progress: called with systems done and in total.
    """
    engines, results = load_engines(profile), PeerResults()
    total = (1 + len(faces)) * (pairs is not None) + 3 * bool(sets)
    done = 0

    def finished() -> None:
        nonlocal done
        done += 1
        progress(done, total)

    if pairs is not None:
        _faces(pairs, faces, engines, results, finished)
    if sets:
        _fields(sets, engines, results, finished)
    data = PHOTOGRAPHS if pairs is not None else data_of(sets) if sets else CAPTURED
    return Run(
        bench="peers",
        profile=profile,
        weights=engines.weights,
        seed=seed,
        counts=results.counts,
        figures=results.figures,
        extra={
            "data": data,
            "fields_data": data_of(sets) if sets else RENDERED,
            "peers_unavailable": results.unavailable,
            "peers": results.versions,
        },
    )


def _faces(
    pairs: Pairs,
    face_peers: Sequence[FacePeer],
    engines: Engines,
    results: PeerResults,
    finished: Callable[[], None],
) -> None:
    results.counts |= {"photographs": len(pairs.pictures), "pairs": len(pairs.pairs), "same": sum(pairs.same)}
    results.unavailable |= peers.unavailable(face_peers)
    results.figures |= compare_pairs(OURS, pairs, _our_template(engines), lambda one, other: float(one @ other))
    finished()
    for peer in face_peers:
        if peer.name not in results.unavailable:
            results.versions[peer.name] = peer.version()
            results.figures |= compare_pairs(peer.name, pairs, peer.open(), peer.similarity)
        finished()


def _our_template(engines: Engines) -> ToTemplate:
    def template(picture: RGBImage) -> Template | None:
        face = central(picture, engines)
        if face is None:
            return None
        views = engines.embedder.raw_features([engines.embedder.align(picture, face.landmarks)])
        return np.asarray(unit(views[0] + views[1])[0])

    return template


def compare_pairs(
    name: str, pairs: Pairs, to_template: ToTemplate, similarity: Callable[[Template, Template], float]
) -> dict[str, Mapping[str, Any]]:
    """Returns the figures of one system on these pairs."""
    start = time.perf_counter()
    templates = [to_template(picture) for picture in pairs.pictures]
    seconds = time.perf_counter() - start
    scores = np.array([_score(templates[one], templates[other], similarity) for one, other in pairs.pairs])
    same = np.array(pairs.same)
    impostors, genuines = scores[~same], scores[same]
    right = round(best_accuracy(impostors, genuines) * scores.size)
    threshold = max(threshold_at_fmr(impostors, _FMR), float(np.nextafter(_NEVER, 0)))
    missing = sum(template is None for template in templates)
    return {
        f"peers.face.{name}.accuracy": figure(rate(right, scores.size)),
        f"peers.face.{name}.fnmr@fmr1e-2": figure(fnmr_at(genuines, threshold)),
        f"peers.face.{name}.no_template": figure(rate(missing, len(templates))),
        f"peers.face.{name}.template_ms": plain(seconds / len(templates) * 1000, len(templates), "ms"),
    }


def _score(one: Template | None, other: Template | None, similarity: Callable[[Template, Template], float]) -> float:
    return _NEVER if one is None or other is None else similarity(one, other)


def _fields(
    sets: Sequence[RegistrationSet], engines: Engines, results: PeerResults, finished: Callable[[], None]
) -> None:
    document = load_builtin()
    fronts = _fronts(sets, document)
    results.counts |= {"cards": len(fronts), "cards_not_found": len(sets) - len(fronts)}
    results.unavailable |= peers.unavailable((rapid.PEER, tesseract.PEER))
    results.figures |= _read(OURS, fronts, _our_reading(engines, document))
    finished()
    reads: dict[str, Callable[[], Read]] = {
        rapid.PEER.name: lambda: _bound(rapid.opened(), document),
        tesseract.PEER.name: lambda: _bound(tesseract.read, document),
    }
    for peer in (rapid.PEER, tesseract.PEER):
        if peer.name not in results.unavailable:
            results.versions[peer.name] = peer.version()
            results.figures |= _read(peer.name, fronts, reads[peer.name]())
        finished()


def _fronts(sets: Sequence[RegistrationSet], document: DocumentType) -> list[tuple[RGBImage, Mapping[str, str]]]:
    locator, policy, found = CardLocator.open(document), Policy(), []
    for entry in sets:
        try:
            frame = locate_card(entry, locator, policy).rectified[Role.CARD_FRONT]
        except BadInput:  # counted as not found
            continue
        found.append((frame, entry.truth.fields))
    return found


def _our_reading(engines: Engines, document: DocumentType) -> Read:
    readers, policy = Readers(engines.reader, engines.latin_reader), Policy()

    def read(frame: RGBImage) -> Mapping[str, str]:
        return {
            name: r.text for name, r in resolve_fields(read_lines([frame], document, readers), document, policy).items()
        }

    return read


def _bound(read: Callable[[RGBImage, DocumentType], Mapping[str, str]], document: DocumentType) -> Read:
    return lambda frame: read(frame, document)


def _read(name: str, fronts: Sequence[tuple[RGBImage, Mapping[str, str]]], read: Read) -> dict[str, Mapping[str, Any]]:
    right: dict[str, list[bool]] = {}
    start = time.perf_counter()
    readings = [read(frame) for frame, _ in fronts]
    seconds = time.perf_counter() - start
    for found, (_, truth) in zip(readings, fronts, strict=True):
        for key, text in truth.items():
            right.setdefault(key, []).append(_plain(found.get(key, "")) == _plain(text))
    exact = {f"peers.fields.{name}.exact.{key}": figure(rate(sum(row), len(row))) for key, row in right.items()}
    everything = [one for row in right.values() for one in row]
    return exact | {
        f"peers.fields.{name}.exact": figure(rate(sum(everything), len(everything))),
        f"peers.fields.{name}.card_ms": plain(seconds / max(1, len(fronts)) * 1000, len(fronts), "ms"),
    }


def _plain(text: str) -> str:
    """Removes spaces: a line may be found in pieces."""
    return "".join(text.split())
