"""The web component on a page of another origin, from its npm tarball, before a real server without networks."""

import json
import tarfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import foreign_page
import kiosk_page as kiosk
import pytest
from counter_page import to_result
from playwright.sync_api import Browser, Page, Route
from stream_server import show_blank

EVENTS = """() => {
  window.heard = [];
  for (const name of ["ready", "guidance", "done", "error"]) {
    document.addEventListener(name, ({type, detail}) => window.heard.push([type, detail]));
  }
}"""

LISTEN = """() => {
  window.played = [];
  const begin = AudioBufferSourceNode.prototype.start;
  AudioBufferSourceNode.prototype.start = function (...given) {
    if (this.context.state === "running") window.played.push(this.buffer.duration);
    return begin.apply(this, given);
  };
}"""


@pytest.fixture
def shop(package: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    with foreign_page.before_service(package, tmp_path, monkeypatch) as (origin, _):
        yield origin


@pytest.fixture
def react_shop(
    package: Path, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Iterator[str]:
    """Development's React, whose strict mode runs each effect twice: a token that is set twice is refused."""
    page = foreign_page.react_page(package, tmp_path_factory.mktemp("react"))
    with foreign_page.before_service(package, tmp_path, monkeypatch, page) as (origin, _):
        yield origin


# The page gives the attribute before the module is loaded.
OFFERS_STAFF = """() => {
  const offer = () => document.querySelector("idproof-capture")?.setAttribute("staff", "");
  new MutationObserver(offer).observe(document, {childList: true, subtree: true});
}"""


def visit(made: Page, shop: str) -> None:
    made.add_init_script(f"({EVENTS})()")
    made.goto(shop)
    kiosk.view(made, "welcome")
    show_blank(made)


def test_the_tarball_is_one_module_with_its_types(package: Path) -> None:
    manifest = json.loads((package / "package.json").read_text("utf-8"))
    assert "dependencies" not in manifest
    (tarball,) = (package.parents[2] / "packed").glob("*.tgz")
    with tarfile.open(tarball) as packed:
        names = {name.removeprefix("package/") for name in packed.getnames()}
    modules = {name for name in names if name.endswith(".js")}
    assert modules == {"dist/idproof-capture.js"}
    assert {"dist/idproof-capture.d.ts", "README.md", "LICENSE", "package.json"} <= names
    voices = foreign_page.COMPONENT / "static" / "voices"
    recordings = {f"dist/voices/{path.relative_to(voices).as_posix()}" for path in voices.rglob("*.*")}
    assert len(recordings) > 100
    assert {name for name in names if name.startswith("dist/voices/")} == recordings
    source = (package / "dist" / "idproof-capture.js").read_text("utf-8")
    assert "import(" not in source
    assert 'from "' not in source


def test_a_foreign_page_captures_to_a_verdict(shop: str, chromium: Browser) -> None:
    """Under a policy that forbids all that is inline, and every string that becomes HTML."""
    with kiosk.page(chromium, kiosk.DESK) as made:
        requested: list[str] = []
        made.on("request", lambda request: requested.append(request.url))
        visit(made, shop)
        assert made.inner_text('[data-of="welcome"] h1') == "Open your account with your card"
        colour = "(node) => getComputedStyle(node).backgroundColor"
        assert made.eval_on_selector('[data-of="welcome"] .go', colour) == "rgb(91, 42, 134)"
        assert (
            made.eval_on_selector('[data-of="welcome"] .go', "(node) => getComputedStyle(node).borderRadius") == "32px"
        )
        assert made.is_hidden("#staff-button")
        assert made.get_attribute("idproof-capture", "token") is None
        assert kiosk.grave(made) == []
        kiosk.agree(made)
        to_result(made)
        assert kiosk.grave(made) == []
        kiosk.wait(made, "document.getElementById('outcome').textContent !== ''")
        assert made.inner_text("#outcome") == "refer"
        heard = made.evaluate("window.heard")
        assert [kind for kind, _ in heard].count("done") == 1
        assert heard[0] == ["ready", {}]
        assert {"stage", "hint"} == set(next(detail for kind, detail in heard if kind == "guidance"))
        done = next(detail for kind, detail in heard if kind == "done")
        assert done["verification"].startswith("ver_")
        made.click("#result-finish")
        kiosk.view(made, "finished")
        assert kiosk.grave(made) == []
        assert {url.rsplit("/", 1)[0] for url in requested} == {shop}  # the service is asked by its WebSocket alone
        kept = json.loads(kiosk.stored(made))
        assert (kept["local"], kept["session"], kept["caches"], kept["databases"]) == ({}, {}, [], [])


def test_a_foreign_page_that_serves_the_recordings_speaks(shop: str, chromium: Browser) -> None:
    with kiosk.page(chromium, kiosk.DESK) as made:
        made.add_init_script(f"({LISTEN})()")
        visit(made, shop)
        assert made.evaluate("window.played") == []
        made.click("#voice-button")
        kiosk.wait(made, "window.played.length > 1")
        assert min(made.evaluate("window.played")) > 0.5


def test_a_recording_that_was_not_answered_is_requested_again(shop: str, chromium: Browser) -> None:
    asked: Counter[str] = Counter()

    def fail_first(route: Route) -> None:
        asked[route.request.url] += 1
        if asked[route.request.url] == 1:
            route.fulfill(status=503, body="none")
        else:
            route.continue_()

    with kiosk.page(chromium, kiosk.DESK) as made:
        made.add_init_script(f"({LISTEN})()")
        made.route("**/voices/**", fail_first)
        visit(made, shop)
        with made.expect_response("**/*.mp3") as first:
            made.click("#voice-button")
        made.click("#voice-button")
        with made.expect_response(first.value.url) as second:
            made.click("#voice-button")
        assert (first.value.status, second.value.status) == (503, 200)
        kiosk.wait(made, "window.played.length > 0")


def test_a_foreign_page_without_the_recordings_is_silent_and_goes_on(shop: str, chromium: Browser) -> None:
    with kiosk.page(chromium, kiosk.DESK) as made:
        made.add_init_script(f"({LISTEN})()")
        made.route("**/voices/**", lambda route: route.fulfill(status=404, body="none"))
        visit(made, shop)
        with made.expect_response("**/voices/voices.json"):
            made.click("#voice-button")
        kiosk.agree(made)
        kiosk.view(made, "capture")
        assert made.evaluate("window.played") == []


def test_the_react_example_captures_in_strict_mode(react_shop: str, chromium: Browser) -> None:
    with kiosk.page(chromium, kiosk.DESK) as made:
        visit(made, react_shop)
        kiosk.agree(made)
        to_result(made)
        kiosk.wait(made, "document.getElementById('outcome').textContent !== ''")
        assert made.inner_text("#outcome") == "refer"
        heard = made.evaluate("window.heard")
        assert [detail for kind, detail in heard if kind == "error"] == []
        assert [kind for kind, _ in heard].count("ready") == 1


def test_a_second_use_of_the_page_needs_another_token(shop: str, chromium: Browser) -> None:
    with kiosk.page(chromium, kiosk.PHONE) as made:
        visit(made, shop)
        kiosk.agree(made)
        kiosk.view(made, "capture")
        made.click("#stop-button")
        made.click('#stop [data-do="cancel"]')
        kiosk.view(made, "ended")
        made.click('[data-of="ended"] .go')
        kiosk.view(made, "finished")
        errors = [detail for kind, detail in made.evaluate("window.heard") if kind == "error"]
        assert errors == [{"code": "cancelled", "final": True}]
        visit(made, shop)  # a new token


def test_a_component_that_is_removed_ends_its_session_and_its_camera(shop: str, chromium: Browser) -> None:
    with kiosk.page(chromium, kiosk.DESK) as made:
        visit(made, shop)
        kiosk.agree(made)
        kiosk.view(made, "capture")
        made.evaluate("document.querySelector('idproof-capture').remove()")
        kiosk.wait(made, "window.rehearsed.tracks.every((track) => track.readyState === 'ended')")
        kiosk.wait(made, "fetch('/outcome').then((answer) => answer.json()).then(({outcome}) => outcome === 'ended')")


def test_a_token_that_cannot_be_one_is_said(shop: str, chromium: Browser) -> None:
    with kiosk.page(chromium, kiosk.DESK) as made:
        visit(made, shop)
        made.evaluate("document.querySelector('idproof-capture').token = 'idpc_nothing'")
        kiosk.view(made, "closed")
        assert made.is_hidden("#closed-go")
        assert made.evaluate("window.heard").pop() == ["error", {"code": "token_invalid", "final": True}]


def test_a_page_has_one_element_at_a_time(shop: str, chromium: Browser) -> None:
    with kiosk.page(chromium, kiosk.DESK) as made:
        visit(made, shop)
        second = """() => {
          const made = document.body.appendChild(document.createElement("idproof-capture"));
          return made.shadowRoot.childElementCount;
        }"""
        assert made.evaluate(second) == 0
        assert made.evaluate("page().dataset.view") == "welcome"


def test_a_page_gives_the_language_and_its_logo(shop: str, chromium: Browser) -> None:
    with kiosk.page(chromium, kiosk.DESK) as made:
        visit(made, shop)
        made.evaluate("document.querySelector('idproof-capture').setAttribute('language', 'zh-Hans')")
        title = kiosk.texts("zh-Hans")["welcome.title"]
        assert made.inner_text('[data-of="welcome"] h1') == title
        logo = """() => {
          const logo = document.createElement("strong");
          Object.assign(logo, {slot: "brand", textContent: "Shop"});
          document.querySelector("idproof-capture").append(logo);
          return [logo.assignedSlot.name, logo.getBoundingClientRect().width > 0];
        }"""
        assert made.evaluate(logo) == ["brand", True]


def test_a_page_with_a_token_offers_no_staff_that_nobody_would_see(shop: str, chromium: Browser) -> None:
    with kiosk.page(chromium, kiosk.DESK) as made:
        made.add_init_script(f"({OFFERS_STAFF})()")
        visit(made, shop)
        assert made.get_attribute("idproof-capture", "staff") is not None
        assert made.is_hidden("#staff-button")
