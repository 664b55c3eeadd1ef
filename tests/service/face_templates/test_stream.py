"""A step-up by a face template at a streaming device: the holder's key comes with its start."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from access_keys import bearer, key
from fakes import FILES
from soft_passkeys import ORIGIN, Authenticator, b64
from step_up_party import TEXT, Party
from stream_server import capture_everything, stream_server
from template_party import FACES, TemplateVerifier, template_settings

from idproof.service.auth.clients import Scope
from idproof.service.face_templates.reference_core import ReferenceCore, serve_core
from idproof.service.stream.simulator.device import Device, DeviceProblem


@pytest.fixture
def verifier() -> TemplateVerifier:
    return TemplateVerifier()


@pytest.fixture
def party(tmp_path: Path, verifier: TemplateVerifier, monkeypatch: pytest.MonkeyPatch) -> Iterator[Party]:
    parties: list[Party] = []
    core = ReferenceCore(lambda: parties[0].bench.ring.current.public())
    with serve_core(core) as core_url:
        settings = template_settings(tmp_path, core, core_url)
        with stream_server(settings, verifier, monkeypatch) as url:
            parties.append(Party(url, settings, verifier, holder=False))
            yield parties[0]


def register(party: Party, settings_key: dict[str, str]) -> None:
    """The holder registers, and keeps a template under a passkey."""

    def post(path: str, body: Any = None, **more: Any) -> dict[str, Any]:
        headers = settings_key | more.pop("headers", {})
        answer = httpx.post(party.url + path, json=body, headers=headers, timeout=30, **more)
        assert answer.is_success, answer.text
        return dict(answer.json())

    party.authenticator = Authenticator(prf=bytes(range(32)))
    session = post("/v1/capture-sessions")["id"]
    verdict = post("/v1/verifications", files=FILES, headers={"Capture-Session": session})
    wanted = {"verification": verdict["id"], "nonce": verdict["session"]["nonce"], "origin": ORIGIN}
    begun = post("/v1/passkey-registrations", wanted | {"face_template": True})
    made = party.authenticator.create(begun["public_key"])
    template = post(f"/v1/passkey-registrations/{begun['id']}", {"response": made})["face_template"]
    answer = party.authenticator.get(template["public_key"])
    post(f"/v1/face-templates/{template['id']}", {"response": answer})


def holder_key(party: Party) -> tuple[str, str]:
    """Returns a step-up, and what the passkey gave at its login."""
    begun = party.ask("POST", "/v1/passkey-logins", {"origin": ORIGIN, "face_template": True}).json()
    answer = party.authenticator.get(begun["public_key"])
    login = party.ask("POST", f"/v1/passkey-logins/{begun['id']}", {"response": answer}).json()["token"]
    opened = party.ask("POST", "/v1/step-ups", {"login": login, "text": TEXT})
    assert opened.status_code == 201, opened.text
    return opened.json()["id"], answer["clientExtensionResults"]["prf"]["results"]["first"]


async def taken(device: Device, step_up: str, **start: Any) -> str:
    await device.start(step_up=step_up, **start)
    await capture_everything(device)
    await device.send({"type": "finish"})
    try:
        return str((await device.receive("step_up_decided"))["decision"])
    except DeviceProblem as problem:
        return problem.code


def test_a_device_sends_the_key_with_the_start(party: Party, verifier: TemplateVerifier) -> None:
    register(party, bearer(key(party.settings, Scope.SESSION_WRITE, Scope.VERIFY_WRITE, Scope.PASSKEY_WRITE)))
    step_up, secret = holder_key(party)
    assert party.at_device(lambda device: taken(device, step_up, holder_key=secret)) == "accept"
    assert party.state(step_up)["decision"]["capture_level"] == "device"
    assert verifier.opened == [FACES[0].tobytes()]
    for told, code in (({}, "face_template_key_missing"), ({"holder_key": b64(bytes(32))}, "face_template_refused")):
        other, _ = holder_key(party)
        assert party.at_device(lambda device, o=other, t=told: taken(device, o, **t)) == code
        assert party.state(other)["state"] == "open", "it costs no attempt"
    assert len(verifier.opened) == 1
    lines = party.settings.audit_log.read_text(encoding="utf-8").splitlines()
    assert [json.loads(line)["event"] for line in lines].count("face_template_opened") == 1
