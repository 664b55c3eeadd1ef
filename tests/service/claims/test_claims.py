"""The verdict as evidence: claims of identity assurance, encryption to the identity core, and the published schema."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from fakes import FILES, FakeVerifier, a_verdict, ask
from joserfc import jwe
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey

from idproof.pipeline.types import Decision
from idproof.pipeline.verdict import to_json
from idproof.service.claims import CoreKey, verdict_schema, verified_claims
from idproof.service.errors import CoreKeyUnusable, SignatureInvalid
from idproof.service.http.app import create_app
from idproof.service.operations.settings import Settings
from idproof.service.registrations.responses import CORE_TYPE, signed_response
from idproof.service.signing.jws import verify
from idproof.service.signing.keys import Keys
from idproof.service.storage import VerdictStore

FORM = {"number": "A1234563", "surname": "CHAN", "given_names": "TAI MAN", "chinese_name": "陳大文"}
FORM |= {"birth_date": "1990-01-02", "sex": "male", "issue_date": "2019-01-02"}


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path / "data", session_required=False)


def body(decision: str = "accept") -> dict[str, Any]:
    return to_json(a_verdict()) | {"decision": decision, "form": FORM, "reference": "r", "session": None}


KEYS = {
    "P-256": ECKey.generate_key("P-256"),
    "X25519": OKPKey.generate_key("X25519"),
    "RSA": RSAKey.generate_key(2048),
}


@pytest.mark.parametrize("kind", KEYS)
def test_with_a_core_key_only_the_core_can_read_the_card_fields(settings: Settings, kind: str) -> None:
    key_file = settings.data_dir.parent / "core.jwk"
    key_file.write_text(json.dumps(KEYS[kind].as_dict(private=kind == "RSA")))  # a private part is not taken
    keys = Keys.open(settings)
    answer = signed_response(body(), keys, settings, CoreKey.load(key_file), "HKG")
    claims = verify(answer["jws"], keys.public())
    for said in (json.dumps(answer), json.dumps(claims)):
        assert "A1234563" not in said
        assert "CHAN" not in said
    opened = jwe.decrypt_compact(
        answer["core_only"], KEYS[kind], algorithms=["ECDH-ES+A256KW", "RSA-OAEP-256", "A256GCM"]
    )
    assert opened.plaintext is not None
    inside = verify(opened.plaintext.decode(), keys.public(), CORE_TYPE)
    assert (inside["form"], inside["jti"]) == (FORM, answer["id"])
    assert inside["verified_claims"]["claims"]["family_name"] == "CHAN"
    with pytest.raises(SignatureInvalid):  # what is inside is no verdict
        verify(opened.plaintext.decode(), keys.public())


def test_a_verdict_without_fields_is_found_by_the_card_number(settings: Settings) -> None:
    key_file = settings.data_dir.parent / "core.jwk"
    key_file.write_text(json.dumps(KEYS["P-256"].as_dict(private=False)))
    verifier = FakeVerifier()
    given = a_verdict()
    object.__setattr__(given, "form", FORM)
    verifier.verify_session = lambda *_: given  # type: ignore[method-assign]
    app = create_app(settings.model_copy(update={"core_key": key_file}), verifier)
    answer = ask(app, "POST", "/v1/verifications", files=FILES).json()
    assert (answer["form"], answer["fields"]) == ({}, {})
    store = VerdictStore.open(settings, Keys.open(settings).sealing)
    assert store.erase_person("A123456(3)") == [answer["id"]]


@pytest.mark.parametrize(
    "content",
    ["", "{}", json.dumps(OctKey.generate_key(256).as_dict()), json.dumps(OKPKey.generate_key().as_dict())],
    ids=["empty", "no key", "symmetric", "signing"],
)
def test_an_unusable_core_key_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "core.jwk").write_text(content)
    with pytest.raises(CoreKeyUnusable, match=r"core\.jwk"):
        CoreKey.load(tmp_path / "core.jwk")


def test_an_accepted_registration_has_verified_claims_and_no_other_has(settings: Settings) -> None:
    claims = verify(
        signed_response(body(), Keys.open(settings), settings, None, "HKG")["jws"], Keys.open(settings).public()
    )
    told = claims["verified_claims"]
    assert told["claims"] == {
        "family_name": "CHAN",
        "given_name": "TAI MAN",
        "birthdate": "1990-01-02",
        "gender": "male",
        "name#zh-Hant": "陳大文",
    }
    process = told["verification"]
    assert process["trust_framework"] == "hk_idproof"
    assert process["verification_process"] == claims["jti"]
    (evidence,) = process["evidence"]
    assert [check["check_method"] for check in evidence["check_details"]] == ["vri", "bvr"]
    assert evidence["document_details"]["document_number"] == "A1234563"
    assert evidence["document_details"]["issuer"] == {"country_code": "HKG"}
    for decision in ("refer", "reject"):
        assert verified_claims(body(decision), trust_framework="x", issuer_country="HKG") is None


@pytest.mark.parametrize(("country", "issuer"), [("SGP", {"country_code": "SGP"}), (None, None)])
def test_the_issuer_in_the_claims_is_the_document_types(country: str | None, issuer: dict[str, str] | None) -> None:
    claims = verified_claims(body(), trust_framework="x", issuer_country=country)
    assert claims is not None
    assert claims["verification"]["evidence"][0]["document_details"].get("issuer") == issuer


def test_a_service_of_another_document_type_names_its_issuer_and_needs_no_document_in_the_metadata(
    settings: Settings,
) -> None:
    verifier = FakeVerifier()
    verifier.document = type("Document", (), {"name": "my-type", "issuer_country": "SGP"})
    verifier.verdict = replace(a_verdict(), decision=Decision.ACCEPT, form=FORM)
    app = create_app(settings, verifier)
    answer = ask(app, "POST", "/v1/verifications", files=FILES).json()
    told = verify(answer["jws"], Keys.open(settings).public())["verified_claims"]
    assert told["verification"]["evidence"][0]["document_details"]["issuer"] == {"country_code": "SGP"}
    for name, status in (("my-type", 201), ("hkid-2018", 422)):
        files = FILES | {"metadata": (None, json.dumps({"document": name}))}
        assert ask(app, "POST", "/v1/verifications", files=files).status_code == status


def test_the_published_schema_matches_the_verdicts(settings: Settings) -> None:
    app = create_app(settings, FakeVerifier())
    published = ask(app, "GET", "/v1/schemas/verdict.json").json()
    assert published == verdict_schema()
    validator = jsonschema_rs.validator_for(published)
    answer = ask(app, "POST", "/v1/verifications", files=FILES).json()
    validator.validate(answer)
    for name in published["required"]:
        assert not validator.is_valid({key: value for key, value in answer.items() if key != name}), name
    assert not validator.is_valid(answer | {"decision": "perhaps"})
    assert answer.keys() <= published["properties"].keys()
