"""Draws plots as SVG, for a page that needs nothing from outside."""

import io
from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from idproof.benchmarks.report import words
from idproof.benchmarks.report.causes import Reasons
from idproof.benchmarks.report.read import ReadRun

INK, QUIET, BLUE, AMBER, GREEN, GRID = "#1d2733", "#5d6b7a", "#2f5d8a", "#b8722c", "#3f7d5c", "#e3e7eb"
_STAGES = ("#2f5d8a", "#6f94b8", "#b8722c", "#d9b48a", "#3f7d5c", "#93b8a3", "#8a5d7d")
_MEASURED_WITH = "DejaVu Sans"  # comes with matplotlib, and is wider than what the page is shown with
_SHOWN_WITH = "Inter, Helvetica Neue, Segoe UI, Roboto, Noto Sans, Liberation Sans, Arial, sans-serif"
_STYLE: Any = {  # its type lists every setting there is
    "svg.fonttype": "none",
    "svg.hashsalt": "idproof",
    "font.family": _MEASURED_WITH,
    "font.size": 9.0,
    "axes.edgecolor": QUIET,
    "axes.labelcolor": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.7,
    "xtick.color": QUIET,
    "ytick.color": QUIET,
    "text.color": INK,
    "grid.color": GRID,
    "grid.linewidth": 0.7,
}
_NIST = (1e-4, 1e-2)
_SYSTEMS = (BLUE, AMBER, GREEN, "#8a5d7d", "#1d2733")
_DASHES: Any = ("-", (0, (5, 2)), (0, (1, 1.5)))  # curves differ without colour too; 15 combinations


def det(name: str, curve: Mapping[str, Any], points: Sequence[Mapping[str, Any]] = ()) -> str:
    """Draws FNMR over FMR on logarithmic axes, the FNMR's interval shaded; `points` are operating points to mark."""
    with _axes(5.4, 3.9) as (figure, axes):
        fmr, fnmr, low, high = (np.array(curve[key]) for key in ("fmr", "fnmr", "fnmr_low", "fnmr_high"))
        seen = fmr > 0
        floor = max(1e-6, min(1e-3, float(fnmr[fnmr > 0].min(initial=1e-3))))
        axes.fill_between(
            fmr[seen], np.maximum(low, floor)[seen], np.maximum(high, floor)[seen], color=BLUE, alpha=0.18, lw=0
        )
        drawn = seen & (fnmr > 0)
        axes.plot(fmr[drawn], fnmr[drawn], color=BLUE, lw=1.8)
        axes.set_xscale("log")
        axes.set_yscale("log")
        axes.set_xlim(max(float(fmr[seen].min()), 1e-8), 1.0)
        axes.set_ylim(floor, 1.0)
        _mark_requirement(axes)
        for point in points:
            measured, missed = (point.get(key, {}).get("value") or 0.0 for key in ("measured_fmr", "measured_fnmr"))
            if measured > 0 and missed > 0:
                axes.plot([measured], [missed], "o", color=INK, ms=4)
                axes.annotate(
                    f"{point['threshold']:.3f}", (measured, missed), (5, 5), textcoords="offset points", fontsize=8
                )
        axes.grid(visible=True, which="major")
        matched, missed_by = curve.get("rates", ("others who match (FMR)", "holders who do not match (FNMR)"))
        axes.set_xlabel(matched)
        axes.set_ylabel(missed_by)
        _per_cent(axes)
        return _svg(figure, f"Detection error trade-off of {name}")


def overlay(curves: Mapping[str, Mapping[str, Any]]) -> str:
    """Draws the curves of several systems, or of several species of attack, on one pair of logarithmic axes."""
    rates = next(iter(curves.values())).get("rates", ("FMR", "FNMR"))
    lowest = [1e-1, 1e-1]
    with _axes(7.6, 4.6) as (figure, axes):
        for number, (name, curve) in enumerate(curves.items()):
            both = np.array([curve["fmr"], curve["fnmr"]])
            both = both[:, (both > 0).all(axis=0)]
            color, style = _SYSTEMS[number % len(_SYSTEMS)], _DASHES[number % len(_DASHES)]
            axes.plot(*both, color=color, ls=style, lw=1.7, label=name)
            if both.size:
                lowest = [min(known, float(row.min())) for known, row in zip(lowest, both, strict=True)]
        axes.set_xscale("log")
        axes.set_yscale("log")
        axes.set_xlim(max(lowest[0], 1e-8), 1.0)
        axes.set_ylim(max(lowest[1], 1e-6), 1.0)
        axes.grid(visible=True, which="major")
        axes.set_xlabel(rates[0])
        axes.set_ylabel(rates[1])
        _per_cent(axes)
        axes.legend(frameon=False, loc="center left", bbox_to_anchor=(1.0, 0.5), fontsize=8.5)
        return _svg(figure, f"Detection error trade-offs of {', '.join(curves)}")


def scores(name: str, curve: Mapping[str, Any], points: Sequence[Mapping[str, Any]] = ()) -> str:
    """Draws the scores of both kinds of comparison: the share per bin on a logarithmic axis."""
    with _axes(5.4, 3.9) as (figure, axes):
        edges = np.array(curve["scores"]["edges"])
        for kind, told, colour in (("impostor", "different people", AMBER), ("genuine", "one person", BLUE)):
            share = np.array(curve["scores"][kind]) / max(1, sum(curve["scores"][kind]))
            axes.stairs(share, edges, color=colour, lw=1.4, label=f"{told}: {sum(curve['scores'][kind]):,} comparisons")
            axes.stairs(share, edges, color=colour, alpha=0.14, fill=True)
        axes.set_yscale("log")
        for point in points:
            axes.axvline(point["threshold"], color=INK, lw=0.8, ls=(0, (3, 3)))
            at = axes.get_xaxis_transform()
            axes.text(point["threshold"], 0.99, f"{point['fmr']:.0e} ", rotation=90, ha="right", va="top", transform=at)
        axes.grid(visible=True, axis="y", which="major")
        axes.set_xlabel("comparison score")
        axes.set_ylabel("share of comparisons per bin")
        axes.legend(frameon=False, loc="lower center", bbox_to_anchor=(0.5, 1.0), fontsize=8.5, ncols=2)
        return _svg(figure, f"Scores of {name}")


def latency(runs: Sequence[ReadRun]) -> str:
    """Draws the stages of each run as one bar of the length of the total's median."""
    with _axes(7.6, 0.75 + 0.45 * len(runs)) as (figure, axes):
        shown = set()
        for place, run in enumerate(runs):
            total, at = run.figures["latency.total.p50_ms"]["value"] / 1000, 0.0
            for number, (stage, share) in enumerate(stages(run).items()):
                label = stage if stage not in shown else None
                shown.add(stage)
                axes.barh(place, share * total, left=at, height=0.55, color=_STAGES[number % len(_STAGES)], label=label)
                at += share * total
        axes.set_yticks(range(len(runs)), [run.name for run in runs])
        axes.invert_yaxis()
        axes.grid(visible=True, axis="x")
        axes.set_axisbelow(True)
        axes.set_xlabel("seconds")
        axes.legend(frameon=False, loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=8, fontsize=8.5)
        return _svg(figure, "Time of one registration by stage")


def stages(run: ReadRun) -> dict[str, float]:
    """Returns the share of all time per stage, in order."""
    return {
        name.split(".")[1]: float(found["value"])
        for name, found in run.figures.items()
        if name.startswith("latency.") and name.endswith(".share")
    }


def confusion(found: Reasons) -> str:
    """Draws the share of registrations per kind and reason."""
    kinds = list(found.kinds)
    cells = np.array(
        [[found.given[kind].get(code, 0) / max(1, found.kinds[kind]) for code in found.codes] for kind in kinds]
    )
    with _axes(1.9 + 0.3 * len(found.codes), 1.9 + 0.24 * len(kinds)) as (figure, axes):
        axes.pcolormesh(cells, cmap=_shades(), vmin=0.0, vmax=1.0, edgecolors="white", linewidth=1.0)
        for row, column in zip(*np.nonzero(cells), strict=True):
            share = cells[row, column]
            axes.text(column + 0.5, row + 0.5, f"{100 * share:.0f}", ha="center", va="center", fontsize=7,
                      color="white" if share > 0.55 else INK)  # fmt: skip
        axes.set_xticks(
            np.arange(len(found.codes)) + 0.5,
            [words.kind(code) for code in found.codes],
            rotation=55,
            ha="right",
            rotation_mode="anchor",
        )
        axes.set_yticks(np.arange(len(kinds)) + 0.5, [f"{words.kind(kind)} ({found.kinds[kind]})" for kind in kinds])
        axes.invert_yaxis()
        axes.tick_params(length=0, labelsize=8)
        axes.spines[:].set_visible(False)
        return _svg(figure, "Reasons given, per cent of each kind")


def _mark_requirement(axes: Axes) -> None:
    """Marks the requirement of NIST SP 800-63A-4: the corner below FMR 1e-4 and FNMR 1e-2."""
    left, bottom = axes.get_xlim()[0], axes.get_ylim()[0]
    fmr, fnmr = _NIST
    if fmr > left and fnmr > bottom:
        axes.fill_between([left, fmr], bottom, fnmr, color=GREEN, alpha=0.12, lw=0)
        axes.annotate("SP 800-63A-4", (left, fnmr), (4, -10), textcoords="offset points", fontsize=8, color=GREEN)


def _per_cent(axes: Axes) -> None:
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(FuncFormatter(lambda value, _: words.percent(value)))
    axes.tick_params(axis="x", labelrotation=0)


def _shades() -> mpl.colors.Colormap:
    return mpl.colors.LinearSegmentedColormap.from_list("blues", ["#f4f6f8", "#9db8d2", BLUE, "#1b3d60"])


@contextmanager
def _axes(width: float, height: float) -> Iterator[tuple[Figure, Axes]]:
    with mpl.rc_context(_STYLE):
        figure = Figure(figsize=(width, height), layout="constrained")
        yield figure, figure.subplots()


def _svg(figure: Figure, title: str) -> str:
    """Returns the plot as a data URL, so that its styles do not affect the page."""
    out = io.BytesIO()
    figure.savefig(out, format="svg", transparent=True, metadata={"Date": None, "Title": title, "Creator": None})
    drawn = out.getvalue().decode().replace(f"'{_MEASURED_WITH}'", _SHOWN_WITH)
    return "data:image/svg+xml;base64," + b64encode(drawn.encode()).decode()
