"""Error rates of presentation attack detection: APCER per species and BPCER (ISO/IEC 30107-3:2023)."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from idproof.benchmarks.face import curves
from idproof.benchmarks.harness.output import figure, plain
from idproof.benchmarks.metrics import Scores, fnmr_at, threshold_at_fmr
from idproof.benchmarks.metrics.attack import apcer
from idproof.benchmarks.metrics.curve import area_under_curve, equal_error_rate
from idproof.benchmarks.metrics.resample import Comparisons
from idproof.benchmarks.scores.comparisons import INDEPENDENT
from idproof.benchmarks.scores.result import SystemResult, short, without_score
from idproof.benchmarks.scores.table import SystemScores

APCERS = (0.1, 0.05, 0.01)
"""The points BPCER10, BPCER20 and BPCER100 of ISO/IEC 30107-3."""


def measure(
    system: SystemScores, *, apcers: Sequence[float] = APCERS, in_force: float | None = None, data: str
) -> SystemResult:
    """Returns the figures of one system.

    Args:
        system: its scores; a score at or above the threshold classifies a presentation as bona fide.
        apcers: rates of the operating points: the threshold promises the rate for every species.
        in_force: a threshold to try as it is.
        data: kind of data, see `harness.output`.
    """
    found = SystemResult()
    name = f"scores.{system.system}"
    bona_fide = system.scores[system.positives]
    species = {kind: system.scores[rows] for kind, rows in system.species().items() if rows.any()}
    found.figures |= without_score(system, "bona_fide", "attack")
    if not species or bona_fide.size == 0:
        found.notes.append(f"error rates of {system.system}: bona fide presentations and attacks are both needed")
        return found
    for kind, scores in species.items():
        found.figures[f"{name}.eer.{kind}"] = plain(equal_error_rate(scores, bona_fide), scores.size, "share")
        found.figures[f"{name}.auc.{kind}"] = plain(area_under_curve(scores, bona_fide), scores.size, "ratio")
        found.curves[f"{system.system}: {kind}"] = _curve(scores, bona_fide, data)
    for share in apcers:
        threshold = max(threshold_at_fmr(scores, share) for scores in species.values())
        found.thresholds[f"apcer{short(share)}"] = threshold
        _add_rates(found, system, species, threshold, f"{name}.{{}}@apcer{short(share)}")
    if in_force is not None:
        found.thresholds["in_force"] = in_force
        _add_rates(found, system, species, in_force, f"{name}.in_force.{{}}")
    return found


def _add_rates(
    found: SystemResult, system: SystemScores, species: Mapping[str, Scores], threshold: float, figure_name: str
) -> None:
    refused = figure_name.format("bpcer")
    found.figures[refused] = figure(fnmr_at(system.scores[system.positives], threshold))
    accepted = {kind: int((scores >= threshold).sum()) for kind, scores in species.items()}
    for kind, rate in apcer(accepted, {kind: scores.size for kind, scores in species.items()}).items():
        found.figures[figure_name.format(f"apcer.{kind}")] = figure(rate)
    group = system.text("group")
    rows = {str(one): system.positives & (group == one) for one in np.unique(group) if one}
    found.groups[refused] = {
        one: figure(fnmr_at(system.scores[inside], threshold)) for one, inside in rows.items() if inside.any()
    }


def _curve(attacks: Scores, bona_fide: NDArray[Any], data: str) -> dict[str, Any]:
    alone = np.arange(bona_fide.size)
    drawn = curves.curve(attacks, Comparisons(bona_fide, alone, alone), data=data)
    return drawn | {"interval": INDEPENDENT, "rates": ["APCER", "BPCER"]}
