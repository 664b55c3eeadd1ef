"""Compares the figures of the standard run with `expected.toml`.

A figure is either compared, by a rule that says which direction is worse and how much worse it may be, or it is listed
as printed only (`told`). A figure that is missing, has no value, or is not listed fails, so that the gate never
checks less than before.
"""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Literal

from idproof.benchmarks.harness.output import Run
from idproof.models.errors import IdproofError

FILE = Path(__file__).with_name("expected.toml")
_HEAD = """# What the standard run (`idproof bench check`, `make bench-check`) measured, and how much worse it may be.
# `told` are figures that are printed and not held: times on whatever machine, intervals of one attempt, and so on.
# Anything else that a run tells and this file does not name fails.
"""
Worse = Literal["higher", "lower"]


@dataclass(frozen=True)
class Expected:
    """The expected value of one figure.

    Attributes:
        value: expected.
        worse: the direction that is worse.
        tolerance: how much worse it may be, in its own unit.
    """

    value: float
    worse: Worse
    tolerance: float

    def __post_init__(self) -> None:
        if self.worse not in ("higher", "lower") or self.tolerance < 0:
            raise ValueError("worse is higher or lower, and a tolerance is not negative")

    def allows(self, value: float) -> bool:
        """Returns whether the value is within the tolerance; better values always are."""
        return value <= self.value + self.tolerance if self.worse == "higher" else value >= self.value - self.tolerance


@dataclass(frozen=True)
class Rule:
    """A rule for the figures of a pattern; the first rule whose pattern matches applies.

    Attributes:
        pattern: name, in which `*` matches anything.
        worse: the direction that is worse.
        tolerance: how much worse a figure may be, in its own unit.
    """

    pattern: str
    worse: Worse
    tolerance: float

    def expects(self, value: float) -> Expected:
        """Returns what is expected of a figure with this value."""
        return Expected(value, self.worse, self.tolerance)


@dataclass(frozen=True)
class Bench:
    """The expected figures of one benchmark.

    Attributes:
        hold: rules for the figures that are compared.
        values: their expected values.
        told: patterns of figures that are printed only; they come before the rules.
    """

    hold: tuple[Rule, ...] = ()
    values: Mapping[str, float] = field(default_factory=dict)
    told: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if unruled := [name for name in self.values if self.rule(name) is None]:
            raise ValueError(f"no rule says which direction of {unruled[0]} is worse")

    def prints_only(self, name: str) -> bool:
        """Returns whether a figure is printed only."""
        return any(fnmatchcase(name, pattern) for pattern in self.told)

    def rule(self, name: str) -> Rule | None:
        """Returns the rule of a figure; None when it is not compared."""
        matching = (rule for rule in self.hold if fnmatchcase(name, rule.pattern))
        return None if self.prints_only(name) else next(matching, None)

    @property
    def figures(self) -> dict[str, Expected]:
        """Figure to its expected value."""
        ruled = {name: self.rule(name) for name in self.values}
        return {name: rule.expects(self.values[name]) for name, rule in ruled.items() if rule is not None}


@dataclass(frozen=True)
class Finding:
    """The comparison of one figure; `wrong` says why it fails, and is empty when it passes."""

    bench: str
    figure: str
    value: float | None
    expected: Expected | None
    wrong: str = ""


def read(file: Path = FILE) -> dict[str, Bench]:
    """Reads benchmark to its expected figures; raises `IdproofError` when the file is not in the format."""
    try:
        tables = tomllib.loads(file.read_text(encoding="utf-8"))
        return {name: _bench(table) for name, table in tables.items()}
    except OSError:
        raise IdproofError(f"{file.name} cannot be read.") from None
    except (ValueError, TypeError, KeyError) as error:
        raise IdproofError(f"{file.name} is not in the form of expected figures: {error}.") from None


def compare(runs: Sequence[Run], expected: Mapping[str, Bench]) -> list[Finding]:
    """Compares every figure of every run, and lists every figure that is expected and missing."""
    found = []
    for run in runs:
        bench = expected.get(run.bench, Bench())
        values = {name: entry["value"] for name, entry in run.figures.items()}
        found += [_compare(run.bench, name, values, wanted) for name, wanted in bench.figures.items()]
        found += [
            Finding(run.bench, name, value, None, "is named nowhere")
            for name, value in values.items()
            if name not in bench.values and not bench.prints_only(name)
        ]
    return found


def not_run(runs: Sequence[Run], expected: Mapping[str, Bench]) -> list[str]:
    """Returns the benchmarks that are expected and were not run."""
    return [name for name in expected if name not in {run.bench for run in runs}]


def rewrite(file: Path, expected: Mapping[str, Bench], runs: Sequence[Run]) -> None:
    """Writes the measured values as the expected ones, for every figure with a rule; the rules stay.

    A benchmark that was not run keeps its values.
    """
    values = {run.bench: {name: entry["value"] for name, entry in run.figures.items()} for run in runs}
    lines = [_HEAD]
    for bench, known in expected.items():
        lines += [f"[{bench}]", "told = [", *(f'  "{pattern}",' for pattern in known.told), "]", "hold = ["]
        lines += [*map(_line, known.hold), "]", f"[{bench}.values]"]
        measured = values.get(bench, known.values)
        held = {name: value for name, value in measured.items() if value is not None and known.rule(name)}
        lines += [*(f'"{name}" = {_short(value)}' for name, value in held.items()), ""]
    try:
        file.write_text("\n".join(lines), encoding="utf-8")
    except OSError:
        raise IdproofError(f"{file.name} cannot be written.") from None


def _line(rule: Rule) -> str:
    return f'  {{ pattern = "{rule.pattern}", worse = "{rule.worse}", tolerance = {rule.tolerance} }},'


def _short(value: float) -> str:
    return repr(float(f"{value:.6g}"))


def _compare(bench: str, name: str, values: Mapping[str, float | None], expected: Expected) -> Finding:
    if name not in values:
        return Finding(bench, name, None, expected, "is missing")
    value = values[name]
    if value is None:
        return Finding(bench, name, None, expected, "has no value")
    return Finding(bench, name, value, expected, "" if expected.allows(value) else "got worse")


def _bench(table: Mapping[str, Any]) -> Bench:
    if unknown := table.keys() - {"hold", "values", "told"}:
        raise KeyError(", ".join(sorted(unknown)))
    rules = tuple(Rule(**rule) for rule in table.get("hold", ()))
    for rule in rules:
        rule.expects(0.0)  # checks direction and tolerance
    return Bench(rules, dict(table.get("values", {})), tuple(table.get("told", ())))
