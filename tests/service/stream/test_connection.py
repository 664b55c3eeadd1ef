"""Whole sessions over a WebSocket: a real server, real networks, and a simulated device that plays specimens."""

import asyncio
import gc
import hashlib
import json
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

import cv2
import httpx
import numpy as np
import pytest
from fakes import serving
from websockets.exceptions import InvalidStatus
from websockets.server import ServerProtocol

from idproof.datasets.specimen.make import Registration
from idproof.datasets.specimen.portraits import PortraitSource
from idproof.pipeline import Verifier
from idproof.pipeline.card.plan import draw
from idproof.pipeline.liveness.challenge import PROFILE_OPTIONS, Options
from idproof.pipeline.types import Role
from idproof.service.http.app import create_app
from idproof.service.http.connections import BoundedProtocol
from idproof.service.operations.server import WEBSOCKET_OPTIONS
from idproof.service.operations.settings import Settings
from idproof.service.storage.kiosks import Kiosks
from idproof.service.stream.chain import Chain
from idproof.service.stream.messages import unbase64
from idproof.service.stream.simulator import device as simulated
from idproof.service.stream.simulator.device import Device, DeviceProblem, register
from idproof.service.stream.simulator.player import SetCamera, take_selfie
from idproof.service.stream.simulator.posed_cards import RenderedCard

HOLDER = "bundled/office-holder"
Result = TypeVar("Result")


@pytest.fixture(scope="module")
def holder() -> Registration:
    """A registration of a person of whom there are further photographs."""
    from idproof.datasets.specimen.make import make
    from idproof.pipeline.documents import load_builtin

    made = make(31, 2, PortraitSource.open(None), load_builtin())
    assert made.description["truth"]["person"] == hashlib.sha256(HOLDER.encode()).hexdigest()[:12]
    return made


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("stream")


@pytest.fixture(scope="module")
def address(folder: Path, verifier: Verifier) -> Iterator[str]:
    settings = Settings(data_dir=folder, stream_grace_s=1.0)
    with serving(settings, verifier, http=BoundedProtocol, **WEBSOCKET_OPTIONS) as (host, port):
        yield f"http://{host}:{port}"


@pytest.fixture
def key(address: str, folder: Path) -> str:
    from idproof.service.operations.data_folder import open_verdicts_and_audit

    store, _ = open_verdicts_and_audit(folder)
    return Kiosks(store.database, store.seal).enroll("Counter 3")


RECIPE = {"seed": 31, "index": 2, "characters": None, "split": "any", "formation": "analytic"}


def card() -> RenderedCard:
    """The card of the fixture `holder`, in any pose."""
    return RenderedCard(RECIPE, None, PortraitSource.open(None), 3)


def camera(made: Registration, species: str | None = None) -> SetCamera:
    photograph = PortraitSource.open(None).person(HOLDER).photographs[1]
    person = np.asarray(cv2.resize(photograph, (250, 250)), dtype=np.uint8)
    stills = {**made.parts(), "selfie": take_selfie(person, 3)}
    return SetCamera(stills, person, 3, species, posed=card().stills, turned=card().turned)


_opened: list[Device] = []


async def connect_device(address: str, key: str) -> Device:
    """Connect a device that `run_and_close` closes."""
    device = await Device.connect(address, key)
    _opened.append(device)
    return device


def run_and_close(work: Callable[[], Coroutine[Any, Any, Result]]) -> Result:
    """Run a test's devices, and close each of them however it ended: an open socket would fail the next test."""

    async def run_then_close() -> Result:
        try:
            return await work()
        finally:
            while _opened:
                await _opened.pop().socket.close()

    return asyncio.run(run_then_close())


def play(
    address: str, key: str, made: Registration, species: str | None = None, **start: Any
) -> tuple[dict[str, Any], Device]:
    async def run() -> tuple[dict[str, Any], Device]:
        device = await connect_device(address, key)
        await device.start(reference="registration-000017", **start)
        verdict = await register(device, camera(made, species), every_s=0)
        await device.socket.close()
        return verdict, device

    return run_and_close(run)


def test_a_person_at_a_kiosk_is_guided_and_accepted(address: str, key: str, holder: Registration) -> None:
    verdict, device = play(address, key, holder)
    assert (verdict["decision"], verdict["reasons"]) == ("accept", [])
    assert {"move_closer", "good"} <= set(device.hints)
    assert any(hint.startswith("tilt_") for hint in device.hints)
    signed = httpx.get(f"{address}/v1/verifications/{verdict['id']}", timeout=60).json()
    assert signed["jws"]
    assert signed["reference"] == "registration-000017"
    assert signed["session"] == {"id": device.session["id"], "nonce": device.session["nonce"]}
    assert not {"liveness", "capture_plan"} & set(signed["not_performed"])
    followed = next(check for check in signed["checks"] if check["name"] == "capture_plan")
    assert (followed["outcome"], "capture_plan" in signed["required"]) == ("pass", True)
    wiped = {entry["kind"]: entry for entry in signed["deletion"]["wiped"]}
    assert wiped["preview"]["count"] > 20
    assert signed["deletion"]["outstanding"] == 0
    listed = httpx.get(f"{address}/v1/kiosks", timeout=60).json()["devices"]
    mine = next(entry for entry in listed if entry["device"] == key.split("_")[1])
    counts = ("started", "finished", "first_try", "accept")
    assert [mine[name] for name in counts] == [1, 1, 1, 1]
    assert mine["hints"]["good"]["sessions"] == 1


def test_captures_of_an_earlier_session_are_not_even_taken(
    address: str, key: str, holder: Registration, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A device whose camera plays stills that another plan led to."""
    monkeypatch.setattr(simulated, "_MAX_PREVIEWS", 12)

    async def run() -> None:
        device = await connect_device(address, key)
        session = await device.start()
        nonce = unbase64(session["nonce"])
        others = (draw(bytes([number]) * 32) for number in range(256))
        first = session["stage"]
        earlier = next(plan for plan in others if plan.poses[Role(first)] != draw(nonce).poses[Role(first)])
        replayed = camera(holder)
        replayed.posed = lambda _: card().stills(earlier)
        with pytest.raises(DeviceProblem, match="not_taken"):
            await register(device, replayed, every_s=0)
        assert "good" not in device.hints

    run_and_close(run)


@pytest.mark.parametrize("species", ["screen_photo", pytest.param("wrong_challenge", marks=pytest.mark.long)])
def test_an_attack_is_not_accepted_and_the_verdict_names_no_check(
    address: str, key: str, holder: Registration, species: str
) -> None:
    verdict, _ = play(address, key, holder, species)
    assert verdict["decision"] in ("reject", "refer")
    assert verdict["reasons"] == ["person_doubtful"]
    assert not any(word in json.dumps(verdict) for word in ("light", "depth", "texture", "challenge"))


def test_ticking_every_option_refers_even_the_holder_of_the_card(address: str, key: str, holder: Registration) -> None:
    everything = {name: True for name in Options().to_json() if name not in PROFILE_OPTIONS}
    verdict, _ = play(address, key, holder, options=everything)
    assert verdict["decision"] == "refer"
    signed = httpx.get(f"{address}/v1/verifications/{verdict['id']}", timeout=60).json()
    assert "challenge_reduced" in signed["reasons"]


def test_a_session_is_resumed_at_its_stage_and_after_the_grace_period_at_the_first_one(
    address: str, key: str, holder: Registration
) -> None:
    async def run() -> None:
        device = await connect_device(address, key)
        session = await device.start()
        first, seen = session["stage"], camera(holder)
        await asyncio.to_thread(seen.begin, session)
        assert device.chain is not None
        await device.send_frame(first, seen.preview(first, 9), still=False)
        assert (await device.receive("guidance"))["want"] == "still"
        sent, want = 1, "still"
        while want != "none" and sent < 20:  # the simulated hand may move at one still and not at the next
            await device.send_frame(first, seen.still(first), still=True)
            want, sent = (await device.receive("guidance"))["want"], sent + 1
        assert (await device.receive("stage"))["kept"] == {first: 2}
        device.socket.transport.abort()
        again = await reconnect(address, key)
        resumed = await again.resume(session)
        assert (resumed["stage"], resumed["next"], resumed["resumed"]) == (session["stages"][1], sent + 1, True)
        with pytest.raises(DeviceProblem, match="message_unexpected"):
            await again.start()
        again.socket.transport.abort()
        await asyncio.sleep(1.5)  # the grace
        late = await reconnect(address, key)
        resumed = await late.resume(session)
        assert (resumed["stage"], resumed["next"]) == (first, sent + 1)
        await late.send({"type": "cancel"})
        await late.receive("cancelled")
        await late.socket.close()

    run_and_close(run)


def test_nothing_of_a_connection_is_left_soon_after_it_was_lost(address: str, key: str, holder: Registration) -> None:
    """The protocol's parser keeps the last message; it must not stay until Python happens to collect it."""

    async def run() -> None:
        device = await connect_device(address, key)
        stage = (await device.start())["stage"]
        await device.send_frame(stage, camera(holder).still(stage), still=True)
        await device.receive("guidance")
        device.socket.transport.abort()

    gc.collect()
    gc.disable()
    try:
        run_and_close(run)
        time.sleep(2.5)
        left = [one for one in gc.get_objects() if isinstance(one, ServerProtocol)]
    finally:
        gc.enable()
    assert left == []


async def reconnect(address: str, key: str) -> Device:
    for _ in range(200):
        with suppress(DeviceProblem):
            return await connect_device(address, key)
        await asyncio.sleep(0.05)
    raise AssertionError("the server has not noticed that the device left")


ATTACKS: dict[str, Callable[[bytes, list[bytes]], bytes]] = {
    "frame_replayed": lambda good, sent: sent[0],
    "frame_forged": lambda good, sent: good[:-1] + bytes([good[-1] ^ 1]),
    "frame_foreign": lambda good, sent: good[:8] + bytes(8) + good[16:],
    "frame_malformed": lambda good, sent: b"XXXX" + good[4:],
    "frame_out_of_order": lambda good, sent: good[:16] + bytes([0, 0, 0, 9]) + good[20:],
    "frame_too_large": lambda good, sent: good + bytes(200_000),
}


def test_every_attack_on_frames_ends_the_connection_and_not_the_session(
    address: str, key: str, holder: Registration
) -> None:
    async def run() -> None:
        seen, session, sent = camera(holder), None, []
        for code, attack in ATTACKS.items():
            device = await reconnect(address, key)
            session = await (device.start() if session is None else device.resume(session))
            assert device.chain is not None
            stage = session["stages"][0]
            tag, following = device.chain.tag, device.chain.next
            good = device.chain.pack(stage_of(stage), False, 1, 1000 * following, seen.preview(stage, 9))
            await device.socket.send(good)
            await device.receive("guidance")
            sent.append(good)
            next_one = device.chain.pack(stage_of(stage), False, 1, 1, seen.preview(stage, 9))
            await device.socket.send(attack(next_one, sent))
            with pytest.raises(DeviceProblem, match=code):
                await device.receive("guidance", "stage")
            with pytest.raises(DeviceProblem, match=code):  # the close frame repeats it
                await device.next()
            assert device.socket.close_code in (4400, 4413)
            assert tag != device.chain.tag
        device = await reconnect(address, key)
        resumed = await device.resume(session or {})
        assert resumed["next"] == len(ATTACKS) + 1
        await device.socket.close()

    run_and_close(run)


def stage_of(stage: str) -> Any:
    from idproof.service.stream.chain import Shows

    return Shows(stage)


def test_a_device_that_may_not_connect_or_act_is_refused(address: str, key: str, folder: Path) -> None:
    async def run() -> None:
        wrong = key[:-4] + ("AAAA" if not key.endswith("AAAA") else "EEEE")
        for stranger in (wrong, "idpd_" + "0" * 16 + key[21:]):
            with pytest.raises(DeviceProblem, match="device_unauthenticated"):
                await connect_device(address, stranger)
        device = await connect_device(address, key)
        with pytest.raises(DeviceProblem, match="device_connected"):
            await connect_device(address, key)
        await device.send({"type": "start", "consent": False})
        with pytest.raises(DeviceProblem, match="consent_missing"):
            await device.receive("session")
        await device.send({"type": "finish"})
        with pytest.raises(DeviceProblem, match="message_unexpected"):
            await device.receive("verdict")
        await device.send({"type": "staff"})
        await device.receive("staff_called")
        listed = httpx.get(f"{address}/v1/kiosks", timeout=60).json()["devices"]
        mine = next(entry for entry in listed if entry["device"] == key.split("_")[1])
        assert mine["staff_called"]
        assert mine["state"] == "idle"
        await device.send({"type": "nonsense"})
        with pytest.raises(DeviceProblem, match="message_invalid"):
            await device.receive("session")
        await device.socket.close()

    run_and_close(run)


def test_a_page_of_another_origin_is_refused(address: str) -> None:
    from websockets.asyncio.client import connect

    async def run() -> int:
        try:
            url = address.replace("http", "ws") + "/v1/stream"
            async with connect(url, origin="https://elsewhere.example", proxy=None):  # type: ignore[arg-type]
                return 101
        except InvalidStatus as refused:
            return refused.response.status_code

    assert run_and_close(run) == 403


def test_a_frame_before_any_session_is_unexpected(address: str, folder: Path, key: str) -> None:
    nonce = bytes(32)
    packed = Chain(unbase64(key.split("_", 2)[2]), nonce).pack(stage_of("selfie"), False, 1, 1, b"\xff\xd8x")

    async def run() -> None:
        device = await connect_device(address, key)
        await device.socket.send(packed)
        with pytest.raises(DeviceProblem, match="frame_unexpected"):
            await device.receive("guidance")
        await device.socket.close()

    run_and_close(run)


def test_devices_are_enrolled_listed_and_revoked_on_either_database(on_either: Settings) -> None:
    from fakes import FakeVerifier

    create_app(on_either, FakeVerifier())  # type: ignore[arg-type] # makes keys and schema
    from idproof.service.signing.keys import Keys
    from idproof.service.storage import VerdictStore

    store = VerdictStore.open(on_either, Keys.open(on_either).sealing)
    kiosks = Kiosks(store.database, store.seal)
    key = kiosks.enroll("Counter 3", "key:0123")
    kiosk = key.split("_")[1]
    assert unbase64(key.split("_", 2)[2]) == kiosks.secret(kiosk)
    found = kiosks.find(kiosk)
    assert found is not None
    assert (found.name, found.client, found.state) == ("Counter 3", "key:0123", "off")
    assert kiosks.connect(kiosk, "one")
    assert not kiosks.connect(kiosk, "other")
    assert kiosks.renew(kiosk, "one", {"state": "selfie"})
    assert kiosks.entries()[0].state == "selfie"
    kiosks.count(kiosk, {"started": 1, "hint:good:shown": 5})
    kiosks.count(kiosk, {"started": 1})
    assert kiosks.counts() == {kiosk: {"started": 2, "hint:good:shown": 5}}
    assert kiosks.revoke(kiosk)
    assert not kiosks.revoke(kiosk)
    assert kiosks.find(kiosk) is None
    assert not kiosks.renew(kiosk, "one", {})
    store.close()
