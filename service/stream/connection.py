"""One device's connection: proof of the key, then messages and frames until it goes."""

import asyncio
import gc
import secrets
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hmac import compare_digest
from typing import Any, cast

import anyio
import structlog
from anyio.abc import TaskGroup
from pydantic import BaseModel
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from idproof.pipeline.errors import IdproofError, SessionExpired
from idproof.pipeline.liveness.challenge import Options
from idproof.service.applicant_messages import texts
from idproof.service.errors import StreamProblem
from idproof.service.storage.kiosks import LEASE_S, Kiosk
from idproof.service.stream import chain, finish, messages
from idproof.service.stream.chain import LIVENESS
from idproof.service.stream.codes import CLOSES, PROTOCOL, STAYS
from idproof.service.stream.messages import base64, unbase64
from idproof.service.stream.runtime import Floor
from idproof.service.stream.scheduler import Place
from idproof.service.stream.session import FINISH, LOOKED_AT, PREVIEW, Turn, Work

AUTH_S = 10.0
FRAMES_PER_S = 10
_GONE = (1000, 1001)
_CLOSED_S = 1.0  # after which nobody else needs what is left of a connection
_LIMITS = {
    "preview_bytes": chain.PREVIEW_BYTES,
    "still_bytes": chain.STILL_BYTES,
    "liveness_bytes": chain.LIVENESS_BYTES,
    "frames_per_s": FRAMES_PER_S,
}

log = structlog.get_logger("idproof")


@dataclass
class Connection:
    """From the handshake to the end; made for one WebSocket that was accepted."""

    floor: Floor
    socket: WebSocket
    kiosk: Kiosk | None = None
    turn: Turn | None = None
    staff_at: str | None = None
    language: str = texts.ENGLISH
    _secret: bytes = field(default=b"", repr=False)
    _id: str = field(default_factory=lambda: secrets.token_hex(16))
    _waiting: anyio.Event = field(default_factory=anyio.Event)
    _sending: anyio.Lock = field(default_factory=anyio.Lock)
    _tasks: TaskGroup | None = None

    async def run(self) -> None:
        """Until the device goes, or did what ends the connection."""
        code = None
        try:
            await self._authenticate()
            async with anyio.create_task_group() as self._tasks:
                self._tasks.start_soon(self._beat)
                self._tasks.start_soon(self._look)
                code = await self._listen()
                self._tasks.cancel_scope.cancel()
        except* WebSocketDisconnect as gone:
            code = _code(gone)
        except* IdproofError as problems:
            await self._refuse(_first(problems))
        except* Exception as unforeseen:  # noqa: BLE001 - the device is told nothing of it
            log.error("unexpected", kind=type(_first(unforeseen)).__name__)  # noqa: TRY400 - no traceback
            await self._refuse(_first(unforeseen))
        finally:
            with anyio.CancelScope(shield=True):
                await self._leave(code)

    async def send(self, message: Mapping[str, Any]) -> None:
        """One message, if the device is still there."""
        async with self._sending:
            if self.socket.application_state is WebSocketState.CONNECTED:
                with suppress(WebSocketDisconnect, RuntimeError):
                    await self.socket.send_json(dict(message))

    # From here on: the handshake.

    async def _authenticate(self) -> None:
        host = self.socket.client.host if self.socket.client is not None else ""
        self.floor.gate.quota.address(host)
        challenge = secrets.token_bytes(32)
        await self.send({"type": "hello", "protocol": PROTOCOL, "challenge": base64(challenge)})
        said = None
        with anyio.move_on_after(AUTH_S):
            message = await self._receive()
            said = messages.parse(message) if isinstance(message, str) else None
        if said is None:
            raise StreamProblem("stream_slow", "No auth came.")
        if not isinstance(said, messages.Auth):
            raise StreamProblem("message_invalid", "The first message is auth.")
        kiosk = await anyio.to_thread.run_sync(self.floor.kiosks.find, said.device)
        secret, nonce = self.floor.kiosks.secret(said.device), unbase64(said.nonce)
        right = compare_digest(chain.device_proof(secret, challenge, nonce), unbase64(said.proof))
        if kiosk is None or not right:
            self.floor.gate.quota.failed(host)
            raise StreamProblem("device_unauthenticated", "There is no such device, or the proof does not hold.")
        if not await anyio.to_thread.run_sync(self.floor.kiosks.connect, kiosk.id, self._id):
            raise StreamProblem("device_connected", "This device has a connection already.")
        self.kiosk, self._secret, self.staff_at = kiosk, secret, kiosk.staff_at
        self.floor.intake.metrics.change_stream_count(1)
        proof = base64(chain.server_proof(secret, challenge, nonce))
        await self.send({"type": "welcome", "proof": proof, "limits": _LIMITS})

    async def _receive(self) -> str | bytes:
        message = await self.socket.receive()
        if message["type"] == "websocket.disconnect":
            raise WebSocketDisconnect(message.get("code") or 1006)
        text = message.get("text")
        return cast("str | bytes", text if text is not None else message["bytes"])

    # What a device says.

    async def _listen(self) -> int:
        while True:
            try:
                message = await self._receive()
            except WebSocketDisconnect as gone:
                return gone.code
            try:
                await (self._said(message) if isinstance(message, str) else self._frame(message))
            except SessionExpired:
                await self._start_over()
            except IdproofError as error:
                if self._code_of(error) in CLOSES:
                    raise
                await self._complain(error)
            del message

    async def _said(self, text: str) -> None:
        said = messages.parse(text)
        if isinstance(said, messages.Speak):
            self.language = said.language
            if self.turn is not None:
                self.turn.language = said.language
            await self.send({"type": "language_taken"})
        elif isinstance(said, messages.Plain) and said.type == "staff":
            self.staff_at = datetime.now(UTC).isoformat(timespec="seconds")
            await self._renew()
            await self.send({"type": "staff_called"})
        elif isinstance(said, messages.Start | messages.Resume):
            await self._begin(said)
        else:
            await self._of_turn(said)

    async def _begin(self, said: messages.Start | messages.Resume) -> None:
        if self.turn is not None and not self.turn.over:
            raise _unexpected()
        self.turn = await (self._resume(said) if isinstance(said, messages.Resume) else self._start(said))
        await self.send(self.turn.hello(resumed=isinstance(said, messages.Resume)))
        self.turn.tell = self.send
        for message in self.turn.left_untold():
            await self.send(message)

    async def _start(self, said: messages.Start) -> Turn:
        if not said.consent:
            raise StreamProblem("consent_missing", "No session begins without the applicant's consent.")
        assert self.kiosk is not None  # noqa: S101 - who is here showed its key
        earlier = self.floor.rooms.fetch(self.kiosk.id)
        if earlier is not None and not earlier.verifying:
            earlier.end()
        options, intake = Options(**cast("BaseModel", said.options).model_dump()), self.floor.intake
        opened = await anyio.to_thread.run_sync(intake.ledger.sessions.open, self.kiosk.client, options, self.kiosk.id)
        self.staff_at, self.language = None, said.language
        turn = Turn(
            session=opened,
            secret=self._secret,
            guide=await self.floor.guide(),
            vault=intake.verifier.vault,
            lifetime_s=intake.settings.stream_s,
            policy=intake.verifier.policy,
            options=options,
            language=said.language,
            reference=said.reference,
        )
        await self._count("started")
        return turn

    async def _resume(self, said: messages.Resume) -> Turn:
        assert self.kiosk is not None  # noqa: S101 - who is here showed its key
        turn = self.floor.rooms.fetch(self.kiosk.id)
        if turn is None or turn.session.id != said.session:
            if turn is not None:
                self.floor.rooms.park(self.kiosk.id, turn)
            raise StreamProblem("session_unknown", "No such session waits here; start another one.")
        if turn.lapsed and not turn.verifying:
            turn.end()
            raise StreamProblem("session_lapsed", "The session's time is over; start another one.")
        turn.come_back()
        return turn

    async def _of_turn(self, said: messages.Said) -> None:
        turn = self._running()
        if isinstance(said, messages.Plain) and said.type == "cancel":
            turn.end()
            await self._count("cancelled")
            await self.send({"type": "cancelled"})
        elif isinstance(said, messages.Take) and turn.stage == LIVENESS:
            turn.options = Options(**cast("BaseModel", said.options).model_dump())
            await self.send({"type": "options_taken"})
        elif isinstance(said, messages.Ready) and turn.stage == LIVENESS:
            await self._challenge(turn, said)
        elif isinstance(said, messages.Retake):
            await self.send(turn.retake(said.stage.value))
        elif isinstance(said, messages.Plain) and turn.stage == FINISH:
            await self._finish(turn)
        else:
            raise _unexpected()

    def _running(self) -> Turn:
        """The turn, if it takes messages; raises `StreamProblem`."""
        turn = self.turn
        if turn is None or turn.over or turn.verifying:
            raise _unexpected()
        if turn.lapsed:
            turn.end()
            raise StreamProblem("session_lapsed", "The session's time is over; start another one.")
        turn.pictures.ensure_open()
        return turn

    async def _challenge(self, turn: Turn, said: messages.Ready) -> None:
        assert self.kiosk is not None  # noqa: S101 - who is here showed its key
        ledger = self.floor.intake.ledger
        asked = await anyio.to_thread.run_sync(ledger.ask_again, self.kiosk.client, turn.session.id, turn.options)
        turn.ask(asked, said.camera)
        left = max(0, self.floor.intake.settings.challenges - 1 - turn.asked)
        await self.send({"type": "challenge", "challenge": asked.to_json(), "left": left})

    # Frames.

    async def _frame(self, message: bytes) -> None:
        arrived = time.monotonic()
        turn = self.turn
        if turn is None:
            raise StreamProblem("frame_unexpected", "No session was started.")
        before = turn.dropped
        said = turn.take(message, arrived)
        self._count_dropped(turn.dropped - before)
        for entry in said:
            await self.send(entry)
        if turn.lapsed and not turn.over and not turn.verifying:
            turn.end()
            await self._count("lapsed")
            raise StreamProblem("session_lapsed", "The session's time is over; start another one.")
        self._waiting.set()

    async def _look(self) -> None:
        """One frame at a time, the newest that waits, when it is this device's turn."""
        place = self.floor.line.place(lambda: None if self.turn is None else self.turn.waits)
        while True:
            await self._waiting.wait()
            self._waiting = anyio.Event()
            while (turn := self.turn) is not None and turn.waits is not None:
                try:
                    await self._look_at(turn, place)
                except SessionExpired:
                    break  # the next frame that arrives says so

    async def _look_at(self, turn: Turn, place: Place) -> None:
        work: Work | None = None
        try:
            async with place:
                if (work := turn.work()) is None:
                    return
                found = await anyio.to_thread.run_sync(turn.look, work, limiter=self.floor.limiter)
        except StreamProblem as error:  # kept beyond this block it would keep the connection, and its last message
            turn.pictures.discard(LOOKED_AT, PREVIEW)
            await self._complain(error, None if work is None else work.frame.sequence)
            return
        before = turn.dropped
        said = turn.looked(work, found)
        self._count_dropped(turn.dropped - before)
        for entry in said:
            await self.send(entry)
        if found is not None:
            self.floor.intake.metrics.count_guided_frame(found.hint.value, time.monotonic() - work.arrived)

    def _count_dropped(self, frames: int) -> None:
        for _ in range(frames):
            self.floor.intake.metrics.count_unguided_frame("dropped")

    # The end of a turn.

    async def _finish(self, turn: Turn) -> None:
        assert self.kiosk is not None  # noqa: S101 - who is here showed its key
        turn.clear()
        turn.verifying, turn.tell = finish.NOT_BEGUN, self.send
        finish.begin(self.floor, self.kiosk, turn)

    async def _start_over(self) -> None:
        turn = self.turn
        if turn is None or turn.over:
            return
        standing = turn.restart()
        await self.send(messages.error("session_expired", "The pictures' time is over.", fatal=False))
        await self.send(standing)

    # Beside.

    async def _beat(self) -> None:
        while True:
            await anyio.sleep(LEASE_S / 4)
            mine = True
            with suppress(IdproofError):  # a database that is away revokes nobody
                mine = await self._renew()
            if not mine:
                if self.turn is not None:
                    self.turn.end()
                raise StreamProblem("device_revoked", "The device was revoked.")

    async def _renew(self) -> bool:
        assert self.kiosk is not None  # noqa: S101 - who is here showed its key
        state = "idle" if self.turn is None or self.turn.over else self.turn.stage
        values = {"state": state, "staff_at": self.staff_at}
        return await anyio.to_thread.run_sync(self.floor.kiosks.renew, self.kiosk.id, self._id, values)

    async def _count(self, *names: str) -> None:
        assert self.kiosk is not None  # noqa: S101 - who is here showed its key
        await self.floor.count(self.kiosk.id, self.turn, *names)

    async def _complain(self, error: IdproofError, seq: int | None = None) -> None:
        code = self._code_of(error)
        wait = getattr(error, "retry_after", None)
        await self.send(messages.error(code, error.sentence, fatal=False, seq=seq, wait=wait))

    @staticmethod
    def _code_of(error: IdproofError) -> str:
        return error.code if error.code in CLOSES or error.code in STAYS else "internal"

    async def _refuse(self, error: Exception) -> None:
        code = self._code_of(error) if isinstance(error, IdproofError) else "internal"
        sentence = error.sentence if isinstance(error, IdproofError) and code != "internal" else "Something went wrong."
        if code.startswith("frame_"):
            self.floor.intake.metrics.count_unguided_frame(code)
        log.info("stream refused", code=code)
        await self.send(messages.error(code, sentence, fatal=True))
        with suppress(WebSocketDisconnect, RuntimeError):
            await self.socket.close(CLOSES.get(code, 4500), code)

    async def _leave(self, code: int | None) -> None:
        if self.kiosk is None:
            return
        self.floor.intake.metrics.change_stream_count(-1)
        turn = self.turn
        if turn is not None:
            turn.tell = None
        if turn is not None and not turn.over:
            if code in _GONE and not turn.verifying:
                turn.end()
                await self._count("cancelled")
            else:
                self.floor.rooms.park(self.kiosk.id, turn)
        with suppress(IdproofError):
            await anyio.to_thread.run_sync(self.floor.kiosks.disconnect, self.kiosk.id, self._id)
        # The protocol's parser keeps its last message, and references in a circle keep the protocol.
        asyncio.get_running_loop().call_later(_CLOSED_S, gc.collect)


def _unexpected() -> StreamProblem:
    return StreamProblem("message_unexpected", "This message is not taken in this state.")


def _first(group: BaseExceptionGroup[Any]) -> Exception:
    found: BaseException = group
    while isinstance(found, BaseExceptionGroup):
        found = found.exceptions[0]
    return cast("Exception", found)


def _code(group: BaseExceptionGroup[Any]) -> int:
    return cast("WebSocketDisconnect", _first(group)).code
