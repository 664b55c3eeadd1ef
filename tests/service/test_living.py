"""The whole way over HTTP: the server asks, a (rendered) person answers, and a recording of it answers nothing else."""

import hashlib
import io
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
import pytest
from fakes import serving
from PIL import Image

from idproof.client import Answer, Client, Frame
from idproof.datasets.rendered_people.clips import Sitting, bona_fide, selfie
from idproof.datasets.specimen.draws import Draws, Split
from idproof.datasets.specimen.make import Registration
from idproof.datasets.specimen.portraits import PortraitSource
from idproof.pipeline import Verifier
from idproof.pipeline.liveness.challenge import draw
from idproof.service.operations.settings import Settings
from idproof.service.storage import sessions

HOLDER = "bundled/office-holder"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path / "data", concurrency=1)


@pytest.fixture
def captures(other_card: Callable[[int], Registration]) -> dict[str, bytes]:
    """Of somebody of whom there are further photographs, with the selfie taken where the challenge is answered."""
    wanted = hashlib.sha256(HOLDER.encode()).hexdigest()[:12]
    made = next(made for i in range(6) if (made := other_card(i)).description["truth"]["person"] == wanted)
    return {**made.parts(), "selfie": jpeg(selfie(sat()))}


def sat() -> Sitting:
    """The holder before a camera."""
    picture = PortraitSource.open(None).person(HOLDER).photographs[1]
    return Sitting.draw(cv2.resize(picture, (250, 250)), Draws(np.random.default_rng(3), Split.TEST))


def filmed(challenge: Any) -> Answer:
    """The holder does what is asked, and the client encodes it."""
    asked = draw(bytes.fromhex(challenge["nonce"]), issued_at=datetime.fromisoformat(challenge["issued_at"]))
    assert asked.to_json() == challenge
    frames = bona_fide(replace(sat(), challenge=asked)).frames
    return Answer([Frame(jpeg(frame.pixels), frame.captured_ms, frame.number) for frame in frames])


def jpeg(pixels: Any) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=95)
    return buffer.getvalue()


def test_a_person_who_does_what_is_asked_is_accepted_and_a_recording_of_it_is_not(
    settings: Settings, verifier: Verifier, captures: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    nonces = [bytes([place]) * 32 for place in (5, 9)]  # what is asked is random, and a test is not
    monkeypatch.setattr(sessions, "secrets", SimpleNamespace(token_bytes=lambda _: nonces.pop(0)))
    with serving(settings, verifier) as (host, port), Client(f"http://{host}:{port}") as client:
        opened = client.open_session()
        answer = filmed(opened.challenge)
        living = client.verify(captures, answer, session=opened.id)
        assert (living.decision, living.reasons) == ("accept", ())
        assert "liveness" not in living.document["not_performed"]
        wiped = {entry["kind"]: entry["count"] for entry in living.document["deletion"]["wiped"]}
        assert (wiped["upload"], wiped["frame"]) == (4 + 16, 16)
        replayed = client.verify(captures, answer, session=client.open_session().id)
    assert replayed.decision == "reject"
    assert {"challenge_not_followed", "light_not_followed"} & set(replayed.reasons)
