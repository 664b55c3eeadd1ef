"""Bodies of wallets' requests: HTML forms, as OAuth 2.0 has them, with each parameter once."""

from urllib.parse import parse_qsl

from fastapi import Request

_FORM = "application/x-www-form-urlencoded"
_MOST_PARAMETERS = 16


async def read_form(request: Request) -> dict[str, str]:
    """Returns the parameters of a request; raises `ValueError` for another type, or a parameter that occurs twice."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != _FORM:
        raise ValueError("not a form")
    pairs = parse_qsl((await request.body()).decode(), max_num_fields=_MOST_PARAMETERS)
    if len(dict(pairs)) != len(pairs):
        raise ValueError("a parameter twice")
    return dict(pairs)
