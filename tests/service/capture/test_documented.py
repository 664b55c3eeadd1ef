"""The page `docs/capture-component.md` names what the component has, and its strictest policy suffices."""

import re
from pathlib import Path

import foreign_page
import httpx
import kiosk_page as kiosk
import pytest
from playwright.sync_api import Browser
from stream_server import show_blank

STATIC = foreign_page.COMPONENT / "static"
MODULES = "".join(path.read_text("utf-8") for path in sorted(STATIC.glob("*.js")))
PAGE = (foreign_page.COMPONENT.parents[1] / "docs" / "capture-component.md").read_text("utf-8")
TYPES = (foreign_page.COMPONENT / "types" / "idproof-capture.d.ts").read_text("utf-8")
POLICY = PAGE.partition("The strictest policy that it runs under:\n```\n")[2].partition("\n```")[0]


def rows(head: str) -> set[str]:
    """Returns the first cells of a table, which is found by its head."""
    table = PAGE.partition(f"| {head} |")[2].partition("\n\n")[0]
    return set(re.findall(r"^\| `([\w-]+)`", table, re.MULTILINE))


def test_attributes() -> None:
    read = re.findall(r"(?:get|has)Attribute\(\"([\w-]+)\"\)", MODULES)
    observed = re.search(r"observedAttributes = \[(.*)\]", MODULES)
    assert observed
    known = {*read, *re.findall(r"\"([\w-]+)\"", observed[1])}
    assert rows("attribute") == known
    named = re.search(r"Attributes: (.*)\. \*/", TYPES)
    assert named
    assert set(re.findall(r"`([\w-]+)`", named[1])) == known


def test_events() -> None:
    sent = set(re.findall(r"\bemit\(\"(\w+)\"", MODULES))
    assert rows("event") == sent == set(re.findall(r"^  (\w+): CustomEvent", TYPES, re.MULTILINE))


def test_custom_properties() -> None:
    used = set(re.findall(r"var\(--idproof-([\w-]+)", MODULES))
    (example,) = re.findall(r"^idproof-capture \{\n(.*?)^\}", PAGE, re.MULTILINE | re.DOTALL)
    named = set(re.findall(r"--idproof-([\w-]+):", example))
    assert "the first two also with -mist and -bright" in example
    named |= {f"{colour}-{more}" for colour in ("jade", "amber") for more in ("mist", "bright")}
    assert named == used


def test_parts() -> None:
    used = {name for parts in re.findall(r"\bpart ?= ?\"([^\"]+)\"", MODULES) for name in parts.split()}
    (named,) = re.findall(r"^Parts: (.*?)\. ", PAGE, re.MULTILINE)
    assert set(re.findall(r"`(\w+)`", named)) == used


def test_a_registration_begins_under_the_strictest_policy(
    package: Path, tmp_path: Path, chromium: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only the version and the recordings are blocked, as the page says."""
    context = chromium.new_context(viewport={"width": 1440, "height": 900}, locale="en-GB")
    context.add_init_script(kiosk.HELPERS + kiosk.CAMERA)
    said: list[str] = []
    page = tmp_path / "page" / "index.html"
    page.parent.mkdir()
    page.touch()
    with foreign_page.before_service(package, tmp_path / "data", monkeypatch, page.parent) as (origin, service):
        assert "wss://register.example" in POLICY
        policy = POLICY.replace("wss://register.example", service.replace("http", "ws", 1))
        head = f'<meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="{policy}">'
        script = '<script type="module" src="/idproof-capture.js"></script>'
        page.write_text(
            f'<!doctype html>{head}{script}<idproof-capture service="{service}"></idproof-capture>', "utf-8"
        )
        token = httpx.post(f"{origin}/capture-token").json()["token"]
        made = context.new_page()
        made.on("console", lambda message: said.append(message.text))
        made.goto(origin)
        made.evaluate("token => { document.querySelector('idproof-capture').token = token; }", token)
        kiosk.view(made, "welcome")
        assert made.eval_on_selector(".go", "(node) => getComputedStyle(node).backgroundColor") == "rgb(11, 74, 94)"
        show_blank(made)
        made.click("#voice-button")
        kiosk.agree(made)
        kiosk.view(made, "capture")
        kiosk.wait(made, "part('instruction').textContent !== ''")
    context.close()
    blocked = [one for one in said if "Content Security Policy" in one]
    named = [re.search(r"(?:version|voices)\.json", one) for one in blocked]
    assert {found and found[0] for found in named} == {"version.json", "voices.json"}
