"""Does anything measure worse than it did? Figures of the standard run, held to `expected.toml`.

Every figure of a run is either expected, with the value it had and how much worse it may be, or named as told only.
A figure that is missing, has no value, or is named nowhere fails: a gate that knows less than it did is no gate.
"""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Literal

from idproof.benchmarks.output import Run
from idproof.models.errors import IdproofError

FILE = Path(__file__).with_name("expected.toml")
_HEAD = """# What the standard run (`idproof bench check`, `make bench-check`) measured, and how much worse it may be.
# `told` are figures that are printed and not held: times on whatever machine, intervals of one attempt, and so on.
# Anything else that a run tells and this file does not name fails.
"""
Worse = Literal["higher", "lower"]


@dataclass(frozen=True)
class Expected:
    """One figure as it was.

    Attributes:
        value: it had.
        worse: which way is worse.
        tolerance: how far it may be worse, in its own unit.
    """

    value: float
    worse: Worse
    tolerance: float

    def __post_init__(self) -> None:
        if self.worse not in ("higher", "lower") or self.tolerance < 0:
            raise ValueError("worse is higher or lower, and a tolerance is not negative")

    def allows(self, value: float) -> bool:
        """Whether the value is no worse than the tolerance grants; better is always allowed."""
        return value <= self.value + self.tolerance if self.worse == "higher" else value >= self.value - self.tolerance


@dataclass(frozen=True)
class Bench:
    """What is expected of one benchmark: its figures, and patterns of those that are told only."""

    figures: Mapping[str, Expected]
    told: tuple[str, ...] = ()


@dataclass(frozen=True)
class Finding:
    """One figure that was held to what is expected; `wrong` says why it fails, and is empty when it does not."""

    bench: str
    figure: str
    value: float | None
    expected: Expected | None
    wrong: str = ""


def read(file: Path = FILE) -> dict[str, Bench]:
    """Benchmark to what is expected of it; raises `IdproofError` with one sentence when the file is not in the form."""
    try:
        tables = tomllib.loads(file.read_text(encoding="utf-8"))
        return {name: _bench(table) for name, table in tables.items()}
    except OSError:
        raise IdproofError(f"{file.name} cannot be read.") from None
    except (ValueError, TypeError, KeyError) as error:
        raise IdproofError(f"{file.name} is not in the form of expected figures: {error}.") from None


def hold(runs: Sequence[Run], expected: Mapping[str, Bench]) -> list[Finding]:
    """Every figure of every run, and every figure that is expected and missing."""
    found = []
    for run in runs:
        bench = expected.get(run.bench, Bench({}))
        values = {name: entry["value"] for name, entry in run.figures.items()}
        found += [_held(run.bench, name, values, wanted) for name, wanted in bench.figures.items()]
        found += [
            Finding(run.bench, name, value, None, "is named nowhere")
            for name, value in values.items()
            if name not in bench.figures and not any(fnmatchcase(name, pattern) for pattern in bench.told)
        ]
    return found


def not_run(runs: Sequence[Run], expected: Mapping[str, Bench]) -> list[str]:
    """Benchmarks that are expected and were not run."""
    return [name for name in expected if name not in {run.bench for run in runs}]


def rewrite(file: Path, expected: Mapping[str, Bench], runs: Sequence[Run]) -> None:
    """Take what was measured for what is expected: values alone; which way is worse and how far stays as it was.

    A benchmark that was not run keeps its values. A figure that is named nowhere is left out: whoever adds one says
    which way is worse.
    """
    values = {run.bench: {name: entry["value"] for name, entry in run.figures.items()} for run in runs}
    lines = [_HEAD]
    for bench, known in expected.items():
        lines += [f"[{bench}]", "told = [", *(f'  "{pattern}",' for pattern in known.told), "]", f"[{bench}.figures]"]
        for name, was in known.figures.items():
            measured = values.get(bench, {}).get(name)
            value = was.value if measured is None else measured
            lines.append(
                f'"{name}" = {{ value = {_short(value)}, worse = "{was.worse}", tolerance = {was.tolerance} }}'
            )
        lines.append("")
    try:
        file.write_text("\n".join(lines), encoding="utf-8")
    except OSError:
        raise IdproofError(f"{file.name} cannot be written.") from None


def _short(value: float) -> str:
    return repr(float(f"{value:.6g}"))


def _held(bench: str, name: str, values: Mapping[str, float | None], expected: Expected) -> Finding:
    if name not in values:
        return Finding(bench, name, None, expected, "is missing")
    value = values[name]
    if value is None:
        return Finding(bench, name, None, expected, "has no value")
    return Finding(bench, name, value, expected, "" if expected.allows(value) else "got worse")


def _bench(table: Mapping[str, Any]) -> Bench:
    figures = {name: Expected(**entry) for name, entry in table.get("figures", {}).items()}
    if unknown := table.keys() - {"figures", "told"}:
        raise KeyError(", ".join(sorted(unknown)))
    return Bench(figures, tuple(table.get("told", ())))
