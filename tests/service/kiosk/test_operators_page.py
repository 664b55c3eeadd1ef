"""The operators' page in Chromium: three languages, calls with a sound and an acknowledgement, days, and a table."""

import json
import os
import re
from datetime import UTC, datetime
from pathlib import Path

import httpx
import kiosk_page as kiosk
import pytest
from playwright.sync_api import Browser
from stream_server import StreamVerifier, enroll, show_blank, stream_server

from idproof.service.operations.settings import Settings

STATIC = Path(__file__).parents[3] / "service" / "kiosk" / "static"
LOCALES = {"en": "en-GB", "zh-Hant": "zh-HK", "zh-Hans": "zh-CN"}
TEXTS = {name: json.loads((STATIC / "texts" / f"{name}.json").read_text("utf-8")) for name in LOCALES}
LISTEN = """
window.rung = 0;
const begin = OscillatorNode.prototype.start;
OscillatorNode.prototype.start = function (...given) {
  if (this.context.state === "running") window.rung += 1;
  return begin.apply(this, given);
};
"""
ONE_CAMERA = "navigator.mediaDevices.enumerateDevices = async () => [{kind: 'videoinput', deviceId: 'id0', label: ''}];"
CAMERA = "said => document.querySelector('#devices td:nth-last-child(2)')?.innerText.startsWith(said)"
SHOTS = os.environ.get("IDPROOF_KIOSK_SHOTS")


def test_every_sentence_exists_in_every_language() -> None:
    page = (STATIC / "operators.html").read_text("utf-8")
    for name in LOCALES:
        assert list(TEXTS[name]) == list(TEXTS["en"]), name
    source = (STATIC / "operators.js").read_text("utf-8")
    for key in TEXTS["en"]:
        family = key.rpartition(".")[0]
        assert f'"{key}"' in page + source or f"`{family}.$" in source, f"{key} is not used"


@pytest.mark.parametrize("language", LOCALES)
def test_an_operator_hears_a_call_and_acknowledges_it(
    tmp_path: Path, chromium: Browser, monkeypatch: pytest.MonkeyPatch, language: str
) -> None:
    monkeypatch.setattr("idproof.service.stream.connection._RENEWALS_PER_LEASE", 15 / 0.2)
    words = TEXTS[language]
    with (
        stream_server(Settings(data_dir=tmp_path), StreamVerifier(), monkeypatch) as url,
        kiosk.page(chromium, kiosk.PHONE, LOCALES[language]) as applicant,
        kiosk.page(chromium, kiosk.DESK, LOCALES[language], camera=False) as operator,
    ):
        kiosk.connect(applicant, url, enroll(tmp_path, "Counter 3"))
        show_blank(applicant)
        operator.add_init_script(LISTEN)
        operator.goto(f"{url}/kiosk/operators")
        operator.wait_for_selector("#devices tr")
        assert operator.inner_text("h1") == words["page.title"]
        operator.click("#sound")
        assert operator.get_attribute("#sound", "aria-checked") == "true"
        assert operator.evaluate("window.rung") == 0
        applicant.click("#staff-button")
        operator.wait_for_selector("[data-acknowledge]", timeout=20_000)
        assert operator.inner_text("#calls") == words["call"].replace("{names}", "Counter 3")
        kiosk.wait(operator, "window.rung > 0")
        assert kiosk.grave(operator) == []
        if SHOTS:
            operator.screenshot(path=str(Path(SHOTS) / f"operators-{language}.png"))
        operator.click("[data-acknowledge]")
        kiosk.wait(operator, "document.getElementById('calls').textContent === ''")
        kiosk.wait(applicant, "text => part('staff-text').textContent === text", kiosk.texts(language)["staff.coming"])
        assert operator.inner_text("#devices .state") == words["state.called"]


def test_days_rates_and_the_table(tmp_path: Path, chromium: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    with (
        stream_server(Settings(data_dir=tmp_path), StreamVerifier(), monkeypatch) as url,
        kiosk.page(chromium, kiosk.PHONE) as applicant,
        kiosk.page(chromium, kiosk.DESK, camera=False) as operator,
    ):
        applicant.add_init_script(ONE_CAMERA)
        kiosk.connect(applicant, url, enroll(tmp_path, "Counter 3"))
        show_blank(applicant)
        operator.goto(f"{url}/kiosk/operators")
        kiosk.wait(operator, CAMERA, "found, not tried")
        kiosk.agree(applicant)
        kiosk.view(applicant, "intro")
        applicant.click('[data-of="intro"] .go')
        kiosk.view(applicant, "result", timeout_s=60)
        (counted,) = httpx.get(f"{url}/v1/kiosks").json()["devices"]
        decision = next(name for name in ("accept", "refer", "reject") if counted[name])
        operator.goto(f"{url}/kiosk/operators")
        operator.wait_for_selector("#devices tr")
        kiosk.wait(operator, CAMERA, "works")
        said = operator.inner_text("#devices td:nth-last-child(2)")
        assert re.fullmatch(r"works\s+\d{3,4} × \d{3}", said), "a size, and no rate, which was not measured"
        shown = dict(
            zip(("accept", "refer", "reject"), operator.locator("#numbers strong").all_inner_texts()[5:], strict=True)
        )
        assert shown == {name: "1 of 1 (100 %)" if name == decision else "0 of 1 (0 %)" for name in shown}
        assert f"{counted['median_s']} s" in operator.inner_text("#devices")
        assert operator.is_visible("#told")
        operator.click('[data-days="7"]')
        kiosk.wait(operator, "document.getElementById('told').hidden")
        assert "1 of 1 (100 %)" in operator.inner_text("#numbers")
        with operator.expect_download() as saving:
            operator.click("#csv")
        today = datetime.now(UTC).date()
        assert str(today) in saving.value.suggested_filename
        assert f"{today},{counted['device']},Counter 3,1,1,1" in Path(saving.value.path()).read_text("utf-8")
        operator.fill("#since", "2020-01-01")
        operator.fill("#until", "2020-01-31")
        kiosk.wait(operator, "document.getElementById('numbers').textContent.includes('–')")
        operator.fill("#until", "2019-01-31")
        kiosk.wait(operator, "document.getElementById('problem').textContent.startsWith('Choose')")
