"""The page stands by itself, shows what it should, and shows nobody."""

import json
import re
import shutil
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import kiosk_page
import numpy as np
import pytest
import samples
from typer.testing import CliRunner

from idproof.benchmarks.cli import app
from idproof.benchmarks.face import curves
from idproof.benchmarks.harness.output import attempt_id
from idproof.benchmarks.metrics import fmr_at, fnmr_at
from idproof.benchmarks.metrics.resample import Comparisons
from idproof.benchmarks.report import gallery, page, pdf
from idproof.datasets.sets import read_sets
from idproof.models.errors import IdproofError
from idproof.pipeline.errors import InvalidSpecimen

CARD = {"card.bpcer": (1, 100), "card.apcer.print_glossy": (0, 300), "card.apcer.screen": (1, 52)}


class Page(HTMLParser):
    """Tags that were not closed, addresses that were asked for, and the policy."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.addresses: list[str] = []
        self.tags: list[str] = []
        self.policy = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = dict(attrs)
        self.tags.append(tag)
        assert not any(name.startswith("on") or name == "style" for name in told), (
            f"<{tag}> needs more than the policy allows"
        )
        self.addresses += [value for name in ("src", "href") if (value := told.get(name))]
        if told.get("http-equiv") == "Content-Security-Policy":
            self.policy = told["content"] or ""


def test_the_page_asks_for_nothing_outside_itself(write_run: Any) -> None:
    scores = np.random.default_rng(0)
    genuine = Comparisons(scores.normal(0.6, 0.1, 500), np.arange(500) // 5, np.arange(500) // 5)
    curve = curves.curve(scores.normal(0, 0.1, 5000), genuine, data="photographs", people=100)
    face = write_run("face", "face", {"face.fnmr@fmr1e-4": (3, 500)}, curves={"face": curve})
    card = write_run("card", "card", CARD)
    text = page.build([card, face])
    found = Page(text)
    assert "script" not in found.tags
    assert found.policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "unsafe" not in found.policy
    assert len(found.addresses) > 4
    assert all(address.startswith(("#", "data:image/")) for address in found.addresses)
    assert text.count("data:image/svg+xml") == 2
    anchors = set(re.findall(r'id="([^"]+)"', text))
    assert {address[1:] for address in found.addresses if address.startswith("#")} <= anchors


def test_what_a_file_says_cannot_become_markup(write_run: Any) -> None:
    run = write_run(
        "card", "card", {**CARD, "card.apcer.a_b": (0, 5)}, notes=["<script>alert(1)</script>"], policy="<b>"
    )
    text = page.build([run])
    assert "<script>" not in text
    assert "&lt;script&gt;" in text


def test_groups_are_held_to_the_gate(write_run: Any) -> None:
    groups = {"card.bpcer": {"old": {"value": 0.05, "low": 0.016, "high": 0.113, "n": 100, "unit": "share"}}}
    text = page.build([write_run("card", "card", CARD, groups=groups)])
    assert "5.00 ×" in text
    assert '<span class="state missed">missed</span>' in text
    single = {"card.bpcer": {"few": {"value": 0.1, "low": 0.0025, "high": 0.445, "n": 10, "unit": "share"}}}
    text = page.build([write_run("card", "card", CARD, groups=single)])
    assert "10.00 ×" in text
    assert '<span class="state missed">missed</span>' not in text


def everything(write_run: Any) -> list[Any]:
    """Runs of which every table and every state is on the page."""
    portraits = {
        f"face.portrait.{rate}@fmr{fmr}": (1, 200) for rate in ("fnmr", "measured_fmr") for fmr in ("1e-3", "1e-4")
    }
    rates = {"worse": (0.3, 0.2, 0.4), "unknown": (0.1, 0.0025, 0.445), "as_good": (0.005, 0.001, 0.01)}
    groups = {
        name: {"value": value, "low": low, "high": high, "n": 100, "unit": "share"}
        for name, (value, low, high) in rates.items()
    }
    causes = {"screen": {"attempts": 52, "objected": {"card": 50}, "alone": {"card": 1}, "checks": {}}}
    return [
        write_run("face", "face", {"face.fnmr@fmr1e-4": (3, 500), **portraits}, data="rendered"),
        write_run("card", "card", CARD, groups={"card.bpcer": groups}, causes=causes, notes=["nothing"]),
        write_run("later", "card", {**CARD, "card.bpcer": (9, 100), "card.apcer.print_glossy": (30, 300)}),
        write_run("system", "system", {"system.far.lookalike_selfie": (1, 2), "system.frr": (1, 20)}),
    ]


def test_no_paragraph_is_printed_twice(write_run: Any) -> None:
    paragraphs = re.findall(r"<p[^>]*>(.*?)</p>", page.build(everything(write_run)), re.DOTALL)
    assert [text for text in set(paragraphs) if paragraphs.count(text) > 1] == []
    assert sum("rendered specimens show" in text for text in paragraphs) == 1


@pytest.mark.skipif(not shutil.which("chromium"), reason="no Chromium here")
def test_people_of_poor_sight_can_read_the_page(tmp_path: Path, write_run: Any) -> None:
    text = page.build(everything(write_run))
    for state in ("missed", "not-shown", "shown"):
        assert f'class="state {state}"' in text
    (tmp_path / "page.html").write_text(text, encoding="utf-8")
    with kiosk_page.browser() as opened, opened.new_page(bypass_csp=True) as shown:
        shown.goto((tmp_path / "page.html").as_uri())
        shown.evaluate("document.querySelectorAll('details').forEach(details => details.open = true)")
        assert kiosk_page.grave(shown) == []


def test_failed_specimens_are_shown_and_nothing_else_is(tmp_path: Path, write_run: Any) -> None:
    samples.make(tmp_path / "sets", 2, 3)
    sets = read_sets(tmp_path / "sets")
    ended = [{"decision": "refer", "reasons": ["hologram_static"]}, {"decision": "accept", "reasons": []}]
    outcomes = {"bona_fide": dict(zip(map(attempt_id, sets), ended, strict=True))}
    run = write_run("card", "card", CARD, outcomes=outcomes)
    (failure,) = gallery.failures(run, sets)
    assert (failure.decision, failure.reasons, len(failure.pictures)) == ("refer", ("hologram_static",), 4)
    assert "hologram static" in page.build([run], sets)
    file = sets[0].folder / "set.json"
    told = json.loads(file.read_text(encoding="utf-8"))
    del told["truth"]["artwork_seed"]
    file.write_text(json.dumps(told), encoding="utf-8")
    with pytest.raises(InvalidSpecimen, match="no specimen"):
        page.build([run], read_sets(tmp_path / "sets"))


def test_an_impostor_is_shown_with_the_selfie_that_was_lent(tmp_path: Path, write_run: Any) -> None:
    samples.make(tmp_path / "sets", 2, 31)
    card, lender = read_sets(tmp_path / "sets")
    ended = {attempt_id(card, lender): {"decision": "accept", "reasons": []}}
    outcomes = {"bona_fide": {attempt_id(card): {"decision": "reject", "reasons": ["x"]}}, "lookalike_selfie": ended}
    run = write_run("system", "system", {"system.far.lookalike_selfie": (1, 2)}, outcomes=outcomes)
    impostor, own = gallery.failures(run, [card, lender])
    assert impostor.kind == "lookalike_selfie"
    assert impostor.pictures[:3] == own.pictures[:3]
    assert impostor.pictures[3] != own.pictures[3]


def test_curves_are_the_rates_at_their_thresholds() -> None:
    rng = np.random.default_rng(5)
    impostors, genuines = rng.normal(0, 0.2, 3000).round(2), rng.normal(0.5, 0.2, 400).round(2)
    people = np.arange(400) // 4
    found = curves.curve(impostors, Comparisons(genuines, people, people), data="invented", people=100)
    for place, threshold in enumerate(found["threshold"]):
        assert found["fmr"][place] == pytest.approx(fmr_at(impostors, threshold).value, abs=1e-8)
        assert found["fnmr"][place] == pytest.approx(fnmr_at(genuines, threshold).value, abs=1e-8)
        assert found["fnmr_low"][place] <= found["fnmr"][place] <= found["fnmr_high"][place]
    assert sum(found["scores"]["impostor"]) == 3000
    alone = curves.curve(impostors, Comparisons(genuines, people, people), data="invented")
    assert alone["fnmr_high"][-1] - alone["fnmr_low"][-1] < 0.11


def test_the_command_writes_the_page(tmp_path: Path, write_run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    write_run("card", "card", CARD)
    out = tmp_path / "page.html"
    done = CliRunner().invoke(app, ["report", str(tmp_path / "card.json"), "--out", str(out)])
    assert done.exit_code == 0, done.output
    assert "print glossy" in out.read_text(encoding="utf-8")
    monkeypatch.setattr(shutil, "which", lambda _: None)
    with pytest.raises(IdproofError, match="needs Chromium"):
        pdf.print_page(out, tmp_path / "page.pdf")


@pytest.mark.skipif(not any(shutil.which(name) for name in ("chromium", "chromium-browser")), reason="no Chromium here")
def test_chromium_prints_the_page(tmp_path: Path, write_run: Any) -> None:
    out = tmp_path / "page.html"
    out.write_text(page.build([write_run("card", "card", CARD)]), encoding="utf-8")
    pdf.print_page(out, tmp_path / "page.pdf")
    assert (tmp_path / "page.pdf").read_bytes().startswith(b"%PDF")
