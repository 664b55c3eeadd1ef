"""Nothing of sealed pictures is found in a guarded server; where they are not encrypted, the search finds them."""

import os

import pytest

from idproof.benchmarks.deletion.measure import Part, measure_deletion


@pytest.mark.long
@pytest.mark.timeout(900)
@pytest.mark.skipif(os.geteuid() != 0, reason="only root may search the memory of a guarded server")
def test_pictures_for_a_reviewer_are_found_nowhere_and_the_control_has_them() -> None:
    figures = measure_deletion(parts=[Part.SEALED]).figures
    assert figures["deletion.scenario.sealed_waiting"]["value"] == 0
    assert figures["deletion.scenario.sealed_viewed"]["value"] == 0
    assert figures["deletion.scenario.sealed_waiting"]["n"] > 10_000
    waiting = figures["deletion.sealed_control_found.compressed"]
    assert waiting["value"] == waiting["n"] > 1000, "where they are not encrypted, all of them are found"
    assert figures["deletion.sealed_control_viewed_found"]["value"] == 0, "and they are gone once they were taken"
