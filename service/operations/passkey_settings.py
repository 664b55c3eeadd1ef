"""Settings of passkeys; part of `Settings`."""

from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from pydantic import Field, model_validator
from pydantic_settings import BaseSettings


def _is_of(origin: str, party: str) -> bool:
    """Returns whether pages of an origin may use passkeys of a domain (WebAuthn Level 3, section 5.1.2)."""
    try:
        where = urlsplit(origin)
        _ = where.port
    except ValueError:
        return False
    host = where.hostname or ""
    plain = f"{where.scheme}://{where.netloc}" == origin and where.username is None
    secure = where.scheme == "https" or (
        where.scheme == "http" and (host == "localhost" or host.endswith(".localhost"))
    )
    return plain and secure and bool(party) and (host == party or host.endswith(f".{party}"))


class PasskeySettings(BaseSettings):
    """Settings of passkeys.

    Attributes:
        passkey_rp_id: domain of passkeys (the relying party's id of WebAuthn), such as `idproof.example`; without it no
            passkey is made or used.
        passkey_origins: origins of the pages on which passkeys are made and used, separated by commas, such as
            `https://login.idproof.example`: of that domain, https, or http on localhost outside production.
        passkey_attestation: `none` takes every authenticator, `direct` only those whose attestation statement ends in
            a certificate of `passkey_roots`.
        passkey_roots: folder of the makers' root certificates, `packed.pem`, `tpm.pem`, `apple.pem`,
            `android-key.pem` and `fido-u2f.pem`.
        passkey_bind_s: seconds after an accepted verdict within which passkeys may be bound to it.
        passkey_days: days after which a passkey is erased.
    """

    passkey_rp_id: str | None = None
    passkey_origins: str = ""
    passkey_attestation: Literal["none", "direct"] = "none"
    passkey_roots: Path | None = None
    passkey_bind_s: float = Field(default=600.0, gt=0, le=86_400)
    passkey_days: float = Field(default=365.0, gt=0)

    @model_validator(mode="after")
    def _passkeys_have_pages(self) -> "PasskeySettings":
        if (self.passkey_rp_id is None) != (not self.passkey_origin_list):
            raise ValueError("passkey_rp_id and passkey_origins belong together")
        if not all(_is_of(origin, self.passkey_rp_id or "") for origin in self.passkey_origin_list):
            raise ValueError("passkey_origins are https origins of passkey_rp_id, or http ones of localhost")
        return self

    @property
    def passkey_origin_list(self) -> tuple[str, ...]:
        """`passkey_origins` as a tuple."""
        return tuple(origin.strip() for origin in self.passkey_origins.split(",") if origin.strip())
