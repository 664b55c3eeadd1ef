"""Films in the light of a screen are counted by outcome, genuine ones by distance and by the room's light as well."""

import json

import pytest
from commands import idproof

from idproof.benchmarks.card.lit import LitFilm, summarise
from idproof.benchmarks.harness.output import BONA_FIDE

VALUES = (0.9, 0.05, 0.95, 0.06)


def test_a_run_counts_what_passes() -> None:
    films = [
        *[LitFilm(BONA_FIDE, "", True, 250.0, VALUES, 0)] * 3,
        LitFilm(BONA_FIDE, "card_light_too_weak", False, 9000.0, VALUES, 1),
        LitFilm("light_tablet", "card_light_mirrored", True, 250.0, VALUES, 0),
        LitFilm("light_tablet", "", True, 250.0, VALUES, 0),
    ]
    run = summarise(films, 7, {"split": "test"})
    assert run.figures["card_light.bpcer"]["value"] == 0.25
    assert run.figures["card_light.bpcer.near.below_300_lux"]["value"] == 0
    assert run.figures["card_light.bpcer.far.brighter"]["value"] == 1
    assert run.figures["card_light.accepted.light_tablet"]["value"] == 0.5
    assert run.figures["card_light.accepted.other_session"]["value"] == pytest.approx(1 / 800)
    assert run.counts[BONA_FIDE] == {"pass": 3, "card_light_too_weak": 1}
    assert run.extra["data"] == "rendered"


@pytest.mark.long
def test_a_card_passes_and_a_display_does_not() -> None:
    command = ("bench", "card-light", "--count", "1", "--attacks", "1", "--kind", "light_tablet", "--split", "tuning")
    done = idproof(*command, "--seed", "6", "--json")
    assert done.returncode == 0, done.stderr
    run = json.loads(done.stdout)
    assert run["counts"]["bona_fide"] == {"pass": 1}
    assert "pass" not in run["counts"]["light_tablet"]
