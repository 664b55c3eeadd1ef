"""Certificates of issuers and verifiers: chains to configured roots, and a self-made chain for trying things out."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from cryptography.x509.verification import ExtensionPolicy, PolicyBuilder, Store, VerificationError

from idproof.service.errors import CredentialRefused, KeysUnusable

DOCUMENT_SIGNER = x509.ObjectIdentifier("1.0.18013.5.1.2")
"""Key purpose of those who sign mobile documents (ISO/IEC 18013-5, annex B.1.4)."""
READER = x509.ObjectIdentifier("1.0.18013.5.1.6")
"""Key purpose of those who ask for mobile documents (ISO/IEC 18013-5, annex B.1.7)."""
_LONGEST_CHAIN = 4
"""Certificates of a chain. Chosen by hand: leaf, and up to three authorities."""
_OWN_DAYS = 365
"""Days of a self-made chain. Chosen by hand; a new one is made when it ends."""


_UNREADABLE = (
    ValueError,
    x509.DuplicateExtension,
    x509.UnsupportedGeneralNameType,
    UnsupportedAlgorithm,
    x509.InvalidVersion,
)
"""Raised for what is no certificate, or one with parts that the library does not know."""


@dataclass(frozen=True, slots=True)
class Leaf:
    """The first certificate of a chain that leads to a trusted root.

    Attributes:
        key: public key on P-256.
        identifiers: URIs among its alternative names: identifiers of the issuer.
        purposes: extended key usages, as dotted numbers.
        signs_documents: its key is for signatures, and for no certificates (basic constraints, key usage).
    """

    key: ec.EllipticCurvePublicKey
    identifiers: tuple[str, ...]
    purposes: tuple[str, ...]
    signs_documents: bool

    def require_document_signer(self) -> None:
        """Raises `CredentialRefused` unless it is of one issuer of credentials, after ISO/IEC 18013-5, annex B.1.4.

        A reader's certificate of the same root, or an authority's, names its holder too and may issue nothing.
        """
        purpose = DOCUMENT_SIGNER.dotted_string in self.purposes
        if not (purpose and self.signs_documents and len(self.identifiers) == 1):
            raise CredentialRefused("credential_issuer_untrusted", "Its certificate is not one of a document signer.")


class Trust:
    """Roots to which the certificates of credentials must lead; nothing is ever fetched for a chain.

    Args:
        roots: of the issuers that are trusted.
    """

    def __init__(self, roots: Sequence[x509.Certificate]) -> None:
        self._roots = list(roots)

    @classmethod
    def load(cls, path: Path) -> "Trust":
        """Reads a file of certificates (PEM); raises `KeysUnusable`."""
        return cls(read_certificates(path))

    def leaf(self, chain: Sequence[bytes], now: datetime) -> Leaf:
        """Returns the first certificate of a chain, once it leads to one of the roots.

        Args:
            chain: certificates (DER), first that of the signer.
            now: the time at which all of them must be valid.

        Raises:
            CredentialRefused: `credential_malformed`, or `credential_issuer_untrusted`.
        """
        if not 0 < len(chain) <= _LONGEST_CHAIN:
            raise CredentialRefused("credential_malformed", "It does not carry the certificates of its issuer.")
        try:
            first, *rest = (x509.load_der_x509_certificate(data) for data in chain)
            self._require_path(first, rest, now)
            return Leaf(_p256(first.public_key()), *_names_and_purposes(first), signs_documents(first))
        except _UNREADABLE:
            raise CredentialRefused("credential_malformed", "A certificate of its issuer cannot be read.") from None

    def _require_path(self, first: x509.Certificate, rest: list[x509.Certificate], now: datetime) -> None:
        untrusted = CredentialRefused(
            "credential_issuer_untrusted", "Its issuer's certificates lead to no trusted root."
        )
        if not self._roots:
            raise untrusted
        # No part of the checks of authorities is relaxed; a signer's certificate lacks what TLS asks of servers.
        policy = PolicyBuilder().store(Store(self._roots)).time(now)
        policy = policy.extension_policies(
            ca_policy=ExtensionPolicy.webpki_defaults_ca(), ee_policy=ExtensionPolicy.permit_all()
        )
        try:
            policy.build_client_verifier().verify(first, rest)
        except (VerificationError, *_UNREADABLE):
            raise untrusted from None


def read_certificates(path: Path) -> list[x509.Certificate]:
    """Returns the certificates of a file (PEM), in order; raises `KeysUnusable`."""
    try:
        return x509.load_pem_x509_certificates(path.read_bytes())
    except (OSError, ValueError):
        raise KeysUnusable(f"{path.name} does not hold certificates as PEM.") from None


def make_chain(
    name: str, identifier: str, purpose: x509.ObjectIdentifier
) -> tuple[ec.EllipticCurvePrivateKey, x509.Certificate, x509.Certificate]:
    """Returns a new key, its certificate, and the root that signed it, whose key is forgotten.

    Args:
        name: common name of the root.
        identifier: URL of the issuer or verifier.
        purpose: of the key.
    """
    # From the day before, since credentials are dated to the beginning of a day.
    begin = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=1)
    root_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    root_name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    host = urlsplit(identifier).hostname or name
    own_name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host[:64])])

    def start(subject: x509.Name, public: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
        builder = x509.CertificateBuilder(issuer_name=root_name, subject_name=subject, public_key=public)
        builder = builder.serial_number(x509.random_serial_number())
        builder = builder.not_valid_before(begin).not_valid_after(begin + timedelta(days=_OWN_DAYS))
        return builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)

    root = start(root_name, root_key.public_key())
    root = root.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    root = root.add_extension(_usage(signs_certificates=True), critical=True)
    leaf = start(own_name, key.public_key())
    names: list[x509.GeneralName] = [x509.UniformResourceIdentifier(identifier)]
    if not host.replace(".", "").isdigit() and ":" not in host:
        names.append(x509.DNSName(host))
    authority = x509.AuthorityKeyIdentifier.from_issuer_public_key(root_key.public_key())
    leaf = leaf.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    leaf = leaf.add_extension(x509.SubjectAlternativeName(names), critical=False)
    leaf = leaf.add_extension(_usage(signs_certificates=False), critical=True)
    leaf = leaf.add_extension(x509.ExtendedKeyUsage([purpose]), critical=True)
    leaf = leaf.add_extension(authority, critical=False)
    return key, leaf.sign(root_key, hashes.SHA256()), root.sign(root_key, hashes.SHA256())


def identifiers(certificate: x509.Certificate) -> tuple[str, ...]:
    """Returns the URIs among a certificate's alternative names."""
    return _names_and_purposes(certificate)[0]


def purposes(certificate: x509.Certificate) -> tuple[str, ...]:
    """Returns the extended key usages of a certificate, as dotted numbers."""
    return _names_and_purposes(certificate)[1]


def _names_and_purposes(certificate: x509.Certificate) -> tuple[tuple[str, ...], tuple[str, ...]]:
    names: tuple[str, ...] = ()
    purposes: tuple[str, ...] = ()
    for extension in certificate.extensions:
        if isinstance(extension.value, x509.SubjectAlternativeName):
            names = tuple(extension.value.get_values_for_type(x509.UniformResourceIdentifier))
        elif isinstance(extension.value, x509.ExtendedKeyUsage):
            purposes = tuple(purpose.dotted_string for purpose in extension.value)
    return names, purposes


def signs_documents(certificate: x509.Certificate) -> bool:
    """Returns whether a certificate's key is for signatures and for no certificates (RFC 5280, section 4.2.1)."""
    found = {type(extension.value): extension.value for extension in certificate.extensions}
    usage, basic = found.get(x509.KeyUsage), found.get(x509.BasicConstraints)
    of_authority = isinstance(basic, x509.BasicConstraints) and basic.ca
    return isinstance(usage, x509.KeyUsage) and usage.digital_signature and not usage.key_cert_sign and not of_authority


def _p256(key: object) -> ec.EllipticCurvePublicKey:
    if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1):
        raise CredentialRefused("credential_malformed", "Its issuer's key is not on P-256.")
    return key


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )
