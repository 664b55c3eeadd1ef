"""The type of a fault of a request, which errors carry to the client."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RequestFault:
    """One part of a request that is not as documented.

    Attributes:
        where: `header`, `path`, `query`, `body`, or `metadata`, the JSON part of an upload.
        name: of the header or parameter; in JSON a pointer (RFC 6901), empty for the whole document.
        detail: the rule that it breaks; never the value.
        member: the client's name of a member that is not documented; for the response only.
    """

    where: str
    name: str
    detail: str
    member: str | None = None
