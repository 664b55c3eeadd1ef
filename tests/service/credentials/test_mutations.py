"""No changed presentation is accepted, of either format, and none ends in another error than a refusal."""

import random
from collections import Counter
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from credential_desk import refusal
from joserfc.jwk import ECKey
from mutations import OF_MDOC, OF_SD_JWT, Mutation, mutated
from wallets import STATUS, present, present_document

from idproof.service.credentials import mdoc, sd_jwt
from idproof.service.credentials.certificates import Trust
from idproof.service.credentials.claims import DOCUMENT_TYPE
from idproof.service.credentials.credential import Audience, Checked, Validity
from idproof.service.credentials.encoding import from_base64url, read_cbor, to_base64url, write_cbor
from idproof.service.credentials.identity import Identity
from idproof.service.errors import CredentialRefused

SHOWN = ["over_18", "family_name", "birthdate", "verification"]
Check = Callable[[str, Trust, datetime, Audience | None], Checked]


@pytest.fixture
def shown(
    claims: dict[str, Any], issuer: Identity, holder: ECKey, validity: Validity, audience: Audience
) -> dict[str, str]:
    """One presentation of each format."""
    of_sd_jwt = sd_jwt.issue(claims, issuer, holder, validity, STATUS)
    of_mdoc = mdoc.issue(claims, issuer, holder, validity, STATUS)
    return {
        "sd_jwt": present(of_sd_jwt, holder, audience, SHOWN),
        "mdoc": present_document(of_mdoc, holder, audience, SHOWN),
    }


def tried(check: Check, text: str, mutations: list[Mutation], count: int, *more: Any) -> Counter[str]:
    """Counts how mutations of a presentation that holds ended, by code; `accepted: …` for those that hold."""
    assert check(text, *more).claims.keys() == set(SHOWN)
    ended: Counter[str] = Counter()
    for name, changed in mutated(text, mutations, count, seed=28):
        try:
            check(changed, *more)
        except CredentialRefused as refused:
            ended[refused.code] += 1
        else:
            ended[f"accepted: {name}"] += 1
    assert ended.total() == count
    return ended


@pytest.mark.parametrize(
    ("name", "check", "mutations"), [("sd_jwt", sd_jwt.check, OF_SD_JWT), ("mdoc", mdoc.check, OF_MDOC)]
)
@pytest.mark.parametrize("count", [400, pytest.param(20_000, marks=pytest.mark.long)])
def test_no_mutation_is_accepted(
    shown: dict[str, str],
    trust: Trust,
    now: datetime,
    audience: Audience,
    name: str,
    check: Check,
    mutations: list[Mutation],
    count: int,
) -> None:
    ended = tried(check, shown[name], mutations, count, trust, now, audience)
    assert [code for code in ended if code.startswith("accepted")] == []
    assert len(ended) >= 5, "the mutations reach several of the checks"


def test_what_a_mobile_document_does_not_sign_changes_no_claim(
    shown: dict[str, str], trust: Trust, now: datetime, audience: Audience
) -> None:
    """The order of items, and items that are left out: who asked for them finds them missing."""
    content = read_cbor(from_base64url(shown["mdoc"]))
    whole = mdoc.check(shown["mdoc"], trust, now, audience).claims
    items = content["documents"][0]["issuerSigned"]["nameSpaces"][DOCUMENT_TYPE]
    random.Random(28).shuffle(items)
    assert mdoc.check(to_base64url(write_cbor(content)), trust, now, audience).claims == whole
    items.pop()
    left = mdoc.check(to_base64url(write_cbor(content)), trust, now, audience).claims
    assert left.items() < whole.items()


def test_one_certificate_is_no_list_of_certificates(
    shown: dict[str, str], trust: Trust, now: datetime, audience: Audience
) -> None:
    """RFC 9360, section 2: a single certificate is a byte string."""
    content = read_cbor(from_base64url(shown["mdoc"]))
    header = content["documents"][0]["issuerSigned"]["issuerAuth"][1]
    header[33] = [header[33]]
    changed = to_base64url(write_cbor(content))
    assert refusal(lambda: mdoc.check(changed, trust, now, audience)) == "credential_malformed"
