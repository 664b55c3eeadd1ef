"""An edited card contradicts itself in print, whatever was drawn; an invented one never does."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from idproof.datasets.specimen import edits
from idproof.datasets.specimen.identity import invent, title

HONEST = {
    "title": title("***AZ"),
    "chinese_name": "陳大文",
    "english_name": "CHAN, Tai Man",
    "chinese_codes": "7115 1129 2429",
    "date_of_birth": "03-04-1985",
    "sex": "男 M",
    "symbols": "***AZ",
    "first_registration": "(05-03)",
    "issue_date": "15-06-19",
    "number": "A123456(3)",
}
seeds = st.integers(0, 2**32)


@given(seeds)
def test_an_invented_card_agrees_with_itself(seed: int) -> None:
    assert edits.contradictions(invent(np.random.default_rng(seed))) == set()


@given(seeds)
def test_an_edit_changes_one_field_a_little_and_is_a_contradiction(seed: int) -> None:
    rng = np.random.default_rng(seed)
    fields = invent(rng)
    edit = edits.draw(fields, rng)
    before = fields[edit.field]
    assert edits.contradictions({**fields, edit.field: edit.text})
    if edit.kind != "age":  # one star instead of three, or three instead of one
        assert sum(a != b for a, b in zip(before, edit.text, strict=True)) == 1


def test_every_field_that_can_tell_is_drawn() -> None:
    drawn = {
        (edit.field, edit.kind) for seed in range(300) for edit in [edits.draw(HONEST, np.random.default_rng(seed))]
    }
    assert drawn == {
        ("number", "digit"),
        *(("date_of_birth", kind) for kind in ("day", "month", "year")),
        *(("first_registration", kind) for kind in ("month", "year")),
        *(("issue_date", kind) for kind in ("day", "month", "year")),
        ("chinese_name", "character"),
        ("chinese_codes", "digit"),
        *(("sex", kind) for kind in ("character", "letter")),
        *(("symbols", kind) for kind in ("age", "residence")),
    }


@pytest.mark.parametrize(
    ("changed", "rules"),
    [
        ({}, set()),
        ({"number": "A123457(3)"}, {"check_digit"}),
        ({"date_of_birth": "31-04-1985"}, {"dates_real"}),
        ({"issue_date": "15-16-19"}, {"dates_real"}),
        ({"issue_date": "25-11-18"}, {"design"}),
        ({"issue_date": "26-11-18"}, set()),
        ({"first_registration": "(03-85)"}, {"dates_ordered"}),
        ({"first_registration": "(07-19)"}, {"dates_ordered"}),
        ({"first_registration": "(13-03)"}, {"dates_ordered"}),
        ({"date_of_birth": "16-06-2001"}, {"age"}),
        ({"date_of_birth": "15-06-2001"}, set()),
        ({"symbols": "*AZ"}, {"age"}),
        ({"symbols": "*AZ", "date_of_birth": "16-06-2001", "first_registration": "(01-18)"}, set()),
        ({"symbols": "***CZ"}, {"title"}),
        ({"title": title("C")}, {"title"}),
        ({"chinese_name": "陳大明"}, {"codes"}),
        ({"chinese_codes": "7115 1129"}, {"codes"}),
        ({"chinese_name": "", "chinese_codes": ""}, set()),
        ({"sex": "女 M"}, {"sex"}),
    ],
)
def test_each_rule_names_what_disagrees(changed: dict[str, str], rules: set[str]) -> None:
    fields = HONEST | changed
    if fields["date_of_birth"].endswith("2001"):
        fields["first_registration"] = changed.get("first_registration", "(01-14)")
    assert edits.contradictions(fields) == rules


def test_a_holder_without_a_chinese_name_has_another_field_edited() -> None:
    fields = HONEST | {"chinese_name": "", "chinese_codes": ""}
    drawn = {edits.draw(fields, np.random.default_rng(seed)).field for seed in range(100)}
    assert drawn & {"chinese_name", "chinese_codes"} == set()
    assert len(drawn) == 6
