"""The kiosk's page in real Chromium: its policy, its texts, and its accessibility."""

import json
import re
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path

import httpx
import kiosk_page as kiosk
import pytest
from playwright.sync_api import Browser
from server_process import Server

from idproof.pipeline.card.screen_light import draw as card_light
from idproof.pipeline.shown_colours import PALETTE
from idproof.service.http import static_pages
from idproof.service.kiosk import font

ROOT = Path(__file__).parents[3]
STATIC = ROOT / "service" / "kiosk" / "static"
COMPONENT = ROOT / "service" / "capture" / "static"
LANGUAGES = {"en": ("en-GB", "en"), "zh-Hant": ("zh-HK", "zh-Hant-HK"), "zh-Hans": ("zh-CN", "zh-Hans-CN")}
TEXTS = {name: kiosk.texts(name) for name in LANGUAGES}


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with kiosk.browser("--deny-permission-prompts", "--use-fake-device-for-media-stream") as opened:
        yield opened


@pytest.fixture(scope="module")
def device(server: Server) -> str:
    return kiosk.enrol(server.data_dir)


def test_the_pages_run_nothing_but_their_own_files(server: Server) -> None:
    for address in (
        "/kiosk",
        "/kiosk/operators",
        "/kiosk/static/main.js",
        "/capture",
        "/capture/static/idproof-capture.js",
    ):
        answer = httpx.get(server.url + address)
        policy = answer.headers["content-security-policy"]
        assert (answer.status_code, policy) == (200, static_pages.POLICY)
        assert not re.search(r"unsafe|http|data:|blob:|\*", policy)
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["permissions-policy"].startswith("camera=(self), microphone=()")
    for page in (*STATIC.glob("*.html"), *COMPONENT.glob("*.html")):
        text = page.read_text("utf-8")
        assert not re.search(r"<style|style=|\son\w+=|<script(?![^>]*src=)|https?://", text), page.name
    for source in (*STATIC.glob("*.js"), *STATIC.glob("*.css"), *COMPONENT.rglob("*.js")):
        text = source.read_text("utf-8").replace("http://www.w3.org/2000/svg", "")
        assert not re.search(r"https?://|innerHTML|eval\(|localStorage|sessionStorage|pushState", text), source.name


@pytest.mark.parametrize("name", ["../pages.py", "..%2Fpages.py", "texts/../../pages.py", "none.js", "", "texts"])
def test_only_listed_files_are_served(server: Server, name: str) -> None:
    for folder in ("kiosk", "capture"):
        answer = httpx.get(f"{server.url}/{folder}/static/{name}")
        assert answer.status_code == 404
        assert answer.json()["code"] == "not_found"


def test_the_kiosks_page_and_the_page_of_captures_have_equal_heads_and_brands() -> None:
    pages = [(STATIC / "index.html").read_text("utf-8"), (COMPONENT / "page.html").read_text("utf-8")]
    for begin, end in (("<!doctype html>", '<script type="module"'), ('<p class="brand"', "</p>")):
        kiosks, captures = (page[page.index(begin) : page.index(end)] for page in pages)
        assert kiosks == captures


def test_every_sentence_exists_in_every_language() -> None:
    for name in LANGUAGES:
        assert list(TEXTS["en"]) == list(TEXTS[name]), name
    files = [STATIC / "index.html", COMPONENT / "views.js", COMPONENT / "layers.js"]
    page = "".join(file.read_text("utf-8") for file in files)
    named = set(re.findall(r'data-t(?:-label)?="([^"]+)"', page))
    assert named <= TEXTS["en"].keys()
    for key, sentence in TEXTS["en"].items():
        values = re.findall(r"\{\w+\}", sentence)
        for name in LANGUAGES:
            assert sorted(values) == sorted(re.findall(r"\{\w+\}", TEXTS[name][key])), (name, key)


def test_the_simplified_texts_are_simplified_and_their_typeface_has_them() -> None:
    """Characters that only the traditional script has would be left over from a conversion."""
    simplified, traditional = ("".join(TEXTS[name].values()) for name in ("zh-Hans", "zh-Hant"))
    for one in "證請檔鏡頭頁話語說讀鐘機顏幾個條級會為與還這過開關門員號碼營業":
        assert one not in simplified, one
    assert "證" in traditional
    assert set(simplified) - set(map(chr, range(128))) <= font.characters()
    assert (STATIC / "simplified.woff2").read_bytes()[:4] == b"wOF2"


@pytest.mark.parametrize(
    ("languages", "chosen"),
    [
        (["zh-CN", "en"], "zh-Hans"),
        (["zh-SG"], "zh-Hans"),
        (["zh-Hans-HK"], "zh-Hans"),
        (["zh-TW"], "zh-Hant"),
        (["zh"], "zh-Hant"),
        (["yue"], "zh-Hant"),
        (["fr", "en-US", "zh-CN"], "en"),
        (["fr"], "en"),
    ],
)
def test_the_browsers_language_chooses(server: Server, chromium: Browser, languages: list[str], chosen: str) -> None:
    with kiosk.page(chromium, camera=False) as made:
        made.add_init_script(f"Object.defineProperty(navigator, 'languages', {{value: {json.dumps(languages)}}})")
        made.goto(f"{server.url}/kiosk")
        kiosk.view(made, "setup")
        assert made.inner_text("#setup button") == TEXTS[chosen]["setup.go"]
        assert made.get_attribute("html", "lang") == LANGUAGES[chosen][1]


def test_every_hint_and_stage_of_the_protocol_has_a_sentence() -> None:
    document = (ROOT / "docs" / "stream.md").read_text("utf-8")
    table = document.split("| hint | stage | instruction |")[1].split("\n\n")[0]
    hints = {
        hint for row in table.splitlines() for hint in re.findall(r"`(\w+)`", row.split("|")[1] if "|" in row else "")
    }
    assert len(hints) > 20
    assert {f"hint.{hint}" for hint in hints} <= TEXTS["en"].keys()
    stages = ("card_front", "card_tilt_left", "card_tilt_right", "selfie", "liveness", "finish")
    assert {f"stage.{stage}" for stage in stages} <= TEXTS["en"].keys()


def test_the_page_reproduces_the_published_vectors(server: Server, chromium: Browser) -> None:
    vectors = json.loads((ROOT / "docs" / "stream-vectors.json").read_text("utf-8"))
    with kiosk.page(chromium, camera=False) as made:
        made.goto(f"{server.url}/kiosk")
        found = made.evaluate(
            """async ({device, handshake, session, frames}) => {
              const {Chain, proofs} = await import("/capture/static/chain.js");
              const {enrol} = await import("/kiosk/static/key.js");
              const {bytes} = await import("/capture/static/base64url.js");
              const hex = (data) => [...data].map((byte) => byte.toString(16).padStart(2, "0")).join("");
              const raw = (text) => Uint8Array.from(text.match(/../g) ?? [], (pair) => parseInt(pair, 16));
              const {id, key} = await enrol(device.key);
              const proof = await proofs(key, bytes(handshake.challenge), bytes(handshake.nonce));
              const chain = await Chain.begin(key, {nonce: session.nonce, next: 1, chain: session.chain_0});
              const sealed = [];
              for (const frame of frames) {
                const message = await chain.seal({...frame, at: frame.captured_us, jpeg: raw(frame.jpeg_hex)});
                sealed.push([hex(message.slice(0, 32)), hex(message.slice(32, 64)), hex(message.slice(64))]);
              }
              let secret = "hidden";
              try { await crypto.subtle.exportKey("raw", key); secret = "exported"; } catch {}
              return {id, proof, mark: hex(chain.mark), sealed, secret};
            }""",
            vectors,
        )
    assert found["id"] == vectors["device"]["id"]
    assert found["proof"] == {
        "device": vectors["handshake"]["device_proof"],
        "server": vectors["handshake"]["server_proof"],
    }
    assert found["mark"] == vectors["session"]["mark_hex"]
    assert found["sealed"] == [[one["header_hex"], one["tag_hex"], one["jpeg_hex"]] for one in vectors["frames"]]
    assert found["secret"] == "hidden"


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_session_begins_if_the_camera_is_refused(
    server: Server, chromium: Browser, device: str, language: str
) -> None:
    with kiosk.page(chromium, kiosk.PHONE, LANGUAGES[language][0], camera=False) as made:
        made.goto(f"{server.url}/kiosk")
        kiosk.view(made, "setup")
        assert kiosk.grave(made) == []
        kiosk.connect(made, server.url, device)
        assert kiosk.grave(made) == []
        words = TEXTS[language]
        assert made.inner_text('[data-of="welcome"] h1') == words["welcome.title"]
        kiosk.agree(made)
        kiosk.view(made, "trouble")
        assert made.inner_text("#trouble-title") == words["refused.title"]
        assert made.evaluate("shown().activeElement.id") == "trouble-title"
        assert kiosk.grave(made) == []
        other = {"en": "zh-Hans", "zh-Hant": "en", "zh-Hans": "zh-Hant"}[language]
        made.click(f'[data-language="{other}"]')
        assert made.inner_text("#trouble-title") == TEXTS[other]["refused.title"]
        assert made.get_attribute("html", "lang") == LANGUAGES[other][1]
        kept = json.loads(kiosk.stored(made))
        assert (kept["local"], kept["session"], kept["caches"], kept["cookies"]) == ({}, {}, [], "")
        assert kept["databases"] == ["idproof-kiosk"]
    counted = httpx.get(f"{server.url}/v1/kiosks").json()["devices"]
    assert {one["started"] for one in counted if one["name"] == "Test"} == {0}


CHALLENGE = """async ({parts, kind}) => {
  const {Challenge} = await import("/capture/static/challenge.js");
  const camera = Object.assign(new EventTarget(), {video: {srcObject: null}, mirrored: true, number: 1});
  window.trial?.stop();
  window.trial = new Challenge(camera, {});
  const countdown = window.trial.countDown(() => {});
  if (kind === "count") return;
  await countdown;
  const shown = parts.map((part) => ({...part, start_ms: 0, end_ms: 60000}));
  window.trial.play({steps: [], lights: [], [kind]: shown, capture_ms: [], duration_ms: 60000});
}"""


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_screens_of_the_challenge_are_accessible(server: Server, chromium: Browser, language: str) -> None:
    """Countdown, an action and every colour, held still for axe-core: a real challenge shows each for a moment only."""
    screens: list[tuple[str, dict[str, object] | None, str]] = [
        ("count", None, "page().dataset.action === 'look_straight'"),
    ]
    screens += [
        ("steps", {"action": action}, f"page().dataset.action === '{action}'")
        for action in ("turn_left", "blink", "open_mouth")
    ]
    screens += [
        ("lights", {"colour": list(colour)}, f"page().dataset.colour === '{','.join(map(str, colour))}'")
        for colour in PALETTE
    ]
    with kiosk.page(chromium, kiosk.KIOSK, LANGUAGES[language][0], camera=False) as made:
        made.goto(f"{server.url}/kiosk")
        kiosk.view(made, "setup")
        for kind, part, there in screens:
            made.evaluate(CHALLENGE, {"kind": kind, "parts": [part] if part else []})
            kiosk.wait(made, there)
            assert made.is_visible("#challenge")
            assert made.inner_text("#asked")
            assert kiosk.grave(made) == [], (kind, part)
        made.evaluate("window.trial.stop()")
        assert not made.is_visible("#challenge")


CARD_LIGHT = """async ({lights, ms}) => {
  const {CardLight} = await import("/capture/static/card_light.js");
  window.trial?.stop();
  window.trial = new CardLight({video: {srcObject: null}, mirrored: true});
  window.began = null;
  window.halves = [];
  const note = () => {
    const image = getComputedStyle(part("card-light")).backgroundImage;
    if (image !== "none" && image !== window.halves.at(-1)) window.halves.push(image);
    if (!part("card-light").hidden) requestAnimationFrame(note);
  };
  const timed = lights.map((light, i) => ({...light, start_ms: i * ms, end_ms: (i + 1) * ms}));
  window.trial.play({lights: timed, duration_ms: lights.length * ms}, (at) => { window.began = at; note(); });
}"""


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_halves_that_light_the_card_are_shown_as_drawn_and_are_accessible(
    server: Server, chromium: Browser, language: str
) -> None:
    drawn = card_light(bytes(range(16))).to_json()["lights"]
    with kiosk.page(chromium, kiosk.KIOSK, LANGUAGES[language][0], camera=False) as made:
        made.goto(f"{server.url}/kiosk")
        kiosk.view(made, "setup")
        made.evaluate(CARD_LIGHT, {"lights": drawn[:1], "ms": 60_000})
        kiosk.wait(made, "window.began !== null && page().dataset.halves !== undefined")
        words = TEXTS[language]
        assert made.inner_text("#lit-asked") == words["hint.hold_for_colours"]
        assert made.evaluate("shown().activeElement.id") == "lit-asked"
        assert kiosk.grave(made) == []
        made.evaluate(CARD_LIGHT, {"lights": drawn, "ms": 250})
        kiosk.wait(made, "part('card-light').hidden")
        shown = [re.findall(r"rgb\(([^)]*)\)", image) for image in made.evaluate("window.halves")]
        expected = [[", ".join(map(str, light[half])) for half in ("left", "right")] for light in drawn]
        assert shown == expected
        assert made.evaluate("page().dataset.halves") is None
        assert not made.evaluate("shown().querySelector('main').inert")


def test_the_operators_page_shows_counts_only(server: Server, chromium: Browser, device: str) -> None:
    with kiosk.page(chromium, kiosk.DESK, camera=False) as made:
        made.goto(f"{server.url}/kiosk/operators")
        made.wait_for_selector("#devices tr")
        assert "Test" in made.inner_text("#devices")
        assert device.split("_")[1] in made.inner_text("#devices")
        assert device.split("_", 2)[2] not in made.content()
        assert made.locator("img, video, canvas").count() == 0
        assert kiosk.grave(made) == []


def test_the_files_of_the_pages_are_installed() -> None:
    root = files("idproof.service.kiosk") / "static"
    assert {"index.html", "operators.html", "main.js", "kiosk.css"} <= {entry.name for entry in root.iterdir()}
    component = files("idproof.service.capture") / "static"
    assert {"idproof-capture.js", "texts"} <= {entry.name for entry in component.iterdir()}
