"""Writes everything as one HTML file without scripts and without addresses outside itself."""

import hashlib
from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from idproof.benchmarks.harness.output import RENDERED
from idproof.benchmarks.metrics import Rate
from idproof.benchmarks.metrics.groups import Gate, gate
from idproof.benchmarks.report import causes, compare, gallery, iso19795, nist, plots, side_by_side, summary, words
from idproof.benchmarks.report.read import ReadRun, rate_of
from idproof.benchmarks.report.species import Table, table
from idproof.datasets.sets import RegistrationSet

_HERE = Path(__file__).parent
_TITLES = {
    "card": "The card: is it the real one?",
    "deletion": "Deletion: what is left of the pictures",
    "face": "The face: is it the same person?",
    "far-engine": "The comparison engine",
    "fields": "The fields: is the card read right?",
    "latency": "Latency: how long one registration takes",
    "liveness": "Liveness: is a person there, now?",
    "load": "Load: what the service bears",
    "peers": "Peers, side by side",
    "quality": "Quality of the selfie",
    "scores": "Scores of other software",
    "system": "The whole registration",
}


@dataclass(frozen=True)
class Groups:
    """A figure per group, with the gate of NIST SP 800-63A-4."""

    figure: str
    overall: Rate
    rows: Mapping[str, Rate]
    gate: Gate


@dataclass(frozen=True)
class Curve:
    """The plots of one comparison."""

    name: str
    data: str
    interval: str
    det: str
    scores: str


@dataclass(frozen=True)
class Section:
    """One run as the page shows it."""

    run: ReadRun
    title: str
    sentences: Sequence[str]
    attacks: Table | None
    curves: Sequence[Curve]
    overlay: str
    systems: side_by_side.Table | None
    groups: Sequence[Groups]
    matrices: Mapping[str, side_by_side.Matrix]
    test_report: Sequence[iso19795.Subject]
    reasons: causes.Reasons | None
    confusion: str
    failures: Sequence[gallery.Failure]
    figures: Mapping[str, Mapping[str, Any]]
    unshown: bool = False
    latency: str = field(default="")


def build(runs: Sequence[ReadRun], sets: Sequence[RegistrationSet] = (), *, made_at: datetime | None = None) -> str:
    """Returns the page.

    Args:
        runs: in the order of the page; two runs of one benchmark are also compared.
        sets: specimens whose failures are shown.
        made_at: printed at the end; None for now.

    Raises:
        InvalidSpecimen: a registration of `sets` is not a specimen.
    """
    style = (_HERE / "style.css").read_text(encoding="utf-8")
    timed = [run for run in runs if run.bench == "latency" and "latency.total.p50_ms" in run.figures]
    return (
        _environment()
        .get_template("page.html.j2")
        .render(
            style=style,
            style_hash=b64encode(hashlib.sha256(style.encode()).digest()).decode(),
            runs=runs,
            sections=[_section(run, sets) for run in runs],
            overall=summary.overall(runs),
            rule=summary.RULE,
            rendered=any(run.data(name) == RENDERED for run in runs for name in ("", *run.figures)),
            nist=nist.rows(runs),
            comparisons=compare.comparisons(runs),
            operating=[(run, points) for run in runs if (points := _measured_points(run))],
            latency=plots.latency(timed) if timed else "",
            timed=timed,
            stages=plots.stages,
            made_at=(made_at or datetime.now(UTC)).strftime("%-d %B %Y"),
        )
    )


def _section(run: ReadRun, sets: Sequence[RegistrationSet]) -> Section:
    attacks, reasons = table(run), causes.reasons(run)
    recorded = bool(run.get("outcomes"))
    return Section(
        run=run,
        title=_TITLES.get(run.bench, run.bench),
        sentences=summary.sentences(run),
        attacks=attacks,
        curves=_curves(run),
        overlay=plots.overlay(curves) if len(curves := run.get("curves")) > 1 and run.bench == "scores" else "",
        systems=side_by_side.table(run),
        groups=_groups(run),
        matrices=side_by_side.matrices(run),
        test_report=iso19795.subjects(run),
        reasons=reasons,
        confusion=plots.confusion(reasons) if reasons else "",
        failures=gallery.failures(run, sets) if sets and recorded else [],
        figures=run.figures,
        unshown=bool(sets) and not recorded and attacks is not None,
    )


def _curves(run: ReadRun) -> list[Curve]:
    found = []
    for name, curve in run.get("curves").items():
        points = [point for point in run.json.get("operating_points", []) if point.get("system", "face") == name]
        found.append(
            Curve(
                name,
                curve["data"],
                curve["interval"],
                plots.det(name, curve, points),
                plots.scores(name, curve, points),
            )
        )
    return found


def _measured_points(run: ReadRun) -> list[Mapping[str, Any]]:
    """Operating points with both rates measured."""
    rates = ("measured_fmr", "measured_fnmr")
    points = run.json.get("operating_points", [])
    return [point for point in points if all(point.get(name, {}).get("value") is not None for name in rates)]


def _groups(run: ReadRun) -> list[Groups]:
    found = []
    for name, members in run.get("groups").items():
        overall = run.rate(name)
        rates = {
            group: rate for group, found_of_group in members.items() if (rate := rate_of(found_of_group)) is not None
        }
        if overall is not None and rates:
            found.append(Groups(name, overall, rates, gate(overall, rates)))
    return found


def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(_HERE), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {
        "count": words.count,
        "data": lambda name: words.DATA.get(name, name),
        "interval": words.interval,
        "kind": words.kind,
        "percent": words.percent,
        "plainly": words.plainly,
        "figure": _figure,
        "bounds": _bounds,
        "state": lambda state: "" if state is None else state.name.lower().replace("_", "-"),
        "x": lambda share: f"{100 * min(1.0, max(0.0, share)):.2f}",
    }
    return environment


def _figure(found: Mapping[str, Any]) -> str:
    """Returns a figure's value as the table of all figures shows it."""
    if found["value"] is None:
        return "–"
    if found["unit"].startswith("share"):
        return words.percent(found["value"])
    return f"{found['value']:,.{0 if abs(found['value']) >= 100 else 3}f} {found['unit']}"


def _bounds(found: Mapping[str, Any]) -> str:
    rate = rate_of(found)
    if rate is not None:
        return words.interval(rate)
    if found["low"] is None or found["high"] is None:
        return ""
    return f"{found['low']:,.3g} to {found['high']:,.3g}"
