"""Mobile documents: what is issued holds for another implementation, and whatever is wrong is refused."""

from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

import pytest
from cbor2 import CBORDecodeError
from credential_desk import refusal
from joserfc.jwk import ECKey
from openvc.mdoc import verify_device_response
from pymdoccbor.mdoc.verifier import MdocCbor
from wallets import ISSUER, STATUS, new_key, present_document

from idproof.service.credentials import cose, mdoc
from idproof.service.credentials.certificates import READER, Trust
from idproof.service.credentials.claims import DOCUMENT_TYPE
from idproof.service.credentials.credential import Audience, Validity
from idproof.service.credentials.encoding import embedded, from_base64url, read_cbor, to_base64url, write_cbor
from idproof.service.credentials.identity import Identity


@pytest.fixture
def credential(claims: dict[str, Any], issuer: Identity, holder: ECKey, validity: Validity) -> str:
    return mdoc.issue(claims, issuer, holder, validity, STATUS)


def test_a_presentation_discloses_what_was_chosen_and_nothing_else(
    credential: str, holder: ECKey, trust: Trust, audience: Audience, now: datetime
) -> None:
    shown = present_document(credential, holder, audience, ["over_18", "birthdate", "verification"])
    checked = mdoc.check(shown, trust, now, audience)
    assert checked.claims.keys() == {"over_18", "birthdate", "verification"}
    assert (checked.claims["over_18"], checked.claims["birthdate"]) == (True, "1990-02-28")
    assert (checked.issuer, checked.status, checked.bound) == (ISSUER, STATUS, True)


def test_a_document_at_rest_holds_without_a_holder(
    credential: str, claims: dict[str, Any], trust: Trust, now: datetime
) -> None:
    checked = mdoc.check(credential, trust, now, None)
    assert (checked.claims, checked.bound) == (claims, False)


def test_an_independent_library_verifies_it(
    credential: str, holder: ECKey, issuer: Identity, audience: Audience, claims: dict[str, Any]
) -> None:
    shown = from_base64url(present_document(credential, holder, audience, list(claims)))
    transcript = write_cbor(mdoc.session_transcript(audience))
    (verified,) = verify_device_response(
        shown, trust_anchors=[issuer.root], session_transcript=transcript, expected_doc_type=DOCUMENT_TYPE
    )
    assert verified.device_signed
    assert verified.elements(DOCUMENT_TYPE)["over_18"] is True
    assert verified.elements(DOCUMENT_TYPE)["native_name"] == "陳大文"


def test_a_second_independent_library_verifies_the_issuers_part_and_refuses_what_is_wrong(
    credential: str, holder: ECKey, issuer: Identity, audience: Audience, claims: dict[str, Any], stranger: Identity
) -> None:
    """`pymdoccbor`, a library of the EUDI wallets: signature, chain and digests. It knows no device signature."""

    def verified(shown: bytes, root: Any) -> bool:
        document = MdocCbor()
        document.loads(shown)
        return bool(document.verify(trusted_root_certs=[root]))

    shown = from_base64url(present_document(credential, holder, audience, list(claims)))
    assert verified(shown, issuer.root)
    assert not verified(shown, stranger.root), "another issuer's root"
    for text in ("陳大文", "CHAN", "1990-02-28"):
        at, changed = shown.index(text.encode()), bytearray(shown)
        changed[at + len(text.encode()) - 1] ^= 1
        with suppress(UnicodeDecodeError, CBORDecodeError):
            assert not verified(bytes(changed), issuer.root), text


def test_the_transcript_is_that_of_the_specification() -> None:
    """The example of OpenID4VP 1.0, annex B.2.6.1."""
    thumbprint = bytes.fromhex("4283ec927ae0f208daaa2d026a814f2b22dca52cf85ffa8f3f8626c6bd669047")
    audience = Audience(
        "x509_san_dns:example.com",
        "exc7gBkxjx1rdc9udRrveKvSsJIq80avlXeLHhGwqtA",
        "https://example.com/response",
        thumbprint,
    )
    assert write_cbor(mdoc.session_transcript(audience)).hex() == (
        "83f6f682714f70656e494434565048616e646f7665725820048bc053c00442af9b8eed494cefdd9d95240d254b046b11b68013722aad38ac"
    )


def test_everything_that_is_wrong_is_refused_with_its_code(
    credential: str, holder: ECKey, trust: Trust, audience: Audience, now: datetime
) -> None:
    def code(shown: str, at: datetime = now, wanted: Audience | None = audience) -> str:
        return refusal(lambda: mdoc.check(shown, trust, at, wanted))

    whole = present_document(credential, holder, audience, ["over_18"])
    other = Audience(audience.client_id, "another nonce", audience.response_uri)
    assert code(whole, wanted=other) == "holder_proof_invalid"
    assert code(whole, wanted=Audience("other", audience.nonce, audience.response_uri)) == "holder_proof_invalid"
    elsewhere = Audience(audience.client_id, audience.nonce, "https://other.example")
    assert code(whole, wanted=elsewhere) == "holder_proof_invalid"
    assert code(present_document(credential, new_key(), audience, ["over_18"])) == "holder_proof_invalid"
    assert code(whole, now + timedelta(days=31)) == "credential_expired"
    assert code(whole, wanted=None) == "credential_malformed"
    own = {"nameSpaces": embedded({DOCUMENT_TYPE: {"over_18": True}}), "deviceAuth": {}}
    assert code(present_document(credential, holder, audience, [], deviceSigned=own)) == "credential_malformed"
    assert code(present_document(credential, holder, audience, [], docType="other")) == "credential_type_wrong"


def test_a_changed_value_is_refused(credential: str, trust: Trust, now: datetime) -> None:
    content = read_cbor(from_base64url(credential))
    items = content["nameSpaces"][DOCUMENT_TYPE]
    for number, item in enumerate(items):
        element = read_cbor(item.value)
        if element["elementIdentifier"] == "over_18":
            items[number] = embedded(element | {"elementValue": False})
    changed = to_base64url(write_cbor(content))
    assert refusal(lambda: mdoc.check(changed, trust, now, None)) == "credential_changed"


def test_a_stranger_s_root_and_a_key_for_another_purpose_are_not_trusted(
    claims: dict[str, Any],
    stranger: Identity,
    holder: ECKey,
    trust: Trust,
    validity: Validity,
    now: datetime,
    tmp_path: Any,
) -> None:
    forged = mdoc.issue(claims, stranger, holder, validity, STATUS)
    assert refusal(lambda: mdoc.check(forged, trust, now, None)) == "credential_issuer_untrusted"
    reader = Identity.own(tmp_path, "reader", ISSUER, READER)
    assert reader.root is not None
    forged = mdoc.issue(claims, reader, holder, validity, STATUS)
    assert refusal(lambda: mdoc.check(forged, Trust([reader.root]), now, None)) == "credential_issuer_untrusted"


def test_another_algorithm_or_header_is_refused(credential: str, trust: Trust, now: datetime) -> None:
    for protected in (b"", write_cbor({}), write_cbor({1: -8}), write_cbor({1: -7, 2: []})):
        content = read_cbor(from_base64url(credential))
        content["issuerAuth"][0] = protected
        text = to_base64url(write_cbor(content))
        assert refusal(lambda text=text: mdoc.check(text, trust, now, None)) == "credential_malformed"
    content = read_cbor(from_base64url(credential))
    content["issuerAuth"][1][35] = "https://attacker.example/chain"  # x5u
    assert refusal(lambda: mdoc.check(to_base64url(write_cbor(content)), trust, now, None)) == "credential_malformed"


def test_a_point_off_the_curve_is_no_key() -> None:
    key = cose.to_cose_key(new_key())
    assert refusal(lambda: cose.from_cose_key(key | {-2: bytes(32)})) == "credential_malformed"
    assert refusal(lambda: cose.from_cose_key(key | {-1: 2})) == "credential_malformed"
