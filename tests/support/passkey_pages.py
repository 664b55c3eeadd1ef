"""Pages of a service in Chromium with a virtual authenticator, and rendered people who register and step up."""

import hashlib
import json
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import kiosk_page as kiosk
from fakes import serving
from held_faces import HOLDER, frames_of, jpeg, sat, selfie_of
from playwright.sync_api import Browser, Page

from idproof.datasets.specimen.make import Registration
from idproof.pipeline.liveness.challenge import Challenge, draw
from idproof.service.operations.settings import Settings

CREATE = """async (options) => {
    const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(options);
    return (await navigator.credentials.create({publicKey})).toJSON();
}"""
GET = """async (options) => {
    const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(options);
    return (await navigator.credentials.get({publicKey})).toJSON();
}"""
TEXT = "Change the address of record to 1 Example Street."


@contextmanager
def service(folder: Path, verifier: Any, **more: Any) -> Iterator[tuple[str, Settings]]:
    """A service on a free port of `localhost`, whose origin it must know before it listens."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    told = {"passkey_rp_id": "localhost", "passkey_origins": f"http://localhost:{port}"} | more
    settings = Settings(data_dir=folder, anonymous=True, concurrency=1, **told)
    with serving(settings, verifier, port=port):
        yield f"http://localhost:{port}", settings


@contextmanager
def page_with_authenticator(chromium: Browser, url: str, **more: Any) -> Iterator[Page]:
    with kiosk.page(chromium, kiosk.PHONE, camera=False) as made:
        devtools = made.context.new_cdp_session(made)
        devtools.send("WebAuthn.enable")
        options = {"protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True}
        options |= {"isUserVerified": True, "automaticPresenceSimulation": True}
        devtools.send("WebAuthn.addVirtualAuthenticator", {"options": options | more})
        made.goto(f"{url}/kiosk")
        yield made


def post(url: str, path: str, body: Any = None, **more: Any) -> dict[str, Any]:
    answer = httpx.post(url + path, json=body, timeout=120, **more)
    assert answer.is_success, answer.text
    return dict(answer.json())


def register(page: Page, url: str, verdict: dict[str, Any], **more: Any) -> dict[str, Any]:
    wanted = {"verification": verdict["id"], "nonce": verdict["session"]["nonce"]} | more
    begun = post(url, "/v1/passkey-registrations", wanted)
    answer = page.evaluate(CREATE, begun["public_key"])
    return post(url, f"/v1/passkey-registrations/{begun['id']}", {"response": answer})


def log_in(page: Page, url: str, **more: Any) -> dict[str, Any]:
    begun = post(url, "/v1/passkey-logins", more)
    answer = page.evaluate(GET, begun["public_key"])
    return post(url, f"/v1/passkey-logins/{begun['id']}", {"response": answer})


def captures_of(other_card: Callable[[int], Registration]) -> dict[str, bytes]:
    """Of somebody of whom there are further photographs, with the selfie taken where the challenge is answered."""
    wanted = hashlib.sha256(HOLDER.encode()).hexdigest()[:12]
    made = next(made for i in range(6) if (made := other_card(i)).description["truth"]["person"] == wanted)
    return {**made.parts(), "selfie": selfie_of(sat())}


def send(url: str, path: str, captures: dict[str, bytes], challenge: Any, species: str | None = None) -> dict[str, Any]:
    """The holder, or an attack, answers a challenge; a client sends the frames."""
    asked: Challenge = draw(bytes.fromhex(challenge["nonce"]), issued_at=datetime.fromisoformat(challenge["issued_at"]))
    frames = frames_of(sat(), asked, species)
    files = [(name, (name, data, "image/jpeg")) for name, data in captures.items()]
    files += [("frames", ("f", jpeg(frame.pixels), "image/jpeg")) for frame in frames]
    told = [{"captured_ms": frame.captured_ms, "number": frame.number} for frame in frames]
    headers = {"Capture-Session": challenge["session"]} if "session" in challenge else {}
    data = {"metadata": json.dumps({"liveness": {"frames": told}})}
    return post(url, path, files=files, data=data, headers=headers)
