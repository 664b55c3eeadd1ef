"""Leaving one image formation out: its cards are judged by the others' values, and worst figures lead."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from idproof.benchmarks.card import measured_cards
from idproof.benchmarks.card.evidence_fit import fit_evidence
from idproof.benchmarks.card.measured_cards import MeasuredCard, calibration_of, judge, measure_cards
from idproof.benchmarks.card.transfer import judge_transfer, transfer_figures
from idproof.benchmarks.errors import BenchmarkFailed, RunNotResumable
from idproof.datasets.sets import read_sets
from idproof.datasets.specimen.make import make
from idproof.datasets.specimen.portraits import PortraitSource
from idproof.pipeline.card.checks.protocol import Limit, Quantity
from idproof.pipeline.card.evidence.hypotheses import Hypothesis
from idproof.pipeline.card.evidence.model import EvidenceModel
from idproof.pipeline.documents import load_builtin
from idproof.pipeline.types import CheckResult, Decision, Outcome, Status

SHARP = Quantity("sharp", "share", "blurred", Limit.AT_LEAST, speaks_to=(Hypothesis.COPY,))
SLIDES = Quantity("slides", "share", "static", Limit.AT_LEAST, speaks_to=(Hypothesis.COPY,), forged=0.0)
QUANTITIES = (SHARP, SLIDES)


def card(formation: str, kind: str, number: int, *values: float, objections: tuple[str, ...] = ()) -> MeasuredCard:
    results = tuple(
        CheckResult(quantity.name, Status.ASSESSED, Outcome.PASS, value)
        for quantity, value in zip(QUANTITIES, values, strict=True)
    )
    return MeasuredCard(formation, kind, f"{formation}{kind}{number}", None, results, objections)


def genuine(formation: str, middle: float, seed: int, count: int = 40) -> list[MeasuredCard]:
    rng = np.random.default_rng(seed)
    return [card(formation, "bona_fide", i, rng.normal(middle, 0.02), rng.normal(1, 0.05)) for i in range(count)]


ALIKE = [*genuine("one", 0.8, 1), *genuine("two", 0.8, 2), *genuine("three", 0.8, 3)]
ODD = [*genuine("one", 0.8, 1), *genuine("two", 0.8, 2), *genuine("odd", 0.5, 3)]


def figures(tested: Sequence[MeasuredCard], tuned: Sequence[MeasuredCard]) -> dict[str, float]:
    found = transfer_figures(judge_transfer(tested, tuned, QUANTITIES))
    return {name: entry["value"] for name, entry in found.items()}


def test_a_formation_unlike_the_others_is_refused_until_it_has_a_part_in_the_limits() -> None:
    found = figures(ODD, ODD)
    assert found["card.transfer.odd.bpcer"] > 0.9
    assert found["card.transfer.bpcer"] == found["card.transfer.odd.bpcer"]
    assert found["card.within.odd.bpcer"] < 0.1
    assert found["card.own.odd.bpcer"] < 0.1
    assert figures(ALIKE, ALIKE)["card.transfer.bpcer"] <= 0.1


def test_the_worst_formation_leads_for_each_kind() -> None:
    copies = [card("one", "print_colour", i, 0.8, 0.0) for i in range(4)]
    copies += [card("two", "print_colour", i, 0.8, 1.0 if i else 0.0) for i in range(4)]
    found = figures([*ALIKE, *copies], ALIKE)
    assert found["card.transfer.one.apcer.print_colour"] == 0
    assert found["card.transfer.apcer.print_colour"] == found["card.transfer.two.apcer.print_colour"] == 0.75


def test_what_is_rejected_is_told_from_what_is_referred() -> None:
    tested = [*genuine("one", 0.8, 1), *genuine("two", 0.8, 2)]
    tested[0] = replace(tested[0], results=None, objections=("card_not_found",))
    tested[1] = card("one", "bona_fide", 1, 0.8, -0.2)
    found = figures(tested, ALIKE)
    assert found["card.transfer.one.bpcer_rejected"] == pytest.approx(1 / 40)
    assert found["card.transfer.one.bpcer"] >= 2 / 40


def test_a_stopped_run_measures_only_what_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make(31, 0, PortraitSource.open(None), load_builtin()).write(tmp_path / "sets" / "0")
    (entry,) = read_sets(tmp_path / "sets")
    kept = tmp_path / "kept.jsonl"
    first = measure_cards([entry], resume=kept)
    monkeypatch.setattr(measured_cards, "locate_card", None)
    assert measure_cards([entry], resume=kept) == first
    with pytest.raises(RunNotResumable):
        measure_cards([entry, entry], resume=kept)


def test_one_formation_cannot_be_left_out() -> None:
    with pytest.raises(BenchmarkFailed):
        judge_transfer(genuine("one", 0.8, 1), ALIKE, QUANTITIES)


def test_the_limit_is_exceeded_by_no_more_genuine_cards_than_promised() -> None:
    table = fit_evidence(ALIKE, QUANTITIES, "synthetic")
    beyond = sum(score > 1 for score in table["scores"]["fraud_copy"])
    assert beyond <= 0.02 * (len(ALIKE) + 1)
    assert table["source"]["expected_bpcer"] < table["source"]["bpcer_at_most"]
    attacks = [card("one", "print_colour", i, 0.1, 0.0) for i in range(40)]
    assert fit_evidence([*ALIKE, *attacks], QUANTITIES, "synthetic")["limit"] == table["limit"], "no attack has a part"


def test_a_card_that_could_not_be_assessed_counts_as_beyond_the_limit_and_does_not_loosen_it() -> None:
    table = fit_evidence(ALIKE, QUANTITIES, "synthetic")
    lost = [replace(c, results=(c.results[0],)) for c in ALIKE[:12] if c.results]
    found = fit_evidence([*lost, *ALIKE[12:]], QUANTITIES, "synthetic")
    assert (table["source"]["not_assessed"], found["source"]["not_assessed"]) == (0, 12)
    assert found["source"]["expected_bpcer"] >= (12 + 1) / (len(ALIKE) + 1) - 1e-5
    assert found["source"]["bpcer_at_most"] > 0.1 > table["source"]["bpcer_at_most"]
    assert found["limit"] <= 1.05 * table["limit"]


def test_a_card_that_was_not_found_or_whose_fields_object_is_not_accepted() -> None:
    calibration, model = calibration_of(ALIKE, QUANTITIES), EvidenceModel.of(fit_evidence(ALIKE, QUANTITIES, ""))
    lost = MeasuredCard("one", "bona_fide", "x", None, None, ("card_not_found",))
    assert judge(lost, QUANTITIES, calibration, model) == (Decision.REFER, ("card_not_found",))
    edited = card("one", "field_edit", 0, 0.8, 1.0, objections=("name_codes_differ",))
    assert judge(edited, QUANTITIES, calibration, model) == (Decision.REFER, ("name_codes_differ",))
    assert judge(card("one", "bona_fide", 0, 0.8, 1.0), QUANTITIES, calibration, model)[0] is Decision.ACCEPT
