"""Sentences for applicants: every code, each language, chosen by `Accept-Language`."""

import re
from pathlib import Path

import pytest
from fakes import FILES, FakeVerifier, ask
from hypothesis import given
from hypothesis import strategies as st

from idproof.pipeline.errors import BadInput, CardCutOff
from idproof.service.applicant_messages import texts
from idproof.service.http.app import create_app
from idproof.service.operations.settings import Settings

DOCS = Path(__file__).parents[3] / "docs"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path / "data", session_required=False)


def reasons() -> set[str]:
    table = (DOCS / "reasons.md").read_text(encoding="utf-8")
    return {code for row in re.findall(r"^\|(.*?)\|", table, re.MULTILINE) for code in re.findall(r"`(\w+)`", row)}


def leaves(kind: type[BadInput]) -> list[type[BadInput]]:
    return [kind, *(leaf for child in kind.__subclasses__() for leaf in leaves(child))]


def test_every_reason_and_every_problem_of_a_capture_has_its_sentence_in_each_language() -> None:
    codes = {re.sub(r"^CHECK|FIELD$", "*", code) for code in reasons()}
    codes |= {kind.code for kind in leaves(BadInput) if kind is not BadInput}
    assert len(codes) > 50
    assert codes <= set(texts._table())
    assert set(texts._table()) <= codes | {"*"}  # no sentence without a code
    for code, entry in texts._table().items():
        assert entry.keys() == {"en", "zh-Hant", "zh-Hans"}, code
        assert all(re.search(r"[\u4e00-\u9fff]", entry[language]) for language in ("zh-Hant", "zh-Hans")), code
    assert texts.sentence("records_mismatch_number", "en") == texts.sentence("records_mismatch_*", "en")
    assert texts.sentence("dates_real_unread", "en") == texts.sentence("*_unread", "en")


@pytest.mark.parametrize(
    ("accepted", "chosen"),
    [
        (None, "en"),
        ("zh-HK", "zh-Hant"),
        ("zh-Hant-TW, en;q=0.5", "zh-Hant"),
        ("en;q=0.2, yue", "zh-Hant"),
        ("zh-CN", "zh-Hans"),
        ("zh-Hans, fr", "zh-Hans"),
        ("zh-Hans-HK", "zh-Hans"),
        ("zh-SG;q=0.9, en;q=0.1", "zh-Hans"),
        ("yue-Hans", "zh-Hans"),
        ("fr, zh;q=0.3, en;q=0.8", "en"),
        ("*", "en"),
        ("*, zh;q=0.5", "en"),
        ("en-GB, zh-HK;q=0.9", "en"),
        ("zh-MO;q=0.5, fr;q=0.9", "zh-Hant"),
        ("zh;q=1.5, en;q=0.1", "en"),
        ("zh;q=nonsense", "en"),
        ("zh;q=0", "en"),
    ],
)
def test_the_header_chooses_the_language(accepted: str | None, chosen: str) -> None:
    assert texts.preferred_language(accepted) == chosen


@given(st.text(max_size=200))
def test_every_header_chooses_a_language(accepted: str) -> None:
    assert texts.preferred_language(accepted) in texts.LANGUAGES


def test_sentences_come_in_the_clients_language_and_beside_what_is_signed(settings: Settings) -> None:
    def cut_off() -> None:
        raise CardCutOff("Cut off.", capture="card_front")

    chinese = {"Accept-Language": "zh-HK,zh;q=0.9"}
    app = create_app(settings, FakeVerifier())
    answer = ask(app, "POST", "/v1/verifications", files=FILES, headers=chinese)
    assert answer.headers["content-language"] == "zh-Hant"
    assert answer.json()["texts"] == {"face_similarity_low": "未能確定容貌與身份證人像相符。"}
    english = ask(app, "GET", answer.headers["location"])
    assert english.json()["texts"]["face_similarity_low"].startswith("The face")
    assert english.json()["jws"] == answer.json()["jws"]
    refused = ask(
        create_app(settings, FakeVerifier(cut_off)), "POST", "/v1/verifications", files=FILES, headers=chinese
    )
    assert refused.json()["detail"] == "身份證超出畫面，請拍攝整張身份證。"
