"""Claims of a credential: derived ones, and what must not be among them."""

import json
from datetime import date

import pytest
from wallets import verdict

from idproof.service.credentials.claims import CLAIMS, credential_claims, masked_number


def of(today: date = date(2026, 11, 23), **changed: object) -> dict[str, object]:
    found = credential_claims(verdict(**changed), today, trust_framework="hk", issuer_country="HK")
    assert found is not None
    return found


def test_every_claim_is_described_and_every_described_claim_occurs() -> None:
    assert of().keys() == CLAIMS.keys()


def test_only_an_accepted_registration_has_claims() -> None:
    for decision in ("refer", "reject"):
        refused = verdict(decision=decision)
        assert credential_claims(refused, date(2026, 11, 23), trust_framework="hk", issuer_country="HK") is None


def test_what_was_not_read_with_certainty_is_left_out() -> None:
    found = of(form={"birth_date": None, "number": None, "chinese_name": ""})
    assert (
        not {"birthdate", "over_18", "over_11", "document_number", "document_number_masked", "native_name"}
        & found.keys()
    )


@pytest.mark.parametrize(
    ("born", "today", "over"),
    [
        ("2008-11-23", date(2026, 11, 22), False),
        ("2008-11-23", date(2026, 11, 23), True),
        ("2008-02-29", date(2026, 2, 28), False),
        ("2008-02-29", date(2026, 3, 1), True),
    ],
)
def test_an_age_is_reached_on_the_birthday(born: str, today: date, over: bool) -> None:
    found = of(today, form={"birth_date": born})
    assert (found["over_18"], found["over_11"]) == (over, True)


def test_the_masked_number_hides_the_end_of_every_number() -> None:
    assert [masked_number(text) for text in ("A1234563", "AB9876543", "G123456A", "odd")] == [
        "A123***(*)",
        "AB987***(*)",
        "G123***(*)",
        "***(*)",
    ]


def test_the_evidence_names_no_registration_no_number_and_no_time_of_day() -> None:
    text = json.dumps(of()["verification"])
    for stable in ("ver_", "A1234563", "09:00", "check_id"):
        assert stable not in text
    assert '"check_method": "data"' in text


def test_no_claim_is_biometric_or_a_score() -> None:
    text = json.dumps(of()).lower()
    for word in ("score", "portrait", "template", "face", "selfie", "liveness"):
        assert word not in text
