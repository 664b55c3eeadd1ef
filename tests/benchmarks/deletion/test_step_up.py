"""Nothing of a step-up's pictures stays in a guarded server, and the search finds every form in one that keeps them."""

import os

import pytest

from idproof.benchmarks.deletion.forms import FORMS
from idproof.benchmarks.deletion.measure import Part, measure_deletion


@pytest.mark.long
@pytest.mark.timeout(600)
@pytest.mark.skipif(os.geteuid() != 0, reason="only root may search the memory of a guarded server")
def test_what_a_step_up_held_is_gone_and_the_control_has_it() -> None:
    figures = measure_deletion(parts=[Part.STEP_UP]).figures
    assert figures["deletion.found"]["value"] == 0
    assert figures["deletion.found"]["n"] > 10_000
    assert all(figures[f"deletion.step_up_control_found.{form}"]["value"] for form in (*FORMS, "text"))
