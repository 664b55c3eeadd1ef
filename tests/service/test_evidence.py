"""The verdict as evidence: who can check it, who can read it, what it is called, and that what is said of it is so."""

import json
import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from commands import idproof
from fakes import FILES, FakeVerifier, a_verdict, ask
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jwe
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey

from idproof.pipeline.errors import BadInput, CardCutOff
from idproof.pipeline.verdict import to_json
from idproof.service.applicant_messages import texts
from idproof.service.claims import CoreKey, verdict_schema, verified_claims
from idproof.service.errors import CoreKeyUnusable, KeysUnusable, SignatureInvalid
from idproof.service.http.app import create_app
from idproof.service.operations.audit import AuditLog
from idproof.service.operations.settings import Settings
from idproof.service.registrations.responses import CORE_TYPE, signed_response
from idproof.service.signing.jws import sign, verify
from idproof.service.signing.keys import KeyRing, Keys
from idproof.service.storage import VerdictStore

FORM = {"number": "A1234563", "surname": "CHAN", "given_names": "TAI MAN", "chinese_name": "陳大文"}
FORM |= {"birth_date": "1990-01-02", "sex": "male", "issue_date": "2019-01-02"}
DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path / "data", session_required=False)


def body(decision: str = "accept") -> dict[str, Any]:
    return to_json(a_verdict()) | {"decision": decision, "form": FORM, "reference": "r", "session": None}


def test_after_a_rotation_old_and_new_signatures_hold_and_a_running_service_uses_the_new_key(
    settings: Settings,
) -> None:
    ring = KeyRing(settings)
    before, old = ring.current, sign({"id": "ver_1"}, ring.current, "i")
    audit = AuditLog.open(settings, ring)
    audit.append("verified", id="ver_1")
    rotated = Keys.rotate(settings)
    again = Keys.rotate(settings)
    assert ring.current.signing.kid == again.signing.kid
    assert len({before.signing.kid, rotated.signing.kid, again.signing.kid}) == 3
    for token in (old, sign({"id": "ver_2"}, rotated, "i"), sign({"id": "ver_3"}, ring.current, "i")):
        assert verify(token, ring.current.public())["iss"] == "i"
    with pytest.raises(SignatureInvalid):
        verify(sign({"id": "ver_3"}, ring.current, "i"), before.public())
    assert '"d"' not in settings.retired_file.read_text()
    assert json.loads(settings.jwks_file.read_text()) == ring.current.public()
    audit.append("verified", id="ver_2")
    assert audit.check().count == 2
    assert AuditLog.open(settings, Keys.open(settings)).check().count == 2
    settings.retired_file.write_text("{}")
    with pytest.raises(KeysUnusable, match=r"retired\.json"):
        Keys.open(settings)


def test_the_rotation_command(settings: Settings) -> None:
    def keys(*arguments: str) -> str:
        return idproof("keys", *arguments, "--data-dir", settings.data_dir).stdout

    first = Keys.open(settings).signing.kid
    said = keys("rotate")
    now = Keys.open(settings).signing.kid
    assert said == f"signing with {now}\n"
    assert keys("list") == f"{now}  signs\n{first}  retired\n"


KEYS = {
    "P-256": ECKey.generate_key("P-256"),
    "X25519": OKPKey.generate_key("X25519"),
    "RSA": RSAKey.generate_key(2048),
}


@pytest.mark.parametrize("kind", KEYS)
def test_with_a_core_key_only_the_core_reads_what_was_on_the_card(settings: Settings, kind: str) -> None:
    key_file = settings.data_dir.parent / "core.jwk"
    key_file.write_text(json.dumps(KEYS[kind].as_dict(private=kind == "RSA")))  # a private part is not taken
    keys = Keys.open(settings)
    answer = signed_response(body(), keys, settings, CoreKey.load(key_file))
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


def test_without_its_fields_a_verdict_is_still_found_by_the_persons_number(settings: Settings) -> None:
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
def test_a_key_that_nothing_can_be_encrypted_to_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "core.jwk").write_text(content)
    with pytest.raises(CoreKeyUnusable, match=r"core\.jwk"):
        CoreKey.load(tmp_path / "core.jwk")


def test_an_accepted_registration_is_told_in_the_words_of_identity_assurance(settings: Settings) -> None:
    claims = verify(signed_response(body(), Keys.open(settings), settings, None)["jws"], Keys.open(settings).public())
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
    for decision in ("refer", "reject"):
        assert verified_claims(body(decision), trust_framework="x") is None


def test_the_published_schema_is_that_of_the_verdicts(settings: Settings) -> None:
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


def test_the_statement_on_privacy_is_what_holds(settings: Settings) -> None:
    strict = settings.model_copy(update={"retention_days": 2.0, "idempotency_hours": 100.0})
    app = create_app(strict, FakeVerifier())
    said = ask(app, "GET", "/v1/privacy").json()
    assert said["pictures"] == said["pictures"] | {"kept": False, "at_most_seconds": 120.0}
    assert {entry["for"] for entry in said["kept"]} == {
        "2 days, or until erased",
        "48 hours, or until the verdict is erased",
        "the operator",
        "13 minutes for failures; the session's for the device",
    }
    page = (DOCS / "privacy.md").read_text(encoding="utf-8")
    for entry in said["kept"]:
        assert entry["what"].lower() in page.lower(), entry["what"]
    # Every table that holds anything about a request is in the statement.
    from idproof.service.storage.schema import METADATA

    covered = {"verifications", "sessions", "operations", "idempotency", "api_keys", "facts", "outbox", "failures"}
    covered |= {"kiosks", "kiosk_counts"}
    assert set(METADATA.tables) <= covered


def reasons() -> set[str]:
    table = (DOCS / "reasons.md").read_text(encoding="utf-8")
    return {code for row in re.findall(r"^\|(.*?)\|", table, re.MULTILINE) for code in re.findall(r"`(\w+)`", row)}


def leaves(kind: type[BadInput]) -> list[type[BadInput]]:
    return [kind, *(leaf for child in kind.__subclasses__() for leaf in leaves(child))]


def test_every_reason_and_every_problem_of_a_capture_has_its_sentence_in_both_languages() -> None:
    codes = {re.sub(r"^CHECK|FIELD$", "*", code) for code in reasons()}
    codes |= {kind.code for kind in leaves(BadInput) if kind is not BadInput}
    assert len(codes) > 50
    assert codes <= set(texts._table())
    assert set(texts._table()) <= codes | {"*"}  # nothing that no code leads to
    for code, entry in texts._table().items():
        assert entry.keys() == {"en", "zh-Hant"}, code
        assert re.search(r"[\u4e00-\u9fff]", entry["zh-Hant"]), code
    assert texts.text("records_mismatch_number", "en") == texts.text("records_mismatch_*", "en")
    assert texts.text("dates_real_unread", "en") == texts.text("*_unread", "en")


@pytest.mark.parametrize(
    ("accepted", "chosen"),
    [
        (None, "en"),
        ("zh-HK", "zh-Hant"),
        ("zh-Hant-TW, en;q=0.5", "zh-Hant"),
        ("en;q=0.2, yue", "zh-Hant"),
        ("zh-CN", "en"),
        ("zh-Hans, fr", "en"),
        ("fr, zh;q=0.3, en;q=0.8", "en"),
        ("*", "en"),
        ("zh;q=nonsense", "en"),
        ("zh;q=0", "en"),
    ],
)
def test_the_language_asked_for(accepted: str | None, chosen: str) -> None:
    assert texts.language(accepted) == chosen


@given(st.text(max_size=200))
def test_any_header_asks_for_some_language(accepted: str) -> None:
    assert texts.language(accepted) in ("en", "zh-Hant")


def test_sentences_come_in_the_clients_language_and_beside_what_is_signed(settings: Settings) -> None:
    def cut_off() -> None:
        raise CardCutOff("Cut off.", capture="card_front")

    chinese = {"Accept-Language": "zh-HK,zh;q=0.9"}
    app = create_app(settings, FakeVerifier())
    answer = ask(app, "POST", "/v1/verifications", files=FILES, headers=chinese)
    assert answer.headers["content-language"] == "zh-Hant"
    assert answer.json()["texts"] == {"face_similarity_low": "未能確定容貌與身份證人像相符。"}
    english = ask(app, "GET", answer.headers["location"])
    assert english.json()["texts"]["face_similarity_low"].startswith("The face")
    assert english.json()["jws"] == answer.json()["jws"]
    refused = ask(
        create_app(settings, FakeVerifier(cut_off)), "POST", "/v1/verifications", files=FILES, headers=chinese
    )
    assert refused.json()["detail"] == "身份證超出畫面，請拍攝整張身份證。"


def test_of_several_first_starts_at_once_one_makes_the_keys(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path / "data")
    with ThreadPoolExecutor(8) as pool:
        opened = list(pool.map(lambda _: Keys.open(settings), range(8)))
    assert len({(keys.signing.kid, keys.sealing) for keys in opened}) == 1
    assert sorted(path.name for path in settings.keys_dir.iterdir()) == ["jwks.json", "sealing.key", "signing.jwk"]
