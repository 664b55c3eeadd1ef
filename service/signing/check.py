"""Checks a verdict's signature without the service that issued it."""

import json
from pathlib import Path
from typing import Any

import httpx

from idproof.service.errors import SignatureInvalid
from idproof.service.operations.settings import Settings
from idproof.service.signing.jws import verify


def check_verdict(text: str, jwks: str | None) -> dict[str, Any]:
    """Returns the signed claims of a verdict.

    Args:
        text: a verdict's JSON with its `jws` member, or the bare JWS.
        jwks: file or URL of the public keys; None for the file beside this machine's own keys.

    Raises:
        SigningKeyRevoked: the key that signed it was revoked.
        SignatureInvalid: the signature does not hold, or the JSON around it differs from what was signed.
    """
    body, token = _split(text)
    claims = verify(token, _read_keys(jwks))
    if not isinstance(claims.get("verdict"), dict) or "iss" not in claims:
        raise SignatureInvalid("The token is not a verdict.")
    if body is not None and {k: v for k, v in body.items() if k not in ("jws", "texts")} != claims["verdict"]:
        raise SignatureInvalid("The JSON differs from what was signed.")
    return claims


def _split(text: str) -> tuple[dict[str, Any] | None, str]:
    stripped = text.strip()
    if not stripped.startswith("{"):
        return None, stripped
    try:
        body = json.loads(stripped)
        return body, str(body["jws"])
    except (ValueError, KeyError, RecursionError):
        raise SignatureInvalid("The file holds no signed verdict.") from None


def _read_keys(jwks: str | None) -> dict[str, Any]:
    try:
        if jwks is not None and jwks.startswith(("http://", "https://")):
            data = httpx.get(jwks, timeout=10).raise_for_status().json()
        else:
            path = Path(jwks) if jwks is not None else Settings.load().jwks_file
            data = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError, httpx.HTTPError):
        raise SignatureInvalid("The public keys cannot be read; name them with --jwks.") from None
    if not isinstance(data, dict):
        raise SignatureInvalid("The public keys are not a JWK set.")
    return data
