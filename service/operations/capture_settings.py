"""Settings of capture in pages of others; part of `Settings`."""

from urllib.parse import urlsplit

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings

_OWN_MACHINE = ("localhost", "127.0.0.1", "[::1]")


class CaptureSettings(BaseSettings):
    """Settings of capture in pages of others.

    Attributes:
        capture_origins: origins of the pages that may capture with a token, separated by commas, such as
            `https://shop.example`: https, or http on this machine; without it no token is made.
        capture_frame_ancestors: origins of the pages that may embed this service's own page of the component
            (`/capture`), separated by commas; by default none may.
        capture_token_s: seconds within which a capture token must be used first.
        capture_tokens: capture tokens of one client that may wait for their first use.
    """

    capture_origins: str = ""
    capture_frame_ancestors: str = ""
    capture_token_s: float = Field(default=600.0, gt=0, le=3600)
    capture_tokens: int = Field(default=120, ge=1)

    @field_validator("capture_origins", "capture_frame_ancestors")
    @classmethod
    def _are_origins(cls, value: str) -> str:
        origins = _split(value)
        if not all(_is_origin(origin) for origin in origins):
            raise ValueError("https origins, or http ones of this machine, without a path")
        return ",".join(origins)

    @property
    def capture_origin_list(self) -> tuple[str, ...]:
        """`capture_origins` as a tuple."""
        return _split(self.capture_origins)

    @property
    def capture_frame_ancestor_list(self) -> tuple[str, ...]:
        """`capture_frame_ancestors` as a tuple."""
        return _split(self.capture_frame_ancestors)


def _split(origins: str) -> tuple[str, ...]:
    return tuple(origin.strip().lower() for origin in origins.split(",") if origin.strip())


def _is_origin(text: str) -> bool:
    """Returns True for an origin as browsers write it: no default port, no path, no wildcard."""
    try:
        where = urlsplit(text)
        port = where.port
    except ValueError:
        return False
    host = where.netloc.rpartition(":")[0] if port is not None else where.netloc
    secure = where.scheme == "https" or (where.scheme == "http" and host in _OWN_MACHINE)
    plain = f"{where.scheme}://{where.netloc}" == text and where.username is None and port not in (80, 443)
    return plain and secure and bool(host) and not set(host) & set("*;, '\"")
