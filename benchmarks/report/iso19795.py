"""States each run under the subjects that ISO/IEC 19795-1 asks a test report to cover.

The headings are in our words, in the order of a test: system, data, size, failures, errors, uncertainty. A subject
that a run says nothing about is stated as such: silence would look like a result.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from idproof.benchmarks.metrics import attempts_for_claim
from idproof.benchmarks.report import words
from idproof.benchmarks.report.read import ReadRun

BENCHES = frozenset({"card", "face", "liveness", "scores", "system"})
"""Benchmarks that measure recognition or attack detection."""
_NOT_RECORDED = "Not recorded by this run."
_FAILURES = (".not_found", ".fta", ".no_score.")
_ERRORS = ("fnmr", "fmr", "frr", "far", "apcer", "bpcer", "iapmr", "eer")


@dataclass(frozen=True)
class Subject:
    """One heading and what a run states under it."""

    heading: str
    statements: Sequence[str]


def subjects(run: ReadRun) -> list[Subject]:
    """Returns the test report of a run; empty for a benchmark that measures neither recognition nor attacks.

    Example:
        >>> run = ReadRun("r", "latency", {}, {})
        >>> subjects(run)
        []
    """
    if run.bench not in BENCHES:
        return []
    return [Subject(heading, statements(run) or [_NOT_RECORDED]) for heading, statements in _HEADINGS.items()]


def _system(run: ReadRun) -> list[str]:
    systems = run.json.get("systems")
    if systems:
        return [
            f"A technology evaluation of stored scores of {', '.join(systems)}; the software that made them is unknown."
        ]
    found = [
        f"A technology evaluation of stored samples by idproof {run.json['version']}, profile {run.json['profile']}."
    ]
    if run.json.get("policy"):
        found.append(f"Thresholds of the policy {run.json['policy']}.")
    return found + [f"{name}, SHA-256 {sha256[:12]}…" for name, sha256 in run.get("weights").items()]


def _data(run: ReadRun) -> list[str]:
    named = f", the set {run.json['dataset']}" if run.json.get("dataset") else ""
    return [f"{words.DATA.get(run.data(), run.data()).capitalize()}{named}."]


def _size(run: ReadRun) -> list[str]:
    counted = [f"{words.kind(path)}: {number:,}." for path, number in _numbers(run.get("counts"))]
    independent = attempts_for_claim(0.01)
    return [*counted, f"A claim of a rate below 1 % needs {independent} independent attempts without an error."]


def _failures(run: ReadRun) -> list[str]:
    return _rates(run, lambda name: any(end in f"{name}." or name.endswith(end) for end in _FAILURES))


def _errors(run: ReadRun) -> list[str]:
    return _rates(
        run, lambda name: any(word.split("@")[0] in _ERRORS for word in name.split(".")) and "no_score" not in name
    )


def _trade_off(run: ReadRun) -> list[str]:
    names = list(run.get("curves"))
    return [f"DET curves of {', '.join(names)} are drawn in this section."] if names else []


def _operating_points(run: ReadRun) -> list[str]:
    points = run.json.get("operating_points", [])
    found = [
        f"{point['system'] + ': ' if 'system' in point else ''}FMR of at most {words.percent(point['fmr'])} at the "
        f"threshold {point['threshold']:.4g}, chosen on the comparisons of this run."
        for point in points
    ]
    in_force = [
        f"{system}: the threshold {points['in_force']:.4g} is in force and was tried as it is."
        for system, points in _thresholds(run).items()
        if "in_force" in points
    ]
    return found + in_force


def _uncertainty(run: ReadRun) -> list[str]:
    kinds = {str(curve["interval"]) for curve in run.get("curves").values()}
    if "intervals" in run.json:
        kinds.add(str(run.json["intervals"]))
    made_from = ", ".join(sorted(kinds)) or "exact binomial (Clopper and Pearson), attempts taken as independent"
    return [f"95 % intervals: {made_from}."]


def _groups(run: ReadRun) -> list[str]:
    groups = {group for members in run.get("groups").values() for group in members}
    return [f"Rates by group, at one threshold for all: {', '.join(sorted(groups))}."] if groups else []


def _not_measured(run: ReadRun) -> list[str]:
    return [f"{note}." for note in run.json.get("notes", [])]


_HEADINGS: Mapping[str, Callable[[ReadRun], list[str]]] = {
    "System under test": _system,
    "Test data and subjects": _data,
    "Size of the test": _size,
    "Failures to acquire": _failures,
    "Error rates": _errors,
    "Trade-off of errors": _trade_off,
    "Operating points": _operating_points,
    "Uncertainty": _uncertainty,
    "Performance by group": _groups,
    "Not measured": _not_measured,
}


def _rates(run: ReadRun, wanted: Callable[[str], bool]) -> list[str]:
    found = ((name, run.rate(name)) for name in run.figures if wanted(name))
    return [f"{name}: {words.plainly(rate)}." for name, rate in found if rate is not None]


def _thresholds(run: ReadRun) -> Mapping[str, Mapping[str, float]]:
    return run.get("thresholds") if run.bench == "scores" else {}


def _numbers(counts: Mapping[str, Any], above: str = "") -> Iterable[tuple[str, int]]:
    """Yields whole numbers of nested counts, without the reasons of single attempts."""
    for name, value in counts.items():
        if isinstance(value, int):
            yield f"{above}{name}", value
        elif isinstance(value, Mapping) and "objections" not in name:
            yield from _numbers(value, f"{above}{name}, ")
