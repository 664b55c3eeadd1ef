"""Names of the account behind a verdict: one for authenticators, and one for each relying party.

Two relying parties cannot tell by them that a person is known to both (pairwise identifiers, OpenID Connect Core 1.0,
section 8.1, third method: the account's id, encrypted deterministically under a key and the party's name).
"""

import hmac
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

from idproof.service.storage.seal import Seal

SUBJECT_PATTERN = r"^sub_[A-Za-z0-9_-]{62}$"
_PREFIX = "sub_"
_VERDICT_ID = re.compile(r"ver_[0-9A-HJKMNP-TV-Z]{26}")
_HANDLE_BYTES = 32


class Accounts:
    """Computes the names of accounts. An account is the verdict that its passkeys were bound to."""

    def __init__(self, seal: Seal) -> None:
        self._handle_key = seal.subkey("passkey user handle")
        self._subjects = AESSIV(seal.subkey("passkey subject, mac") + seal.subkey("passkey subject, cipher"))

    def handle(self, verification: str) -> bytes:
        """Returns the user handle of an account (WebAuthn Level 3, section 14.6.1): it tells nothing of a person."""
        return hmac.digest(self._handle_key, verification.encode(), "sha256")[:_HANDLE_BYTES]

    def subject(self, verification: str, client: str) -> str:
        """Returns the account's name for one client."""
        sealed = self._subjects.encrypt(verification.encode(), [client.encode()])
        return _PREFIX + urlsafe_b64encode(sealed).decode().rstrip("=")

    def verification(self, subject: str, client: str) -> str | None:
        """Returns the verdict's id behind a client's name of an account; None for any other text."""
        text = subject.removeprefix(_PREFIX)
        try:
            sealed = urlsafe_b64decode(text + "=" * (-len(text) % 4))
            found = self._subjects.decrypt(sealed, [client.encode()]).decode()
        except (InvalidTag, ValueError):
            return None
        return found if _VERDICT_ID.fullmatch(found) else None
