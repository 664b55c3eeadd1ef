"""A person of several photographs before a camera: selfie, answers to challenges, registered portrait."""

import io
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import cv2
import numpy as np
from PIL import Image

from idproof.datasets.rendered_people.clips import SPECIES, Sitting, bona_fide, selfie
from idproof.datasets.specimen.draws import Draws, Split
from idproof.datasets.specimen.portraits import PortraitSource
from idproof.pipeline.fields.card_data import CardData
from idproof.pipeline.fields.records import RecordAnswer, RecordStatus, Sink
from idproof.pipeline.liveness.challenge import Challenge
from idproof.pipeline.liveness.response import FrameTiming, LivenessResponse

HOLDER = "bundled/office-holder"


class Authority:
    """Records that answer as a test says."""

    def __init__(
        self, portrait: bytes | None, status: RecordStatus = RecordStatus.MATCH, *, offers: bool = True
    ) -> None:
        self.answer = RecordAnswer(status, portrait=offers)
        self.picture = portrait
        self.asked: list[str] = []

    def look_up(self, form: CardData) -> RecordAnswer:
        self.asked.append("card")
        return self.answer

    def portrait(self, form: CardData, into: Sink) -> None:
        self.asked.append("portrait")
        if self.picture is None:
            raise ConnectionError
        into.write(self.picture)


def jpeg(pixels: Any) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=95)
    return buffer.getvalue()


def photographs(person: str = HOLDER) -> Sequence[Any]:
    return PortraitSource.open(None).person(person).photographs


def sat(photograph: int = 1, person: str = HOLDER) -> Sitting:
    """The person before a camera."""
    picture = cv2.resize(photographs(person)[photograph], (250, 250))
    return Sitting.draw(picture, Draws(np.random.default_rng(3), Split.TEST))


def selfie_of(sitting: Sitting) -> bytes:
    return jpeg(selfie(sitting))


def registered(person: str = HOLDER) -> bytes:
    """The portrait that the records hold: another photograph than the one before the camera."""
    return jpeg(photographs(person)[0])


def frames_of(sitting: Sitting, challenge: Challenge, species: str | None = None) -> list[Any]:
    act = SPECIES[species] if species else bona_fide
    return list(act(replace(sitting, challenge=challenge)).frames)


def answer_of(challenge: Challenge, frames: Sequence[Any]) -> LivenessResponse:
    timings = [FrameTiming(frame.captured_ms, frame.number) for frame in frames]
    return LivenessResponse(challenge, timings, datetime.now(UTC))
