"""Measures what the checks of the card give for bona fide cards: the file that `pipeline.calibration` reads."""

from collections import Counter
from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from idproof.benchmarks.errors import BenchmarkFailed
from idproof.benchmarks.harness.cards import locate_card, open_card_checks
from idproof.benchmarks.harness.recorder import RecordingCalibration
from idproof.datasets.sets import RegistrationSet
from idproof.pipeline import Policy
from idproof.pipeline.calibration import LEAST_VALUES
from idproof.pipeline.card.checks.registry import CHECKS
from idproof.pipeline.errors import BadInput
from idproof.pipeline.executors.task_runner import SEQUENTIAL, TaskRunner
from idproof.pipeline.opening import open_document

MARGIN = 0.5
"""Of the limits, see `pipeline.calibration`. Chosen by hand on tuning data; no outside source."""
QUOTIENTS = tuple(quantity.name for check in CHECKS for quantity in check.reports if quantity.ratio)

Measured = dict[str, float]


def calibrate_card(
    sets: Sequence[RegistrationSet],
    *,
    recipe: str,
    document: str | Path = "hkid-2018",
    runner: TaskRunner = SEQUENTIAL,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> dict[str, Any]:
    """Returns the calibration as it is written to a file.

    Args:
        sets: registrations; attacks are left out.
        recipe: how they were made, recorded in the file.
        document: a built-in type's name, or the path of an operator's own type file.
        runner: where the cards are examined.
        progress: called with registrations done and in total.

    Raises:
        BenchmarkFailed: fewer than `LEAST_VALUES` bona fide registrations gave values, of all checks or of one.
        DocumentTypeInvalid: the document type cannot be used.
    """
    open_document(document)  # raises before any process is started
    bona_fide = [entry for entry in sets if entry.truth.bona_fide]
    measured: list[Measured] = []
    for found in runner(_measure, bona_fide, document):
        measured.append(found)
        progress(len(measured), len(bona_fide))
    _require_enough(measured)
    names = dict.fromkeys(name for m in measured for name in m)
    return {
        "margin": MARGIN,
        "quotients": sorted(QUOTIENTS),
        "source": {"registrations": len(bona_fide), "recipe": recipe, "version": version("idproof")},
        "values": {name: sorted(m[name] for m in measured if name in m) for name in names},
    }


def _require_enough(measured: Sequence[Measured]) -> None:
    """Raises `BenchmarkFailed` when a calibration of these values could not be used."""
    needed = f"a calibration needs {LEAST_VALUES} or more"
    if (found := sum(bool(m) for m in measured)) < LEAST_VALUES:
        hint = " Is --document the type of their cards?" if found < len(measured) else ""
        raise BenchmarkFailed(
            f"The card gave values in {found} of {len(measured)} bona fide registrations; {needed}.{hint}"
        )
    counts = Counter(name for m in measured for name in m)
    name, fewest = min(counts.items(), key=lambda item: item[1])
    if fewest < LEAST_VALUES:
        raise BenchmarkFailed(f"{name} has values of {fewest} of {len(measured)} bona fide registrations; {needed}.")


def _measure(entry: RegistrationSet, document: str | Path) -> Measured:
    """Returns check to value; empty when the card was not found."""
    locator, examiner = open_card_checks(document)
    recording = RecordingCalibration()
    policy = Policy(calibration=recording)
    try:
        card = locate_card(entry, locator, policy)
    except BadInput:
        return {}
    examiner.measure(card.images, card.rectified, card.views, policy)
    return {judgement.name: judgement.value for judgement in recording.judgements}
