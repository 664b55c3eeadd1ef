"""From a question to its claims: what holds is given once, whatever does not is refused, and nothing is left."""

import json
from pathlib import Path
from typing import Any

import pytest
from presentation_desk import PURPOSE, RETURN, Counter, opened
from presenting_wallets import PresentingWallet
from wallets import ISSUER

from idproof.service.storage.schema import PRESENTATIONS

BOTH = pytest.mark.parametrize("query", ["identity_sd_jwt", "identity_mdoc"])


@BOTH
@pytest.mark.parametrize("mode", ["direct_post.jwt", "direct_post"])
@pytest.mark.parametrize("prefix", ["x509_hash", "x509_san_dns"])
def test_claims_are_given_once_to_the_client_that_asked(tmp_path: Path, query: str, mode: str, prefix: str) -> None:
    with opened(tmp_path, presentation_response=mode, presentation_client_id=prefix) as counter:
        wallet = counter.wallet()
        asked = counter.ask()
        assert counter.state(asked)["state"] == "open"
        assert counter.take(asked).json()["code"] == "presentation_waiting"
        answer = wallet.answer(asked["link"], query)
        assert (answer.status_code, answer.json()) == (200, {}), answer.text
        assert counter.state(asked)["state"] == "held"
        given = counter.take(asked).json()
        assert given["claims"] == {"over_18": True, "family_name": "CHAN"}
        assert (given["issuer"], given["format"]) == (ISSUER, {"identity_sd_jwt": "dc+sd-jwt"}.get(query, "mso_mdoc"))
        assert counter.state(asked)["state"] == "given"
        again = counter.take(asked)
        assert (again.status_code, again.json()["code"]) == (410, "presentation_lapsed")
        (row,) = counter.rows(PRESENTATIONS)
        assert (row.sealed, row.response_code) == (None, None)
        assert counter.fetched == [f"{ISSUER}/v1/credential-status/1"]


def test_more_than_was_asked_for_is_not_kept(shared: Counter, holder: PresentingWallet) -> None:
    asked = shared.ask(["over_18"])
    request = holder.open(asked["link"])
    every = holder.vp_token(request, "identity_sd_jwt", names=["over_18", "family_name", "document_number"])
    assert holder.send(request, every).status_code == 200
    assert shared.take(asked).json()["claims"] == {"over_18": True}


def test_the_consent_says_who_asks_for_what_and_why(shared: Counter) -> None:
    consent = shared.ask(["over_18", "native_name"])["consent"]
    assert consent["en"]["title"].startswith("Example Library asks")
    assert consent["en"]["claims"][1] == "Name in Chinese"
    assert {language: consent[language]["purpose"] for language in consent} == PURPOSE
    assert "範例圖書館" in consent["zh-Hant"]["title"]
    assert "Example Library" in consent["zh-Hans"]["title"], "the default where no name is given"
    assert consent["zh-Hans"]["claims"] == ["发出身份证明当日是否年满 18 岁", "中文姓名"]
    assert "30" in consent["en"]["kept"]
    assert "does not keep" in shared.ask(keeps_days=0)["consent"]["en"]["kept"]


def test_a_holder_who_declines_ends_the_presentation(shared: Counter, holder: PresentingWallet) -> None:
    asked = shared.ask()
    request = holder.open(asked["link"])
    declined = {"error": "access_denied", "state": request.claims["state"]}
    assert holder.post(request, declined).status_code == 200
    assert shared.state(asked)["state"] == "declined"
    assert shared.take(asked).json()["code"] == "presentation_refused"


def test_the_browser_of_the_same_device_brings_the_code_back(shared: Counter, holder: PresentingWallet) -> None:
    """Session fixation: who began the presentation and sent the link to somebody else has no code."""
    asked = shared.ask(flow="same_device", return_url=RETURN)
    assert asked["qr"] is None
    page = holder.answer(asked["link"]).json()["redirect_uri"]
    assert page.startswith(f"{RETURN}#response_code=")
    code = page.partition("=")[2]
    for wrong in ({}, {"response_code": code[:-1]}, {"response_code": ""}, {"response_code": "é"}):
        assert shared.take(asked, **wrong).json()["code"] == "response_code_wrong"
    assert shared.take(asked, response_code=code).json()["claims"]["over_18"] is True


@pytest.mark.parametrize(
    "changed",
    [
        {"claims": []},
        {"claims": ["portrait"]},
        {"claims": ["over_18", "over_18"]},
        {"claims": None},
        {"purpose": {"en": "To open an account."}},
        {"purpose": PURPOSE | {"en": ""}},
        {"purpose": PURPOSE | {"en": "  "}},
        {"purpose": PURPOSE | {"en": "safe\u202eevil"}},
        {"purpose": PURPOSE | {"en": "two\nlines"}},
        {"purpose": PURPOSE | {"fr": "Pour ouvrir un compte."}},
        {"keeps_days": -1},
        {"keeps_days": None},
        {"formats": []},
        {"formats": ["jwt_vc_json"]},
        {"flow": "same_device"},
        {"return_url": RETURN},
        {"flow": "same_device", "return_url": "javascript:alert(1)"},
        {"flow": "same_device", "return_url": "https://library.example/\n"},
        {"unknown": 1},
    ],
)
def test_a_question_that_is_not_as_documented_is_refused(shared: Counter, changed: dict[str, Any]) -> None:
    body = {"claims": ["over_18"], "purpose": PURPOSE, "keeps_days": 30} | changed
    answer = shared.http.post("/v1/presentations", json=body)
    assert (answer.status_code, answer.json()["code"]) == (422, "request_invalid")


@pytest.mark.parametrize(
    "page",
    [
        "https://evil.example/",
        "https://library.example@evil.example/",
        "https://library.example.evil.example/",
        "http://library.example/",
        "https://library.example:444/",
        "https://library.example/#x",
        "https://library.example\\@evil.example/",
        "https://[library.example/",
    ],
)
def test_browsers_return_to_configured_pages_only(shared: Counter, page: str) -> None:
    body = {"claims": ["over_18"], "purpose": PURPOSE, "keeps_days": 0, "flow": "same_device", "return_url": page}
    answer = shared.http.post("/v1/presentations", json=body)
    assert (answer.status_code, answer.json()["code"]) == (422, "return_url_unknown")


def test_nothing_personal_is_in_log_file_or_database(
    counter: Counter, wallet: PresentingWallet, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = counter.ask(["family_name", "document_number", "native_name"])
    assert wallet.answer(asked["link"]).status_code == 200
    held = (counter.settings.database).read_bytes()
    counter.take(asked)
    lines = [json.loads(line)["event"] for line in counter.log.splitlines()]
    assert lines == ["presentation_asked", "presentation_answered", "presentation_given"]
    printed = "".join(capsys.readouterr())
    for value in ("CHAN", "A1234563", "陳大文", PURPOSE["en"]):
        assert value not in counter.log + printed
        for data in (held, counter.settings.database.read_bytes()):
            assert value.encode() not in data
            assert json.dumps(value)[1:-1].encode() not in data
