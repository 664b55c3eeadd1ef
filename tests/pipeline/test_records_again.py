"""A verdict after the records were asked again: its other checks stay, and no portrait is compared without pictures."""

import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from idproof.pipeline import Decision, Outcome, Status, Verdict, verify
from idproof.pipeline.fields.card_data import CardData
from idproof.pipeline.fields.records import RecordAnswer, RecordStatus
from idproof.pipeline.types import CheckResult
from idproof.pipeline.verdict import from_json

PASSED = CheckResult("face_comparison", Status.ASSESSED, Outcome.PASS, 0.6, "cosine", 0.8, None, 0.4)
UNANSWERED = CheckResult.not_assessed("records", "records_unavailable")


class Authority:
    def __init__(self, answer: RecordAnswer) -> None:
        self.answer = answer
        self.asked: list[CardData] = []

    def look_up(self, form: CardData) -> RecordAnswer:
        self.asked.append(form)
        return self.answer

    def portrait(self, *_: object) -> None:
        raise AssertionError("there are no pictures to compare it with")


def earlier(*checks: CheckResult) -> Verdict:
    body = json.loads((Path(__file__).parents[1] / "support" / "verdict.json").read_text(encoding="utf-8"))
    body.pop("reference")
    form: dict[str, Any] = dict.fromkeys(CardData.__slots__) | {"number": "A123456(3)"}
    found = from_json(body | {"id": "ver_1", "form": form})
    return replace(found, decision=Decision.REFER, checks=checks, required=("face_comparison", "records"))


def again(answer: RecordAnswer, *checks: CheckResult) -> tuple[Verdict, Authority]:
    authority = Authority(answer)
    rules: Any = SimpleNamespace(records=authority)
    return verify.ask_records_again(earlier(*checks), rules), authority


def test_a_match_accepts_what_only_the_records_held_back() -> None:
    found, authority = again(RecordAnswer(RecordStatus.MATCH), PASSED, UNANSWERED)
    assert (found.decision, found.reasons) == (Decision.ACCEPT, ())
    assert [check.name for check in found.checks] == ["face_comparison", "records"]
    assert [form.number for form in authority.asked] == ["A123456(3)"]
    assert found.id != "ver_1"


@pytest.mark.parametrize(
    ("answer", "decision", "reasons"),
    [
        (RecordAnswer(RecordStatus.UNAVAILABLE), Decision.REFER, ("records_unavailable",)),
        (RecordAnswer(RecordStatus.LOST_OR_INVALID), Decision.REJECT, ("card_lost_or_invalid",)),
        (RecordAnswer(RecordStatus.MISMATCH, ("surname",)), Decision.REJECT, ("records_mismatch_surname",)),
        (RecordAnswer(RecordStatus.MATCH, portrait=True), Decision.REFER, ("registered_portrait_unavailable",)),
    ],
)
def test_no_other_answer_accepts(answer: RecordAnswer, decision: Decision, reasons: tuple[str, ...]) -> None:
    found, _ = again(answer, PASSED, UNANSWERED)
    assert (found.decision, found.reasons) == (decision, reasons)


def test_a_match_settles_nothing_else() -> None:
    doubt = CheckResult("face_comparison", Status.ASSESSED, Outcome.DOUBT, reason="face_similarity_low")
    assert again(RecordAnswer(RecordStatus.MATCH), doubt, UNANSWERED)[0].reasons == ("face_similarity_low",)
    assert again(RecordAnswer(RecordStatus.MATCH), UNANSWERED)[0].reasons == ("face_comparison_missing",)
