"""Attestation statements and signatures of devices, in the forms of WebAuthn Level 2 (W3C), verified by `webauthn`.

The one importer of that library. A statement shows that a key was made inside hardware: Android Key Attestation, Apple
App Attest's anonymous form, or a TPM's certificate of the key. The library trusts some makers' roots by itself; here
nothing is trusted but the roots that the operator names. Nor does the library look at the system that Android's
statement describes: a key of a telephone that runs other software than its maker's is refused here.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ObjectIdentifier

from idproof.service.errors import AttestationRefused

FORMATS = ("android-key", "apple", "tpm")
"""Names of WebAuthn (section 8); statements of other kinds can come from keys that are no part of the device."""
_KEY_DESCRIPTION = ObjectIdentifier("1.3.6.1.4.1.11129.2.1.17")
"""Extension of an Android key's certificate (Android Open Source Project, "Key and ID attestation")."""
_IN_HARDWARE, _VERIFIED = 1, 0  # least security level, and the verified boot state, of that extension
_NO_LIBRARY = "Attestation needs idproof with the extra attestation."


@dataclass(frozen=True, slots=True)
class AttestedKey:
    """A key that hardware made.

    Attributes:
        credential: its id.
        public_key: in COSE form (RFC 9052).
        format: of the statement, one of `FORMATS`.
        sign_count: of the last signature; 0 where the hardware does not count.
    """

    credential: bytes
    public_key: bytes = field(repr=False)
    format: str
    sign_count: int


@dataclass(frozen=True)
class Attestation:
    """Verifies statements and signatures.

    Args:
        origin: of the pages or programs that make them, `https://…`; its host is the relying party's id.
        roots: certificates (PEM) that a statement's chain may end in, by format.
    """

    origin: str
    roots: Mapping[str, tuple[bytes, ...]]

    @classmethod
    def open(cls, origin: str | None, folder: Path | None) -> "Attestation":
        """Reads the roots from the files `FORMAT.pem` of a folder.

        Raises:
            AttestationRefused: no origin, no folder or no root is configured, or a file holds no certificate.
        """
        if origin is None or folder is None:
            raise AttestationRefused(
                "No device can be attested: name its origin with IDPROOF_ATTESTATION_ORIGIN and the folder of the "
                "makers' root certificates with IDPROOF_ATTESTATION_ROOTS."
            )
        roots = {name: read_roots(folder / f"{name}.pem") for name in FORMATS}
        if not any(roots.values()):
            names = ", ".join(f"{name}.pem" for name in FORMATS)
            raise AttestationRefused(f"No device can be attested: IDPROOF_ATTESTATION_ROOTS holds none of {names}.")
        return cls(origin, roots)

    @property
    def party(self) -> str:
        """The relying party's id."""
        return urlsplit(self.origin).hostname or ""

    def enrolled_key(self, statement: str, challenge: bytes) -> AttestedKey:
        """Returns the key that a statement attests.

        Args:
            statement: a RegistrationResponseJSON (WebAuthn Level 3, section 5.1).
            challenge: that it must answer.

        Raises:
            AttestationRefused: it does not hold, or its chain ends in none of the roots.
        """
        library = _library()
        try:
            found = library.verify_registration_response(
                credential=json.loads(statement),
                expected_challenge=challenge,
                expected_rp_id=self.party,
                expected_origin=self.origin,
                # Copies: the library adds roots of its own to them.
                pem_root_certs_bytes_by_fmt={
                    kind: list(self.roots.get(kind.value, ())) for kind in library.helpers.structs.AttestationFormat
                },
            )
            attested = library.helpers.parse_attestation_object(found.attestation_object)
        except Exception as error:  # noqa: BLE001 - the library raises many kinds on statements that are not as documented
            raise AttestationRefused(f"The attestation statement does not hold ({type(error).__name__}).") from None
        kind = str(found.fmt)
        if kind not in FORMATS or not self.roots.get(kind):
            raise AttestationRefused("No root certificate is configured for this kind of attestation statement.")
        chain = list(attested.att_stmt.x5c or ())
        require_root(chain, self.roots[kind])
        if kind == "android-key":
            require_makers_system(chain[0])
        return AttestedKey(found.credential_id, found.credential_public_key, kind, found.sign_count)

    def new_sign_count(self, key: AttestedKey, assertion: Mapping[str, Any], challenge: bytes) -> int:
        """Verifies a signature of an attested key and returns the count that it carries.

        Args:
            key: of the device.
            assertion: an AuthenticationResponseJSON (WebAuthn Level 3, section 5.1).
            challenge: that it must answer.

        Raises:
            AttestationRefused: it does not hold, or was counted before.
        """
        library = _library()
        try:
            found = library.verify_authentication_response(
                credential=dict(assertion),
                expected_challenge=challenge,
                expected_rp_id=self.party,
                expected_origin=self.origin,
                credential_public_key=key.public_key,
                credential_current_sign_count=key.sign_count,
            )
        except Exception as error:  # noqa: BLE001 - as above
            raise AttestationRefused(f"The signature does not hold ({type(error).__name__}).") from None
        if found.credential_id != key.credential:
            raise AttestationRefused("The signature is of another key.")
        return int(found.new_sign_count)


def require_root(chain: list[bytes], roots: tuple[bytes, ...]) -> None:
    """Holds a chain of certificates to the operator's roots alone; raises `AttestationRefused`."""
    try:  # an empty chain is refused there
        _library().helpers.validate_certificate_chain(x5c=chain, pem_root_certs_bytes=list(roots))
    except Exception:  # noqa: BLE001 - the library raises many kinds on chains that are not as documented
        raise AttestationRefused(
            "The attestation statement's certificates end in none of the configured roots."
        ) from None


def require_makers_system(leaf: bytes) -> None:
    """Refuses an Android key that software holds, or whose telephone runs other software than its maker's."""
    from pyasn1.codec.der.decoder import decode
    from pyasn1.error import PyAsn1Error
    from webauthn.helpers.asn1.android_key import KeyDescription

    try:
        extension = x509.load_der_x509_certificate(leaf).extensions.get_extension_for_oid(_KEY_DESCRIPTION).value
        described, _ = decode(extension.public_bytes(), asn1Spec=KeyDescription())
        levels = [int(described[name]) for name in ("attestationSecurityLevel", "keymasterSecurityLevel")]
        started = described["teeEnforced"]["rootOfTrust"]
        genuine = started.isValue and bool(started["deviceLocked"])
        genuine = genuine and int(started["verifiedBootState"]) == _VERIFIED
    except (ValueError, x509.ExtensionNotFound, PyAsn1Error):
        raise AttestationRefused("The Android key's certificate does not describe the key.") from None
    if min(levels) < _IN_HARDWARE:
        raise AttestationRefused("The Android key is kept by software and not by hardware.")
    if not genuine:
        raise AttestationRefused("The telephone's system is not its maker's, or its boot loader is unlocked.")


def session_challenge(nonce: bytes, chain_tag: bytes) -> bytes:
    """Returns what a device signs at the end of a session: its nonce, and the tag that depends on all its frames."""
    return hashlib.sha256(b"idproof.capture.v1 attested\0" + nonce + chain_tag).digest()


def read_roots(file: Path) -> tuple[bytes, ...]:
    """Returns the certificates (PEM) of a file, none if there is no such file; raises `AttestationRefused`."""
    try:
        found = x509.load_pem_x509_certificates(file.read_bytes())
    except FileNotFoundError:
        return ()
    except (OSError, ValueError):
        raise AttestationRefused(f"The file {file.name} of root certificates holds none.") from None
    return tuple(certificate.public_bytes(Encoding.PEM) for certificate in found)


def _library() -> Any:
    try:
        import webauthn
    except ImportError:
        raise AttestationRefused(_NO_LIBRARY) from None
    return webauthn
