"""The report never claims more than the counts allow."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from idproof.benchmarks.metrics import rate
from idproof.benchmarks.report import compare, nist, summary, words
from idproof.benchmarks.report.nist import State
from idproof.benchmarks.report.read import read
from idproof.benchmarks.report.species import table
from idproof.models.errors import IdproofError

CLEAN = {"card.bpcer": (2, 100), "card.apcer.print": (0, 300), "card.apcer.screen": (1, 52)}


@given(st.integers(1, 100_000), st.data())
def test_a_bound_in_words_is_never_tighter_than_the_bound(n: int, data: Any) -> None:
    found = rate(data.draw(st.integers(0, n)), n)
    told = words.interval(found).replace("\N{NO-BREAK SPACE}%", "").split()
    if found.value < 1:
        assert float(told[-1]) >= found.high * 100 - 1e-6
    if 0 < found.value < 1:
        assert float(told[0]) <= found.low * 100 + 1e-6
    if found.value == 1:
        assert float(told[-1]) <= found.low * 100 + 1e-6


def test_thirty_attempts_bound_at_ten_per_cent_and_three_hundred_at_one() -> None:
    assert words.interval(rate(0, 30)) == "at most 9.6\N{NO-BREAK SPACE}%"
    assert words.interval(rate(0, 300)) == "at most 1\N{NO-BREAK SPACE}%"
    assert "30 attempts without a success bound a rate at 10 %, 300 at 1 %" in summary.RULE


def test_the_worst_species_is_the_headline_and_nothing_is_pooled(write_run: Any) -> None:
    run = write_run("a", "card", {**CLEAN, "card.apcer.film": (0, 10)})
    attacks = table(run)
    assert attacks is not None
    assert attacks.headline is not None
    assert attacks.headline[0] == "screen"
    said = " ".join(summary.sentences(run))
    assert "“screen”: accepted were 1 of 52" in said
    # None of ten bounds less than one of 52: the claim for all species is the weakest of theirs.
    assert "the rate is at most 25.9" in said
    assert "tried at least 10 times" in said
    assert "of 362" not in said


def test_where_nothing_was_accepted_the_species_tried_least_bounds_them_all(write_run: Any) -> None:
    run = write_run("a", "card", {"card.apcer.print": (0, 300), "card.apcer.film": (0, 10)})
    said = summary.sentences(run)[0]
    assert "none was accepted once; tried at least 10 times" in said
    assert "at most 25.9" in said


def test_rendered_data_decides_no_limit_but_may_miss_one(write_run: Any) -> None:
    def states(data: str, **figures: tuple[int, int]) -> dict[str, State | None]:
        run = write_run(
            "a", "card", {f"card.{name.replace('_', '.', 1)}": found for name, found in figures.items()}, data=data
        )
        return {row.requirement: row.state for row in nist.rows([run])}

    refused, forged, match = (
        "Genuine documents refused (DFRR)",
        "Forged documents accepted (DFAR), each species",
        "False match rate (FMR)",
    )
    rendered = states("rendered", bpcer=(2, 100), apcer_print=(0, 52))
    assert (rendered[refused], rendered[forged], rendered[match]) == (State.UNDECIDED, State.UNDECIDED, None)
    captured = states("captured", bpcer=(2, 100), apcer_print=(0, 52))
    assert (captured[refused], captured[forged]) == (State.SHOWN, State.SHOWN)
    assert states("captured", bpcer=(0, 10), apcer_print=(0, 10))[forged] is State.NOT_SHOWN
    assert states("rendered", bpcer=(90, 100), apcer_print=(0, 52))[refused] is State.MISSED


def test_a_threshold_shows_nothing_on_the_comparisons_that_chose_it(write_run: Any) -> None:
    measured = {"value": 0.00009, "low": 0.000089, "high": 0.000091, "n": 30_000_000}
    points = [{"fmr": 1e-4, "threshold": 0.4, "measured_fmr": measured, "measured_fnmr": measured}]
    run = write_run("a", "face", {"face.fnmr@fmr1e-4": (10, 10_000)}, operating_points=points)
    states = {row.requirement: row.state for row in nist.rows([run])}
    assert states["False match rate (FMR)"] is State.NOT_SHOWN
    assert states["False non-match rate (FNMR)"] is State.SHOWN


def test_two_runs_are_compared_attempt_by_attempt_where_both_kept_them(write_run: Any) -> None:
    def kept(accepted: int) -> dict[str, Any]:
        ended = {f"{i:012d}": {"decision": "accept" if i < accepted else "reject", "reasons": []} for i in range(20)}
        return {"print": ended}

    one = write_run("one", "card", {"card.apcer.print": (8, 20), "card.bpcer": (2, 40)}, outcomes=kept(8))
    other = write_run("other", "card", {"card.apcer.print": (0, 20), "card.bpcer": (2, 40)}, outcomes=kept(0))
    (found,) = compare.comparisons([one, other])
    (change,) = found.changes
    assert change.p_value == pytest.approx(binomtest(8, 8).pvalue)
    assert change.significant
    assert "McNemar" in change.test
    assert found.same == 1
    without = write_run("without", "card", {"card.apcer.print": (0, 20)})
    (found,) = compare.comparisons([one, without])
    # Two-sided, by hand: all tables as unlikely as 8 of 20 against 0 of 20 with 8 successes in 40.
    from math import comb

    weights = np.array([comb(20, k) * comb(20, 8 - k) for k in range(9)])
    assert found.changes[0].p_value == pytest.approx(weights[weights <= weights[8]].sum() / weights.sum())
    assert found.changes[0].test == "Fisher"


def test_many_figures_are_not_searched_for_one_that_differs(write_run: Any) -> None:
    names = [f"card.apcer.k{i}" for i in range(40)]
    one = write_run("one", "card", dict.fromkeys(names, (0, 20)))
    other = write_run("other", "card", {name: (6 if name.endswith("k7") else 1, 20) for name in names})
    (found,) = compare.comparisons([one, other])
    assert found.changes[0].figure == "card.apcer.k7"
    assert found.changes[0].p_value is not None
    assert found.changes[0].p_value < 0.05
    assert not any(change.significant for change in found.changes)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "not JSON"),
        ("[]", "not a run"),
        ('{"bench": "card"}', "not a run"),
        ('{"margin": 0.5, "values": {}}', "not a run"),
    ],
)
def test_what_is_no_run_is_refused_in_one_sentence(tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "x.json"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(IdproofError, match=said) as error:
        read(file)
    assert str(error.value).count("\n") == 0
    with pytest.raises(IdproofError, match="cannot be read"):
        read(tmp_path / "missing.json")
