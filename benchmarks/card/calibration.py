"""Measures what the checks of the card give for bona fide cards: the file that `pipeline.calibration` reads."""

from collections.abc import Callable, Sequence
from functools import lru_cache
from importlib.metadata import version
from typing import Any

from idproof.benchmarks.harness.cards import locate_card
from idproof.benchmarks.harness.recorder import RecordingCalibration
from idproof.datasets.sets import RegistrationSet
from idproof.pipeline import Policy
from idproof.pipeline.card.checks.registry import CHECKS
from idproof.pipeline.card.examiner import CardExaminer
from idproof.pipeline.card.locating.locator import CardLocator
from idproof.pipeline.documents import load_builtin
from idproof.pipeline.errors import BadInput
from idproof.pipeline.executors.task_runner import SEQUENTIAL, TaskRunner

MARGIN = 0.5
"""Of the limits, see `pipeline.calibration`. Chosen by hand on tuning data; no outside source."""
QUOTIENTS = tuple(quantity.name for check in CHECKS for quantity in check.reports if quantity.ratio)

Measured = dict[str, float]


def calibrate_card(
    sets: Sequence[RegistrationSet],
    *,
    recipe: str,
    runner: TaskRunner = SEQUENTIAL,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> dict[str, Any]:
    """Returns the calibration as it is written to a file.

    Args:
        sets: registrations; attacks are left out.
        recipe: how they were made, recorded in the file.
        runner: where the cards are examined.
        progress: called with registrations done and in total.
    """
    bona_fide = [entry for entry in sets if entry.truth.bona_fide]
    measured: list[Measured] = []
    for found in runner(_measure, bona_fide):
        measured.append(found)
        progress(len(measured), len(bona_fide))
    names = dict.fromkeys(name for m in measured for name in m)
    return {
        "margin": MARGIN,
        "quotients": sorted(QUOTIENTS),
        "source": {"registrations": len(bona_fide), "recipe": recipe, "version": version("idproof")},
        "values": {name: sorted(m[name] for m in measured if name in m) for name in names},
    }


@lru_cache(maxsize=1)
def _opened() -> tuple[CardLocator, CardExaminer]:
    """Opens locator and checks, once per process."""
    document = load_builtin()
    return CardLocator.open(document), CardExaminer.open(document)


def _measure(entry: RegistrationSet) -> Measured:
    """Returns check to value; empty when the card was not found."""
    locator, examiner = _opened()
    recording = RecordingCalibration()
    policy = Policy(calibration=recording)
    try:
        card = locate_card(entry, locator, policy)
    except BadInput:
        return {}
    examiner.examine(card.images, card.rectified, card.views, policy)
    return {judgement.name: judgement.value for judgement in recording.judgements}
