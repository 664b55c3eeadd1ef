"""Clients of the interface and their permissions."""

from dataclasses import dataclass
from enum import StrEnum


class Scope(StrEnum):
    """A permission. `ADMIN` reads and erases the verdicts of every client; it includes no other permission."""

    SESSION_WRITE = "session:write"
    VERIFY_WRITE = "verify:write"
    PERMIT_WRITE = "permit:write"
    VERDICT_READ = "verdict:read"
    METRICS_READ = "metrics:read"
    ADMIN = "admin"


@dataclass(frozen=True, slots=True)
class Client:
    """An authenticated client.

    Attributes:
        id: at most 64 characters; the client owns its sessions and verdicts.
        scopes: its permissions.
    """

    id: str
    scopes: frozenset[Scope]

    @property
    def sees(self) -> str | None:
        """The client whose verdicts it may read: itself, or None for every client's."""
        return None if Scope.ADMIN in self.scopes else self.id


ANYBODY = Client("anonymous", frozenset(Scope) - {Scope.PERMIT_WRITE})
"""The client without authentication: only on the machine itself, for trying the service out. It grants no permits: the
kiosk's page would be such a client."""
