"""Encryption to the identity core: a JWS inside a JWE to its public key (nested JWT, RFC 7519, section 11.2)."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from joserfc import jwe
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OKPKey, RSAKey

from idproof.service.errors import CoreKeyUnusable

ENCRYPTION = "A256GCM"
_CURVES = ("P-256", "P-384", "P-521", "X25519", "X448")
_MIN_RSA_BITS = 2048  # RFC 7518, section 4.3


@dataclass(frozen=True)
class CoreKey:
    """The identity core's public key: P-256, P-384, P-521, X25519 (ECDH-ES+A256KW), or RSA (RSA-OAEP-256)."""

    key: ECKey | OKPKey | RSAKey

    @classmethod
    def load(cls, path: Path) -> Self:
        """Reads a file with one JWK; raises `CoreKeyUnusable`."""
        kinds: dict[str, type[ECKey] | type[OKPKey] | type[RSAKey]] = {"EC": ECKey, "OKP": OKPKey, "RSA": RSAKey}
        try:
            data = json.loads(path.read_text(encoding="utf-8"))
            key = kinds[data["kty"]].import_key({name: value for name, value in data.items() if name != "d"})
            key.ensure_kid()
        except (OSError, ValueError, KeyError, TypeError, JoseError):
            raise CoreKeyUnusable(f"{path.name} does not hold a public key as a JWK.") from None
        large = isinstance(key, RSAKey) and key.raw_value.key_size >= _MIN_RSA_BITS
        if not large and (isinstance(key, RSAKey) or key.curve_name not in _CURVES):
            raise CoreKeyUnusable(f"{path.name} holds a key that nothing can be encrypted to.")
        return cls(key)

    def encrypt(self, signed: str) -> str:
        """Returns the compact JWE of a compact JWS."""
        algorithm = "RSA-OAEP-256" if isinstance(self.key, RSAKey) else "ECDH-ES+A256KW"
        header = {"alg": algorithm, "enc": ENCRYPTION, "cty": "JWT", "kid": self.key.kid}
        return jwe.encrypt_compact(header, signed, self.key, algorithms=[algorithm, ENCRYPTION])


def without_fields(verdict: dict[str, Any]) -> dict[str, Any]:
    """Returns the verdict without what was read from the card: decision, checks and receipt remain."""
    return verdict | {"fields": {}, "form": {}}
