"""The next step for each reason: an entry and texts for every code, precedence, and the table of the page."""

import re
from itertools import permutations
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from idproof.service.applicant_messages import texts
from idproof.service.cases.next_steps import CAPTURES, NextStep, _table, instructions, next_step

DOCS = Path(__file__).parents[3] / "docs"
REASONS = _table()["reasons"]


def documented() -> set[str]:
    table = (DOCS / "reasons.md").read_text(encoding="utf-8")
    found = {code for row in re.findall(r"^\|(.*?)\|", table, re.MULTILINE) for code in re.findall(r"`(\w+)`", row)}
    return {re.sub(r"^CHECK|FIELD$", "*", code) for code in found}


def test_every_documented_reason_has_its_own_entry_and_no_other_has() -> None:
    assert len(documented()) > 100
    assert set(REASONS) == documented() | {"*"}


def test_every_entry_is_complete_and_every_text_is_used_and_exists_in_each_language() -> None:
    for code, entry in REASONS.items():
        step = NextStep(entry["step"])
        assert step is not NextStep.NOTHING, code
        if step is NextStep.CAPTURE:
            assert entry["captures"], code
            assert set(entry["captures"]) <= set(CAPTURES), code
            assert entry["advice"] in _table()["advice"], code
        else:
            assert set(entry) == {"step"}, code
    used = {entry["advice"] for entry in REASONS.values() if "advice" in entry}
    assert used == set(_table()["advice"])
    for group in ("steps", "advice"):
        for name, sentences in _table()[group].items():
            assert set(sentences) == set(texts.LANGUAGES), name
            assert all(re.search(r"[\u4e00-\u9fff]", sentences[language]) for language in texts.LANGUAGES[1:]), name


def test_the_scripts_differ_but_for_the_few_sentences_whose_characters_both_share() -> None:
    same = [name for name, entry in texts._table().items() if entry["zh-Hant"] == entry["zh-Hans"]]
    assert same == ["eyes_mouth_not_seen", "face_lost", "selfie_blurred"]
    for group in ("steps", "advice"):
        assert all(entry["zh-Hant"] != entry["zh-Hans"] for entry in _table()[group].values())


def test_every_reason_says_what_to_do_in_each_language() -> None:
    for code in documented():
        for language in texts.LANGUAGES:
            step = next_step("refer", [code.replace("*", "name")])
            assert instructions(step, [code]).to_json(language)["text"], code


def test_the_strictest_step_wins_in_any_order() -> None:
    by_step = {
        NextStep.REFUSE: "card_lost_or_invalid",
        NextStep.COUNTER: "face_mismatch",
        NextStep.CAPTURE: "selfie_blurred",
        NextStep.RECORDS: "records_unavailable",
    }
    ranked = list(by_step)
    for first in range(4):
        for codes in permutations([by_step[step] for step in ranked[first:]]):
            assert next_step("refer", codes) is ranked[first]
    assert next_step("reject", []) is NextStep.COUNTER  # nothing known is no reason to ask for less


@given(st.sampled_from(["refer", "reject"]), st.lists(st.sampled_from(sorted(REASONS)), min_size=1))
def test_one_more_reason_never_makes_it_milder(decision: str, codes: list[str]) -> None:
    order = list(NextStep)
    steps = [order.index(next_step(decision, codes[: n + 1])) for n in range(len(codes))]
    assert steps == sorted(steps)
    assert next_step("accept", codes) is NextStep.NOTHING


def test_an_unknown_reason_goes_to_a_counter() -> None:
    assert next_step("refer", ["something_new"]) is NextStep.COUNTER
    assert next_step("refer", ["dates_real_unread"]) is NextStep.CAPTURE
    assert next_step("refer", ["face_comparison_missing"]) is NextStep.COUNTER
    assert next_step("reject", ["records_mismatch_number"]) is NextStep.COUNTER


def test_instructions_name_what_to_take_again_once_and_in_order() -> None:
    shown = instructions(NextStep.CAPTURE, ["selfie_blurred", "card_overexposed", "selfie_cut_off", "face_mismatch"])
    assert shown.captures == ("card", "selfie")
    assert shown.advice == ("look_ahead", "less_glare")
    assert shown.to_json("en")["text"].startswith("Please take new pictures. Look straight")
    assert instructions(NextStep.CAPTURE, []).captures == CAPTURES


def table() -> str:
    rows = ["| reason | next | again | advice |", "| --- | --- | --- | --- |"]
    for code, entry in REASONS.items():
        again = ", ".join(entry.get("captures", []))
        advice = f"`{entry['advice']}`" if again else ""
        rows.append(f"| `{code}` | {entry['step']} | {again} | {advice} |")
    return "\n".join(rows) + "\n"


def test_the_page_prints_the_table() -> None:
    assert table() in (DOCS / "after-refer.md").read_text(encoding="utf-8")
