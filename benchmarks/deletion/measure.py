"""Searches for what is left of the pictures after canaries went through the real server.

The control runs show what the search can find: on a server without guards that keeps everything it must find every
form, and on a guarded server it must find faces and templates that are planted before the verdict, and none of them
after it. A server that only leaves out the overwriting shows what an ordinary service leaves behind.
"""

import statistics
import tempfile
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import Any

import httpx
import numpy as np

from idproof.benchmarks.deletion import scenarios
from idproof.benchmarks.deletion.canaries import CanaryFactory
from idproof.benchmarks.deletion.forms import BIOMETRIC_FORMS, FORMS, UPLOAD_TAIL
from idproof.benchmarks.deletion.held import run_held
from idproof.benchmarks.deletion.scenarios import ScenarioResult, ScenarioRunner, run_scenario
from idproof.benchmarks.deletion.search_client import SearchClient
from idproof.benchmarks.deletion.servers import post
from idproof.benchmarks.harness.output import Run, plain
from idproof.benchmarks.harness.server import Server

TEXT = "text"
_KEEPS, _ORDINARY, _RAISES, _HOLDS, _UNFINISHED = "keeps", "ordinary", "raises", "holds", "unfinished"
_READS = "reads"
_RESAMPLES = 2000  # enough for two digits of a 95 % interval (Efron and Tibshirani, 1993)
_TAILS = 4  # registrations; a needle fits into every second unfinished block, so into none of 16 once in 2^16 seeds
_WARM_UP = 2  # registrations; the first ones also pay for memory and for networks that settle


class Part(StrEnum):
    """Parts of a run.

    Planted faces and templates; scenarios and disk; a step-up; pictures sealed for reviewers; a template that is kept
    for step-ups; servers without guards; latency.
    """

    HELD = "held"
    SCENARIOS = "scenarios"
    STEP_UP = "step_up"
    SEALED = "sealed"
    TEMPLATE = "template"
    CONTROLS = "controls"
    COST = "cost"


def measure_deletion(
    *,
    profile: str = "open",
    seed: int = 0,
    in_a_row: int = 200,
    side_by_side: int = 8,
    timed: int = 20,
    parts: Collection[Part] = tuple(Part),
    report: Callable[[str], None] = lambda line: None,
) -> Run:
    """Runs every scenario and the controls, and measures the cost of the guards.

    The parts depend on nothing of each other, so that they can be run one by one.

    Args:
        profile: of the networks.
        seed: of the canaries.
        in_a_row: registrations one after another.
        side_by_side: registrations at once.
        timed: registrations per server, of the two servers whose latency is compared.
        parts: of the run.
        report: called with one line per step.

    Raises:
        BenchmarkFailed: a server did not start, or its memory may not be searched.
    """
    factory = CanaryFactory(profile, seed)
    with tempfile.TemporaryDirectory(prefix="idproof-deletion-") as root, SearchClient() as search:
        runner = ScenarioRunner(factory, search, Path(root), profile, report)
        results: list[ScenarioResult] = []
        controls: dict[str, ScenarioResult] = {}
        if Part.HELD in parts:
            with runner.server(_HOLDS) as server:
                controls["held"], after = run_held(runner, server)
            results.append(after)
        if Part.SCENARIOS in parts:
            results += _guarded(runner, in_a_row, side_by_side)
        if Part.STEP_UP in parts:
            # With the service, for this part alone.
            from idproof.benchmarks.deletion.step_up import run_step_up
            from idproof.benchmarks.deletion.streamed_step_up import run_streamed_step_up

            results += [run_step_up(runner), run_streamed_step_up(runner)]
            controls["step_up_control"] = run_step_up(runner, _KEEPS)
        if Part.SEALED in parts:
            from idproof.benchmarks.deletion.sealed import UNSEALED, run_sealed

            results += run_sealed(runner)
            controls["sealed_control"], controls["sealed_control_viewed"] = run_sealed(runner, UNSEALED)
        if Part.TEMPLATE in parts:
            from idproof.benchmarks.deletion.kept_template import run_kept_template
            from idproof.benchmarks.deletion.sealed import UNSEALED

            results += run_kept_template(runner)
            controls["template_control"], *_ = run_kept_template(runner, UNSEALED)
        if Part.CONTROLS in parts:
            controls["unfinished"] = _control(runner, _UNFINISHED, _TAILS)
            controls |= {"control": _control(runner, _KEEPS), "ordinary": _control(runner, _ORDINARY)}
        latency = _cost(runner, timed) if Part.COST in parts else None
    return Run(
        bench="deletion",
        profile=profile,
        weights=factory.weights,
        seed=seed,
        counts={result.name: result.answers for result in [*results, *controls.values()]},
        figures=figures(results, controls, latency),
        extra={
            "scenarios": [_described(result) for result in [*results, *controls.values()]],
            "proves_nothing": _unproven(controls),
        },
    )


def _guarded(runner: ScenarioRunner, in_a_row: int, side_by_side: int) -> list[ScenarioResult]:
    with runner.server() as server:
        results = [
            run_scenario(runner, "bona_fide", server, 1, scenarios.one_after_another),
            run_scenario(runner, "client_hangs_up", server, 1, scenarios.half_way),
            run_scenario(runner, "stream_cut_off", server, 1, scenarios.stream_cut),
            run_scenario(runner, "malformed_image", server, 2, scenarios.malformed),
            run_scenario(runner, "at_once", server, side_by_side, scenarios.at_once),
            run_scenario(runner, "in_a_row", server, in_a_row, scenarios.one_after_another),
            run_scenario(runner, "server_sigterm", server, 1, scenarios.terminated),
        ]
    with runner.server(_READS) as server:
        results.append(run_scenario(runner, "reader_killed", server, 1, scenarios.reader_killed))
    with runner.server(_RAISES) as server:
        results.append(run_scenario(runner, "stage_raises", server, 1, scenarios.one_after_another))
    with runner.server() as server:
        results.append(run_scenario(runner, "server_sigkill", server, 1, scenarios.killed))
        results.append(scenarios.search_whole_disk(runner, server))
    return results


def _control(runner: ScenarioRunner, mode: str, count: int = 1) -> ScenarioResult:
    with runner.server(mode) as server:
        return run_scenario(runner, f"control_{mode}", server, count, scenarios.one_after_another, searched_later=False)


def _cost(runner: ScenarioRunner, timed: int) -> tuple[list[float], list[float]]:
    """Returns the seconds per registration with all guards and with none: two servers in turn, the same pictures."""
    runner.report("cost")
    with_guards: list[float] = []
    without: list[float] = []
    with runner.server() as guarded, runner.server(_ORDINARY) as unguarded, httpx.Client() as client:
        for number, canary in enumerate(runner.canaries(timed + _WARM_UP)):
            pair: list[tuple[Server, list[float]]] = [(guarded, with_guards), (unguarded, without)]
            for server, taken in pair if number % 2 else reversed(pair):
                seconds = post(client, server, canary).elapsed.total_seconds()
                if number >= _WARM_UP:
                    taken.append(seconds)
    return with_guards, without


def figures(
    results: Sequence[ScenarioResult],
    controls: Mapping[str, ScenarioResult],
    latency: tuple[list[float], list[float]] | None,
) -> dict[str, dict[str, Any]]:
    """Returns the figures.

    Args:
        results: of the scenarios.
        controls: name to result, for the figures `deletion.NAME_found`.
        latency: seconds per registration, with and without the guards; None where that was not measured.
    """
    found = _found("deletion.found", results) if results else {}
    found |= {f"deletion.scenario.{one.name}": _found("x", [one])["x"] for one in results}
    for name, control in controls.items():
        found |= _found(f"deletion.{name}_found", [control])
    wipes = [value for result in results for value in result.wipe_ms]
    if wipes:
        found["deletion.wipe_ms.p50"] = plain(float(np.percentile(wipes, 50)), len(wipes), "ms")
        found["deletion.wipe_ms.p99"] = plain(float(np.percentile(wipes, 99)), len(wipes), "ms")
    return found | (_cost_figures(*latency) if latency is not None else {})


def _unproven(controls: Mapping[str, ScenarioResult]) -> list[str]:
    """Returns the forms that the search missed where they were, or that no control ran for.

    Finding none of them elsewhere shows nothing.
    """
    keeps, held, unfinished = (controls.get(name) for name in ("control", "held", "unfinished"))
    missed = {form for form in FORMS if keeps is None or not keeps.found[form]}
    # Everything of these was planted, and nothing of them may be missed.
    missed |= {form for form in BIOMETRIC_FORMS if held is None or held.found[form] < held.sought[form]}
    missed |= set() if unfinished is not None and unfinished.found[UPLOAD_TAIL] else {UPLOAD_TAIL}
    texts_missed = keeps is None or not keeps.texts_found
    return [form for form in FORMS if form in missed] + [TEXT] * texts_missed


def _found(name: str, results: Sequence[ScenarioResult]) -> dict[str, dict[str, Any]]:
    """Returns the needles found, over all forms and per form; `n` is the number of needles searched for."""
    by_form = {
        form: (sum(one.found[form] for one in results), sum(one.sought[form] for one in results)) for form in FORMS
    }
    by_form[TEXT] = (sum(one.texts_found for one in results), sum(one.texts_sought for one in results))
    total = tuple(sum(column) for column in zip(*by_form.values(), strict=True))
    return {
        name: plain(total[0], total[1], "needles"),
        **{f"{name}.{form}": plain(found, sought, "needles") for form, (found, sought) in by_form.items()},
    }


def _cost_figures(with_guards: list[float], without: list[float]) -> dict[str, dict[str, Any]]:
    """Returns the ratio of the medians, with a bootstrap interval over the pairs (Efron and Tibshirani, 1993)."""
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


def _described(result: ScenarioResult) -> dict[str, Any]:
    members = {name: value for name, value in asdict(result).items() if name not in ("wipe_ms", "answers")}
    return members | {"not_searched": result.not_searched[:20], "not_searched_count": len(result.not_searched)}
