"""Puts the figures of several systems into one table, and rates of pairs of groups into a matrix."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from idproof.benchmarks.metrics import Rate
from idproof.benchmarks.report.read import ReadRun, rate_of


@dataclass(frozen=True)
class Table:
    """Figures of a run of `bench scores`.

    Attributes:
        systems: the columns.
        rows: what is measured, to system, to figure.
    """

    systems: Sequence[str]
    rows: Mapping[str, Mapping[str, Mapping[str, Any]]]


@dataclass(frozen=True)
class Matrix:
    """A rate per pair of groups.

    Attributes:
        columns: groups of the second person.
        rows: group of the first person, to group of the second person, to the rate.
    """

    columns: Sequence[str]
    rows: Mapping[str, Mapping[str, Rate]]


def table(run: ReadRun) -> Table | None:
    """Returns the systems of a run side by side; None for a run without systems."""
    systems = list(run.json.get("systems", []))
    rows: dict[str, dict[str, Mapping[str, Any]]] = {}
    for system in systems:
        start = f"scores.{system}."
        for name, found in run.figures.items():
            # A system may be named like the beginning of another one's name, such as `a` and `a.b`.
            longer = [other for other in systems if other != system and other.startswith(f"{system}.")]
            if name.startswith(start) and not any(name.startswith(f"scores.{other}.") for other in longer):
                rows.setdefault(name.removeprefix(start), {})[system] = found
    return Table(systems, rows) if rows else None


def matrices(run: ReadRun) -> dict[str, Matrix]:
    """Returns the matrices of a run, by figure."""
    found = {}
    for name, groups in run.get("group_matrices").items():
        rows = {
            group: {other: rate for other, cell in cells.items() if (rate := rate_of(cell)) is not None}
            for group, cells in groups.items()
        }
        found[name] = Matrix(list(dict.fromkeys(other for cells in rows.values() for other in cells)), rows)
    return found
