"""Clients of the interface and their permissions."""

from dataclasses import dataclass
from enum import StrEnum


class Scope(StrEnum):
    """A permission. None includes another.

    `VERDICT_READ_ALL` lets `VERDICT_READ` reach the verdicts of every client, and erases nothing. `ADMIN` does the
    same, and erases.
    """

    SESSION_WRITE = "session:write"
    VERIFY_WRITE = "verify:write"
    PERMIT_WRITE = "permit:write"
    PASSKEY_WRITE = "passkey:write"
    PASSKEY_LOGIN = "passkey:login"
    CREDENTIAL_WRITE = "credential:write"
    STEP_UP_WRITE = "step-up:write"
    PRESENTATION_WRITE = "presentation:write"
    REGISTRATION_WRITE = "registration:write"
    REGISTRATION_READ = "registration:read"
    COUNTER_WRITE = "counter:write"
    REVIEW_WRITE = "review:write"
    VERDICT_READ = "verdict:read"
    VERDICT_READ_ALL = "verdict:read-all"
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
        return None if self.scopes & {Scope.ADMIN, Scope.VERDICT_READ_ALL} else self.id


FOR_STAFF = frozenset({Scope.PERMIT_WRITE, Scope.COUNTER_WRITE, Scope.REVIEW_WRITE})
"""Permissions of staff. A caller without a key never has them, since the kiosk's page is such a caller."""
ANYBODY = Client("anonymous", frozenset(Scope) - FOR_STAFF)
"""The client without authentication: only on the machine itself, for trying the service out."""
