"""Devices that are connected: enrolled ones, and pages with a capture token."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from idproof.service.storage.capture_tokens import CaptureToken
from idproof.service.storage.kiosks import Kiosk
from idproof.service.stream import chain
from idproof.service.stream.replies import Message

FRAMES_PER_S = 10
"""Frames per second that a device should send: a rule of `docs/stream.md`."""
LIMITS = {
    "preview_bytes": chain.PREVIEW_BYTES,
    "still_bytes": chain.STILL_BYTES,
    "liveness_bytes": chain.LIVENESS_BYTES,
    "frames_per_s": FRAMES_PER_S,
}


class Leases(Protocol):
    """The one connection that each device of a kind may have."""

    def renew(self, device: str, connection_id: str, values: Mapping[str, Any], /) -> bool:
        """Renews the lease; returns False if the device was revoked or has another connection."""
        ...

    def disconnect(self, device: str, connection_id: str, /) -> None:
        """Ends the lease."""
        ...


@dataclass(frozen=True, slots=True)
class AuthenticatedDevice:
    """A device that proved its key and holds its one connection.

    Attributes:
        kiosk: as the database knows it; a page with a token is a device of its own.
        secret: its key.
        connection_id: of its lease in the database.
        welcome: the message that proves the server's knowledge of the key.
        leases: where its connection's lease is.
        permit_holder: for whom staff make permits that its applicants may use.
        token: of a page; None for an enrolled device.
    """

    kiosk: Kiosk
    secret: bytes = field(repr=False)
    connection_id: str
    welcome: Message = field(repr=False)
    leases: Leases
    permit_holder: str
    token: CaptureToken | None = None

    @property
    def lease_id(self) -> str:
        """Id by which `leases` knows it."""
        return self.kiosk.id if self.token is None else self.token.id
