"""Everything that is measured of one system."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from idproof.benchmarks.harness.output import figure
from idproof.benchmarks.metrics import rate
from idproof.benchmarks.scores.table import SystemScores

Figures = dict[str, Mapping[str, Any]]


@dataclass
class SystemResult:
    """Members of the run that one system adds to.

    Attributes:
        figures: figure to value.
        groups: figure to group to the same figure.
        group_matrices: figure to the group of the first person to the group of the second to the same figure.
        operating_points: thresholds with the rates measured there.
        curves: name to curve (`face.curves`).
        thresholds: operating point to threshold.
        notes: what was not measured.
    """

    figures: Figures = field(default_factory=dict)
    groups: dict[str, Figures] = field(default_factory=dict)
    group_matrices: dict[str, dict[str, Figures]] = field(default_factory=dict)
    operating_points: list[dict[str, Any]] = field(default_factory=list)
    curves: dict[str, Any] = field(default_factory=dict)
    thresholds: dict[str, float] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def without_score(system: SystemScores, positive: str, negative: str) -> Figures:
    """Returns the shares of attempts that got no score, of both kinds: failures to acquire, or to respond."""
    kinds = {positive: system.positive, negative: ~system.positive}
    missing = ~system.scored
    return {
        f"scores.{system.system}.no_score.{name}": figure(rate(int((rows & missing).sum()), int(rows.sum())))
        for name, rows in kinds.items()
    }


def short(share: float) -> str:
    """Returns a rate as figures' names have it.

    Example:
        >>> short(0.001), short(0.05)
        ('1e-3', '5e-2')
    """
    digits, exponent = f"{share:e}".split("e")
    return f"{digits.rstrip('0').rstrip('.')}e{int(exponent)}"
