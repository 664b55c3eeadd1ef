"""The end of a turn: verified like every other registration, and reported to the device."""

from datetime import UTC, datetime
from typing import Any

from idproof.pipeline import BadInput
from idproof.service.applicant_messages import on_screen as tell
from idproof.service.applicant_messages import texts
from idproof.service.errors import log_error
from idproof.service.http.problems import describe_error
from idproof.service.http.uploads import Metadata, Received
from idproof.service.registrations.intake import RegistrationRequest
from idproof.service.storage.kiosks import Kiosk
from idproof.service.stream import messages
from idproof.service.stream.chain import LIVENESS
from idproof.service.stream.codes import CLOSES
from idproof.service.stream.runtime import Floor
from idproof.service.stream.session import Turn

NOT_BEGUN = "…"
_WAIT_S = 2


def begin(floor: Floor, kiosk: Kiosk, turn: Turn) -> None:
    """Verify it as a job of its own: what was promised is finished, whether the device stays or not."""
    assert floor.intake.jobs is not None  # noqa: S101 - the application is running
    document = floor.intake.verifier.document.name
    metadata = Metadata(reference=turn.reference, document=document, liveness=turn.said())
    received = Received(metadata, None, turn.answered_at or datetime.now(UTC))
    floor.intake.jobs.start_soon(_verify, floor, kiosk, turn, received)


async def _verify(floor: Floor, kiosk: Kiosk, turn: Turn, received: Received) -> None:
    registration = RegistrationRequest(kiosk.client, turn.session.id, None, client_waits=False)

    async def begun(verdict_id: str) -> None:
        turn.verifying = verdict_id
        if turn.tell is not None:
            await turn.tell({"type": "verifying", "id": verdict_id})

    try:
        share = floor.gate.quota.one_more(kiosk.client)
        answer = await floor.intake.verify_stream(registration, share, turn.pictures, received, begun)
        outcome = tell.verdict(answer, turn.language)
    except Exception as error:  # noqa: BLE001 - the device is told by a message, whatever it was
        outcome = _refused(floor, turn, error)
    names = [outcome["decision"], "finished"] if outcome["type"] == "verdict" else ["retries"]
    if outcome["type"] == "verdict" and not turn.retries:
        names.append("first_try")
    if outcome["type"] != "error":
        await floor.count(kiosk.id, turn, *names)
    turn.outcome = _settled(turn, outcome)
    if turn.tell is not None:
        for message in turn.left_untold():
            await turn.tell(message)


def _settled(turn: Turn, outcome: dict[str, Any]) -> dict[str, Any]:
    """The turn is over, begins again, or may be finished once more."""
    if outcome["type"] == "verdict":
        turn.end()
    elif outcome["type"] == "retry":
        turn.restart()
        outcome = outcome | {"stage": turn.stage}
        if not outcome["attempts_left"]:
            turn.end()
    elif turn.verifying == NOT_BEGUN:  # the pictures are there still
        turn.verifying = None
    else:
        turn.restart()
    return outcome


def _refused(floor: Floor, turn: Turn, error: Exception) -> dict[str, Any]:
    log_error(error)
    described = describe_error(error)
    code, sentence = described.code, described.sentence
    if not isinstance(error, BadInput):
        wait = getattr(error, "retry_after", None) or _WAIT_S
        return messages.error(code, sentence, fatal=code in CLOSES, wait=wait)
    if texts.known(code):
        sentence = texts.text(code, turn.language)
    capture = error.capture if error.capture in turn.stages else LIVENESS if error.capture else None
    turn.retries += 1
    left = max(0, floor.intake.settings.session_attempts - turn.retries)
    return {"type": "retry", "code": code, "capture": capture, "sentence": sentence, "attempts_left": left}
