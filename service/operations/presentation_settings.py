"""Settings of the verifier of presentations; part of `Settings`."""

from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from pydantic import Field, model_validator
from pydantic_settings import BaseSettings

from idproof.service.operations.networks import is_loopback


def _split(value: str) -> tuple[str, ...]:
    return tuple(entry.strip() for entry in value.split(",") if entry.strip())


def _is_origin(url: str) -> bool:
    """Returns whether a URL is an https origin, or an http one of this machine, and nothing more."""
    try:
        found = urlsplit(url)
        host, _ = found.hostname, found.port
    except ValueError:
        return False
    secure = found.scheme == "https" or (found.scheme == "http" and is_loopback(host or ""))
    return secure and bool(host) and found.username is None and f"{found.scheme}://{found.netloc}" == url


class PresentationSettings(BaseSettings):
    """Settings of the verifier of presentations.

    Attributes:
        only: serve this alone: no network is loaded and no card is verified.
        presentation_verifier: URL under which wallets reach the verifier, such as `https://dept.example`; with it,
            clients can ask wallets for claims (`docs/presentations.md`).
        presentation_name: of the party that asks, as holders are told; by default the host of that URL.
        presentation_name_zh_hant, presentation_name_zh_hans: the same in Chinese; by default `presentation_name`.
        presentation_key, presentation_chain: files (PEM) of the key on P-256 that signs requests and receipts, and of
            its certificates, first its own, without the root. Without them the service makes its own, which no wallet
            trusts.
        presentation_client_id: prefix of the verifier's client identifier (OpenID4VP 1.0, section 5.9.3); HAIP 1.0 has
            `x509_hash`.
        presentation_response: how wallets answer; HAIP 1.0 has `direct_post.jwt`, which is encrypted.
        presentation_roots: file (PEM) of the roots of issuers whose credentials are taken. Without it, those of this
            service's own self-made issuer.
        presentation_issuers: identifiers of these issuers (https origins), separated by commas; their status lists are
            fetched from these hosts and from no other. By default this service's own issuer.
        presentation_return_origins: origins of the pages to which a holder's browser returns, separated by commas.
        presentation_s: seconds within which a wallet answers a request, and for which claims wait for the client.
        presentation_receipt_days: days after which a consent receipt is erased.
    """

    only: Literal["presentations"] | None = None
    presentation_verifier: str | None = Field(default=None, pattern=r"^https?://[^/?#@]+$")
    presentation_name: str | None = Field(default=None, min_length=1, max_length=100)
    presentation_name_zh_hant: str | None = Field(default=None, min_length=1, max_length=100)
    presentation_name_zh_hans: str | None = Field(default=None, min_length=1, max_length=100)
    presentation_key: Path | None = None
    presentation_chain: Path | None = None
    presentation_client_id: Literal["x509_hash", "x509_san_dns"] = "x509_hash"
    presentation_response: Literal["direct_post.jwt", "direct_post"] = "direct_post.jwt"
    presentation_roots: Path | None = None
    presentation_issuers: str = ""
    presentation_return_origins: str = ""
    presentation_s: float = Field(default=300.0, ge=30, le=3600)
    presentation_receipt_days: float = Field(default=365.0, gt=0)

    @model_validator(mode="after")
    def _presentations_consistent(self) -> "PresentationSettings":
        if (self.presentation_key is None) != (self.presentation_chain is None):
            raise ValueError("presentation_key and presentation_chain belong together")
        if self.only == "presentations" and self.presentation_verifier is None:
            raise ValueError("only=presentations needs presentation_verifier")
        if not all(map(_is_origin, (*self.presentation_issuer_list, *self.presentation_return_origin_list))):
            raise ValueError(
                "presentation_issuers and presentation_return_origins are https origins, or http ones of this machine"
            )
        return self

    @property
    def presentation_issuer_list(self) -> tuple[str, ...]:
        """`presentation_issuers` as a tuple."""
        return _split(self.presentation_issuers)

    @property
    def presentation_return_origin_list(self) -> tuple[str, ...]:
        """`presentation_return_origins` as a tuple."""
        return _split(self.presentation_return_origins)
