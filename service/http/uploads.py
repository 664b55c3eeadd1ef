"""Multipart bodies, received part by part from the socket into the vault.

The framework's form parser is not used: it writes parts of more than a megabyte to temporary files.
"""

import hmac
import json
import re
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import anyio
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator
from pydantic_core import PydanticCustomError
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from idproof.pipeline import BadInput, Role, VaultSession
from idproof.pipeline.errors import CaptureMissing, FramesUnusable, SessionExpired
from idproof.pipeline.liveness.frames import MAX_FRAMES
from idproof.pipeline.liveness.response import frame_name
from idproof.pipeline.vault import UploadSink
from idproof.service.errors import ServiceProblem
from idproof.service.http.draining import DRAIN_BYTES, drain
from idproof.service.http.fingerprint import PartFingerprint
from idproof.service.http.request_faults import describe_fields, request_faults
from idproof.service.registrations.frames import FRAMES, LivenessDescription
from idproof.service.request_faults import RequestFault

METADATA = "metadata"
# Limits without an outside source were chosen by hand, as several times what a client needs.
MAX_METADATA_BYTES = 16 * 1024  # 48 frames with their times and numbers take 3 KiB
MAX_SECRET_BYTES = 64  # twice what a passkey gives
_OVERHEAD_BYTES = 64 * 1024  # metadata, and the boundaries and headers of all parts
_MAX_PARTS = len(Role) + MAX_FRAMES + 1
_MAX_BOUNDARY_BYTES = 70  # RFC 2046, section 5.1.1
_MAX_HEADER_BYTES = 4096  # of all headers of one part
_MAX_PREAMBLE_BYTES = 4096  # before the first part: some clients put a sentence there
_REFERENCE = r"^[A-Za-z0-9._-]+$"
_REFERENCE_RULE = "1 to 64 Latin letters, digits, dots, underscores and hyphens; no other letters, and no spaces."


class Metadata(BaseModel):
    """The JSON part `metadata`, all of it optional."""

    model_config = ConfigDict(extra="forbid")

    reference: str | None = Field(
        default=None,
        max_length=64,
        pattern=_REFERENCE,
        description="Your own reference, given back with the verdict. Not personal data, please.",
        examples=["registration-000017"],
    )
    document: str | None = Field(
        default=None, description="Document type of the card; by default the one that the service verifies."
    )
    liveness: LivenessDescription | None = Field(
        default=None, description="With the parts `frames`, and only with them."
    )

    @field_validator("reference", mode="before")
    @classmethod
    def _reference_is_named_in_words(cls, value: object) -> object:
        if isinstance(value, str) and not re.fullmatch(_REFERENCE, value, re.ASCII):
            raise PydanticCustomError("reference_form", _REFERENCE_RULE)
        return value


@dataclass(frozen=True, slots=True)
class Pace:
    """The least pace of a client that sends a body.

    Attributes:
        window_s: seconds, one window after the other from the beginning of the body.
        bytes_per_s: bytes per second that arrive on average of each window, and at least one byte.
    """

    window_s: float
    bytes_per_s: float


@dataclass(frozen=True, slots=True)
class Received:
    """The outcome of one received body; its pictures are in the vault.

    Attributes:
        metadata: the part `metadata`.
        fingerprint: see `Upload.fingerprint`.
        at: when the body was complete, UTC.
    """

    metadata: Metadata
    fingerprint: bytes | None
    at: datetime


class Upload:
    """Receives one body into a vault session.

    Args:
        session: stores the captures.
        content_type: of the request.
        pace: the least pace of the client.
        fingerprint_key: the key of the fingerprint that recognises a repeated request, or None for no fingerprint.
        roles: captures that the body must have; it may have no other.
        secret: name of a part of at most `MAX_SECRET_BYTES` that the body may have besides; it goes into the vault.

    Raises:
        ServiceProblem: `upload_not_multipart`.
    """

    def __init__(
        self,
        session: VaultSession,
        content_type: str | None,
        pace: Pace,
        fingerprint_key: bytes | None = None,
        roles: Sequence[Role] = tuple(Role),
        secret: str | None = None,
    ) -> None:
        kind, options = parse_options_header(content_type)
        boundary = options.get(b"boundary")
        if kind != b"multipart/form-data" or not boundary or len(boundary) > _MAX_BOUNDARY_BYTES:
            raise ServiceProblem("upload_not_multipart", "Send multipart/form-data with a boundary.")
        self._session = session
        self._pace = pace
        limits = session.limits
        self._roles = roles
        self._secret = secret
        self._limit = len(roles) * limits.max_capture_bytes + MAX_FRAMES * limits.max_frame_bytes + _OVERHEAD_BYTES
        self._received = 0
        self._header: tuple[bytearray, bytearray] = (bytearray(), bytearray())
        self._headers: dict[bytes, bytes] = {}
        self._header_bytes = 0
        self._names: list[str] = []
        self._frames = 0
        self._sink: UploadSink | bytearray = bytearray()
        self._metadata = bytearray()
        self._complete = False
        self._fingerprint_key = fingerprint_key
        self._fingerprints: dict[str, PartFingerprint] = {}
        self._parser = MultipartParser(boundary, callbacks=self._callbacks())
        self._delimiter = b"--" + boundary
        self._preamble: bytearray | None = bytearray()

    async def receive(self, chunks: AsyncIterator[bytes]) -> Metadata:
        """Receives the whole body and returns its metadata.

        If the body is refused part-way, what had arrived is wiped at once. The rest is read and discarded, up to a
        limit, so that the client gets the response and not a broken connection.

        Raises:
            BadInput: a capture is missing, too large, or sent twice; or the client was too slow.
            ServiceProblem: the body is malformed or too large.
        """
        try:
            async for chunk in self._in_time(chunks):
                self._feed(chunk)
            return self._finish()
        except SessionExpired:
            self._session.wipe()  # and nothing is waited for: the client is too slow already, and holds a slot
            raise
        except (BadInput, ServiceProblem):
            self._session.wipe()
            await self._drain(chunks)
            raise
        finally:
            for part in self._fingerprints.values():
                part.finish()

    def fingerprint(self, bound_to: str) -> bytes | None:
        """Returns HMAC-SHA-256 over the name and content of every part; their order and the boundary do not matter.

        Args:
            bound_to: anything else that must be the same in a repeated request.
        """
        if self._fingerprint_key is None:
            return None
        mac = hmac.new(self._fingerprint_key, bound_to.encode(), "sha256")
        for name in sorted(self._fingerprints):
            mac.update(name.encode() + self._fingerprints[name].digest())
        return mac.digest()

    async def _in_time(self, chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        """Yields the chunks; raises `SessionExpired` for a slow client or at the end of the pictures' lifetime."""
        now, window_s = anyio.current_time(), self._pace.window_s
        deadline, window_ends, arrived = now + self._session.limits.lifetime_s, now + window_s, 0
        least = max(1.0, self._pace.bytes_per_s * window_s)
        while True:
            # A pause at the end of a window that brought enough is one of the next window. Being cancelled would end
            # the chunks for good.
            ends = window_ends if arrived < least else window_ends + window_s
            with anyio.CancelScope(deadline=min(deadline, ends)) as scope:
                chunk = await anext(chunks, None)
            if scope.cancelled_caught:
                raise SessionExpired("The body did not arrive in time; what had come is deleted.")
            if chunk is None:
                return
            if anyio.current_time() >= window_ends:
                window_ends, arrived = window_ends + window_s, 0
            arrived += len(chunk)
            yield chunk

    def _feed(self, chunk: bytes) -> None:
        self._received += len(chunk)
        if self._received > self._limit:
            raise ServiceProblem("upload_too_large", f"The body is larger than {self._limit} bytes.")
        chunk = self._without_preamble(chunk)
        try:
            self._parser.write(chunk)
        except FormParserError:
            raise ServiceProblem("upload_malformed", "The multipart body is malformed.") from None

    def _without_preamble(self, chunk: bytes) -> bytes:
        """Returns the bytes from the first delimiter on: what stands before it is ignored (RFC 2046, section 5.1.1)."""
        if self._preamble is None or (not self._preamble and chunk.startswith(self._delimiter)):
            self._preamble = None
            return chunk
        # One line break before everything makes a delimiter at the very start look like any other.
        seen = b"\r\n" + self._preamble + chunk
        at = seen.find(b"\r\n" + self._delimiter)
        if at >= 0:
            self._preamble = None
            return seen[at + 2 :]
        if len(seen) > _MAX_PREAMBLE_BYTES:
            raise ServiceProblem("upload_malformed", "No boundary is found at the beginning of the body.")
        self._preamble += chunk
        return b""

    def _finish(self) -> Metadata:
        if not self._complete:
            raise ServiceProblem("upload_malformed", "The multipart body is not complete.")
        missing = [role.value for role in self._roles if role.value not in self._names]
        if missing:
            raise CaptureMissing(f"These captures are missing: {', '.join(missing)}.", capture=missing[0])
        metadata = _parsed_metadata(bytes(self._metadata))
        described = 0 if metadata.liveness is None else len(metadata.liveness.frames)
        if described != self._frames:
            raise FramesUnusable(f"The metadata describes {described} frames, and {self._frames} came.")
        return metadata

    async def _drain(self, chunks: AsyncIterator[bytes]) -> None:
        await drain(chunks, DRAIN_BYTES - self._received)

    def _callbacks(self) -> Any:
        return {
            "on_part_begin": self._begin_part,
            "on_header_field": lambda data, start, end: self._add_header_data(0, data[start:end]),
            "on_header_value": lambda data, start, end: self._add_header_data(1, data[start:end]),
            "on_header_end": self._end_header,
            "on_headers_finished": self._end_headers,
            "on_part_data": self._add_part_data,
            "on_end": self._end_body,
        }

    def _begin_part(self) -> None:
        self._headers = {}
        self._header_bytes = 0

    def _add_header_data(self, half: int, piece: bytes) -> None:
        self._header_bytes += len(piece)
        if self._header_bytes > _MAX_HEADER_BYTES:
            raise ServiceProblem("upload_malformed", "The headers of a part are too large.")
        self._header[half].extend(piece)

    def _end_header(self) -> None:
        self._headers[bytes(self._header[0]).lower()] = bytes(self._header[1])
        self._header = (bytearray(), bytearray())

    def _end_headers(self) -> None:
        _, options = parse_options_header(self._headers.get(b"content-disposition"))
        name = options.get(b"name", b"").decode("utf-8", errors="replace")
        if len(self._names) >= _MAX_PARTS or self._frames > MAX_FRAMES:
            raise ServiceProblem("upload_malformed", "The body has too many parts.")
        if name == METADATA and METADATA not in self._names:
            self._sink = self._metadata
        elif name in set(self._roles):
            self._sink = self._session.receive(name)
        elif name == self._secret and name not in self._names:
            self._sink = self._session.receive(name, MAX_SECRET_BYTES)
        elif name == FRAMES:
            name = frame_name(self._frames)
            self._frames += 1
            self._sink = self._session.receive(name)
        else:
            known = ", ".join([*self._roles, FRAMES, METADATA])
            raise CaptureMissing(f"A part has an unknown or repeated name; known are {known}.")
        self._names.append(name)
        if self._fingerprint_key is not None:
            self._fingerprints[name] = PartFingerprint(self._fingerprint_key, name)

    def _add_part_data(self, data: bytes, start: int, end: int) -> None:
        piece = memoryview(data)[start:end]
        if self._fingerprint_key is not None:
            self._fingerprints[self._names[-1]].update(piece)
        if isinstance(self._sink, UploadSink):
            self._sink.write(piece)
        else:
            self._sink.extend(piece)
            if len(self._sink) > MAX_METADATA_BYTES:
                raise ServiceProblem("metadata_invalid", f"metadata is larger than {MAX_METADATA_BYTES} bytes.")

    def _end_body(self) -> None:
        self._complete = True


def _parsed_metadata(data: bytes) -> Metadata:
    if not data:
        return Metadata()
    try:
        return Metadata.model_validate(json.loads(data))
    except ValidationError as error:
        raise metadata_invalid(*request_faults(error.errors(), METADATA)) from None
    except (ValueError, RecursionError):
        raise metadata_invalid(RequestFault(METADATA, "", "This is not valid JSON.")) from None


def metadata_invalid(*errors: RequestFault) -> ServiceProblem:
    """Returns the problem of metadata that is not as documented."""
    rules = "; ".join(dict.fromkeys(f"{describe_fields([error])}: {error.detail.rstrip('.')}" for error in errors))
    return ServiceProblem("metadata_invalid", f"The part metadata cannot be used. {rules}.", errors=errors)
