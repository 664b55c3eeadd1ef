"""Ceremonies of WebAuthn Level 3 (W3C, sections 7.1 and 7.2): options for the browser, and checks of its answers.

Pure: no database. The library `webauthn` parses and verifies; what it leaves to its caller is checked here: one exact
origin, no frame of another site, the operator's roots alone, the length of a credential's id.
"""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from idproof.service.attestation.statements import require_makers_system, require_root
from idproof.service.errors import AttestationRefused, PasskeyRefused, ServiceProblem
from idproof.service.passkeys.rules import PasskeyRules
from idproof.service.passkeys.states import Cause

_LONGEST_ID = 1023  # bytes; WebAuthn Level 3, section 4, "Credential ID"
_TRANSPORTS = frozenset({"ble", "hybrid", "internal", "nfc", "smart-card", "usb"})  # section 5.8.4
_NAME = "idproof"
_PRF_INPUT = urlsafe_b64encode(b"idproof face template 1").decode().rstrip("=")
"""Input of the extension `prf`. It is the same for everybody: each passkey has a secret of its own, and each template a
random salt."""
_ALGORITHMS = (-8, -7, -257)
"""EdDSA, ES256, RS256: those that WebAuthn Level 3 (section 5.4.3) recommends, so that every authenticator has one."""


@dataclass(frozen=True, slots=True)
class Credential:
    """The public part of a passkey.

    Attributes:
        id: of the credential.
        public_key: in COSE form (RFC 9052).
        sign_count: of the last signature; 0 where the authenticator does not count.
        aaguid: model of the authenticator; zeros where it is withheld.
        format: of the attestation statement.
        attested: the statement ends in one of the operator's roots.
        backup_eligible: the passkey can be copied to other devices of its holder.
        backed_up: it was copied.
        transports: by which the authenticator is reached, as the browser says.
        discoverable: the authenticator finds it without its id, as the browser says; None if it does not say.
    """

    id: bytes
    public_key: bytes = field(repr=False)
    sign_count: int
    aaguid: str
    format: str
    attested: bool
    backup_eligible: bool
    backed_up: bool
    transports: tuple[str, ...] = ()
    discoverable: bool | None = None


@dataclass(frozen=True, slots=True)
class Assertion:
    """A verified signature of a passkey.

    Attributes:
        sign_count: that it carries; not compared with earlier ones yet.
        backup_eligible, backed_up: as in `Credential`, at this moment.
        user_handle: of the account, where the authenticator names it.
    """

    sign_count: int
    backup_eligible: bool
    backed_up: bool
    user_handle: bytes | None


def require_library() -> None:
    """Raises `ServiceProblem` `passkeys_off` without the library, which the extra `attestation` brings."""
    _library()


def creation_options(
    rules: PasskeyRules,
    challenge: bytes,
    handle: bytes,
    account: str,
    known: Sequence[Mapping[str, Any]],
    resident: str,
    attachment: str | None,
    *,
    prf: bool = False,
) -> dict[str, Any]:
    """Returns PublicKeyCredentialCreationOptionsJSON.

    Args:
        rules: of the service.
        challenge: of the ceremony.
        handle: of the account; names nobody.
        account: the name that an authenticator shows its holder.
        known: descriptors of the account's passkeys, so that no authenticator makes a second one.
        resident: `required`, `preferred` or `discouraged`.
        attachment: `platform`, `cross-platform`, or None for any.
        prf: ask whether the authenticator has the extension `prf` (section 10.1.4).
    """
    library, structs = _library(), _library().helpers.structs
    options = library.generate_registration_options(
        rp_id=rules.party,
        rp_name=_NAME,
        user_id=handle,
        user_name=account,
        challenge=challenge,
        timeout=int(rules.ceremony_s * 1000),
        attestation=structs.AttestationConveyancePreference("direct" if rules.attested else "none"),
        authenticator_selection=structs.AuthenticatorSelectionCriteria(
            authenticator_attachment=None if attachment is None else structs.AuthenticatorAttachment(attachment),
            resident_key=structs.ResidentKeyRequirement(resident),
            user_verification=structs.UserVerificationRequirement.REQUIRED,
        ),
        supported_pub_key_algs=[library.helpers.cose.COSEAlgorithmIdentifier(each) for each in _ALGORITHMS],
    )
    found: dict[str, Any] = json.loads(library.options_to_json(options))
    extensions: dict[str, Any] = {"credProps": True} | ({"prf": {}} if prf else {})
    return found | {"excludeCredentials": list(known), "extensions": extensions}


def request_options(
    rules: PasskeyRules, challenge: bytes, allowed: Sequence[Mapping[str, Any]], *, prf: bool = False
) -> dict[str, Any]:
    """Returns PublicKeyCredentialRequestOptionsJSON.

    Args:
        rules: of the service.
        challenge: of the ceremony.
        allowed: descriptors of passkeys; without any the authenticator finds one itself.
        prf: ask the passkey for its secret of face templates.
    """
    library = _library()
    options = library.generate_authentication_options(
        rp_id=rules.party,
        challenge=challenge,
        timeout=int(rules.ceremony_s * 1000),
        user_verification=library.helpers.structs.UserVerificationRequirement.REQUIRED,
    )
    found: dict[str, Any] = json.loads(library.options_to_json(options))
    extensions = {"extensions": {"prf": {"eval": {"first": _PRF_INPUT}}}} if prf else {}
    return found | {"allowCredentials": list(allowed)} | extensions


def verify_registration(rules: PasskeyRules, response: Mapping[str, Any], challenge: bytes, origin: str) -> Credential:
    """Returns the credential that a RegistrationResponseJSON registers; raises `PasskeyRefused`."""
    library = _library()
    roots = {kind: list(rules.roots.get(kind.value, ())) for kind in library.helpers.structs.AttestationFormat}
    _require_page(response, origin)
    try:
        found = library.verify_registration_response(
            credential=dict(response),
            expected_challenge=challenge,
            expected_rp_id=rules.party,
            expected_origin=origin,
            require_user_verification=True,
            supported_pub_key_algs=[library.helpers.cose.COSEAlgorithmIdentifier(each) for each in _ALGORITHMS],
            pem_root_certs_bytes_by_fmt=roots,  # copies: the library adds roots of its own to them
        )
        statement = library.helpers.parse_attestation_object(found.attestation_object)
    except Exception:  # noqa: BLE001 - the library raises many kinds on answers that are not as documented
        raise PasskeyRefused(Cause.RESPONSE_INVALID) from None
    if found.credential_id != credential_id(response) or len(found.credential_id) > _LONGEST_ID:
        raise PasskeyRefused(Cause.RESPONSE_INVALID)
    kind = str(getattr(found.fmt, "value", found.fmt))
    chain = list(getattr(statement.att_stmt, "x5c", None) or ())
    attested = _is_attested(kind, chain, rules.roots.get(kind, ()))
    if rules.attested and not attested:
        raise PasskeyRefused(Cause.ATTESTATION_UNTRUSTED)
    return Credential(
        id=found.credential_id,
        public_key=found.credential_public_key,
        sign_count=int(found.sign_count),
        aaguid=str(found.aaguid),
        format=kind,
        attested=attested,
        backup_eligible=bool(statement.auth_data.flags.be),
        backed_up=bool(statement.auth_data.flags.bs),
        transports=_transports(response),
        discoverable=_discoverable(response),
    )


def verify_assertion(
    rules: PasskeyRules, response: Mapping[str, Any], challenge: bytes, origin: str, public_key: bytes
) -> Assertion:
    """Verifies an AuthenticationResponseJSON against a public key; raises `PasskeyRefused`.

    The count of signatures is only returned: the library would compare it before it verifies the signature, and
    whoever has no key could then make a passkey look copied.
    """
    library = _library()
    _require_page(response, origin)
    try:
        found = library.verify_authentication_response(
            credential=dict(response),
            expected_challenge=challenge,
            expected_rp_id=rules.party,
            expected_origin=origin,
            credential_public_key=public_key,
            credential_current_sign_count=0,
            require_user_verification=True,
        )
        parsed = library.helpers.parse_authentication_credential_json(dict(response))
        flags = library.helpers.parse_authenticator_data(parsed.response.authenticator_data).flags
        handle = parsed.response.user_handle
    except Exception:  # noqa: BLE001 - as above
        raise PasskeyRefused(Cause.RESPONSE_INVALID) from None
    return Assertion(int(found.new_sign_count), bool(flags.be), bool(flags.bs), handle or None)


def credential_id(response: Mapping[str, Any]) -> bytes:
    """Returns the credential's id that an answer names; raises `PasskeyRefused`."""
    text = response.get("id")
    if not isinstance(text, str) or len(text) > 2 * _LONGEST_ID:
        raise PasskeyRefused(Cause.RESPONSE_INVALID)
    try:
        return urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except (ValueError, UnicodeEncodeError):
        raise PasskeyRefused(Cause.RESPONSE_INVALID) from None


def origin_of(response: Mapping[str, Any]) -> str:
    """Returns the origin that an answer names, which was verified before."""
    text = response["response"]["clientDataJSON"]
    return str(json.loads(urlsafe_b64decode(text + "=" * (-len(text) % 4)))["origin"])


def prf_enabled(response: Mapping[str, Any]) -> bool:
    """Returns whether the authenticator that made a passkey has the extension `prf` for it, as the browser says."""
    try:
        return response["clientExtensionResults"]["prf"]["enabled"] is True
    except (KeyError, TypeError):
        return False


def prf_output(response: Mapping[str, Any]) -> bytes:
    """Returns what a passkey gave for the extension `prf`; nothing where it gave nothing that can be read."""
    try:
        text = response["clientExtensionResults"]["prf"]["results"]["first"]
        return urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except (KeyError, TypeError, ValueError):
        return b""


def _require_page(response: Mapping[str, Any], origin: str) -> None:
    """Raises `PasskeyRefused` for another origin, or a page within a frame of another site (section 13.4.9)."""
    try:
        text = response["response"]["clientDataJSON"]
        data = json.loads(urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        named, within = data["origin"], (data.get("crossOrigin", False), data.get("topOrigin"))
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError):
        raise PasskeyRefused(Cause.RESPONSE_INVALID) from None
    if named != origin or within != (False, None):
        raise PasskeyRefused(Cause.ORIGIN_OTHER)


def _is_attested(kind: str, chain: list[bytes], roots: tuple[bytes, ...]) -> bool:
    if not chain or not roots:
        return False
    try:
        require_root(chain, roots)
        if kind == "android-key":
            require_makers_system(chain[0])
    except AttestationRefused:
        return False
    return True


def _transports(response: Mapping[str, Any]) -> tuple[str, ...]:
    listed = response["response"].get("transports")
    if not isinstance(listed, list):
        return ()
    return tuple(sorted({each for each in listed if isinstance(each, str)} & _TRANSPORTS))


def _discoverable(response: Mapping[str, Any]) -> bool | None:
    try:
        said = response["clientExtensionResults"]["credProps"]["rk"]
    except (KeyError, TypeError):
        return None
    return said if isinstance(said, bool) else None


def _library() -> Any:
    try:
        import webauthn
    except ImportError:
        raise ServiceProblem("passkeys_off", "Passkeys need idproof with the extra attestation.") from None
    return webauthn
