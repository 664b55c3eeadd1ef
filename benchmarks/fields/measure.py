"""Measures how well the card is read, and how many edits its fields reveal.

Bona fide sets give the accuracy of every field, fused and per reader; sets of the attack `field_edit` give the share
that the consistency of the fields reveals.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache, partial

import numpy as np
from rapidfuzz.distance import Levenshtein

from idproof.benchmarks.harness.cards import locate_card
from idproof.benchmarks.harness.output import Run, data_of, figure, plain
from idproof.benchmarks.metrics import Rate, rate
from idproof.benchmarks.peers import tesseract
from idproof.datasets.sets import RegistrationSet
from idproof.models.profiles import load_engines
from idproof.models.types import Engines, LineReader, LineReading, RGBImage
from idproof.pipeline import Policy
from idproof.pipeline.card.locating.locator import CardLocator
from idproof.pipeline.documents import DocumentType, load_builtin
from idproof.pipeline.errors import BadInput
from idproof.pipeline.executors.task_runner import SEQUENTIAL, TaskRunner
from idproof.pipeline.fields import checks
from idproof.pipeline.fields.checks.dates import today
from idproof.pipeline.fields.checks.facts import Facts
from idproof.pipeline.fields.fuse import WeightedReading, fuse
from idproof.pipeline.fields.read import Readers, read, read_lines, resolve_field
from idproof.pipeline.types import CheckResult, FieldReading, Outcome

EDIT = "field_edit"
FUSED, EVERY_SCRIPT, LATIN = "fused", "pp-ocr", "tesseract"
PEER_SETS = 5
"""Registrations that the peer reads too: it takes seconds per registration. Chosen by hand."""


@dataclass(frozen=True)
class Measured:
    """Measurements of one registration; only counts and names leave the worker.

    Attributes:
        edited: whether it is a `field_edit`.
        errors: reader to field to (characters wrong, characters printed).
        wrong_and_certain: fields whose certain text is not the printed one.
        uncertain: fields that were not read with certainty.
        objections: checks that did not pass, with their reasons.
        found: whether the card was found in all captures.
        lines: reader to the number of lines that it read.
        ours_s, peer_s: seconds to read three captures; the peer's is None where it was not asked.
    """

    edited: bool
    errors: Mapping[str, Mapping[str, tuple[int, int]]] = field(default_factory=dict)
    wrong_and_certain: tuple[str, ...] = ()
    uncertain: tuple[str, ...] = ()
    objections: tuple[tuple[str, str], ...] = ()
    found: bool = True
    lines: Mapping[str, int] = field(default_factory=dict)
    ours_s: float = 0.0
    peer_s: float | None = None


def measure_fields(
    sets: Sequence[RegistrationSet],
    *,
    profile: str = "open",
    runner: TaskRunner = SEQUENTIAL,
    seed: int = 0,
    peer_sets: int = PEER_SETS,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Run:
    """Reads every bona fide and every edited set.

    Args:
        sets: registrations; other attacks are left out.
        profile: of the networks.
        runner: where the cards are read; the speed is measured before, on the first sets.
        seed: recorded with the run; nothing here is random.
        peer_sets: the first registrations, which the peer reads too.
        progress: called with registrations done and in total.
    """
    chosen = [entry for entry in sets if entry.truth.bona_fide or entry.truth.attack == EDIT]
    timed = [_measure(entry, profile, with_peer=True) for entry in chosen[:peer_sets]]
    measured = list(timed)
    progress(len(measured), len(chosen))
    for result in runner(partial(_measure, profile=profile), chosen[peer_sets:]):
        measured.append(result)
        progress(len(measured), len(chosen))
    bona_fide = [m for m in measured if not m.edited]
    edited = [m for m in measured if m.edited]
    return Run(
        bench="fields",
        profile=profile,
        weights=_opened(profile)[0].weights,
        seed=seed,
        counts=_counts(bona_fide, edited, [entry for entry in chosen if entry.truth.bona_fide]),
        figures={**_accuracy(bona_fide), **_safety(bona_fide, edited), **_speed(timed)},
        extra={"data": data_of(chosen)},
    )


@lru_cache(maxsize=2)
def _opened(profile: str) -> tuple[Engines, CardLocator]:
    """Opens networks and locator, once per process."""
    return load_engines(profile), CardLocator.open(load_builtin())


def _measure(entry: RegistrationSet, profile: str, with_peer: bool = False) -> Measured:
    engines, locator = _opened(profile)
    edited = entry.truth.attack == EDIT
    try:
        frames = locate_card(entry, locator, Policy()).rectified
    except BadInput:
        return Measured(edited, found=False)
    document, policy = locator.document, Policy()
    readers = Readers(engines.reader, engines.latin_reader)
    counted = _Counted(engines.reader), _Counted(engines.latin_reader)
    start = time.perf_counter()
    fused = read(
        frames, document, Readers(*counted), policy, lambda found: checks.is_consistent(_facts(found, document))
    )
    ours = time.perf_counter() - start
    heard = read_lines(list(frames.values()), document, readers)  # every reader in every capture, for its own figures
    readings = {FUSED: fused} | {name: _alone(heard, document, policy, name) for name in (EVERY_SCRIPT, LATIN)}
    found = checks.run(_facts(fused, document))
    return Measured(
        edited=edited,
        errors={reader: _errors(texts, entry.truth.fields) for reader, texts in readings.items()},
        wrong_and_certain=tuple(
            n for n, r in fused.items() if r.certain and r.text != entry.truth.fields.get(n, r.text)
        ),
        uncertain=tuple(name for name, reading in fused.items() if not reading.certain),
        objections=tuple(_objections(found)),
        lines={reader.name: reader.lines for reader in counted},
        ours_s=ours,
        peer_s=_peer_seconds(list(frames.values()), document) if with_peer else None,
    )


class _Counted:
    """A reader that counts the lines it is given."""

    def __init__(self, reader: LineReader) -> None:
        self.name, self.lines, self._reader = reader.name, 0, reader

    def read(self, lines: Sequence[RGBImage]) -> list[LineReading]:
        self.lines += len(lines)
        return self._reader.read(lines)


def _facts(fields: Mapping[str, FieldReading], document: DocumentType) -> Facts:
    return Facts(fields, document, today(document))


def _peer_seconds(frames: Sequence[RGBImage], document: DocumentType) -> float:
    start = time.perf_counter()
    for frame in frames:
        tesseract.read(frame, document)
    return time.perf_counter() - start


def _alone(
    heard: Mapping[str, Sequence[WeightedReading]], document: DocumentType, policy: Policy, reader: str
) -> dict[str, FieldReading]:
    """Returns the readings of one reader alone."""
    own = {spec: [w for w in heard[spec.name] if w.reader == reader] for spec in document.fields}
    return {spec.name: resolve_field(fuse(readings), spec, policy) for spec, readings in own.items() if readings}


def _errors(readings: Mapping[str, FieldReading], truth: Mapping[str, str]) -> dict[str, tuple[int, int]]:
    """Returns (characters wrong, printed) per field with a known text, unless it is blank and was read as blank."""
    return {
        name: (Levenshtein.distance(reading.text, truth[name]), len(truth[name]))
        for name, reading in readings.items()
        if name in truth and (truth[name] or reading.text)
    }


def _objections(found: Sequence[CheckResult]) -> Iterable[tuple[str, str]]:
    for check in found:
        if check.outcome is not Outcome.PASS:
            yield check.name, check.reason or ""


def _accuracy(bona_fide: Sequence[Measured]) -> dict[str, dict[str, object]]:
    figures: dict[str, dict[str, object]] = {}
    for reader in (FUSED, EVERY_SCRIPT, LATIN):
        names = dict.fromkeys(name for m in bona_fide for name in m.errors.get(reader, {}))
        for name in names:
            pairs = [m.errors[reader][name] for m in bona_fide if name in m.errors.get(reader, {})]
            suffix = name if reader == FUSED else f"{name}.{reader}"
            figures[f"fields.exact.{suffix}"] = figure(rate(sum(wrong == 0 for wrong, _ in pairs), len(pairs)))
            wrong, printed = sum(w for w, _ in pairs), sum(length for _, length in pairs)
            figures[f"fields.cer.{suffix}"] = plain(wrong / max(printed, 1), printed, "share")
    return figures


def _safety(bona_fide: Sequence[Measured], edited: Sequence[Measured]) -> dict[str, dict[str, object]]:
    """Returns the share that is wrong, certain and without objection, and the share of edits with an objection."""
    undetected = [m for m in bona_fide if m.wrong_and_certain and not m.objections]
    return {
        "fields.undetected_wrong": figure(rate(len(undetected), len(bona_fide))),
        "fields.all_certain": figure(rate(sum(m.found and not m.uncertain for m in bona_fide), len(bona_fide))),
        "fields.caught.field_edit": figure(_caught(edited)),
        **{f"fields.lines.{name}": _lines(name, bona_fide) for name in (EVERY_SCRIPT, LATIN)},
    }


def _lines(reader: str, cards: Sequence[Measured]) -> dict[str, object]:
    """Returns the lines per card that a reader was given: it shows when the second reader is not used any more."""
    counts = [m.lines.get(reader, 0) for m in cards if m.found]
    return plain(float(np.mean(counts)) if counts else 0.0, len(counts), "lines")


def _caught(edited: Sequence[Measured]) -> Rate:
    """Returns the edits found by a check that was assessed and failed; what could not be read is not caught."""
    caught = [m for m in edited if any(not _unread(reason) for _, reason in m.objections)]
    return rate(len(caught), len(edited))


def _unread(reason: str) -> bool:
    return reason.endswith(("_unread", "_unreadable", "_unlisted"))


def _speed(timed: Sequence[Measured]) -> dict[str, dict[str, object]]:
    pairs = [(m.ours_s, m.peer_s) for m in timed if m.peer_s is not None]
    if not pairs:
        return {}
    ours, peer = np.median([a for a, _ in pairs]), np.median([b for _, b in pairs])
    return {
        "fields.speed_over_pytesseract": plain(float(peer / ours), len(pairs), "ratio"),
        "latency.fields.p50_ms": plain(float(ours) * 1000, len(pairs), "ms"),
        "latency.pytesseract_per_field.p50_ms": plain(float(peer) * 1000, len(pairs), "ms"),
    }


def _counts(
    bona_fide: Sequence[Measured], edited: Sequence[Measured], sets: Sequence[RegistrationSet]
) -> dict[str, object]:
    names = "".join(entry.truth.fields.get("chinese_name", "") for entry in sets)
    return {
        "bona_fide": len(bona_fide),
        "field_edit": len(edited),
        "card_not_found": sum(not m.found for m in [*bona_fide, *edited]),
        "different_name_characters": len(set(names)),
        "wrong_and_certain": dict(Counter(name for m in bona_fide for name in m.wrong_and_certain)),
        "uncertain": dict(Counter(name for m in bona_fide for name in m.uncertain)),
        "objections_to_bona_fide": _by_reason(bona_fide),
        "objections_to_field_edit": _by_reason(edited),
        "field_edit_without_any_objection": sum(m.found and not m.objections for m in edited),
    }


def _by_reason(measured: Sequence[Measured]) -> dict[str, int]:
    return dict(Counter(reason for m in measured for _, reason in m.objections).most_common())
