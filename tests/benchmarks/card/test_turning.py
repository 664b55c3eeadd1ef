"""Films of cards that are turned are told from exchanged prints, and counted with the outcome of the check."""

import json

import pytest
from commands import idproof

from idproof.benchmarks.card.turning import NOT_ASSESSED, TurnedFilm, summarise
from idproof.benchmarks.harness.output import BONA_FIDE


def test_a_run_counts_what_passes() -> None:
    films = [
        *[TurnedFilm(BONA_FIDE, "pass", 0.2)] * 3,
        TurnedFilm(BONA_FIDE, NOT_ASSESSED, None),
        TurnedFilm("replay_prints", "fail", 0.9),
        TurnedFilm("replay_prints", "pass", 0.4),
    ]
    run = summarise(films, {BONA_FIDE: 4, "replay_prints": 2}, 7, {"split": "test"})
    assert run.figures["turning.bpcer"]["value"] == 0.25
    assert run.figures["turning.accepted.replay_prints"]["value"] == 0.5
    assert run.counts[BONA_FIDE] == {"pass": 3, "doubt": 0, "fail": 0, NOT_ASSESSED: 1}
    assert run.extra["data"] == "rendered"


@pytest.mark.long
def test_a_genuine_card_passes_and_exchanged_prints_fail() -> None:
    command = ("bench", "turning", "--count", "1", "--replays", "1", "--kind", "replay_prints", "--split", "tuning")
    done = idproof(*command, "--json")
    assert done.returncode == 0, done.stderr
    run = json.loads(done.stdout)
    assert run["counts"]["bona_fide"]["pass"] == 1
    assert run["counts"]["replay_prints"]["fail"] == 1
    assert run["figures"]["turning.bpcer"]["n"] == 1
