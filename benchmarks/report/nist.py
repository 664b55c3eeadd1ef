"""Compares runs with the limits of NIST SP 800-63A-4 for remote identity proofing.

Limits that rendered data cannot decide are marked: a limit missed on specimens is missed, but a limit kept on specimens
shows nothing about real cards, cameras and attackers.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from idproof.benchmarks.harness.output import PHOTOGRAPHS, RENDERED
from idproof.benchmarks.metrics import Rate
from idproof.benchmarks.report import words
from idproof.benchmarks.report.read import ReadRun
from idproof.benchmarks.report.species import table


class State(StrEnum):
    """Result for one limit."""

    SHOWN = "shown on this data"
    NOT_SHOWN = "not shown"
    MISSED = "missed"
    UNDECIDED = "cannot be decided by rendered data"


@dataclass(frozen=True)
class Measured:
    """A rate that a limit applies to.

    Attributes:
        run: the run that measured it.
        what: the comparison or species.
        rate: with its interval.
        data: kind of data, see `harness.output`.
        circular: the threshold was chosen on these very comparisons, so that the rate holds by construction.
    """

    run: ReadRun
    what: str
    rate: Rate
    data: str
    circular: bool = False


@dataclass(frozen=True)
class Row:
    """One limit and the result of one run."""

    requirement: str
    limit: str
    run: str
    measured: str
    state: State | None
    why: str


@dataclass(frozen=True)
class _Requirement:
    name: str
    wording: str
    limit: float
    find: Callable[[ReadRun], Measured | None]


def state(found: Measured, limit: float) -> State:
    """Returns the result of a rate and its interval for a limit.

    Example:
        >>> run = ReadRun("run", "card", {}, {})
        >>> state(Measured(run, "print", Rate(0.0, 0.0, 0.03, 100), "captured"), 0.07).value
        'shown on this data'
        >>> state(Measured(run, "print", Rate(0.0, 0.0, 0.03, 100), "rendered"), 0.07).value
        'cannot be decided by rendered data'
        >>> state(Measured(run, "print", Rate(0.0, 0.0, 0.26, 10), "rendered"), 0.07).value
        'not shown'
        >>> state(Measured(run, "print", Rate(0.5, 0.19, 0.81, 10), "rendered"), 0.07).value
        'missed'
    """
    if found.rate.low > limit:
        return State.MISSED
    if found.rate.high > limit or found.circular:
        return State.NOT_SHOWN
    return State.UNDECIDED if found.data == RENDERED else State.SHOWN


def rows(runs: Sequence[ReadRun]) -> list[Row]:
    """Returns every limit with every run that measures it, or once as not measured."""
    found: dict[str, list[Row]] = {requirement.name: [] for requirement in _REQUIREMENTS}
    for requirement in _REQUIREMENTS:
        found[requirement.name] += [
            _row(requirement, measured) for run in runs if (measured := requirement.find(run)) is not None
        ]
    limits = {requirement.name: requirement.wording for requirement in _REQUIREMENTS}
    return [
        row for name, rows_of_limit in found.items() for row in rows_of_limit or [_not_measured(name, limits[name])]
    ]


def _not_measured(name: str, limit: str) -> Row:
    return Row(name, limit, "", "no run in this report measures it", None, "")


def _row(requirement: _Requirement, found: Measured) -> Row:
    judged = state(found, requirement.limit)
    measured = f"{found.what}: {words.count(found.rate)}; {words.interval(found.rate)}"
    return Row(
        requirement.name,
        requirement.wording,
        found.run.name,
        measured,
        judged,
        _why(found, judged, requirement.limit),
    )


def _why(found: Measured, judged: State, limit: float) -> str:
    if judged is State.UNDECIDED:
        return "enough attempts, all of them renderings: real cards, cameras and people are still to be measured"
    if judged is State.NOT_SHOWN and found.circular:
        return "the threshold was chosen on these very comparisons: the rate holds by construction"
    if judged is State.NOT_SHOWN and found.rate.value > limit:
        return "more than the limit, by what may be chance"
    if judged is State.NOT_SHOWN:
        return "too few attempts: the interval reaches beyond the limit"
    if judged is State.MISSED:
        return "the whole interval lies beyond the limit" + (", on renderings already" * (found.data == RENDERED))
    return f"on {words.DATA[found.data]}, for people and cameras like these"


def _comparison(end: str, what: str) -> Callable[[ReadRun], Measured | None]:
    """Finds the rate of card portraits against selfies."""

    def find(run: ReadRun) -> Measured | None:
        portrait = f"face.portrait.{end}@fmr1e-4"
        if (found := run.rate(portrait)) is not None:
            return Measured(run, f"card portrait against selfie, {what}", found, run.data(portrait))
        return None

    return find


def _photographs_fmr(run: ReadRun) -> Measured | None:
    for point in run.json.get("operating_points", []):
        if point["fmr"] == _FMR and point.get("measured_fmr", {}).get("value") is not None:
            rate = Rate(**{key: point["measured_fmr"][key] for key in ("value", "low", "high", "n")})
            return Measured(run, "photographs, impostors that match", rate, PHOTOGRAPHS, circular=True)
    return None


def _photographs_fnmr(run: ReadRun) -> Measured | None:
    found = run.rate("face.fnmr@fmr1e-4")
    return None if found is None else Measured(run, "photographs, genuine that do not match", found, PHOTOGRAPHS)


def _worst(*benches: str) -> Callable[[ReadRun], Measured | None]:
    """Finds the species with the highest upper bound, at which a claim fails first."""

    def find(run: ReadRun) -> Measured | None:
        attacks = table(run) if run.bench in benches else None
        if attacks is None or not attacks.rows:
            return None
        species, rate = max(attacks.rows.items(), key=lambda row: row[1].high)
        return Measured(run, f"worst species, {words.kind(species)}", rate, run.data())

    return find


def _figure(name: str, what: str) -> Callable[[ReadRun], Measured | None]:
    def find(run: ReadRun) -> Measured | None:
        found = run.rate(name)
        return None if found is None else Measured(run, what, found, run.data(name))

    return find


_FMR = 1e-4
_REQUIREMENTS = (
    _Requirement(
        "False match rate (FMR)", "at most 1 in 10,000", _FMR, _comparison("measured_fmr", "others who match")
    ),
    _Requirement("False match rate (FMR)", "at most 1 in 10,000", _FMR, _photographs_fmr),
    _Requirement(
        "False non-match rate (FNMR)", "at most 1 in 100", 0.01, _comparison("fnmr", "holders who do not match")
    ),
    _Requirement("False non-match rate (FNMR)", "at most 1 in 100", 0.01, _photographs_fnmr),
    _Requirement("Impostor attacks accepted (IAPAR), each species", "below 7 %", 0.07, _worst("liveness")),
    _Requirement("Forged documents accepted (DFAR), each species", "at most 10 %", 0.10, _worst("card")),
    _Requirement(
        "Genuine documents refused (DFRR)", "at most 10 %", 0.10, _figure("card.bpcer", "bona fide cards refused")
    ),
)
