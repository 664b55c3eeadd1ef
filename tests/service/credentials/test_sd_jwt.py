"""SD-JWT VC: what is issued holds for two other implementations, and whatever is wrong is refused with its reason."""

import base64
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from credential_desk import refusal
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from joserfc.jwk import ECKey
from openvc.proof.sd_jwt import SdJwtVcProofSuite
from openvc.x5c import resolve_x5c_key
from sd_jwt.verifier import SDJWTVerifier
from wallets import ISSUER, STATUS, new_key, present, public

from idproof.service.credentials import sd_jwt
from idproof.service.credentials.certificates import READER, Trust, signs_documents
from idproof.service.credentials.credential import Audience, Validity
from idproof.service.credentials.encoding import from_base64url, read_json, to_base64url, write_json
from idproof.service.credentials.identity import Identity
from idproof.service.credentials.jose import sign


@pytest.fixture
def credential(claims: dict[str, Any], issuer: Identity, holder: ECKey, validity: Validity) -> str:
    return sd_jwt.issue(claims, issuer, holder, validity, STATUS)


def test_a_presentation_discloses_what_was_chosen_and_nothing_else(
    credential: str, holder: ECKey, trust: Trust, audience: Audience, now: datetime
) -> None:
    shown = present(credential, holder, audience, ["over_18", "native_name"])
    checked = sd_jwt.check(shown, trust, now, audience)
    assert checked.claims == {"over_18": True, "native_name": "陳大文"}
    assert (checked.issuer, checked.status, checked.bound) == (ISSUER, STATUS, True)
    assert "CHAN" not in repr(checked)


def test_the_credential_alone_shows_no_claim(credential: str, claims: dict[str, Any]) -> None:
    payload = read_json(from_base64url(credential.split("~")[0].split(".")[1]))
    assert set(payload) == {"iss", "vct", "iat", "exp", "cnf", "status", "_sd", "_sd_alg"}
    assert len(payload["_sd"]) == 16 > len(claims)


def test_an_independent_library_verifies_it(
    credential: str, holder: ECKey, issuer: Identity, audience: Audience, claims: dict[str, Any]
) -> None:
    shown = present(credential, holder, audience, list(claims))
    key = resolve_x5c_key(issuer.x5c, ISSUER, trust_anchors=[issuer.root])
    verified = SdJwtVcProofSuite().verify(
        shown, public_key_jwk=key, audience=audience.client_id, nonce=audience.nonce, require_key_binding=True
    )
    assert verified.key_bound
    assert claims.items() <= verified.claims.items()


def test_the_reference_implementation_verifies_it(
    credential: str, holder: ECKey, issuer: Identity, audience: Audience
) -> None:
    from jwcrypto.jwk import JWK

    key = JWK(**public(issuer.jwk))
    shown = present(credential, holder, audience, ["over_11"])
    opened = SDJWTVerifier(shown, lambda *_: key, audience.client_id, audience.nonce)
    assert opened.get_verified_payload()["over_11"] is True


def test_everything_that_is_wrong_is_refused_with_its_code(
    credential: str, holder: ECKey, trust: Trust, audience: Audience, now: datetime
) -> None:
    def code(shown: str, at: datetime = now, wanted: Audience | None = audience) -> str:
        return refusal(lambda: sd_jwt.check(shown, trust, at, wanted))

    whole = present(credential, holder, audience, ["over_18"])
    head, disclosure, proof = whole.split("~")
    salt, name, _ = read_json(from_base64url(disclosure))
    changed = to_base64url(write_json([salt, name, False]))
    assert code("~".join([head, changed, proof])) == "credential_changed"
    assert code(f"{head}~{disclosure}~") == "holder_proof_missing"
    assert code(f"{head}~{proof}") == "holder_proof_invalid"  # a disclosure was taken away
    assert code("~".join([head, disclosure, disclosure, proof])) == "credential_malformed"
    other = Audience(audience.client_id, "another nonce", audience.response_uri)
    assert code(whole, wanted=other) == "nonce_wrong"
    assert code(whole, wanted=Audience("x509_hash:other", audience.nonce, audience.response_uri)) == "audience_wrong"
    assert code(present(credential, new_key(), audience, ["over_18"])) == "holder_proof_invalid"
    assert code(present(credential, holder, audience, [], issued_at=now.timestamp() - 400)) == "holder_proof_invalid"
    assert code(present(credential, holder, audience, [], issued_at=now.timestamp() + 400)) == "holder_proof_invalid"
    later = now + timedelta(days=31)
    assert code(present(credential, holder, audience, [], issued_at=later.timestamp()), later) == "credential_expired"
    assert code(whole, wanted=None) == "credential_malformed"


def test_a_stranger_s_root_and_a_certificate_of_another_issuer_are_not_trusted(
    claims: dict[str, Any],
    stranger: Identity,
    issuer: Identity,
    holder: ECKey,
    trust: Trust,
    validity: Validity,
    now: datetime,
) -> None:
    forged = sd_jwt.issue(claims, stranger, holder, validity, STATUS)
    assert refusal(lambda: sd_jwt.check(forged, trust, now, None)) == "credential_issuer_untrusted"
    # The issuer's certificates beside a stranger's signature.
    token = sign(stranger, sd_jwt.KIND, read_json(from_base64url(forged.split(".")[1])))
    header = {"alg": "ES256", "typ": "dc+sd-jwt", "x5c": issuer.x5c}
    _, payload, signature = token.split(".")
    swapped = ".".join([to_base64url(write_json(header)), payload, signature])
    assert refusal(lambda: sd_jwt.check(swapped + "~", trust, now, None)) == "credential_signature_invalid"
    # A trusted signer who names another issuer.
    body = read_json(from_base64url(payload)) | {"iss": "https://other.example"}
    assert (
        refusal(lambda: sd_jwt.check(sign(issuer, sd_jwt.KIND, body) + "~", trust, now, None))
        == "credential_issuer_untrusted"
    )


def test_a_readers_certificate_of_a_trusted_root_issues_nothing(
    claims: dict[str, Any], holder: ECKey, validity: Validity, now: datetime, tmp_path: Path
) -> None:
    reader = Identity.own(tmp_path, "reader", ISSUER, READER)
    assert reader.root is not None
    forged = sd_jwt.issue(claims, reader, holder, validity, STATUS)
    assert refusal(lambda: sd_jwt.check(forged, Trust([reader.root]), now, None)) == "credential_issuer_untrusted"


def test_a_document_signer_is_one_issuer_with_a_key_for_signatures(
    issuer: Identity, trust: Trust, now: datetime
) -> None:
    leaf = trust.leaf(issuer.x5chain, now)
    leaf.require_document_signer()
    for other in (
        replace(leaf, purposes=()),
        replace(leaf, identifiers=(ISSUER, "https://other.example")),
        replace(leaf, identifiers=()),
        replace(leaf, signs_documents=False),
    ):
        assert refusal(other.require_document_signer) == "credential_issuer_untrusted"


@pytest.mark.parametrize(("name", "signs"), [("leaf", True), ("authority", False), ("no usage", False)])
def test_only_a_key_for_signatures_signs_documents(issuer: Identity, name: str, signs: bool) -> None:
    assert issuer.root is not None
    key = ec.generate_private_key(ec.SECP256R1())
    unsigned = x509.CertificateBuilder(issuer.root.subject, issuer.root.subject, key.public_key(), 7)
    unsigned = unsigned.not_valid_before(issuer.root.not_valid_before_utc)
    without = unsigned.not_valid_after(issuer.root.not_valid_after_utc).sign(key, hashes.SHA256())
    certificate = {"leaf": issuer.chain[0], "authority": issuer.root, "no usage": without}[name]
    assert signs_documents(certificate) is signs


def test_a_certificate_with_an_extension_twice_is_malformed(
    credential: str, issuer: Identity, trust: Trust, now: datetime
) -> None:
    (der,) = issuer.x5chain
    usage = der.index(bytes.fromhex("0603551d0f")) + 4  # key usage becomes a second subject key identifier
    twice = base64.b64encode(der[:usage] + b"\x0e" + der[usage + 1 :]).decode()
    head, payload, signature = credential.split("~")[0].split(".")
    header = read_json(from_base64url(head)) | {"x5c": [twice]}
    text = ".".join([to_base64url(write_json(header)), payload, signature])
    assert refusal(lambda: sd_jwt.check(text + "~", trust, now, None)) in (
        "credential_malformed",
        "credential_issuer_untrusted",
    )


@pytest.mark.parametrize("text", ['{"a": "\\ud800"}', '{"a": 1}'.encode("utf-16"), b"\xef\xbb\xbf{}", b'{"a": "\xff"}'])
def test_json_has_one_encoding(text: str | bytes) -> None:
    assert refusal(lambda: read_json(text)) == "credential_malformed"


@pytest.mark.parametrize(
    "header",
    [
        {"alg": "none"},
        {"alg": "HS256"},
        {"alg": "EdDSA"},
        {"typ": "JWT"},
        {"typ": "kb+jwt"},
        {"x5u": "https://attacker.example/chain.pem"},
        {"jku": "https://attacker.example/keys"},
        {"jwk": {}},
        {"crit": ["exp"]},
        {"x5c": []},
        {"x5c": ["AAAA"]},
    ],
)
def test_headers_that_name_other_keys_or_algorithms_are_refused(
    credential: str, trust: Trust, now: datetime, header: dict[str, Any]
) -> None:
    head, payload, signature = credential.split("~")[0].split(".")
    changed = read_json(from_base64url(head)) | header
    text = ".".join([to_base64url(write_json(changed)), payload, signature])
    assert refusal(lambda: sd_jwt.check(text + "~", trust, now, None)) == "credential_malformed"


def test_claims_that_nobody_may_withhold_cannot_come_as_disclosures(
    issuer: Identity, holder: ECKey, trust: Trust, validity: Validity, now: datetime
) -> None:
    for name in ("exp", "cnf", "status", "_sd", "..."):
        forged = sd_jwt.issue({name: "x"}, issuer, holder, validity, STATUS)
        assert refusal(lambda text=forged: sd_jwt.check(text, trust, now, None)) == "credential_malformed"
    nested = sd_jwt.issue({"verification": {"_sd": ["x"]}}, issuer, holder, validity, STATUS)
    assert refusal(lambda: sd_jwt.check(nested, trust, now, None)) == "credential_malformed"


def test_one_value_has_one_form(credential: str, trust: Trust, now: datetime) -> None:
    """The bits of the last character that belong to no byte, padding and members that occur twice."""
    head, payload, signature = credential.split("~")[0].split(".")
    rest = credential[credential.index("~") :]
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    other = alphabet[alphabet.index(signature[-1]) ^ 1]
    assert base64.urlsafe_b64decode(signature[:-1] + other + "==") == base64.urlsafe_b64decode(signature + "==")
    twice = to_base64url(from_base64url(payload)[:-1] + b',"vct":"other"}')
    for text in (
        f"{head}.{payload}.{signature[:-1]}{other}",
        f"{head}.{payload}.{signature}==",
        f"{head}.{twice}.{signature}",
    ):
        assert refusal(lambda t=text: sd_jwt.check(t + rest, trust, now, None)) == "credential_malformed"


def test_a_private_key_is_no_holder_s_key(issuer: Identity, claims: dict[str, Any], validity: Validity) -> None:
    from idproof.service.credentials.jose import holder_key

    assert refusal(lambda: holder_key(new_key().as_dict(private=True))) == "credential_malformed"
    assert (
        refusal(
            lambda: holder_key(
                {"kty": "EC", "crv": "P-256", "x": to_base64url(bytes(32)), "y": to_base64url(bytes(32))}
            )
        )
        == "credential_malformed"
    )
