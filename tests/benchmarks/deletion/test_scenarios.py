"""Registrations that end in every way leave nothing in a guarded server, with Tesseract in it or beside it."""

import os

import pytest

from idproof.benchmarks.deletion.measure import Part, measure_deletion


@pytest.mark.long
@pytest.mark.timeout(1800)
@pytest.mark.skipif(os.geteuid() != 0, reason="only root may search the memory of a guarded server")
def test_registrations_that_are_cut_short_leave_nothing() -> None:
    run = measure_deletion(parts=[Part.SCENARIOS], in_a_row=2, side_by_side=2)
    for name in ("bona_fide", "reader_killed", "server_sigterm", "server_sigkill"):
        figure = run.figures[f"deletion.scenario.{name}"]
        assert (figure["value"], figure["n"] > 10_000) == (0, True), name
