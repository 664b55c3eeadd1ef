"""Names the parts of a request that are not as documented."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from idproof.service.request_faults import RequestFault

_JSON = ("body", "metadata")
_UNKNOWN_MEMBER, _NOT_JSON = "extra_forbidden", "json_invalid"
_NO_TIME = ("timezone_aware", "datetime_parsing", "datetime_from_date_parsing")
# A `+` in a query is read as a space, so a time with an offset that was not encoded arrives as no time at all.
_TIME_RULE = (
    "This must be a time with its time zone (RFC 3339), such as 2026-11-30T01:00:00Z or 2026-11-30T09:00:00+08:00; "
    "in a query write %2B for +."
)
# A client may write personal data into the name of a member. Only what looks like a name in a program is repeated.
_PROGRAM_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,39}")


def request_faults(found: Iterable[Mapping[str, Any]], where: str | None = None) -> tuple[RequestFault, ...]:
    """Returns the faults that pydantic found, without the values.

    Args:
        found: from `ValidationError.errors()`.
        where: the part of the request, or None if it is the first entry of every location.
    """
    return tuple(_fault(entry, where) for entry in found)


def unknown_parameters(names: Iterable[str], rule: str) -> tuple[RequestFault, ...]:
    """Returns one fault for each query parameter that is not documented."""
    return tuple(RequestFault("query", name if _PROGRAM_NAME.fullmatch(name) else "", rule) for name in names)


def describe_fields(errors: Iterable[RequestFault]) -> str:
    """Returns the faulty parts as text, such as `header Capture-Session, metadata /reference`, each once."""
    return ", ".join(dict.fromkeys(f"{error.where} {error.name}".strip() for error in errors))


def pointer(location: Iterable[object]) -> str:
    """Returns a JSON pointer (RFC 6901).

    Example:
        >>> pointer(("liveness", "frames", 0))
        '/liveness/frames/0'
    """
    return "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in location)


def _fault(entry: Mapping[str, Any], where: str | None) -> RequestFault:
    location = tuple(entry["loc"])
    if where is None:
        where, location = str(location[0]), location[1:]
    detail = str(entry["msg"])
    if entry["type"] == _NOT_JSON:
        return RequestFault(where, "", "This is not valid JSON.")
    if entry["type"] == _UNKNOWN_MEMBER:
        *parent, name = location
        shown = str(name) if _PROGRAM_NAME.fullmatch(str(name)) else None
        return RequestFault(where, pointer(parent), "It has a member that is not documented.", shown)
    if entry["type"] in _NO_TIME:
        detail = _TIME_RULE
    name = pointer(location) if where in _JSON else ".".join(map(str, location))
    return RequestFault(where, name, detail)
