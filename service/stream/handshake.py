"""Handshake: device and server prove to each other that they know the device's key."""

import secrets
from dataclasses import dataclass, field
from hmac import compare_digest

import anyio

from idproof.service.errors import StreamProblem
from idproof.service.storage.kiosks import Kiosk
from idproof.service.stream import chain, messages
from idproof.service.stream.channel import Channel
from idproof.service.stream.codes import PROTOCOL
from idproof.service.stream.messages import base64, unbase64
from idproof.service.stream.replies import Message
from idproof.service.stream.runtime import StreamRuntime

AUTH_S = 10.0
"""Seconds within which `auth` must arrive: a rule of `docs/stream.md`."""
FRAMES_PER_S = 10
"""Frames per second that a device should send: a rule of `docs/stream.md`."""
_CHALLENGE_BYTES = 32  # `docs/stream.md`
_CONNECTION_ID_BYTES = 16
_LIMITS = {
    "preview_bytes": chain.PREVIEW_BYTES,
    "still_bytes": chain.STILL_BYTES,
    "liveness_bytes": chain.LIVENESS_BYTES,
    "frames_per_s": FRAMES_PER_S,
}


@dataclass(frozen=True, slots=True)
class AuthenticatedDevice:
    """A device that proved its key and holds its one connection.

    Attributes:
        kiosk: as the database knows it.
        secret: its key.
        connection_id: of its lease in the database.
        welcome: the message that proves the server's knowledge of the key.
    """

    kiosk: Kiosk
    secret: bytes = field(repr=False)
    connection_id: str
    welcome: Message = field(repr=False)


async def authenticate(runtime: StreamRuntime, channel: Channel) -> AuthenticatedDevice:
    """Authenticate a device and take its one connection.

    Raises:
        StreamProblem: `stream_slow`, `message_invalid`, `device_unauthenticated` or `device_connected`.
        ServiceProblem: `rate_limited`: the proof does not hold, like too many from this address before.
        WebSocketDisconnect: the device left.
    """
    challenge = secrets.token_bytes(_CHALLENGE_BYTES)
    await channel.send({"type": "hello", "protocol": PROTOCOL, "challenge": base64(challenge)})
    with runtime.admission.waiting(channel.host):
        auth = await _receive_auth(channel)
    # The key follows from the device's id: whoever cannot prove it is refused without a look-up, on no thread, and
    # learns nothing of which devices exist.
    secret, nonce = runtime.kiosks.secret(auth.device), unbase64(auth.nonce)
    proven = compare_digest(chain.device_proof(secret, challenge, nonce), unbase64(auth.proof))
    kiosk = await anyio.to_thread.run_sync(runtime.kiosks.find, auth.device) if proven else None
    if kiosk is None:
        runtime.gate.quota.failed(channel.host, auth.device).require()
        raise StreamProblem("device_unauthenticated", "There is no such device, or the proof does not hold.")
    connection_id = secrets.token_hex(_CONNECTION_ID_BYTES)
    if not await anyio.to_thread.run_sync(runtime.kiosks.connect, kiosk.id, connection_id):
        raise StreamProblem("device_connected", "This device has a connection already.")
    proof = base64(chain.server_proof(secret, challenge, nonce))
    welcome = {"type": "welcome", "proof": proof, "limits": _LIMITS}
    return AuthenticatedDevice(kiosk, secret, connection_id, welcome)


async def _receive_auth(channel: Channel) -> messages.Auth:
    parsed = None
    with anyio.move_on_after(AUTH_S):
        message = await channel.receive()
        parsed = messages.parse(message) if isinstance(message, str) else None
    if parsed is None:
        raise StreamProblem("stream_slow", "No auth came.")
    if not isinstance(parsed, messages.Auth):
        raise StreamProblem("message_invalid", "The first message is auth.")
    return parsed
