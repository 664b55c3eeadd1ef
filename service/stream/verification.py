"""Verification at the end of a session: the same as of an upload, with its outcome reported to the device."""

from math import ceil

from idproof.pipeline import BadInput
from idproof.pipeline.assurance import CaptureLevel
from idproof.service.applicant_messages import texts
from idproof.service.errors import log_error
from idproof.service.http.problems import describe_error
from idproof.service.storage.kiosks import Kiosk
from idproof.service.stream import purposes, replies, token_devices
from idproof.service.stream.chain import LIVENESS
from idproof.service.stream.codes import CLOSES
from idproof.service.stream.replies import Message
from idproof.service.stream.runtime import StreamRuntime
from idproof.service.stream.session import DeviceSession

STEP_S = 30
"""Length of a step in which durations of sessions are counted, in seconds."""
LONGEST_STEPS = 40
"""Number of the last step, which also counts what is longer: no session lasts for 20 minutes."""
_RETRY_AFTER_S = 2
"""Seconds after which `finish` may be sent again. Chosen by hand; no outside source."""


def start(runtime: StreamRuntime, kiosk: Kiosk, session: DeviceSession, level: CaptureLevel) -> None:
    """Start the verification as a job of its own, so that it ends even if the device leaves.

    Args:
        runtime: shared by all streams.
        kiosk: the device.
        session: that has requested a verification.
        level: of its captures.
    """
    jobs = runtime.intake.jobs
    assert jobs is not None  # noqa: S101 - the application is running
    jobs.start_soon(_verify, runtime, kiosk, session, level)


async def _verify(runtime: StreamRuntime, kiosk: Kiosk, session: DeviceSession, level: CaptureLevel) -> None:
    try:
        outcome = await purposes.check(runtime, kiosk, session, level)
    except Exception as error:  # noqa: BLE001 - the device learns of every error by a message
        outcome = _failure(runtime, session, error)
    try:
        await _count(runtime, kiosk, session, outcome)
    except Exception as error:  # noqa: BLE001 - raised in a job, it would end every other job of the server process
        log_error(error)
    await _note_verdict(runtime, session, outcome)
    await session.end_verification(outcome)


async def _note_verdict(runtime: StreamRuntime, session: DeviceSession, outcome: Message) -> None:
    """Notes the verdict of a page's session for the client that made its token, before the page learns of it."""
    if outcome["type"] == "verdict":
        await token_devices.note_verdict(runtime, session.parameters.token, outcome["id"])


async def _count(runtime: StreamRuntime, kiosk: Kiosk, session: DeviceSession, outcome: Message) -> None:
    if outcome["type"] == "verdict":
        names = [outcome["decision"], "finished", *(["first_try"] if not session.retries else [])]
        names.append(duration_step(session.age_s))
        await runtime.count(kiosk.id, session, *names)
    elif outcome["type"] == "retry":
        await runtime.count(kiosk.id, session, "retries")


def duration_step(seconds: float) -> str:
    """Returns the name under which a session of this length is counted: the end of its step of half a minute.

    Example:
        >>> duration_step(61.0), duration_step(3600.0)
        ('lasted:90', 'lasted:1200')
    """
    steps = min(LONGEST_STEPS, max(1, ceil(seconds / STEP_S)))
    return f"lasted:{steps * STEP_S}"


def _failure(runtime: StreamRuntime, session: DeviceSession, error: Exception) -> Message:
    """Returns `retry` if a capture is the cause, else `error`."""
    log_error(error)
    described = describe_error(error)
    code, sentence = described.code, described.sentence
    if not isinstance(error, BadInput):
        wait = getattr(error, "retry_after", None) or _RETRY_AFTER_S
        return replies.error(code, sentence, fatal=code in CLOSES, retry_after=wait)
    if texts.has_sentence(code):
        sentence = texts.sentence(code, session.language)
    capture = error.capture if error.capture in session.stages else LIVENESS if error.capture else None
    left = max(0, runtime.intake.settings.session_attempts - session.count_retry())
    return {"type": "retry", "code": code, "capture": capture, "sentence": sentence, "attempts_left": left}
