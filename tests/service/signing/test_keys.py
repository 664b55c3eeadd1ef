"""Key files and signatures."""

import json
from base64 import urlsafe_b64encode
from pathlib import Path
from typing import Any

import pytest
from joserfc import jws
from joserfc.jwk import OctKey, OKPKey

from idproof.service.errors import (
    KeysUnusable,
    SignatureInvalid,
)
from idproof.service.operations.settings import Settings
from idproof.service.signing.check import check_verdict
from idproof.service.signing.jws import sign, verify
from idproof.service.signing.keys import Keys
from idproof.service.storage import VerdictStore

VERDICT = {"id": "ver_1", "decision": "accept", "fields": {"number": {"text": "A123456(3)"}}}


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path / "data", session_required=False)


@pytest.fixture
def keys(settings: Settings) -> Keys:
    return Keys.open(settings)


def test_keys_are_made_once_for_their_owner_alone(settings: Settings, keys: Keys) -> None:
    assert Keys.open(settings).public() == keys.public()
    assert Keys.open(settings).sealing == keys.sealing
    for name in ("signing.jwk", "sealing.key"):
        assert (settings.keys_dir / name).stat().st_mode & 0o777 == 0o600
    assert "d" not in json.loads(settings.jwks_file.read_text())["keys"][0]
    assert repr(keys) == "Keys(…)"


def test_a_key_that_others_may_read_is_refused(settings: Settings, keys: Keys) -> None:
    (settings.keys_dir / "signing.jwk").chmod(0o644)
    with pytest.raises(KeysUnusable, match="0600"):
        Keys.open(settings)


@pytest.mark.parametrize(
    ("name", "content"), [("signing.jwk", b"{}"), ("signing.jwk", b"x"), ("sealing.key", b"short")]
)
def test_a_damaged_key_is_one_clear_error(settings: Settings, keys: Keys, name: str, content: bytes) -> None:
    (settings.keys_dir / name).write_bytes(content)
    with pytest.raises(KeysUnusable, match=name):
        Keys.open(settings)


def test_the_data_folder_is_its_owners_alone(settings: Settings, keys: Keys) -> None:
    VerdictStore.open(settings, keys.sealing).save("ver_1", VERDICT)
    assert settings.data_dir.stat().st_mode & 0o777 == 0o700
    assert settings.keys_dir.stat().st_mode & 0o777 == 0o700
    assert settings.database.stat().st_mode & 0o777 == 0o600


def test_a_lost_sealing_key_is_not_replaced_in_silence(settings: Settings, keys: Keys) -> None:
    VerdictStore.open(settings, keys.sealing).save("ver_1", VERDICT)
    kept = (settings.keys_dir / "sealing.key").rename(settings.keys_dir / "kept")
    with pytest.raises(KeysUnusable, match="put it back"):
        Keys.open(settings)
    kept.rename(settings.keys_dir / "sealing.key")
    assert Keys.open(settings).sealing == keys.sealing


@pytest.mark.parametrize(("curve", "private"), [("Ed25519", False), ("X25519", True), ("Ed448", True)])
def test_only_an_ed25519_private_key_signs(settings: Settings, keys: Keys, curve: Any, private: bool) -> None:
    other = OKPKey.generate_key(curve, private=True).as_dict(private=private)
    (settings.keys_dir / "signing.jwk").write_text(json.dumps(other))
    with pytest.raises(KeysUnusable, match="Ed25519"):
        Keys.open(settings)


def test_a_token_too_deep_to_read_is_no_signature(keys: Keys, settings: Settings) -> None:
    deep = urlsafe_b64encode(b"[" * 200_000).decode().rstrip("=")
    for text in (f"{deep}.e30.e30", '{"jws":' + "[" * 200_000):
        with pytest.raises(SignatureInvalid):
            check_verdict(text, str(settings.jwks_file))


def test_a_signature_holds_for_what_was_signed_and_nothing_else(keys: Keys, tmp_path: Path) -> None:
    token = sign(VERDICT, keys, "issuer")
    claims = verify(token, keys.public())
    assert (claims["iss"], claims["jti"], claims["verdict"]) == ("issuer", "ver_1", VERDICT)
    head, payload, signature = token.split(".")
    for forged in (
        f"{head}.{payload[:-4]}AAAA.{signature}",
        f"{head}.{payload}.{signature[:-4]}AAAA",
        "x",
        "a.b.c",
        "",
    ):
        with pytest.raises(SignatureInvalid):
            verify(forged, keys.public())
    with pytest.raises(SignatureInvalid):
        verify(token, Keys.open(Settings(data_dir=tmp_path / "other")).public())


def test_another_algorithm_is_refused(keys: Keys) -> None:
    claims = json.dumps({"verdict": VERDICT})
    secret = OctKey.import_key(json.dumps(keys.public()).encode())
    for header in ({"alg": "HS256", "kid": keys.signing.kid}, {"alg": "HS256"}):
        with pytest.raises(SignatureInvalid):
            verify(jws.serialize_compact(header, claims, secret), keys.public())
    with pytest.raises(SignatureInvalid):
        verify("eyJhbGciOiJub25lIn0.e30.", keys.public())


def test_the_json_around_a_token_must_be_what_was_signed(settings: Settings, keys: Keys) -> None:
    body = VERDICT | {"jws": sign(VERDICT, keys, "issuer")}
    file = str(settings.jwks_file)
    assert check_verdict(json.dumps(body), file)["verdict"] == VERDICT
    assert check_verdict(body["jws"], file)["verdict"] == VERDICT
    with pytest.raises(SignatureInvalid, match="differs"):
        check_verdict(json.dumps(body | {"decision": "reject"}), file)
    with pytest.raises(SignatureInvalid, match="no signed verdict"):
        check_verdict("{}", file)
    with pytest.raises(SignatureInvalid, match="public keys"):
        check_verdict(body["jws"], "nowhere.json")
