"""Finds the card's edge in a small patch of a capture, by what lies on either side of it.

Contrast alone does not say where a card ends: on a light table the print stands out more than the edge. The print is
known, however. Inside the edge, colours follow the type's template; outside, they are those of the surroundings; on
both sides light and shadow may change evenly over the patch. Among a family of possible edges, the one counts that
leaves least of the colours unexplained: a change point between two linear models (Bai and Perron, "Estimating and
testing linear models with multiple structural changes", 1998). The same sum says whether the patch shows an edge.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
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
        explained_outside, explained_inside: (m, c, c), inverses of the sums of products of the columns that explain
            the colours on that side of each edge.
        tolerance: number of points that may lie between two edges that count as one.
    """

    points: Floats
    known: Floats
    values: Floats
    passed: NDArray[np.intp]
    tolerance: int
    explained_outside: Floats = field(init=False, repr=False)
    explained_inside: Floats = field(init=False, repr=False)

    def __post_init__(self) -> None:
        outside, inside = _sides(self.sums(self.known, self.known))
        object.__setattr__(self, "explained_outside", _inverse(outside, _OUTSIDE))
        object.__setattr__(self, "explained_inside", _inverse(inside, _INSIDE))

    @cached_property
    def starts(self) -> NDArray[np.intp]:
        """(m + 1,): the first point behind each edge, after the very first point."""
        return np.concatenate([[0], self.passed])

    @cached_property
    def empty(self) -> NDArray[np.bool_]:
        """(m + 1,): where no point lies between an edge and the next."""
        return np.asarray(np.diff(np.append(self.starts, len(self.points))) == 0, dtype=np.bool_)

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
        colours = colours - colours.mean(axis=0)
        mixed, squares = self.sums(self.known, colours), self.sums(colours, colours, paired=True)
        (outside, inside), (of_outside, of_inside) = _sides(mixed), _sides(squares)
        return _residual(self.explained_outside, outside, of_outside) + _residual(
            self.explained_inside, inside, of_inside
        )

    def sums(self, one: Floats, other: Floats, *, paired: bool = False) -> Floats:
        """(m + 1, …): sums over the points of products of the columns of two arrays, for each edge: of points outside.

        The last is the sum of all points. Points between two edges are summed first: there are few edges and many
        points.

        Args:
            one: (n, a).
            other: (n, b).
            paired: each column with its own fellow only, as (m + 1, a), instead of with every one, as (m + 1, a, b).
        """
        products = one * other if paired else one[:, :, None] * other[:, None, :]
        between = np.add.reduceat(products, np.minimum(self.starts, len(one) - 1), axis=0)
        between[self.empty] = 0
        return np.asarray(np.cumsum(between, axis=0))


def _inverse(products: Floats, explaining: list[int]) -> Floats:
    """(m, c, c): inverses of the sums of products (m, 4, 4) of the columns that explain."""
    normal = products[:, explaining][:, :, explaining] + _RIDGE * np.eye(len(explaining))
    return np.asarray(np.linalg.inv(normal), dtype=np.float64)


def _sides(sums: Floats) -> tuple[Floats, Floats]:
    """(m, …) each: sums of the points outside each edge and inside it, from `EdgePatch.sums`."""
    return sums[:-1], sums[-1] - sums[:-1]


def _residual(inverse: Floats, mixed: Floats, squares: Floats) -> Floats:
    """(m,): squares of the three colours that the columns leave.

    Args:
        inverse: (m, c, c) of the sums of products of the c columns that explain.
        mixed: (m, 4, 3), sums of products of all columns with the colours.
        squares: (m, 3), of the colours.
    """
    mixed = mixed[:, _INSIDE if inverse.shape[1] == len(_INSIDE) else _OUTSIDE]
    explained = (mixed * (inverse @ mixed)).sum(axis=1)
    return np.asarray((squares - explained).sum(axis=1))
