"""Finds the card's edge in a small patch of a capture, by what lies on either side of it.

Contrast alone does not say where a card ends: on a light table the print stands out more than the edge. The print is
known, however. Inside the edge, colours follow the type's template; outside, they are those of the surroundings; on
both sides light and shadow may change evenly over the patch. Among a family of possible edges, the one counts that
leaves least of the colours unexplained: a change point between two linear models (Bai and Perron, "Estimating and
testing linear models with multiple structural changes", 1998). The same sum says whether the patch shows an edge.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_LEAST_GAIN = 25.0
"""Evidence that an edge needs against every edge beyond the tolerance, on average over the patches, in variances of one
sample: five standard deviations of independent normal noise, squared. An average and not a sum: many patches average
noise away, and not what the models leave out."""
_MOST_GAIN = 400.0
"""Evidence that one patch gives at most, so that no single one decides. Chosen by hand; no outside source."""
_LEAST_VARIANCE = 1 / 12  # of whole grey levels, by their rounding
_RIDGE = 1e-6  # keeps the fit solvable where the template is blank; one millionth of a sample's weight
_OUTSIDE, _INSIDE = [0, 2, 3], [0, 1, 2, 3]  # columns of `known` that explain the colours: outside without template


@dataclass(frozen=True)
class EdgePatch:
    """Points of a patch, and the side of each possible edge on which they lie.

    Attributes:
        points: (n, 2), millimetres on the card, sorted: a growing edge passes them in this order.
        known: (n, 4): one, the template's grey level, and the place; the last three with zero mean.
        values: (m,), millimetres: the family of edges, ascending and evenly spaced.
        passed: (m,), number of points that lie outside each edge.
        tolerance: number of points that may lie between two edges that count as one.
    """

    points: Floats
    known: Floats
    values: Floats
    passed: NDArray[np.intp]
    tolerance: int

    @classmethod
    def prepare(
        cls, points: Floats, template: Floats, reached: Floats, values: Floats, alike: tuple[float, float]
    ) -> Self:
        """Sorts the points.

        Args:
            points: (n, 2), millimetres on the card.
            template: (n,), grey level of the template at each point; any number outside the card.
            reached: (n,), the least value of an edge outside which the point lies.
            values: (m,), the family.
            alike: two values, of which the area between them is the tolerance.
        """
        order = np.argsort(reached, kind="stable")
        explaining = np.column_stack([template, points])[order]
        known = np.column_stack([np.ones(len(order)), explaining - explaining.mean(axis=0)])
        passed = np.searchsorted(reached[order], values, side="right")
        low, high = np.searchsorted(reached[order], alike, side="right")
        return cls(points[order], known, values, passed, int(high - low))

    def evidence(self, colours: NDArray[np.float32]) -> Floats:
        """(m,): how much worse each edge explains colours (n, 3) at `points` than the best one, in their variances."""
        squares = self._unexplained(colours.astype(np.float64))
        least = float(squares.min())
        return np.minimum((squares - least) / max(least / colours.size, _LEAST_VARIANCE), _MOST_GAIN)

    def settle(self, evidence: Sequence[Floats]) -> float | None:
        """Value of the edge that patches of this family show together, in millimetres.

        Args:
            evidence: of this patch, in several captures, or of patches alike, in which the edge has the same value.

        Returns:
            None when the evidence does not determine it to within the tolerance.
        """
        together = np.mean(evidence, axis=0)
        best = int(together.argmin())
        between = np.abs(self.passed - self.passed[best])
        if between[-1] < self.tolerance:
            return None  # the furthest edge of all: what the colours determine lies beyond the family
        if float(together[between >= self.tolerance].min() - together[best]) < _LEAST_GAIN:
            return None
        if best == 0:
            return float(self.values[0])
        before, here, after = together[best - 1 : best + 2]
        shift = 0.5 * (before - after) / max(before - 2 * here + after, 1e-9)
        return float(self.values[best] + (self.values[1] - self.values[0]) * np.clip(shift, -0.5, 0.5))

    def _unexplained(self, colours: Floats) -> Floats:
        """(m,): sum of squares that both sides' models leave, for each edge of the family."""
        columns = np.column_stack([self.known, colours - colours.mean(axis=0)])
        products = (columns[:, :, None] * columns[:, None, :]).reshape(len(columns), -1)
        so_far = np.vstack([np.zeros(products.shape[1]), np.cumsum(products, axis=0)])
        side = (-1, columns.shape[1], columns.shape[1])
        outside, total = so_far[self.passed].reshape(side), so_far[-1:].reshape(side)
        return _residual(outside, _OUTSIDE) + _residual(total - outside, _INSIDE)


def _residual(products: Floats, explaining: list[int]) -> Floats:
    """(m,): squares of the three colours that the columns leave, from (m, 7, 7) sums of products."""
    normal = products[:, explaining][:, :, explaining] + _RIDGE * np.eye(len(explaining))
    mixed, squares = products[:, explaining, 4:], products[:, [4, 5, 6], [4, 5, 6]]
    explained = (mixed * np.linalg.solve(normal, mixed)).sum(axis=1)
    return np.asarray((squares - explained).sum(axis=1))
