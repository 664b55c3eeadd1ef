"""Face templates with Chromium's virtual authenticator, which has the extension `prf`."""

import json
from base64 import urlsafe_b64decode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from held_faces import sat, selfie_of
from passkey_bench import PasskeyBench
from passkey_pages import CREATE, GET, TEXT, captures_of, page_with_authenticator, post, send, service
from playwright.sync_api import Browser, Page
from template_party import FACES, TemplateVerifier

from idproof.datasets.specimen.make import Registration
from idproof.pipeline import Verifier
from idproof.service.face_templates.reference_core import ReferenceCore, serve_core
from idproof.service.step_up import store as step_up_store
from idproof.service.storage import sessions

PRF = {"hasPrf": True, "ctap2Version": "ctap2_1"}


@contextmanager
def keeping(folder: Path, verifier: Any) -> Iterator[tuple[str, PasskeyBench, ReferenceCore]]:
    """A service that keeps face templates, beside its identity core."""
    rings: list[Any] = []
    core = ReferenceCore(lambda: rings[0].current.public())
    file = folder / "core.jwk"
    file.write_text(json.dumps(core.public_jwk), encoding="utf-8")
    with serve_core(core) as core_url:
        told = {"face_template": "split_key", "face_template_core_key": file, "face_template_core_url": core_url}
        with service(folder / "data", verifier, **told) as (url, settings):
            bench = PasskeyBench(settings)
            rings.append(bench.ring)
            yield url, bench, core


def bind(page: Page, url: str, verdict: dict[str, Any]) -> dict[str, Any]:
    """The applicant agrees, makes a passkey and uses it once more; returns the second answer of the service."""
    wanted = {"verification": verdict["id"], "nonce": verdict["session"]["nonce"], "face_template": True}
    begun = post(url, "/v1/passkey-registrations", wanted)
    answer = page.evaluate(CREATE, begun["public_key"])
    made = post(url, f"/v1/passkey-registrations/{begun['id']}", {"response": answer})
    if made["face_template"] is None:
        return made
    answer = page.evaluate(GET, made["face_template"]["public_key"])
    return made | post(url, f"/v1/face-templates/{made['face_template']['id']}", {"response": answer})


def opened(page: Page, url: str) -> tuple[dict[str, Any], bytes]:
    """A step-up of whoever holds the page's passkey, and what that gave."""
    begun = post(url, "/v1/passkey-logins", {"face_template": True})
    answer = page.evaluate(GET, begun["public_key"])
    text = answer["clientExtensionResults"]["prf"]["results"]["first"]
    login = post(url, f"/v1/passkey-logins/{begun['id']}", {"response": answer})["token"]
    return post(url, "/v1/step-ups", {"login": login, "text": TEXT}), urlsafe_b64decode(text + "=")


@pytest.mark.parametrize("transport", ["internal", "usb"])
def test_the_passkey_of_a_browser_keeps_and_opens_a_template(chromium: Browser, tmp_path: Path, transport: str) -> None:
    verifier = TemplateVerifier()
    with (
        keeping(tmp_path, verifier) as (url, _, core),
        page_with_authenticator(chromium, url, transport=transport, **PRF) as page,
    ):
        session = post(url, "/v1/capture-sessions")["id"]
        files = {name: (name, name.encode(), "image/jpeg") for name in ("card_front", "card_tilt_left")}
        files |= {name: (name, name.encode(), "image/jpeg") for name in ("card_tilt_right", "selfie")}
        verdict = post(url, "/v1/verifications", files=files, headers={"Capture-Session": session})
        assert bind(page, url, verdict)["passkey"].startswith("pk_")
        for mark in (b"1", b"2"):
            step_up, secret = opened(page, url)
            assert len(secret) == 32
            captures = {"selfie": b"selfie" + mark, "holder_key": secret}
            decided = send(url, f"/v1/step-ups/{step_up['id']}/captures", captures, step_up["challenge"])
            assert decided["decision"] == "accept"
    assert verifier.opened == [FACES[0].tobytes()] * 2
    assert len(core.releases) == 2


def test_an_authenticator_without_prf_keeps_none(chromium: Browser, tmp_path: Path) -> None:
    with (
        keeping(tmp_path, TemplateVerifier()) as (url, bench, _),
        page_with_authenticator(chromium, url) as page,
    ):
        assert bind(page, url, bench.verdict("anonymous"))["face_template"] is None


@pytest.mark.long
def test_register_accept_template_and_step_up(
    chromium: Browser,
    tmp_path: Path,
    verifier: Verifier,
    other_card: Callable[[int], Registration],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """**Rendered**: the holder is accepted at registration and step-up, and a print of the holder is not."""
    nonces = [bytes([place]) * 32 for place in (5, 9, 7, 3)]  # what is asked is random, and a test is not
    for module in (sessions, step_up_store):
        monkeypatch.setattr(module, "secrets", SimpleNamespace(token_bytes=lambda _: nonces.pop(0)))
    with keeping(tmp_path, verifier) as (url, bench, core):
        session = post(url, "/v1/capture-sessions")
        challenge = session["challenge"] | {"session": session["id"]}
        verdict = send(url, "/v1/verifications", captures_of(other_card), challenge)
        assert (verdict["decision"], verdict["deletion"]["protected_templates"]) == ("accept", 1)
        with page_with_authenticator(chromium, url, **PRF) as page:
            bind(page, url, verdict)
            found = {}
            for place, species in enumerate((None, "print_flat")):
                step_up, secret = opened(page, url)
                selfie = selfie_of(sat()) + b"\0" * (place + 1)  # other bytes: each is used once
                captures = {"selfie": selfie, "holder_key": secret}
                found[species] = send(
                    url, f"/v1/step-ups/{step_up['id']}/captures", captures, step_up["challenge"], species
                )
            living, printed = found[None], found["print_flat"]
            assert (living["decision"], living["reasons"]) == ("accept", [])
            assert "enrolled_face" in living["required"]
            assert (printed["decision"], printed["token"]) == ("reject", None)
            assert living["deletion"]["outstanding"] == printed["deletion"]["outstanding"] == 0
            core.revoke(verdict["id"])
            step_up, secret = opened(page, url)
            captures = {"selfie": selfie_of(sat()) + b"\0" * 3, "holder_key": secret}
            with pytest.raises(AssertionError, match="face_template_refused"):
                send(url, f"/v1/step-ups/{step_up['id']}/captures", captures, step_up["challenge"])
        bench.audit.check()
