"""A verifier without networks, for tests of the service and not of pictures, and a server in this process."""

import asyncio
import json
import threading
import time
from collections.abc import Callable, Iterator, MutableSequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import uvicorn
from fastapi import FastAPI

from idproof.pipeline import Decision, Limits, Vault, VaultSession, Verdict
from idproof.pipeline.assurance import CaptureLevel
from idproof.pipeline.fields.card_data import CardData
from idproof.pipeline.liveness.response import LivenessResponse
from idproof.pipeline.origin import UPLOADED, CaptureOrigin
from idproof.pipeline.step_up import HolderCheck
from idproof.pipeline.verdict import from_json, new_id
from idproof.service.http.app import create_app
from idproof.service.operations.settings import Settings

VERDICT_FILE = Path(__file__).with_name("verdict.json")
NAMES = ("card_front", "card_tilt_left", "card_tilt_right", "selfie")
FILES = {name: (name, b"x" * 100, "image/jpeg") for name in NAMES}


def a_verdict() -> Verdict:
    body = json.loads(VERDICT_FILE.read_text(encoding="utf-8"))
    body.pop("reference")
    return from_json(body | {"id": new_id(), "form": {}})


def captured_by(origin: CaptureOrigin, verdict: Verdict) -> Verdict:
    """The verdict, with the origin of its pictures as the pipeline notes it."""
    return replace(verdict, capture_level=origin.level.value, injectable=origin.level is CaptureLevel.UPLOAD)


class RecordingVault(Vault):
    """Remembers its sessions, so that a test can ask whether they are empty."""

    def __init__(self, limits: Limits) -> None:
        super().__init__(limits)
        object.__setattr__(self, "sessions", [])

    def open(self) -> VaultSession:
        session = super().open()
        self.sessions.append(session)  # type: ignore[attr-defined]
        return session


class FakeVerifier:
    document = type("Document", (), {"name": "hkid-2018", "issuer_country": "HKG", "utc_offset_h": 8})
    weights = {"none": "0"}  # noqa: RUF012
    face_detector = None

    def __init__(self, act: Callable[[], None] = lambda: None, limits: Limits | None = None) -> None:
        self.vault: Vault = RecordingVault(limits or Limits())
        self.act = act
        self.answers: MutableSequence[LivenessResponse | None] = []
        self.origins: list[CaptureOrigin] = []
        self.verdict: Verdict | None = None
        self.cards: list[CardData] = []
        self.records: Callable[[Verdict], Verdict] = lambda earlier: earlier
        self.decision = Decision.ACCEPT

    @property
    def sessions(self) -> list[VaultSession]:
        return self.vault.sessions  # type: ignore[attr-defined]

    def close(self) -> None:
        self.vault.close()

    def verify_session(
        self,
        session: VaultSession,
        answer: LivenessResponse | None = None,
        origin: CaptureOrigin = UPLOADED,
    ) -> Verdict:
        self.act()
        self.answers.append(answer)
        self.origins.append(origin)
        session.wipe()
        return self.verdict or captured_by(origin, a_verdict())

    def ask_records_again(self, earlier: Verdict) -> Verdict:
        """As `records` answers: a function from the earlier verdict to the later."""
        return self.records(earlier)

    def check_holder(
        self, session: VaultSession, card: CardData, answer: LivenessResponse, origin: CaptureOrigin = UPLOADED
    ) -> HolderCheck:
        self.act()
        self.answers.append(answer)
        self.origins.append(origin)
        self.cards.append(card)
        found = a_verdict()
        facts = (self.decision, () if self.decision == "accept" else ("not_live",), found.checks, (), session.wipe())
        return HolderCheck(*facts, found.policy, found.profile, origin.level.value, found.started_at)


@contextmanager
def serving(settings: Settings, verifier: Any, **options: Any) -> Iterator[tuple[str, int]]:
    """The application under a real uvicorn, on a free port, on a thread of this process."""
    with serving_app(create_app(settings, verifier), **options) as address:
        yield address


@contextmanager
def serving_app(app: FastAPI, **options: Any) -> Iterator[tuple[str, int]]:
    config = uvicorn.Config(app, log_config=None, access_log=False, **({"port": 0, "ws": "none"} | options))
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        assert thread.is_alive()
        time.sleep(0.01)
    try:
        yield server.servers[0].sockets[0].getsockname()[:2]
    finally:
        server.should_exit = True
        thread.join(timeout=20)
        assert not thread.is_alive()


def ask(application: Any, method: str, path: str, **more: Any) -> httpx.Response:
    """One request to the application, without a server."""

    async def run() -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(application), base_url="http://127.0.0.1") as client:
            return await client.request(method, path, **more)

    return asyncio.run(run())
