"""The officers' page at a counter in real Chromium: policy, texts, wrong codes, a second screen, and a refusal."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import counter_page as counter
import httpx
import kiosk_page as kiosk
import pytest
from access_keys import key
from idle_page import require_warning
from playwright.sync_api import Browser, Route
from sqlalchemy import func, select
from stream_server import enroll, stream_server

from idproof.pipeline import Decision
from idproof.service.auth.clients import Scope
from idproof.service.counter import pages
from idproof.service.http.static_pages import POLICY
from idproof.service.operations.settings import Settings
from idproof.service.storage import Database
from idproof.service.storage.schema_registrations import COUNTER_GUESSES, REGISTRATIONS

STATIC = Path(pages.__file__).parent / "static"
TEXTS = {name: json.loads((STATIC / "texts" / f"{name}.json").read_text("utf-8")) for name in ("en", "zh-Hant")}


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path / "data", anonymous=False, device_tickets=True)


@pytest.fixture
def verifier() -> counter.ReferringVerifier:
    return counter.ReferringVerifier()


@pytest.fixture
def url(settings: Settings, verifier: counter.ReferringVerifier, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    with stream_server(settings, verifier, monkeypatch) as address:
        yield address


def test_the_page_runs_nothing_but_its_own_files(url: str) -> None:
    for address in ("/counter", "/counter/static/main.js", "/counter/static/texts/en.json"):
        answer = httpx.get(url + address)
        assert (answer.status_code, answer.headers["content-security-policy"]) == (200, POLICY)
        assert answer.headers["permissions-policy"].startswith("camera=()")
    for name in ("../pages.py", "..%2Fpages.py", "none.js", "", "texts"):
        assert httpx.get(f"{url}/counter/static/{name}").status_code == 404
    text = (STATIC / "index.html").read_text("utf-8")
    assert not re.search(r"<style|style=|\son\w+=|<script(?![^>]*src=)|https?://", text)
    for source in (*STATIC.glob("*.js"), *STATIC.glob("*.css")):
        text = source.read_text("utf-8")
        assert not re.search(r"https?://|innerHTML|eval\(|localStorage|sessionStorage|pushState", text), source.name
        for shared in re.findall(r'from "([^"]+)"', text):
            assert httpx.get(url + shared).status_code == 200, shared


def test_every_sentence_exists_in_both_languages() -> None:
    assert TEXTS["en"].keys() == TEXTS["zh-Hant"].keys()
    page = (STATIC / "index.html").read_text("utf-8")
    assert set(re.findall(r'data-t(?:-label)?="([^"]+)"', page)) <= TEXTS["en"].keys()
    for name, sentence in TEXTS["en"].items():
        values = sorted(re.findall(r"\{\w+\}", sentence))
        assert values == sorted(re.findall(r"\{\w+\}", TEXTS["zh-Hant"][name])), name
    assert {f"outcome.{decision}" for decision in Decision} <= TEXTS["en"].keys()


def test_a_wrong_code_is_said_and_what_is_no_code_is_not_sent(url: str, settings: Settings, chromium: Browser) -> None:
    token = key(settings, Scope.COUNTER_WRITE, client="counter")
    with kiosk.page(chromium, kiosk.DESK, camera=False) as made:
        made.goto(f"{url}/counter")
        counter.sign_in(made, token)
        made.fill("#code", "K7M2P-9QX")
        made.keyboard.press("Enter")
        kiosk.wait(made, "document.getElementById('problem').textContent.includes('Nothing was sent')")
        assert _guesses(settings) == 0
        made.fill("#code", "K7M2P-9QX4D")
        made.keyboard.press("Enter")
        kiosk.wait(made, "document.getElementById('problem').textContent.includes('No ticket in force')")
        assert _guesses(settings) == 1
        made.click("#leave")
        kiosk.view(made, "enter")
        counter.sign_in(made, key(settings, Scope.REVIEW_WRITE, client="anna"))
        made.fill("#code", "K7M2P-9QX4D")
        made.keyboard.press("Enter")
        kiosk.wait(made, "document.getElementById('problem').textContent.includes('not a counter')")
        kiosk.view(made, "enter")


def test_a_code_typed_in_full_width_letters_opens_and_a_letter_of_no_code_is_not_sent(
    url: str, settings: Settings, chromium: Browser
) -> None:
    token = key(settings, Scope.COUNTER_WRITE, client="counter")
    code = _a_ticket(url, settings)
    with kiosk.page(chromium, kiosk.DESK, camera=False) as made:
        made.goto(f"{url}/counter")
        counter.sign_in(made, token)
        made.fill("#code", "U7M2P-9QX4D")
        made.keyboard.press("Enter")
        kiosk.wait(made, "document.getElementById('problem').textContent.includes('Nothing was sent')")
        assert _guesses(settings) == 0
        counter.open_visit(made, "".join(chr(ord(letter) + 0xFEE0) for letter in code))


def test_a_page_that_was_left_open_forgets_the_key_also_if_an_answer_comes_later(
    url: str, settings: Settings, chromium: Browser
) -> None:
    token = key(settings, Scope.COUNTER_WRITE, client="counter")
    code = _a_ticket(url, settings)
    asked: list[Route] = []
    with kiosk.page(chromium, kiosk.DESK, camera=False) as made:
        made.clock.install()
        made.goto(f"{url}/counter")
        counter.sign_in(made, token)
        counter.open_visit(made, code)
        made.click("#capture", button="middle")
        kiosk.view(made, "enter")  # as with the first button: the applicant uses this screen
        counter.sign_in(made, token)
        kiosk.view(made, "visit")
        made.route("**/v1/counter/*", lambda route: asked.append(route))
        with made.expect_request("**/v1/counter/*"):
            made.click("#look")
        made.clock.fast_forward("05:02")
        kiosk.view(made, "enter")
        with made.expect_response("**/v1/counter/*"):
            asked[0].continue_()
        made.unroute("**/v1/counter/*")
        made.clock.run_for(2000)
        assert made.evaluate("document.body.dataset.view") == "enter"
        assert made.inner_text("#visit-id") == made.input_value("#key") == ""
        counter.sign_in(made, token)
        kiosk.view(made, "visit")


def test_an_officer_is_warned_before_the_page_locks_itself(url: str, settings: Settings, chromium: Browser) -> None:
    with kiosk.page(chromium, kiosk.DESK, camera=False) as made:
        made.clock.install()
        made.goto(f"{url}/counter")
        counter.sign_in(made, key(settings, Scope.COUNTER_WRITE, client="counter"))
        require_warning(made, TEXTS["en"]["idle.warning"])


def _a_ticket(url: str, settings: Settings) -> str:
    office = {"Authorization": f"Bearer {key(settings, Scope.REGISTRATION_WRITE, client='office')}"}
    registration = httpx.post(f"{url}/v1/registrations", headers=office).json()["id"]
    answer = httpx.post(f"{url}/v1/registrations/{registration}/counter-ticket", headers=office)
    return str(answer.json()["code"])


def _guesses(settings: Settings) -> int:
    with Database.open(settings).read() as connection:
        return connection.scalar(select(func.count()).select_from(COUNTER_GUESSES)) or 0


def test_with_a_second_screen_the_outcome_appears_by_itself_and_a_rejected_capture_can_only_be_refused(
    url: str, settings: Settings, verifier: counter.ReferringVerifier, chromium: Browser
) -> None:
    token = key(settings, Scope.COUNTER_WRITE, client="counter")
    with kiosk.page(chromium, kiosk.PHONE) as applicant:
        kiosk.connect(applicant, url, enroll(settings.data_dir))
        counter.register(applicant)
        code = counter.ticket(applicant)
    verifier.given = Decision.REJECT
    with kiosk.page(chromium, (820, 1180), "zh-HK") as officer:
        counter.prepare_device(officer, url, counter.enroll_for(settings, "counter"))
        counter.sign_in(officer, token)
        counter.open_visit(officer, code)
        camera = counter.capture(officer, shared=False)
        kiosk.wait(officer, "document.querySelectorAll('#checks tr').length === 2")
        assert officer.evaluate("document.body.dataset.view") == "visit"
        assert officer.evaluate("document.activeElement.id") == "outcome-title"
        assert officer.inner_text("#outcome-text") == TEXTS["zh-Hant"]["outcome.reject"]
        assert officer.inner_text("#decide-why") == TEXTS["zh-Hant"]["decide.unsuitable"]
        assert officer.is_disabled("#accept")
        assert kiosk.grave(officer) == []
        camera.close()
        officer.focus("#refuse")
        officer.keyboard.press("Space")
        officer.focus("#sure")
        officer.keyboard.press("Space")
        officer.keyboard.press("Enter")
        kiosk.wait(officer, "document.getElementById('done').textContent !== ''")
        assert officer.inner_text("#done") == TEXTS["zh-Hant"]["done.refused"]
    with Database.open(settings).read() as connection:
        assert connection.execute(select(REGISTRATIONS.c.status)).scalars().all() == ["refused"]
