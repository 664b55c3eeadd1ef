"""Spoken instructions: a recording for each, played in Chromium; a voice of the browser only if it is on the device."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import kiosk_page as kiosk
import pytest
from device_sessions import GOOD, FakeGuide
from playwright.sync_api import Browser, Page
from stream_server import StreamVerifier, enroll, show_blank, stream_server

from idproof.pipeline.guidance import Guidance, Hint
from idproof.service.capture import voices
from idproof.service.operations.settings import Settings

COMPONENT = Path(__file__).parents[3] / "service" / "capture" / "static"
LOCALES = {"en": "en-GB", "zh-Hant": "zh-HK", "zh-Hans": "zh-CN"}
MOST_BYTES = 3_000_000
LISTEN = """() => {
  window.heard = [];
  const begin = AudioBufferSourceNode.prototype.start;
  AudioBufferSourceNode.prototype.start = function (...given) {
    const samples = this.buffer.getChannelData(0);
    let peak = 0;
    for (let i = 0; i < samples.length; i += 7) peak = Math.max(peak, Math.abs(samples[i]));
    const note = {event: "audio", peak, seconds: this.buffer.duration, state: this.context.state, ended: false};
    this.addEventListener("ended", () => (note.ended = true));
    window.heard.push(note);
    return begin.apply(this, given);
  };
}"""
FOLLOW = """async () => {
  const {events} = await import("/capture/static/speech.js");
  for (const event of ["begin", "end"]) {
    events.addEventListener(event, ({detail}) => window.heard.push({event, ...detail, at: performance.now()}));
  }
}"""
VOICES = """voices => {
  window.uttered = [];
  window.cancelled = 0;
  class Utterance { constructor(text) { this.text = text; } }
  const stub = {
    getVoices: () => voices,
    speak: (one) => { window.uttered.push({text: one.text, lang: one.lang}); setTimeout(() => one.onend?.(), 30); },
    cancel: () => { window.cancelled += 1; },
  };
  Object.defineProperty(window, "speechSynthesis", {value: stub, configurable: true});
  Object.defineProperty(window, "SpeechSynthesisUtterance", {value: Utterance, configurable: true});
}"""


@pytest.fixture
def guide() -> FakeGuide:
    return FakeGuide(Guidance(Hint.TILT_RIGHT_MORE))


@pytest.fixture
def address(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, guide: FakeGuide) -> Iterator[str]:
    with stream_server(Settings(data_dir=tmp_path), StreamVerifier(), monkeypatch, guide) as url:
        yield url


def listening(made: Page, url: str, key: str) -> None:
    made.add_init_script(f"({LISTEN})()")
    kiosk.connect(made, url, key)
    made.evaluate(FOLLOW)
    show_blank(made)


def heard(made: Page, event: str) -> list[dict[str, Any]]:
    return [one for one in made.evaluate("window.heard") if one["event"] == event]


def listed() -> dict[str, dict[str, dict[str, str]]]:
    return dict(json.loads((COMPONENT / "voices" / voices.LISTED).read_text("utf-8")))


def test_every_spoken_sentence_has_its_recording_and_nothing_else_is_shipped() -> None:
    wanted, entries = voices.wanted(COMPONENT / "texts"), listed()
    assert set(entries) == set(wanted) == set(LOCALES)
    files = {path.relative_to(COMPONENT / "voices").as_posix() for path in (COMPONENT / "voices").rglob("*.mp3")}
    assert files == {voices.file_name(name, key) for name, table in wanted.items() for key in table}
    for language, table in wanted.items():
        assert entries[language].keys() == table.keys(), "run python -m idproof.service.capture.voices"
        for key, text in table.items():
            data = (COMPONENT / "voices" / voices.file_name(language, key)).read_bytes()
            assert entries[language][key]["text"] == voices.digest(text.encode())[:16], (
                language,
                key,
                "says another text",
            )
            assert entries[language][key]["file"] == voices.digest(data), (language, key)
            assert data[0] == 0xFF, (language, key, "no MPEG frame")
            assert len(data) > 1000, (language, key, "hardly a word")
    assert sum((COMPONENT / "voices" / name).stat().st_size for name in files) < MOST_BYTES


def test_every_instruction_is_spoken() -> None:
    for name in LOCALES:
        table = kiosk.texts(name)
        spoken = voices.wanted(COMPONENT / "texts")[name]
        assert {key for key in table if key.startswith("hint.")} <= spoken.keys()
        assert {"notice.title", "spoken.notice", "spoken.intro", "accept.text", "extend.title"} <= spoken.keys()
        assert not [key for key in spoken if "{" in table[key]]


@pytest.mark.parametrize("language", LOCALES)
def test_a_registration_is_spoken_by_recordings(
    address: str, tmp_path: Path, guide: FakeGuide, chromium: Browser, language: str
) -> None:
    with kiosk.page(chromium, kiosk.KIOSK, LOCALES[language]) as made:
        listening(made, address, enroll(tmp_path))
        assert heard(made, "begin") == [], "nobody may stand there yet"
        kiosk.agree(made)
        kiosk.wait(made, "window.heard.some((one) => one.key === 'hint.tilt_right_more')")
        guide.found = GOOD
        kiosk.view(made, "intro", timeout_s=60)
        kiosk.wait(made, "window.heard.some((one) => one.key === 'spoken.intro')")
        assert made.inner_text("#caption") == kiosk.texts(language)["spoken.intro"]
        made.click('[data-of="intro"] .go')
        kiosk.view(made, "result", timeout_s=60)
        kiosk.wait(made, "window.heard.some((one) => one.event === 'end' && one.key.endsWith('.title'))")
        said = made.evaluate("window.heard")
        announced = made.inner_text("#announce")
        assert announced not in voices.wanted(COMPONENT / "texts")[language].values(), "said by both"
    begun, ended, audio = ([one for one in said if one["event"] == event] for event in ("begin", "end", "audio"))
    keys = [one["key"] for one in begun]
    assert {"notice.title", "hint.tilt_right_more", "hint.good", "intro.title", "spoken.intro"} <= set(keys)
    assert {(one["language"], one["by"]) for one in begun} == {(language, "recording")}
    assert len(audio) == len(begun)
    assert all(one["state"] == "running" and one["peak"] > 0.05 and one["seconds"] > 0.3 for one in audio)
    assert any(one["ended"] for one in audio)
    moments = sorted([(one["at"], 1) for one in begun] + [(one["at"], -1) for one in ended])
    counts = [sum(step for _, step in moments[: i + 1]) for i in range(len(moments))]
    assert max(counts) == 1, "two voices at once"


def test_the_switch_is_for_one_applicant_and_silence_goes_to_the_screen_reader(
    address: str, tmp_path: Path, chromium: Browser
) -> None:
    with kiosk.page(chromium, kiosk.KIOSK) as made:
        listening(made, address, enroll(tmp_path))
        assert made.get_attribute("#welcome-voice-button", "aria-checked") == "true"
        made.click("#welcome-voice-button")
        assert made.get_attribute("#welcome-voice-button", "aria-checked") == "false"
        kiosk.agree(made)
        kiosk.wait(made, "page().dataset.hint === 'tilt_right_more'")
        kiosk.wait(made, "part('announce').textContent.includes('small photo')")
        assert heard(made, "begin") == []
        assert not made.is_visible("#again-button")
        made.click("#voice-button")
        kiosk.wait(made, "window.heard.some((one) => one.key === 'hint.tilt_right_more')")
        count = len(heard(made, "begin"))
        made.click("#again-button")
        kiosk.wait(made, f"window.heard.filter((one) => one.event === 'begin').length > {count}")
        made.click("#voice-button")
        assert kiosk.grave(made) == []
        made.click("#stop-button")
        made.click("#stop .danger")
        kiosk.view(made, "ended")
        made.click('[data-of="ended"] .go')
        kiosk.view(made, "welcome")
        assert made.get_attribute("#welcome-voice-button", "aria-checked") == "true", "the next applicant's own choice"


def test_a_telephone_is_silent_until_it_is_asked(address: str, tmp_path: Path, chromium: Browser) -> None:
    phone = {"has_touch": True, "is_mobile": True, "screen": {"width": 390, "height": 844}}
    with kiosk.page(chromium, kiosk.PHONE, **phone) as made:
        listening(made, address, enroll(tmp_path))
        assert made.get_attribute("#welcome-voice-button", "aria-checked") == "false"
        made.click("#welcome-voice-button")
        kiosk.wait(made, "window.heard.some((one) => one.key === 'welcome.lead')", timeout_s=60)


@pytest.mark.parametrize(
    ("locale", "voice", "by"),
    [
        ("en-GB", {"lang": "en-US", "localService": True}, "browser"),
        ("en-GB", {"lang": "en-US", "localService": False}, "recording"),
        ("zh-HK", {"lang": "zh-HK", "localService": True}, "browser"),
        ("zh-HK", {"lang": "zh-CN", "localService": True}, "recording"),
        ("zh-HK", {"lang": "zh-HK", "localService": False}, "recording"),
        ("zh-CN", {"lang": "zh-CN", "localService": True}, "browser"),
        ("zh-CN", {"lang": "zh-HK", "localService": True}, "recording"),
    ],
)
def test_a_voice_of_the_browser_speaks_only_if_it_is_on_this_device(
    address: str, tmp_path: Path, chromium: Browser, locale: str, voice: dict[str, Any], by: str
) -> None:
    with kiosk.page(chromium, kiosk.KIOSK, locale) as made:
        made.add_init_script(f"({VOICES})({json.dumps([voice])})")
        listening(made, address, enroll(tmp_path))
        made.click('[data-of="welcome"] .go')
        kiosk.wait(made, "window.heard.some((one) => one.event === 'begin')")
        assert heard(made, "begin")[0]["by"] == by
        uttered = made.evaluate("window.uttered")
        assert bool(uttered) == (by == "browser")
        assert all(one["lang"] == voice["lang"] for one in uttered)


def test_a_replaced_sentence_is_not_said_by_the_recording_of_another(
    address: str, tmp_path: Path, chromium: Browser
) -> None:
    with kiosk.page(chromium, kiosk.KIOSK) as made:
        listening(made, address, enroll(tmp_path))
        made.evaluate("document.querySelector('idproof-capture').texts = {en: {'notice.title': 'Our own words'}}")
        made.click('[data-of="welcome"] .go')
        kiosk.wait(made, "window.heard.some((one) => one.key === 'spoken.notice')")
        assert "notice.title" not in [one["key"] for one in heard(made, "begin")]
