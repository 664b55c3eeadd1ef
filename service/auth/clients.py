"""A client of the interface, and what it may do."""

from dataclasses import dataclass
from enum import StrEnum


class Scope(StrEnum):
    """A permission. `ADMIN` sees and erases every client's verdicts; it includes no other permission."""

    SESSION_WRITE = "session:write"
    VERIFY_WRITE = "verify:write"
    VERDICT_READ = "verdict:read"
    METRICS_READ = "metrics:read"
    ADMIN = "admin"


@dataclass(frozen=True, slots=True)
class Client:
    """Who is asking.

    Attributes:
        id: at most 64 characters; what it opens and gets verified is its own.
        scopes: what it may do.
    """

    id: str
    scopes: frozenset[Scope]

    @property
    def sees(self) -> str | None:
        """Whose verdicts it may read: its own, or everybody's (None)."""
        return None if Scope.ADMIN in self.scopes else self.id


ANYBODY = Client("anonymous", frozenset(Scope))
"""Whoever reaches a service without authentication: only ever on the machine itself, for trying it out."""
