"""Another implementation (openvc) verifies responses to our requests, and refuses what our verifier refuses."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from credential_desk import Desk
from credential_desk import opened as opened_issuer
from joserfc.jwk import ECKey
from mutations import cut_or_doubled, inserted_or_deleted, mutated, one_character
from openvc.errors import OpenvcError
from openvc.jwe import decrypt_compact
from openvc.keys import P256KeyAgreementKey
from openvc.mdoc import verify_device_response
from openvc.openid4vp import verify_encrypted_vp_response
from openvc.status import check_token_status, verify_status_list_token
from presentation_desk import PURPOSE
from presenting_wallets import PresentingWallet, Request, checked_request, encrypted
from wallets import ISSUER, Wallet, new_key, present, present_document, public

from idproof.service.credentials import mdoc, sd_jwt, status_list
from idproof.service.credentials.certificates import DOCUMENT_SIGNER, Trust
from idproof.service.credentials.claims import DOCUMENT_TYPE, credential_claims
from idproof.service.credentials.credential import Format, StatusReference, Validity
from idproof.service.credentials.encoding import (
    from_base64url,
    read_cbor,
    read_json,
    to_base64url,
    write_cbor,
    write_json,
)
from idproof.service.credentials.identity import Identity
from idproof.service.errors import CredentialRefused
from idproof.service.operations.settings import Settings
from idproof.service.presentations.asked import Asked, Flow
from idproof.service.presentations.request_objects import Party, Transaction, request_object
from idproof.service.presentations.responses import check_token, read_response
from idproof.service.storage.credential_status import CAPACITY

SD_JWT, MDOC = "identity_sd_jwt", "identity_mdoc"
CLAIMS = ("over_18", "family_name", "native_name")


@dataclass
class Both:
    """Two verifiers with one request: ours, and the other implementation with our keys."""

    issuer: Desk
    party: Party
    asked: Asked
    transaction: Transaction
    request: Request
    wallet: PresentingWallet
    revoked: bool = False

    def ours(self, response: str) -> dict[str, Any]:
        root = self.issuer.issuance.identity.root
        assert root is not None
        trust, now = Trust([root]), datetime.now(UTC)
        read = read_response({"response": response}, self.transaction)
        assert read.state == self.transaction.state
        checked = check_token(read.vp_token, self.asked, self.transaction.audience(self.party), trust, now)
        status_list.require_valid(checked, self._list(), trust, now)
        return checked.claims

    def theirs(self, response: str, query: str) -> dict[str, Any]:
        assert self.transaction.key is not None
        stored = self.transaction.key.as_dict(private=True)
        key = P256KeyAgreementKey.from_jwk(dict(stored), str(self.transaction.key_id))
        root, client = self.issuer.issuance.identity.root, self.party.client_id
        if query == MDOC:  # it takes mobile documents of this flow apart from DCQL
            shown = read_json(decrypt_compact(response, key=key))["vp_token"][MDOC][0]
            transcript = write_cbor(mdoc.session_transcript(self.transaction.audience(self.party)))
            (verified,) = verify_device_response(
                from_base64url(shown),
                trust_anchors=[root],
                session_transcript=transcript,
                expected_doc_type=DOCUMENT_TYPE,
            )
            assert verified.device_signed
            document = read_cbor(from_base64url(shown))["documents"][0]
            security = read_cbor(read_cbor(document["issuerSigned"]["issuerAuth"][2]).value)
            found = check_token_status({"status": security["status"]}, resolve_status_list_token=self._listed)
            if found is None or found.revoked:
                raise OpenvcError("revoked")
            return dict(verified.elements(DOCUMENT_TYPE))
        done = verify_encrypted_vp_response(
            response,
            key=key,
            dcql_query=self.asked.query(),
            nonce=self.transaction.nonce,
            client_id=client,
            x5c_trust_anchors=[root],
            resolve_status_list_token=self._listed,
            require_status=True,
        )
        (presentation,) = done.presentations
        return dict(presentation.credentials[0].claims)

    def respond(self, vp_token: Any) -> str:
        assert self.request.key is not None
        return encrypted({"vp_token": vp_token, "state": self.transaction.state}, self.request.key)

    def _list(self) -> str:
        identity, now = self.issuer.issuance.identity, datetime.now(UTC)
        revoked = range(CAPACITY) if self.revoked else ()
        return status_list.make_token(identity, f"{ISSUER}/v1/credential-status/1", revoked, CAPACITY, now)

    def _listed(self, uri: str) -> Any:
        key = public(self.issuer.issuance.identity.jwk)
        return verify_status_list_token(self._list(), public_key_jwk=key, expected_uri=uri)


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Both:
    folder = tmp_path_factory.mktemp("both")
    issuer = next(opened_issuer(Settings(data_dir=folder / "issuer", credential_issuer=ISSUER)))
    issuer.accept()
    offer = issuer.issuance.offer("ver_06F8Z3Q0V5M8K2T9R4C7W1X6YB", "backend")
    wallet = Wallet(issuer.http)
    wallet.redeem(offer.link, offer.transaction_code)
    settings = Settings(data_dir=folder / "verifier", presentation_verifier="https://library.example")
    (folder / "verifier" / "keys").mkdir(parents=True)
    party = Party.open(settings, "https://library.example")
    asked = Asked(CLAIMS, PURPOSE, 0, (Format.SD_JWT, Format.MDOC), Flow.CROSS_DEVICE)
    transaction, now = Transaction.draw("direct_post.jwt"), datetime.now(UTC)
    token = request_object(party, asked, transaction, now, now + timedelta(minutes=5))
    request = checked_request(token, party.client_id)
    return Both(issuer, party, asked, transaction, request, PresentingWallet(None, wallet))


@pytest.mark.parametrize("query", [SD_JWT, MDOC])
def test_another_implementation_verifies_an_encrypted_response(both: Both, query: str) -> None:
    response = both.respond(both.wallet.vp_token(both.request, query))
    theirs, ours = both.theirs(response, query), both.ours(response)
    assert ours == {"over_18": True, "family_name": "CHAN", "native_name": "陳大文"}
    assert ours.items() <= theirs.items()


def shown(both: Both, query: str, credential: str, key: ECKey, **changed: Any) -> str:
    make = present if query == SD_JWT else present_document
    audience = replace(both.request.audience, **changed)
    return both.respond({query: [make(credential, key, audience, list(CLAIMS))]})


def issued(both: Both, query: str, key: ECKey, identity: Identity | None = None, days: float = 30) -> str:
    from wallets import verdict

    claims = credential_claims(verdict(), datetime.now(UTC).date(), trust_framework="hk", issuer_country="HK")
    assert claims is not None
    now = datetime.now(UTC)
    validity = Validity.of_day(now, days) if days > 0 else Validity(now - timedelta(days=2), now + timedelta(days=days))
    make = sd_jwt.issue if query == SD_JWT else mdoc.issue
    status = StatusReference(f"{ISSUER}/v1/credential-status/1", 7)
    return make(claims, identity or both.issuer.issuance.identity, key, validity, status)


def value_changed(both: Both, query: str, folder: Path) -> str:
    credential, key = both.wallet.wallet.copies[query][0]
    if query == SD_JWT:
        text = present(credential, key, both.request.audience, list(CLAIMS))
        head, disclosure, *rest = text.split("~")
        salt, name, _ = read_json(from_base64url(disclosure))
        return both.respond({query: ["~".join([head, to_base64url(write_json([salt, name, False])), *rest])]})
    text = present_document(credential, key, both.request.audience, list(CLAIMS))
    content = read_cbor(from_base64url(text))
    items = content["documents"][0]["issuerSigned"]["nameSpaces"][DOCUMENT_TYPE]
    place = next(n for n, item in enumerate(items) if read_cbor(item.value)["elementIdentifier"] == "over_18")
    changed = read_cbor(items[place].value) | {"elementValue": False}
    items[place] = type(items[place])(24, write_cbor(changed))
    return both.respond({query: [to_base64url(write_cbor(content))]})


def wrong_nonce(both: Both, query: str, folder: Path) -> str:
    return shown(both, query, *both.wallet.wallet.copies[query][0], nonce="another")


def replay_to_a_later_request(both: Both, query: str, folder: Path) -> str:
    later = Transaction.draw("direct_post.jwt").audience(both.party)
    credential, key = both.wallet.wallet.copies[query][0]
    make = present if query == SD_JWT else present_document
    return both.respond({query: [make(credential, key, later, list(CLAIMS))]})


def wrong_verifier(both: Both, query: str, folder: Path) -> str:
    return shown(both, query, *both.wallet.wallet.copies[query][0], client_id="x509_hash:another")


def wrong_holder_key(both: Both, query: str, folder: Path) -> str:
    return shown(both, query, both.wallet.wallet.copies[query][0][0], new_key())


def expired(both: Both, query: str, folder: Path) -> str:
    key = new_key()
    return shown(both, query, issued(both, query, key, days=-1), key)


def wrong_issuer(both: Both, query: str, folder: Path) -> str:
    key = new_key()
    stranger = Identity.own(folder, "stranger", ISSUER, DOCUMENT_SIGNER)
    return shown(both, query, issued(both, query, key, stranger), key)


def revoked(both: Both, query: str, folder: Path) -> str:
    both.revoked = True
    return shown(both, query, *both.wallet.wallet.copies[query][0])


def encrypted_to_another_key(both: Both, query: str, folder: Path) -> str:
    other = new_key().as_dict(private=False) | {"kid": both.transaction.key_id}
    return encrypted({"vp_token": both.wallet.vp_token(both.request, query), "state": both.transaction.state}, other)


FAULTS: dict[Callable[[Both, str, Path], str], tuple[str, str]] = {
    value_changed: ("credential_changed", "credential_changed"),
    wrong_nonce: ("nonce_wrong", "holder_proof_invalid"),
    replay_to_a_later_request: ("nonce_wrong", "holder_proof_invalid"),
    wrong_verifier: ("audience_wrong", "holder_proof_invalid"),
    wrong_holder_key: ("holder_proof_invalid", "holder_proof_invalid"),
    expired: ("credential_expired", "credential_expired"),
    wrong_issuer: ("credential_issuer_untrusted", "credential_issuer_untrusted"),
    revoked: ("credential_revoked", "credential_revoked"),
    encrypted_to_another_key: ("credential_malformed", "credential_malformed"),
}
"""Each fault, with our code for an SD-JWT VC and for a mobile document, whose proof tells fewer faults apart."""


@pytest.mark.parametrize("query", [SD_JWT, MDOC])
@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
def test_both_refuse_what_does_not_hold(
    both: Both, fault: Callable[[Both, str, Path], str], query: str, tmp_path: Path
) -> None:
    try:
        response = fault(both, query, tmp_path)
        with pytest.raises(CredentialRefused) as caught:
            both.ours(response)
        assert caught.value.code == FAULTS[fault][query == MDOC]
        with pytest.raises(OpenvcError):
            both.theirs(response, query)
    finally:
        both.revoked = False


@pytest.mark.parametrize("query", [SD_JWT, MDOC])
@pytest.mark.parametrize("count", [150, pytest.param(5_000, marks=pytest.mark.long)])
def test_no_mutation_of_an_encrypted_response_is_accepted(both: Both, query: str, count: int) -> None:
    response = both.respond(both.wallet.vp_token(both.request, query))
    assert both.ours(response)
    refusals = 0
    for _, changed in mutated(response, [one_character, inserted_or_deleted, cut_or_doubled], count, seed=28):
        with pytest.raises(CredentialRefused):
            both.ours(changed)
        refusals += 1
    assert refusals == count
