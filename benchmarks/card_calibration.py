"""What bona fide cards measure in the card's checks: the file that `pipeline.calibration` takes its limits from."""

from collections.abc import Callable, Sequence
from functools import lru_cache
from importlib.metadata import version
from typing import Any

from idproof.benchmarks.cards import see, side_by_side
from idproof.datasets.sets import RegistrationSet
from idproof.pipeline import Policy
from idproof.pipeline.calibration import Calibration
from idproof.pipeline.card import angles, hologram, recapture, same, second_portrait, shading
from idproof.pipeline.card.examine import CardExaminer
from idproof.pipeline.card.locate import CardLocator
from idproof.pipeline.documents import load_builtin
from idproof.pipeline.errors import BadInput

MARGIN = 0.5
CHECKS = (
    *(angles.RIGID, same.NAME, shading.NAME, recapture.SCREEN, recapture.COPY),
    *(hologram.RESPONSE, hologram.SHAPE, second_portrait.SAME_FACE, second_portrait.MOVES),
)
QUOTIENTS = (angles.RIGID, shading.NAME, recapture.SCREEN, recapture.COPY, hologram.RESPONSE)
_ENDLESS = 1e12  # while limits are looked for there are none
_DIGITS = 5

Measured = dict[str, float]


def run(
    sets: Sequence[RegistrationSet],
    *,
    recipe: str,
    workers: int = 1,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> dict[str, Any]:
    """The calibration as it is written to a file.

    Args:
        sets: registrations; attacks among them are left out.
        recipe: how they came about, for the record.
        workers: processes side by side.
        progress: called with registrations done and in total.
    """
    bona_fide = [entry for entry in sets if entry.truth.bona_fide]
    measured: list[Measured] = []
    for found in side_by_side(_measure, bona_fide, workers):
        measured.append(found)
        progress(len(measured), len(bona_fide))
    return {
        "margin": MARGIN,
        "quotients": sorted(QUOTIENTS),
        "source": {"registrations": len(bona_fide), "recipe": recipe, "version": version("idproof")},
        "values": {name: sorted(m[name] for m in measured if name in m) for name in CHECKS},
    }


@lru_cache(maxsize=1)
def _opened() -> tuple[CardLocator, CardExaminer, Policy]:
    """Once a process."""
    document = load_builtin()
    half = 10
    endless = Calibration(dict.fromkeys(CHECKS, (-_ENDLESS,) * half + (_ENDLESS,) * half))
    return CardLocator.open(document), CardExaminer.open(document), Policy(calibration=endless)


def _measure(entry: RegistrationSet) -> Measured:
    """Check to value; empty when the card was not found."""
    locator, examiner, policy = _opened()
    try:
        seen = see(entry, locator, policy)
    except BadInput:
        return {}
    results = examiner.examine(seen.images, seen.rectified, seen.views, policy)
    return {r.name: round(r.value, _DIGITS) for r in results if r.name in CHECKS and r.value is not None}
