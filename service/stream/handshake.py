"""Handshake: device and server prove to each other that they know the device's key."""

import secrets
from hmac import compare_digest

import anyio

from idproof.service.errors import StreamProblem
from idproof.service.storage.permits import device_holder
from idproof.service.stream import chain, messages, token_devices
from idproof.service.stream.channel import Channel
from idproof.service.stream.codes import PROTOCOL
from idproof.service.stream.devices import LIMITS, AuthenticatedDevice
from idproof.service.stream.messages import base64, unbase64
from idproof.service.stream.runtime import StreamRuntime

AUTH_S = 10.0
"""Seconds within which `auth` must arrive: a rule of `docs/stream.md`."""
_CHALLENGE_BYTES = 32  # `docs/stream.md`
_CONNECTION_ID_BYTES = 16


async def authenticate(runtime: StreamRuntime, channel: Channel) -> AuthenticatedDevice:
    """Authenticate a device and take its one connection.

    Raises:
        StreamProblem: `stream_slow`, `message_invalid`, `device_unauthenticated` or `device_connected`.
        AuditBroken, StoreUnavailable: a page's token could not be bound.
        ServiceProblem: `rate_limited`: the proof does not hold, like too many from this address before.
        WebSocketDisconnect: the device left.
    """
    challenge = secrets.token_bytes(_CHALLENGE_BYTES)
    await channel.send({"type": "hello", "protocol": PROTOCOL, "challenge": base64(challenge)})
    with runtime.admission.waiting(channel.host):
        auth = await _receive_auth(channel)
    if isinstance(auth, messages.AuthToken):
        return await token_devices.authenticate(runtime, auth, challenge, channel.host, channel.origin)
    # The key follows from the device's id: whoever cannot prove it is refused without a look-up, on no thread, and
    # learns nothing of which devices exist.
    secret, nonce = runtime.kiosks.secret(auth.device), unbase64(auth.nonce)
    own = not channel.from_other_origin  # a page of another origin has a token, or nothing
    proven = own and compare_digest(chain.device_proof(secret, challenge, nonce), unbase64(auth.proof))
    kiosk = await anyio.to_thread.run_sync(runtime.kiosks.find, auth.device) if proven else None
    if kiosk is None:
        runtime.gate.quota.failed(channel.host, auth.device).require()
        raise StreamProblem("device_unauthenticated", "There is no such device, or the proof does not hold.")
    connection_id = secrets.token_hex(_CONNECTION_ID_BYTES)
    if not await anyio.to_thread.run_sync(runtime.kiosks.connect, kiosk.id, connection_id):
        raise StreamProblem("device_connected", "This device has a connection already.")
    proof = base64(chain.server_proof(secret, challenge, nonce))
    welcome = {"type": "welcome", "proof": proof, "limits": LIMITS}
    holder = device_holder(kiosk.id)
    return AuthenticatedDevice(kiosk, secret, connection_id, welcome, runtime.kiosks, holder)


async def _receive_auth(channel: Channel) -> messages.Auth | messages.AuthToken:
    parsed = None
    with anyio.move_on_after(AUTH_S):
        message = await channel.receive()
        parsed = messages.parse(message) if isinstance(message, str) else None
    if parsed is None:
        raise StreamProblem("stream_slow", "No auth came.")
    if not isinstance(parsed, messages.Auth | messages.AuthToken):
        raise StreamProblem("message_invalid", "The first message is auth.")
    return parsed
