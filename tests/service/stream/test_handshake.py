"""The handshake of a device, without a server: who is refused, and who is not."""

import asyncio
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from idproof.pipeline.errors import IdproofError
from idproof.service.auth.quota import Quota
from idproof.service.operations.settings import Settings
from idproof.service.signing.keys import Keys
from idproof.service.storage import VerdictStore
from idproof.service.storage.kiosks import Kiosks
from idproof.service.stream import chain
from idproof.service.stream.admission import Admission
from idproof.service.stream.handshake import authenticate
from idproof.service.stream.messages import base64, unbase64


class FakeChannel:
    """Answers the server's challenge as a device with this secret does."""

    host = "198.51.100.7"
    from_other_origin = False

    def __init__(self, device: str, secret: bytes) -> None:
        self.device, self.secret, self.hello = device, secret, {}  # type: ignore[var-annotated]

    async def send(self, message: dict[str, Any]) -> None:
        self.hello = message

    async def receive(self) -> str:
        nonce = bytes(32)
        proof = chain.device_proof(self.secret, unbase64(self.hello["challenge"]), nonce)
        return json.dumps({"type": "auth", "device": self.device, "nonce": base64(nonce), "proof": base64(proof)})


def test_failures_from_one_address_never_refuse_a_valid_device(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path)
    store = VerdictStore.open(settings, Keys.open(settings).sealing)
    kiosks = Kiosks(store.database, store.seal)
    device = kiosks.enroll("Counter 3").split("_")[1]
    gate = SimpleNamespace(quota=Quota(per_minute=600, at_once=1, failures_per_minute=2))
    runtime: Any = SimpleNamespace(gate=gate, kiosks=kiosks, admission=Admission(512, 128))

    def attempt(secret: bytes) -> str:
        try:
            found = asyncio.run(authenticate(runtime, FakeChannel(device, secret)))  # type: ignore[arg-type]
        except IdproofError as error:
            return error.code
        return found.kiosk.id

    wrong = [attempt(bytes(32)) for _ in range(4)]
    assert wrong == ["device_unauthenticated"] * 2 + ["rate_limited"] * 2
    assert attempt(kiosks.secret(device)) == device


def test_a_stranger_is_refused_without_a_look_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A database that does not answer is no matter for whoever cannot prove a key."""
    settings = Settings(data_dir=tmp_path)
    store = VerdictStore.open(settings, Keys.open(settings).sealing)
    kiosks = Kiosks(store.database, store.seal)
    device = kiosks.enroll("Counter 3").split("_")[1]
    gate = SimpleNamespace(quota=Quota(per_minute=600, at_once=1, failures_per_minute=60))
    runtime: Any = SimpleNamespace(gate=gate, kiosks=kiosks, admission=Admission(512, 128))
    asked = []
    find = kiosks.find
    monkeypatch.setattr(kiosks, "find", lambda name: asked.append(name) or find(name))

    def attempt(name: str, secret: bytes) -> str:
        try:
            return asyncio.run(authenticate(runtime, FakeChannel(name, secret))).kiosk.id  # type: ignore[arg-type]
        except IdproofError as error:
            return error.code

    assert [attempt(name, bytes(32)) for name in (device, "0" * len(device))] == ["device_unauthenticated"] * 2
    assert asked == []
    assert attempt(device, kiosks.secret(device)) == device
    assert kiosks.revoke(device)
    assert attempt(device, kiosks.secret(device)) == "device_unauthenticated"
