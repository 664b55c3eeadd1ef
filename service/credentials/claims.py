"""The claims of a credential, from an accepted registration: what is printed on the card, and what follows from it.

Names are those of OpenID Connect Core 1.0 and OpenID Connect for Identity Assurance 1.0 where they have one. There is
no portrait, no template, no score and no identifier of the registration among them.
"""

import re
from collections.abc import Mapping
from datetime import date
from typing import Any

from idproof.service.claims import verified_claims

TYPE = "urn:idproof:credential:identity:1"
"""Type of the credential as SD-JWT VC (`vct`)."""
DOCUMENT_TYPE = "idproof.identity.1"
"""Type of the credential as mobile document, and its only name space."""
CLAIMS: Mapping[str, str] = {
    "family_name": "Surname",
    "given_name": "Given names",
    "native_name": "Name in Chinese",
    "birthdate": "Date of birth",
    "sex": "Sex",
    "document_number": "Number of the identity card",
    "document_number_masked": "First part of the number of the identity card",
    "document_issue_date": "Date of issue of the identity card",
    "document_type": "Kind of identity card",
    "over_18": "18 years old or older on the day of issue",
    "over_11": "11 years old or older on the day of issue",
    "verification": "Evidence and checks of the identity",
}
"""Every claim, each of which its holder may disclose alone, with its name for people."""
_FIELDS = {
    "family_name": "surname",
    "given_name": "given_names",
    "native_name": "chinese_name",
    "birthdate": "birth_date",
    "sex": "sex",
    "document_number": "number",
    "document_issue_date": "issue_date",
}
_AGES = (18, 11)  # the card's symbols `***` and `*`
_SHOWN = re.compile(r"[A-Z]{1,2}\d{3}")
"""Part of a number that stays: about 1,000 people share it. Chosen by hand; no outside source."""


def credential_claims(
    verdict: Mapping[str, Any], today: date, *, trust_framework: str, issuer_country: str | None
) -> dict[str, Any] | None:
    """Returns the claims of an accepted registration; None for any other.

    Args:
        verdict: as returned by `to_json`, with its form.
        today: day of issue, at the place of the card's issuer.
        trust_framework: as in `verified_claims`.
        issuer_country: as in `verified_claims`.
    """
    assured = verified_claims(dict(verdict), trust_framework=trust_framework, issuer_country=issuer_country)
    if assured is None:
        return None
    form = verdict["form"]
    claims = {claim: form[field] for claim, field in _FIELDS.items() if form.get(field)}
    claims["document_type"] = verdict["document_type"]
    if form.get("number"):
        claims["document_number_masked"] = masked_number(form["number"])
    if form.get("birth_date"):
        born = date.fromisoformat(form["birth_date"])
        claims |= {f"over_{age}": _is_over(born, age, today) for age in _AGES}
    claims["verification"] = _without_identifiers(assured["verification"])
    return claims


def masked_number(number: str) -> str:
    """Returns a card's number with its letters and first three digits only.

    Example:
        >>> masked_number("A1234563")
        'A123***(*)'
    """
    shown = _SHOWN.match(number)
    return f"{shown[0] if shown else ''}***(*)"


def _is_over(born: date, age: int, today: date) -> bool:
    """Returns whether somebody has an age; who was born on 29 February has it on 1 March of other years."""
    return today.year - born.year - ((today.month, today.day) < (born.month, born.day)) >= age


def _without_identifiers(verification: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the assurance of a registration without its id, the card's number, and the time of day.

    Each of them would be the same in every copy, and would name the person to whoever compares copies.
    """
    evidence = []
    for entry in verification["evidence"]:
        issuer = entry["document_details"].get("issuer")
        details = {"type": entry["document_details"]["type"]} | ({} if issuer is None else {"issuer": issuer})
        methods = [{"check_method": check["check_method"]} for check in entry["check_details"]]
        evidence.append({"type": entry["type"], "check_details": methods, "document_details": details})
    process = verification["assurance_process"]
    return {
        "trust_framework": verification["trust_framework"],
        "time": verification["time"][:10],
        "assurance_process": {"policy": process["policy"], "procedure": process["procedure"]},
        "evidence": evidence,
    }
