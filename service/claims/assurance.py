"""The claim `verified_claims` of OpenID Connect for Identity Assurance 1.0."""

from typing import Any

_CLAIMS = {"surname": "family_name", "given_names": "given_name", "birth_date": "birthdate", "sex": "gender"}
_CHECKS = {"vri": "document", "bvr": "face_comparison", "data": "records"}
"""Check methods: inspection of pictures taken remotely, remote biometric comparison, comparison with data."""


def verified_claims(
    verdict: dict[str, Any], *, trust_framework: str, issuer_country: str | None
) -> dict[str, Any] | None:
    """Returns `verified_claims` of an accepted registration; None for any other, which verifies nothing.

    Args:
        verdict: as returned by `to_json`, with fields and form.
        trust_framework: the operator's name for the rules that it follows.
        issuer_country: of the card's issuer, by its document type; None leaves the issuer out.
    """
    if verdict["decision"] != "accept":
        return None
    form = verdict["form"]
    claims = {claim: form[field] for field, claim in _CLAIMS.items() if form.get(field)}
    if form.get("chinese_name"):
        claims["name#zh-Hant"] = form["chinese_name"]
    return {
        "verification": {
            "trust_framework": trust_framework,
            "time": verdict["started_at"],
            "verification_process": verdict["id"],
            "assurance_process": {
                "policy": verdict["policy"],
                "procedure": verdict["profile"],
                "assurance_details": [
                    {"assurance_type": kind, "evidence_ref": [{"check_id": f"{verdict['id']}/{method}"}]}
                    for method, kind in (("vri", "evidence_validation"), ("bvr", "verification"))
                ],
            },
            "evidence": [_evidence(verdict, form, issuer_country)],
        },
        "claims": claims,
    }


def _evidence(verdict: dict[str, Any], form: dict[str, Any], issuer_country: str | None) -> dict[str, Any]:
    made = {check["name"] for check in verdict["checks"]}
    methods = [method for method, check in _CHECKS.items() if check == "document" or check in made]
    details = {
        "type": "idcard",
        "document_number": form.get("number"),
        "date_of_issuance": form.get("issue_date"),
        "issuer": None if issuer_country is None else {"country_code": issuer_country},
    }
    return {
        "type": "document",
        "time": verdict["started_at"],
        "check_details": [{"check_method": name, "check_id": f"{verdict['id']}/{name}"} for name in methods],
        "document_details": {name: value for name, value in details.items() if value is not None},
    }
