"""Device sessions without a socket, and a guide that finds whatever a test says."""

from datetime import UTC, datetime, timedelta
from typing import Any

from idproof.pipeline import Limits, Policy, Vault
from idproof.pipeline.guidance import Guidance, Hint
from idproof.pipeline.liveness.challenge import Challenge, draw
from idproof.service.storage import CaptureSession
from idproof.service.stream.chain import Chain, Shows
from idproof.service.stream.messages import base64
from idproof.service.stream.parameters import CardLightUse, SessionParameters, StepUpText
from idproof.service.stream.session import DeviceSession

SECRET, NONCE = bytes(range(32)), bytes(32)
GOOD = Guidance(Hint.GOOD, 0.5, px_per_mm=11.0)


class FakeGuide:
    """Finds what a test says."""

    def __init__(self, found: Guidance = GOOD) -> None:
        self.found = found
        self.stills: list[bool] = []

    def card(self, *_: Any, lit: bool, still: bool) -> Guidance:
        self.stills.append(still)
        return self.found

    def portrait(self, *_: Any) -> None:
        return None

    def face(self, *_: Any) -> Guidance:
        return self.found

    def action(self, *_: Any) -> Guidance:
        return Guidance(Hint.LOOK_STRAIGHT)


def new_challenge(**more: Any) -> Challenge:
    return draw(bytes(16), issued_at=datetime.now(UTC), **more)


def new_session(
    kind: type[DeviceSession] = DeviceSession,
    guide: FakeGuide | None = None,
    card_light: CardLightUse = CardLightUse.OFF,
    step_up: StepUpText | None = None,
    lifetime_s: float = 60.0,
    ends_s: float = 600.0,
) -> DeviceSession:
    ends = (datetime.now(UTC) + timedelta(seconds=ends_s)).isoformat(timespec="seconds")
    opened = CaptureSession("cs_" + "0" * 26, base64(NONCE), new_challenge(), ends)
    guide = guide or FakeGuide()
    vault = Vault(Limits())
    more: dict[str, Any] = {"card_light": card_light, "step_up": step_up}
    return kind(SessionParameters(opened, SECRET, guide, vault, lifetime_s, Policy(), **more))  # type: ignore[arg-type]


def send(
    session: DeviceSession, device: Chain, shows: str, *, still: bool, ms: float = 0.0, size: int = 50
) -> list[dict[str, Any]]:
    """Send one frame from the device to the session; returns the messages that the session answers with."""
    return send_picture(session, device, shows, b"\xff\xd8" + bytes(size), still=still, ms=ms)


def send_picture(
    session: DeviceSession, device: Chain, shows: str, picture: bytes, *, still: bool, ms: float = 0.0
) -> list[dict[str, Any]]:
    """Send one frame with this picture; returns the messages that the session answers with."""
    packed = device.pack(Shows(shows), still, 1, round(ms * 1000), picture)
    return session.receive_frame(packed, 0.0)


def examine(session: DeviceSession) -> list[dict[str, Any]]:
    """Examine the next frame, if one waits; returns the messages that follow."""
    waiting = session.next_frame()
    return [] if waiting is None else session.apply_guidance(waiting, session.examine(waiting))


def complete_stills(session: DeviceSession, device: Chain) -> None:
    """Send good stills until the card and the selfie are captured."""
    while session.stage in set(Shows) - {Shows.LIVENESS}:
        send(session, device, session.stage, still=True)
        examine(session)


def answer(session: DeviceSession, device: Chain, challenge: Challenge) -> list[dict[str, Any]]:
    """Ask a challenge and answer it with ten frames per second; returns the messages that follow."""
    session.ask_challenge(challenge, None)
    said: list[dict[str, Any]] = []
    for at in range(0, challenge.duration_ms, 100):
        said += send(session, device, "liveness", still=True, ms=at)
        examine(session)
    return said
