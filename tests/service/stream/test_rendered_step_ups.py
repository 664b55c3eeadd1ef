"""Step-ups at a streaming device with the real networks and guidance: a living person, and a print (**rendered**)."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from fakes import serving
from held_faces import Authority, answer_of, frames_of, jpeg, registered, sat, selfie_of
from passkey_bench import passkey_settings
from step_up_party import Party

from idproof.pipeline import Policy, Role, Verifier
from idproof.pipeline.liveness.challenge import Challenge, draw
from idproof.pipeline.liveness.response import LivenessResponse
from idproof.service.http.connections import BoundedProtocol
from idproof.service.operations.server import WEBSOCKET_OPTIONS
from idproof.service.operations.settings import Settings
from idproof.service.step_up import store as step_up_store
from idproof.service.stream.chain import LIVENESS
from idproof.service.stream.simulator.device import Device

_MOST_SHOWN = 40  # stills of the selfie until one is good enough


@pytest.fixture
def party(tmp_path: Path, verifier: Verifier, monkeypatch: pytest.MonkeyPatch) -> Iterator[Party]:
    """A relying party with a device, at a service whose policy accepts what devices captured alone."""
    policy = replace(Policy(), required=("fields_readable", "face_comparison"))
    strict = Verifier(replace(verifier.rules, records=Authority(registered()), policy=policy), verifier.executor)
    # What is asked is random, and a test is not.
    nonces = [bytes([place]) * 32 for place in (5, 9, 7, 3, 11, 13)]
    monkeypatch.setattr(step_up_store, "secrets", SimpleNamespace(token_bytes=lambda _: nonces.pop(0)))
    settings = passkey_settings(
        Settings(data_dir=tmp_path, anonymous=False, concurrency=1), records_file=tmp_path / "unread"
    )
    with serving(settings, strict, http=BoundedProtocol, **WEBSOCKET_OPTIONS) as (host, port):
        yield Party(f"http://{host}:{port}", settings, strict)  # type: ignore[arg-type]


def answered(asked: Challenge, species: str | None) -> tuple[LivenessResponse, list[bytes]]:
    """Frames of the answer to a challenge, as the camera takes them."""
    frames = frames_of(sat(), asked, species)
    return answer_of(asked, frames), [jpeg(frame.pixels) for frame in frames]


async def shown(device: Device, step_up: str, species: str | None, mark: int) -> dict[str, Any]:
    """Plays a session before a person, or before a print that answers the challenge; returns how it ended."""
    await device.start(step_up=step_up)
    selfie = await asyncio.to_thread(lambda: selfie_of(sat())) + b"\0" * mark  # other bytes: each is used once
    for _ in range(_MOST_SHOWN):
        await device.send_frame(Role.SELFIE, selfie, still=True)
        if (await device.receive("guidance"))["want"] == "none":
            break
    await device.receive("stage")
    await device.send({"type": "ready"})
    challenge = (await device.receive("challenge"))["challenge"]
    asked = draw(bytes.fromhex(challenge["nonce"]), issued_at=datetime.fromisoformat(challenge["issued_at"]))
    # On a thread: meanwhile the server's pings are answered.
    answer, pictures = await asyncio.to_thread(answered, asked, species)
    for picture, timing in zip(pictures, answer.timings, strict=True):
        await device.send_frame(LIVENESS, picture, still=True, captured_ms=timing.captured_ms, number=timing.number)
    stage = await device.receive("stage")
    assert stage["stage"] == "finish", stage
    await device.send({"type": "finish"})
    return await device.receive("step_up_decided", "retry")


@pytest.mark.long
def test_a_living_person_is_accepted_and_a_print_is_refused(party: Party) -> None:
    found = {}
    for mark, species in enumerate((None, "print_flat"), 1):
        opened = party.open()
        said = party.at_device(lambda device, o=opened, s=species, m=mark: shown(device, o["id"], s, m))
        found[species] = said, party.state(opened["id"])
    said, state = found[None]
    assert (said["decision"], said["reasons"]) == ("accept", [])
    assert (state["state"], state["decision"]["capture_level"]) == ("accepted", "device")
    assert state["decision"]["token"]
    said, state = found["print_flat"]
    assert said["decision"] == "reject"
    assert (state["state"], state["decision"]["token"]) == ("refused", None)
    failed = {check["name"] for check in state["decision"]["checks"] if check["outcome"] == "fail"}
    assert any(name.startswith("liveness") for name in failed), "the face is the holder's; that it lives is what fails"
    assert state["decision"]["deletion"]["outstanding"] == 0
