"""Is anything of the pictures left? Canaries go through the real server, then another process searches for them.

The control runs say what the search is worth: one server without guards that keeps everything must show every form; one
that only leaves out the overwriting shows what an ordinary service leaves behind.
"""

import statistics
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import httpx
import numpy as np

from idproof.benchmarks.deletion import scenarios
from idproof.benchmarks.deletion.canaries import FORMS, Mint
from idproof.benchmarks.deletion.scenarios import Lab, Outcome, tried
from idproof.benchmarks.harness.output import Run, plain
from idproof.benchmarks.harness.server import Search, Server, post

TEXT = "text"
_KEEPS, _ORDINARY, _RAISES = "keeps", "ordinary", "raises"
_RESAMPLES = 2000
_WARM_UP = 2


def run(
    *,
    profile: str = "open",
    seed: int = 0,
    in_a_row: int = 200,
    side_by_side: int = 8,
    timed: int = 20,
    tell: Callable[[str], None] = lambda name: None,
) -> Run:
    """Every scenario, the controls, and the cost.

    Args:
        profile: of the networks.
        seed: of the canaries.
        in_a_row: registrations one after another.
        side_by_side: registrations at once.
        timed: registrations for each of the two servers whose latency is compared.
        tell: called with each scenario's name as it begins.

    Raises:
        BenchFailed: a server did not start, or its memory may not be searched.
    """
    mint = Mint(profile, seed)
    with tempfile.TemporaryDirectory(prefix="idproof-deletion-") as root, Search() as search:
        lab = Lab(mint, search, Path(root), profile, tell)
        outcomes = _guarded(lab, in_a_row, side_by_side)
        keeps, ordinary = _control(lab, _KEEPS), _control(lab, _ORDINARY)
        latency = _cost(lab, timed)
    return Run(
        bench="deletion",
        profile=profile,
        weights=mint.weights,
        seed=seed,
        counts={outcome.name: outcome.answers for outcome in [*outcomes, keeps, ordinary]},
        figures=_figures(outcomes, keeps, ordinary, latency),
        extra={
            "scenarios": [_described(outcome) for outcome in [*outcomes, keeps, ordinary]],
            "proves_nothing": [form for form in FORMS if not keeps.found[form]] + [TEXT] * (not keeps.texts_found),
        },
    )


def _guarded(lab: Lab, in_a_row: int, side_by_side: int) -> list[Outcome]:
    with lab.server() as server:
        outcomes = [
            tried(lab, "bona_fide", server, 1, scenarios.one),
            tried(lab, "client_hangs_up", server, 1, scenarios.half_way),
            tried(lab, "stream_cut_off", server, 1, scenarios.stream_cut),
            tried(lab, "malformed_image", server, 2, scenarios.malformed),
            tried(lab, "reader_killed", server, 1, scenarios.reader_killed),
            tried(lab, "at_once", server, side_by_side, scenarios.at_once),
            tried(lab, "in_a_row", server, in_a_row, scenarios.one),
            tried(lab, "server_sigterm", server, 1, scenarios.terminated),
        ]
    with lab.server(_RAISES) as server:
        outcomes.append(tried(lab, "stage_raises", server, 1, scenarios.one))
    with lab.server() as server:
        outcomes.append(tried(lab, "server_sigkill", server, 1, scenarios.killed))
        outcomes.append(scenarios.whole_disk(lab, server))
    return outcomes


def _control(lab: Lab, mode: str) -> Outcome:
    with lab.server(mode) as server:
        return tried(lab, f"control_{mode}", server, 1, scenarios.one, kept=False)


def _cost(lab: Lab, timed: int) -> tuple[list[float], list[float]]:
    """Seconds a registration with all guards and with none, the two servers in turn, the same pictures for both."""
    lab.tell("cost")
    with_guards: list[float] = []
    without: list[float] = []
    with lab.server() as guarded, lab.server(_ORDINARY) as unguarded, httpx.Client() as client:
        for number, canary in enumerate(lab.canaries(timed + _WARM_UP)):
            pair: list[tuple[Server, list[float]]] = [(guarded, with_guards), (unguarded, without)]
            for server, taken in pair if number % 2 else reversed(pair):
                seconds = post(client, server, canary).elapsed.total_seconds()
                if number >= _WARM_UP:
                    taken.append(seconds)
    return with_guards, without


def _figures(
    outcomes: Sequence[Outcome], keeps: Outcome, ordinary: Outcome, latency: tuple[list[float], list[float]]
) -> dict[str, dict[str, Any]]:
    figures = _found("deletion.found", outcomes)
    figures |= {f"deletion.scenario.{one.name}": _found("x", [one])["x"] for one in outcomes}
    figures |= _found("deletion.control_found", [keeps]) | _found("deletion.ordinary_found", [ordinary])
    wipes = [value for outcome in outcomes for value in outcome.wipe_ms]
    if wipes:
        figures["deletion.wipe_ms.p50"] = plain(float(np.percentile(wipes, 50)), len(wipes), "ms")
        figures["deletion.wipe_ms.p99"] = plain(float(np.percentile(wipes, 99)), len(wipes), "ms")
    return figures | _cost_figures(*latency)


def _found(name: str, outcomes: Sequence[Outcome]) -> dict[str, dict[str, Any]]:
    """Needles found, over all forms and by form; `n` is how many were looked for."""
    by_form = {
        form: (sum(one.found[form] for one in outcomes), sum(one.sought[form] for one in outcomes)) for form in FORMS
    }
    by_form[TEXT] = (sum(one.texts_found for one in outcomes), sum(one.texts_sought for one in outcomes))
    total = tuple(sum(column) for column in zip(*by_form.values(), strict=True))
    return {
        name: plain(total[0], total[1], "needles"),
        **{f"{name}.{form}": plain(found, sought, "needles") for form, (found, sought) in by_form.items()},
    }


def _cost_figures(with_guards: list[float], without: list[float]) -> dict[str, dict[str, Any]]:
    """The ratio of the medians, with a bootstrap interval over the pairs (Efron and Tibshirani, 1993)."""
    guarded, plainly = np.array(with_guards), np.array(without)
    rng = np.random.default_rng(0)
    drawn = rng.integers(0, len(guarded), (_RESAMPLES, len(guarded)))
    ratios = np.median(guarded[drawn], axis=1) / np.median(plainly[drawn], axis=1)
    low, high = (float(value) for value in np.percentile(ratios, [2.5, 97.5]))
    ratio = {"value": float(np.median(guarded) / np.median(plainly)), "low": low, "high": high}
    return {
        "deletion.cost_ratio": ratio | {"n": len(guarded), "unit": "ratio"},
        "deletion.latency_guarded.p50_ms": plain(statistics.median(with_guards) * 1000, len(with_guards), "ms"),
        "deletion.latency_unguarded.p50_ms": plain(statistics.median(without) * 1000, len(without), "ms"),
    }


def _described(outcome: Outcome) -> dict[str, Any]:
    kept = {name: value for name, value in asdict(outcome).items() if name not in ("wipe_ms", "answers")}
    return kept | {"not_searched": outcome.not_searched[:20], "not_searched_count": len(outcome.not_searched)}
