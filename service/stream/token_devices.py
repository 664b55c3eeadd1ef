"""Pages that connect with a capture token: who they are, and the one session that they may have.

The token's secret proves the first handshake. That handshake binds the token: its two random values give a second key,
which every later connection proves as well, and which the frames of the session are sealed with.
"""

import hashlib
import secrets
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from functools import partial
from hmac import compare_digest
from typing import Any

import anyio

from idproof.pipeline.assurance import CaptureLevel
from idproof.pipeline.errors import IdproofError
from idproof.service.errors import ServiceProblem, StreamProblem
from idproof.service.operations.privacy import privacy_statement
from idproof.service.storage.capture_tokens import CaptureToken, TokenState
from idproof.service.storage.engine import Conflict
from idproof.service.storage.kiosks import Kiosk
from idproof.service.storage.permits import client_holder
from idproof.service.stream import chain, messages
from idproof.service.stream.devices import LIMITS, AuthenticatedDevice
from idproof.service.stream.messages import base64, unbase64
from idproof.service.stream.runtime import PAGE_DEVICE, StreamRuntime
from idproof.service.stream.session import DeviceSession

_CONNECTION_ID_BYTES = 16


async def authenticate(
    runtime: StreamRuntime, auth: messages.AuthToken, challenge: bytes, host: str, origin: str | None
) -> AuthenticatedDevice:
    """Authenticates a page by its token and takes the token's one connection.

    Args:
        runtime: shared by all streams.
        auth: the page's message.
        challenge: of this handshake.
        host: address of the page's browser.
        origin: of the page.

    Raises:
        StreamProblem: `device_unauthenticated`: there is no such token, it was used elsewhere or is over, the page is
            of another origin, or a proof does not hold. `device_connected`: it has a connection already.
        ServiceProblem: `rate_limited`: a proof does not hold, like too many from this address before.
        AuditBroken, StoreUnavailable: nothing was bound.
    """
    tokens, nonce = runtime.tokens, unbase64(auth.nonce)
    secret = tokens.secret(auth.token)
    # As for devices: whoever cannot prove the secret is refused without a look-up.
    if not compare_digest(chain.device_proof(secret, challenge, nonce), unbase64(auth.proof)):
        raise _refused(runtime, host, auth.token)
    token = await anyio.to_thread.run_sync(tokens.find, auth.token)
    if token is None or origin != token.origin:
        raise _refused(runtime, host, auth.token)
    about = await _hand_off(runtime, token)
    if about is None:
        raise _refused(runtime, host, auth.token)
    fresh = hashlib.sha256(nonce + challenge).digest()
    record = partial(_record_use, runtime)
    binding = await anyio.to_thread.run_sync(tokens.bind, token.id, fresh, record)
    if binding is None:
        raise _refused(runtime, host, auth.token)
    bound = chain.bound_key(secret, binding)
    if binding != fresh and not (
        auth.bound is not None and compare_digest(chain.device_proof(bound, challenge, nonce), unbase64(auth.bound))
    ):
        raise _refused(runtime, host, auth.token)
    connection_id = secrets.token_hex(_CONNECTION_ID_BYTES)
    if not await anyio.to_thread.run_sync(tokens.connect, token.id, connection_id):
        raise StreamProblem("device_connected", "This token has a connection already.")
    intake = runtime.intake
    welcome = {
        "type": "welcome",
        "proof": base64(chain.server_proof(bound, challenge, nonce)),
        "limits": LIMITS,
        "privacy": privacy_statement(intake.settings, intake.verifier.vault.limits),
        "hand_off": token.parent is None,
        **about,
    }
    if token.parent is not None and not token.confirmed:
        welcome["comparison"] = tokens.digits(token.id, binding)
    return AuthenticatedDevice(
        kiosk=_as_device(token),
        secret=bound,
        connection_id=connection_id,
        welcome=welcome,
        leases=tokens,
        permit_holder=client_holder(token.client),
        token=token,
    )


async def read_anew(runtime: StreamRuntime, device: AuthenticatedDevice, token: CaptureToken) -> AuthenticatedDevice:
    """Returns a page as its token is now: the client may have been merged into another one since it connected."""
    found = await anyio.to_thread.run_sync(runtime.tokens.find, token.id)
    if found is None:  # its connection ends by its lease
        return device
    return replace(device, kiosk=_as_device(found), permit_holder=client_holder(found.client), token=found)


async def begin(runtime: StreamRuntime, token: CaptureToken, message: messages.Start) -> messages.Start:
    """Takes the token's one session; returns `start` with what the token says in place of what the page says.

    Raises:
        StreamProblem: `message_unexpected`: a member of `start` is not a page's to say.
        ServiceProblem: `session_used`: the token had its session, or another screen captures in its place.
    """
    if message.registration or message.reference or message.step_up or message.holder_key:
        raise StreamProblem("message_unexpected", "The token says what this session is for.")
    if not await anyio.to_thread.run_sync(runtime.tokens.begin, token.id):
        raise ServiceProblem("session_used", "This token's one session is taken.")
    return message.model_copy(update={"registration": token.registration, "reference": token.reference})


async def end(runtime: StreamRuntime, token: CaptureToken | None, session: DeviceSession | None) -> None:
    """Notes that a token's session has ended, with or without a verdict; nothing for a device without a token.

    Raises nothing of the database's: what a client reads of a token must not end a session.
    """
    if token is not None and session is not None and session.ended:
        await note_verdict(runtime, token, None if session.verdict is None else session.verdict.id)


async def note_verdict(runtime: StreamRuntime, token: CaptureToken | None, verification: str | None) -> None:
    """Ends a token with a verdict, or without one; nothing for a device without a token."""
    if token is not None:
        with suppress(IdproofError, Conflict):
            await anyio.to_thread.run_sync(runtime.tokens.end, token.id, verification)


def level_of(message: messages.Finish) -> CaptureLevel:
    """Returns the level of a page's captures: that of uploads, since whoever has the page can hand in any frames.

    Raises:
        StreamProblem: `attestation_invalid`: a page has no attested key.
    """
    if message.attestation is not None:
        raise StreamProblem("attestation_invalid", "A page with a capture token has no attested key.")
    return CaptureLevel.UPLOAD


async def _hand_off(runtime: StreamRuntime, token: CaptureToken) -> dict[str, str] | None:
    """Returns what a telephone is told of the page that handed its session off: nothing for a page's own token.

    The applicant reads it before the consent, since a link of somebody else's registration may have been sent to them.
    Returns None if the page's token was deleted: without its origin nobody may be asked to consent.
    """
    if token.parent is None:
        return {}
    page = await anyio.to_thread.run_sync(runtime.tokens.find, token.parent)
    return None if page is None else {"requested_by": page.origin}


def _refused(runtime: StreamRuntime, host: str, token: str) -> StreamProblem:
    """Returns the one answer to every failure, which counts for the address."""
    runtime.gate.quota.failed(host, token).require()
    return StreamProblem("device_unauthenticated", "There is no such token, it was used, or the proof does not hold.")


def _record_use(runtime: StreamRuntime, token: CaptureToken) -> None:
    runtime.intake.audit.append("capture_token_used", token=token.id, client=token.client)


def _as_device(token: CaptureToken) -> Kiosk:
    """Returns the token as the device that its page is: of its own id, and of the client that made it."""
    about: Mapping[str, Any] = {"name": "", "created_at": "", "revoked_at": None, "seen_at": None, "staff_at": None}
    state = "idle" if token.state is TokenState.BOUND else "off"
    return Kiosk(id=PAGE_DEVICE + token.id, client=token.client, state=state, **about)
