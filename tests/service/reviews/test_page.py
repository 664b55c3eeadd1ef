"""The reviewers' page in real Chromium: policy, texts, keyboard, accessibility, and sealed pictures opened there."""

import base64
import json
import re
from pathlib import Path
from typing import Any

import cv2
import httpx
import kiosk_page as kiosk
import numpy as np
import pytest
import review_bench
from access_keys import key
from fakes import FakeVerifier, serving_app
from idle_page import require_warning, scroll
from playwright.sync_api import Browser, Page
from review_bench import ReviewBench

from idproof.pipeline import Role
from idproof.service.auth.clients import Scope
from idproof.service.cases.states import RegistrationStatus
from idproof.service.http.app import create_app
from idproof.service.operations.settings import Settings
from idproof.service.reviews import pages
from idproof.service.reviews.decisions import REASONS, ReviewDecision, ReviewReason
from idproof.service.reviews.opening import open_reviews
from idproof.service.reviews.states import ReviewState

STATIC = Path(__file__).parents[3] / "service" / "reviews" / "static"
TEXTS = {name: json.loads((STATIC / "texts" / f"{name}.json").read_text("utf-8")) for name in ("en", "zh-Hant")}
DESK, TABLET = (1440, 1000), (820, 1180)


def picture(role: str) -> bytes:
    pixels = np.full((300, 420, 3), 210, dtype=np.uint8)
    cv2.putText(pixels, role, (20, 150), cv2.FONT_HERSHEY_SIMPLEX, 0.9, (70, 60, 20), 2)
    return cv2.imencode(".jpg", pixels)[1].tobytes()


class Office:
    """A server with reviews, and the parts that a test looks into."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch, **more: Any) -> None:
        told = {"review_referred": True, "anonymous": False, "review_officers": 1, "core_url": "http://127.0.0.1:1"}
        self.settings = Settings(data_dir=folder, **told | more)
        opened: list[Any] = []

        def remember(intake: Any) -> Any:
            opened.append(open_reviews(intake))
            return opened[-1]

        monkeypatch.setattr("idproof.service.http.app.open_reviews", remember)
        self.app = create_app(self.settings, FakeVerifier())  # type: ignore[arg-type]
        self.reviews = opened[0]
        self.bench = ReviewBench(self.settings)
        self.bench.reviews = self.reviews
        self.officer = key(self.settings, Scope.REVIEW_WRITE, client="anna")
        self.admin = key(self.settings, Scope.ADMIN, client="admin")

    def confirm(self, url: str, fingerprint: str) -> None:
        headers = {"Authorization": f"Bearer {self.admin}"}
        (waiting,) = [
            one
            for one in httpx.get(f"{url}/v1/reviewers", headers=headers).json()["items"]
            if one["state"] == "pending"
        ]
        path = f"{url}/v1/reviewers/{waiting['id']}/confirm"
        httpx.post(path, headers=headers, json={"fingerprint": fingerprint}).raise_for_status()


@pytest.fixture
def office(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Office:
    monkeypatch.setattr(review_bench, "PICTURES", {role.value: picture(role.value) for role in Role})
    return Office(tmp_path, monkeypatch, review_pictures="sealed")


def sign_in(made: Page, url: str, office: Office, *, enrol: bool = True) -> None:
    made.goto(f"{url}/review")
    view(made, "enter")
    made.fill("#key", office.officer)
    made.keyboard.press("Enter")
    if enrol:
        view(made, "enrol")
        made.fill("#officer", "HK-0421")
        made.keyboard.press("Enter")
        view(made, "pending")
        office.confirm(url, made.inner_text("#fingerprint"))
        made.click("#pending-again")
    view(made, "board")


def view(made: Page, name: str) -> None:
    kiosk.wait(made, "name => document.body.dataset.view === name", name, 20)


def shot(made: Page, name: str, tmp_path: Path) -> None:
    made.screenshot(path=str(tmp_path.parent / f"review-{name}.png"), full_page=True)


def test_the_page_runs_nothing_but_its_own_files(office: Office) -> None:
    with serving_app(office.app) as (host, port):
        for address in ("/review", "/review/static/main.js", "/review/static/texts/en.json"):
            answer = httpx.get(f"http://{host}:{port}{address}")
            policy = answer.headers["content-security-policy"]
            assert (answer.status_code, policy) == (200, pages.REVIEW_POLICY)
            assert not re.search(r"unsafe|http|data:|\*", policy)
            assert policy.count("blob:") == 1
            assert "img-src 'self' blob:" in policy
            assert answer.headers["permissions-policy"].startswith("camera=()")
        for name in ("../pages.py", "..%2Fpages.py", "none.js", "", "texts"):
            assert httpx.get(f"http://{host}:{port}/review/static/{name}").status_code == 404
    text = (STATIC / "index.html").read_text("utf-8")
    assert not re.search(r"<style|style=|\son\w+=|<script(?![^>]*src=)|https?://", text)
    for source in (*STATIC.glob("*.js"), *STATIC.glob("*.css")):
        text = source.read_text("utf-8").replace("http://www.w3.org/2000/svg", "")
        assert not re.search(r"https?://|innerHTML|eval\(|localStorage|sessionStorage|pushState", text), source.name


def test_every_sentence_exists_in_both_languages() -> None:
    assert TEXTS["en"].keys() == TEXTS["zh-Hant"].keys()
    page = (STATIC / "index.html").read_text("utf-8")
    assert set(re.findall(r'data-t(?:-label)?="([^"]+)"', page)) <= TEXTS["en"].keys()
    for name, sentence in TEXTS["en"].items():
        values = sorted(re.findall(r"\{\w+\}", sentence))
        assert values == sorted(re.findall(r"\{\w+\}", TEXTS["zh-Hant"][name])), name
    for decision in ReviewDecision:
        assert {f"decision.{decision}", f"decision.{decision}.how"} <= TEXTS["en"].keys()
    assert {f"reason.{code}" for codes in REASONS.values() for code in codes} <= TEXTS["en"].keys()


@pytest.mark.parametrize(("size", "locale"), [(DESK, "en-GB"), (TABLET, "zh-HK")], ids=["desk", "tablet"])
def test_an_officer_enrols_reviews_and_decides_by_keyboard(
    office: Office, chromium: Browser, tmp_path: Path, size: tuple[int, int], locale: str
) -> None:
    registration, review = office.bench.referred("face_similarity_low", "card_overexposed")
    office.bench.referred("hologram_not_seen")
    with serving_app(office.app) as (host, port), kiosk.page(chromium, size, locale, camera=False) as made:
        url = f"http://{host}:{port}"
        sign_in(made, url, office)
        kiosk.wait(made, "document.querySelectorAll('#queue button').length === 2")
        shot(made, f"queue-{size[0]}", tmp_path)
        assert kiosk.grave(made) == []
        made.focus("#queue li:first-child button")
        made.keyboard.press("Enter")
        kiosk.wait(
            made, "!document.getElementById('case').hidden && document.querySelectorAll('#checks tr').length > 0"
        )
        assert made.evaluate("document.activeElement.id") == "case-title"
        assert made.locator("#checks .scale").count() > 0
        assert made.locator("#pictures img").count() == 0
        assert "A123456(3)" in made.inner_text("#fields")
        shot(made, f"case-{size[0]}", tmp_path)
        assert kiosk.grave(made) == []
        made.focus("#choices input")
        made.keyboard.press("Space")
        made.select_option("#reason", "records_confirm")
        made.fill("#comment", "Glare on the portrait.")
        made.focus("#sure")
        made.keyboard.press("Space")
        shot(made, f"decide-{size[0]}", tmp_path)
        made.focus("#decide-go")
        made.keyboard.press("Enter")
        kiosk.wait(made, "document.getElementById('done').textContent !== ''")
        assert made.evaluate("document.activeElement.id") == "queue-title"
        assert made.evaluate("document.getElementById('fields').childElementCount") == 0, "nothing of the card is left"
        shot(made, f"done-{size[0]}", tmp_path)
        assert kiosk.grave(made) == []
        kept = kiosk.stored(made)
        assert office.officer not in kept
        assert '"local": {}, "session": {}' in kept
        assert office.officer not in made.url
    assert office.bench.status(registration) is RegistrationStatus.ACCEPTED
    found = office.reviews.store.find(review)
    assert found.state is ReviewState.DECIDED
    assert found.opinions[0].comment.text == "Glare on the portrait."


def test_sealed_pictures_open_in_the_officers_browser_once(office: Office, chromium: Browser, tmp_path: Path) -> None:
    with serving_app(office.app) as (host, port), kiosk.page(chromium, DESK, camera=False) as made:
        url = f"http://{host}:{port}"
        sign_in(made, url, office)
        office.bench.referred()
        made.click("#reload")
        made.click("#queue li button")
        made.click("#pictures-open")
        kiosk.wait(made, "document.querySelectorAll('#pictures img').length === 4")
        kiosk.wait(made, "[...document.querySelectorAll('#pictures img')].every((one) => one.naturalWidth === 420)")
        shot(made, "pictures", tmp_path)
        assert kiosk.grave(made) == []
        shown = made.evaluate(
            """async () => {
              const found = {};
              for (const image of document.querySelectorAll("#pictures img")) {
                const drawn = document.createElement("canvas");
                drawn.width = image.naturalWidth;
                drawn.height = image.naturalHeight;
                drawn.getContext("2d").drawImage(image, 0, 0);
                found[image.alt] = drawn.toDataURL("image/png");
              }
              return found;
            }"""
        )
        front = cv2.imdecode(np.frombuffer(base64.b64decode(shown["Card, front"].partition(",")[2]), np.uint8), 1)
        sent = cv2.imdecode(np.frombuffer(review_bench.PICTURES["card_front"], np.uint8), 1)
        assert np.abs(front.astype(int) - sent.astype(int)).mean() < 2
        assert office.reviews.pictures.verifications() == [], "after the only view the service has destroyed them"
        address = made.get_attribute("#pictures img", "src")
        made.click("#release")
        kiosk.wait(made, "document.getElementById('case').hidden")
        assert made.locator("#pictures img").count() == 0
        gone = made.evaluate(
            """address => new Promise((done) => {
              const image = new Image();
              image.onload = () => done("still there");
              image.onerror = () => done("gone");
              image.src = address;
            })""",
            address,
        )
        assert gone == "gone"
        # Again: there are none any more, and the page says so.
        made.click("#queue li button")
        kiosk.wait(made, "!document.getElementById('case').hidden")
        assert made.is_hidden("#pictures-open")


def test_the_browsers_key_cannot_be_read_out_and_another_browser_has_none(office: Office, chromium: Browser) -> None:
    with serving_app(office.app) as (host, port):
        url = f"http://{host}:{port}"
        with kiosk.page(chromium, DESK, camera=False) as made:
            sign_in(made, url, office)
            said = made.evaluate(
                """async () => {
                  const {load} = await import("/review/static/keys.js");
                  const opening = indexedDB.open("idproof-review", 1);
                  const clients = await new Promise((done) => { opening.onsuccess = () => {
                    const all = opening.result.transaction("keys").objectStore("keys").getAllKeys();
                    all.onsuccess = () => { opening.result.close(); done(all.result); };
                  }; });
                  const {key} = await load(clients[0]);
                  const out = (form) => crypto.subtle.exportKey(form, key).then(() => "out", () => "kept");
                  const tried = ["raw", "pkcs8", "jwk"].map(out);
                  return {clients: clients.length, tried: await Promise.all(tried), usages: key.usages};
                }"""
            )
            assert said == {"clients": 1, "tried": ["kept"] * 3, "usages": ["deriveBits"]}
        with kiosk.page(chromium, DESK, camera=False) as made:
            sign_in(made, url, office, enrol=False)
            office.bench.referred()
            made.click("#reload")
            made.click("#queue li button")
            kiosk.wait(made, "!document.getElementById('case').hidden")
            assert made.is_hidden("#pictures-open")
            assert made.is_visible("#new-key")


def test_a_changed_ciphertext_and_another_registrations_pictures_do_not_open(office: Office, chromium: Browser) -> None:
    with serving_app(office.app) as (host, port), kiosk.page(chromium, DESK, camera=False) as made:
        sign_in(made, f"http://{host}:{port}", office)
        _, review = office.bench.referred()
        found = office.reviews.store.find(review)
        client = office.reviews.reviewers.entries()[0].client
        office.reviews.claim(client, review)
        taken = office.reviews.take_pictures(client, review)
        coded = {role: _coded(data) for role, data in taken.pictures.items()}
        swapped = coded | {"selfie": coded["card_front"], "card_front": coded["selfie"]}
        changed = coded | {"selfie": _coded(taken.pictures["selfie"][:-1] + bytes([taken.pictures["selfie"][-1] ^ 1]))}
        tries = [(found.verification, coded), (found.verification, swapped), (found.verification, changed)]
        tries.append(("ver_" + "0" * 26, coded))
        said = made.evaluate(
            """async ({client, key, tries}) => {
              const {load, open} = await import("/review/static/keys.js");
              const own = await load(client);
              const count = (all) => Object.keys(all).length;
              const attempt = ([id, pictures]) => open(own, id, {key, pictures}).then(count, () => "refused");
              return Promise.all(tries.map(attempt));
            }""",
            {"client": client, "key": _coded(taken.key), "tries": tries},
        )
        assert said == [4, "refused", "refused", "refused"]


def test_a_wrong_key_and_a_lapsed_claim_are_said(office: Office, chromium: Browser) -> None:
    with serving_app(office.app) as (host, port), kiosk.page(chromium, DESK, camera=False) as made:
        url = f"http://{host}:{port}"
        made.goto(f"{url}/review")
        view(made, "enter")
        made.fill("#key", "idp_000000000000_wrong")
        made.keyboard.press("Enter")
        kiosk.wait(made, "document.getElementById('problem').textContent.includes('not in force')")
        sign_in(made, url, office)
        registration, review = office.bench.referred()
        made.click("#reload")
        made.click("#queue li button")
        kiosk.wait(made, "!document.getElementById('case').hidden")
        client = office.reviews.reviewers.entries()[0].client
        office.reviews.release(client, review)
        made.check("#choices label:nth-child(4) input")
        made.check("#sure")
        made.click("#decide-go")
        kiosk.wait(made, "document.getElementById('case').hidden")
        assert "not yours any more" in made.inner_text("#problem")
        assert office.bench.status(registration) is RegistrationStatus.IN_REVIEW
        made.click("#leave")
        view(made, "enter")


def test_a_page_that_was_left_open_shows_and_decides_nothing(office: Office, chromium: Browser) -> None:
    with serving_app(office.app) as (host, port), kiosk.page(chromium, DESK, camera=False) as made:
        made.clock.install()
        sign_in(made, f"http://{host}:{port}", office)
        office.bench.referred()
        made.click("#reload")
        made.click("#queue li button")
        made.click("#pictures-open")
        kiosk.wait(made, "document.querySelectorAll('#pictures img').length === 4")
        for _ in range(4):  # an officer who reads is there
            made.clock.fast_forward("03:00")
            scroll(made)
            made.clock.run_for(2000)
        assert made.evaluate("document.body.dataset.view") == "board"
        made.clock.fast_forward("05:02")
        view(made, "enter")
        assert made.inner_text("#problem") == TEXTS["en"]["problem.idle"]
        assert made.locator("#pictures img").count() == 0
        assert "A123456" not in made.content()


def test_an_officer_is_warned_before_the_page_signs_out(office: Office, chromium: Browser) -> None:
    with serving_app(office.app) as (host, port), kiosk.page(chromium, DESK, camera=False) as made:
        made.clock.install()
        sign_in(made, f"http://{host}:{port}", office)
        require_warning(made, TEXTS["en"]["idle.warning"])


def test_a_case_disappears_when_it_goes_back_to_the_queue(office: Office, chromium: Browser) -> None:
    with serving_app(office.app) as (host, port), kiosk.page(chromium, DESK, camera=False) as made:
        made.clock.install()
        sign_in(made, f"http://{host}:{port}", office)
        office.bench.referred()
        made.click("#reload")
        made.click("#queue li button")
        kiosk.wait(made, "!document.getElementById('case').hidden")
        for _ in range(4):
            made.clock.fast_forward("04:00")
            scroll(made)
            made.clock.run_for(2000)
        kiosk.wait(made, "document.getElementById('case').hidden")
        assert made.inner_text("#problem") == TEXTS["en"]["problem.review_not_claimed"]
        assert "A123456" not in made.content()
        assert made.evaluate("document.body.dataset.view") == "board"


def _coded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def test_a_reason_that_exists_for_no_decision_is_never_offered() -> None:
    assert ReviewReason.REVIEWERS_DISAGREE not in {code for codes in REASONS.values() for code in codes}
