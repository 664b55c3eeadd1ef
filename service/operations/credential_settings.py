"""Settings of credentials for wallets; part of `Settings`."""

from pathlib import Path

from pydantic import Field, model_validator
from pydantic_settings import BaseSettings


class CredentialSettings(BaseSettings):
    """Settings of credentials.

    Attributes:
        credential_issuer: URL under which wallets reach this service, such as `https://idproof.example`; with it, an
            accepted registration can be issued as a credential (`docs/credentials.md`).
        credential_key, credential_chain: files (PEM) of the key on P-256 that signs credentials, and of its
            certificates, first its own, without the root. Without them the service makes its own, which nobody trusts.
        credential_days: days for which a credential is valid.
        credential_copies: copies of one credential that a wallet may get at once, each for one presentation.
        credential_offer_s: seconds for which the claims of an accepted registration wait for a wallet.
    """

    credential_issuer: str | None = Field(default=None, pattern=r"^https?://[^/?#@]+$")
    credential_key: Path | None = None
    credential_chain: Path | None = None
    credential_days: float = Field(default=90.0, gt=0, le=3650)
    credential_copies: int = Field(default=10, ge=1, le=100)
    credential_offer_s: float = Field(default=900.0, gt=0, le=86_400)

    @model_validator(mode="after")
    def _credential_key_has_chain(self) -> "CredentialSettings":
        if (self.credential_key is None) != (self.credential_chain is None):
            raise ValueError("credential_key and credential_chain belong together")
        return self
