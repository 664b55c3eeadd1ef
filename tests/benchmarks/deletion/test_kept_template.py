"""No plain template stays in a server that keeps protected ones, and the search finds one that is not encrypted."""

import os

import pytest

from idproof.benchmarks.deletion.measure import Part, measure_deletion
from idproof.pipeline.vault.kinds import TEMPLATE


@pytest.mark.long
@pytest.mark.timeout(900)
@pytest.mark.skipif(os.geteuid() != 0, reason="only root may search the memory of a guarded server")
def test_the_plain_template_is_gone_at_every_stage_and_the_control_has_it() -> None:
    figures = measure_deletion(parts=[Part.TEMPLATE]).figures
    assert figures["deletion.found"]["value"] == 0
    for stage in ("waiting", "kept", "stepped_up"):
        assert figures[f"deletion.scenario.template_{stage}"]["n"] > 1_000
    assert figures[f"deletion.found.{TEMPLATE}"]["n"] > 10
    assert figures[f"deletion.template_control_found.{TEMPLATE}"]["value"] > 0
