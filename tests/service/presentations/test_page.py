"""The page of a question: the text before the link, in three languages, without script and nothing from elsewhere."""

import html
import re
import tomllib
from pathlib import Path
from string import Formatter

import pytest
from presentation_desk import PURPOSE, RETURN, Counter
from presenting_wallets import PresentingWallet

from idproof.service.credentials.claims import CLAIMS
from idproof.service.presentations import consent

TEXTS = tomllib.loads(Path(consent.__file__).with_name("texts.toml").read_text(encoding="utf-8"))


def page_of(counter: Counter, asked: dict[str, str], language: str = "en") -> str:
    place = asked["page"].replace("https://library.example", "")
    answer = counter.http.get(place, headers={"Accept-Language": language})
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
    assert (answer.headers["cache-control"], answer.headers["referrer-policy"]) == ("no-store", "no-referrer")
    return answer.text


@pytest.mark.parametrize(("language", "first"), [("en-GB", "en"), ("zh-HK", "zh-Hant"), ("zh-CN", "zh-Hans")])
def test_the_text_comes_before_the_link_and_in_every_language(shared: Counter, language: str, first: str) -> None:
    asked = shared.ask(["over_18", "native_name"])
    page = page_of(shared, asked, language)
    assert f'<html lang="{first}">' in page
    sections = re.findall(r'<section id="([^"]+)"', page)
    assert (sections[0], set(sections)) == (first, set(PURPOSE))
    link = page.index(f'href="{html.escape(asked["link"])}"')
    assert page.index(PURPOSE[first]) < link < page.index("<svg")
    for text in (*PURPOSE.values(), "範例圖書館", "中文姓名"):
        assert text in page


def test_the_page_loads_nothing_and_fetches_no_request(shared: Counter, holder: PresentingWallet) -> None:
    asked = shared.ask()
    page = page_of(shared, asked)
    assert "<script" not in page
    assert not re.search(r"(?:src|action)=", page)
    assert set(re.findall(r'href="([^"]+)"', page)) == {html.escape(asked["link"]), "#zh-Hant", "#zh-Hans"}
    assert page_of(shared, asked) == page
    assert shared.state(asked)["state"] == "open"
    assert holder.answer(asked["link"]).status_code == 200
    place = asked["page"].replace("https://library.example", "")
    over = shared.http.get(place)
    assert over.status_code == 410
    assert "openid4vp:" not in over.text
    assert shared.http.get("/v1/presentation-requests/guess/page").status_code == 404


def test_whatever_a_client_writes_is_text(shared: Counter) -> None:
    written = "<script>alert(1)</script>\"'&"
    page = page_of(shared, shared.ask(purpose=dict.fromkeys(PURPOSE, written)))
    assert "<script" not in page
    assert html.escape(written) in page


def test_the_same_device_needs_no_code(shared: Counter) -> None:
    assert "<svg" not in page_of(shared, shared.ask(flow="same_device", return_url=RETURN))


def test_each_language_has_the_same_texts_and_every_claim() -> None:
    languages = list(TEXTS.values())
    for texts in languages:
        assert texts.keys() == languages[0].keys()
        assert texts["claims"].keys() == CLAIMS.keys()
        for name, text in texts.items():
            if name != "claims":
                fields = [{field for _, field, _, _ in Formatter().parse(each[name]) if field} for each in languages]
                assert fields == [fields[0]] * len(languages), name
                assert text.strip()
