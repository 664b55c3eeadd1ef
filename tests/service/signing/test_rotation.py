"""Signing keys: made once, rotated while the service runs."""

import json
from base64 import urlsafe_b64encode
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from commands import Ended, idproof
from fakes import FILES, FakeVerifier, ask
from joserfc import jws

from idproof.service.errors import AuditBroken, KeysUnusable, SignatureInvalid, SigningKeyRevoked
from idproof.service.http.app import create_app
from idproof.service.operations.audit import AuditLog
from idproof.service.operations.revocation import revoke_signing_key
from idproof.service.operations.settings import Settings
from idproof.service.signing.jws import sign, verify
from idproof.service.signing.keys import KeyRing, Keys


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path / "data", session_required=False)


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
    with pytest.raises(SignatureInvalid, match=f"None of the given keys has the id {again.signing.kid}"):
        verify(sign({"id": "ver_3"}, ring.current, "i"), before.public())
    assert '"d"' not in settings.retired_file.read_text()
    assert json.loads(settings.jwks_file.read_text()) == ring.current.public()
    audit.append("verified", id="ver_2")
    assert audit.check().count == 2
    assert AuditLog.open(settings, Keys.open(settings)).check().count == 2
    settings.retired_file.write_text("{}")
    with pytest.raises(KeysUnusable, match=r"retired\.json"):
        Keys.open(settings)


def test_a_changed_token_of_a_known_key_is_not_called_one_of_an_unknown_key(settings: Settings) -> None:
    keys = Keys.open(settings)
    header, _, signature = sign({"id": "ver_1"}, keys, "i").split(".")
    changed = ".".join((header, sign({"id": "ver_2"}, keys, "i").split(".")[1], signature))
    with pytest.raises(SignatureInvalid, match="The signature does not hold"):
        verify(changed, keys.public())


def test_a_strange_key_id_is_not_repeated(settings: Settings) -> None:
    keys = Keys.open(settings)
    _, payload, signature = sign({"id": "ver_1"}, keys, "i").split(".")
    strange = json.dumps({"alg": "EdDSA", "kid": "\x1b[31m", "typ": "verdict+jwt"}).encode()
    token = ".".join((urlsafe_b64encode(strange).decode().rstrip("="), payload, signature))
    with pytest.raises(SignatureInvalid) as caught:
        verify(token, keys.public())
    assert caught.value.sentence == "The signature does not hold."


def test_the_rotation_command(settings: Settings) -> None:
    def keys(*arguments: str) -> str:
        return idproof("keys", *arguments, "--data-dir", settings.data_dir).stdout

    first = Keys.open(settings).signing.kid
    said = keys("rotate")
    now = Keys.open(settings).signing.kid
    assert said == f"signing with {now}\n"
    assert keys("list") == f"{now}  signs\n{first}  retired\n"


@pytest.mark.parametrize("current", [True, False])
def test_a_revoked_key_is_no_longer_published_and_its_signatures_are_refused(
    settings: Settings, tmp_path: Path, current: bool
) -> None:
    def keys(*arguments: str) -> Ended:
        return idproof("keys", *arguments, "--data-dir", settings.data_dir)

    app = create_app(settings, FakeVerifier())
    headers = {"Idempotency-Key": "one"}
    sent = ask(app, "POST", "/v1/verifications", files=FILES, headers=headers)
    verdict = tmp_path / "verdict.json"
    verdict.write_text(sent.text)
    stolen = Keys.open(settings).signing
    if not current:
        Keys.rotate(settings)
    assert idproof("verdict", "check", verdict, "--jwks", settings.jwks_file).returncode == 0

    revoked = keys("revoke", stolen.kid)
    now = Keys.open(settings).signing.kid
    assert (revoked.returncode, revoked.stdout) == (0, f"revoked; signing with {now}\n")
    assert now != stolen.kid
    assert f"{stolen.kid}  revoked 2" in keys("list").stdout
    jwks = ask(app, "GET", "/.well-known/jwks.json").json()  # of the service that has been running all the time
    assert stolen.kid not in [key["kid"] for key in jwks["keys"]]
    assert [entry["kid"] for entry in jwks["revoked"]] == [stolen.kid]
    assert json.loads(settings.jwks_file.read_text()) == jwks
    assert keys("revoke", stolen.kid).returncode == 2
    assert keys("revoke", "unknown").returncode == 2

    checked = idproof("verdict", "check", verdict, "--jwks", settings.jwks_file)
    assert (checked.returncode, "signing_key_revoked" in checked.stderr, "revoked at 2" in checked.stderr) == (
        1,
        True,
        True,
    )
    forged = sign({"id": "ver_1"}, Keys(stolen, bytes(32)), "idproof")
    with pytest.raises(SigningKeyRevoked):
        verify(forged, jwks)
    without_kid = jws.serialize_compact({"alg": "EdDSA", "typ": "verdict+jwt"}, b"{}", stolen, algorithms=["EdDSA"])
    with pytest.raises(SignatureInvalid):
        verify(without_kid, jwks)
    # The stored verdict is signed anew; everything else of it stays.
    for again in (
        ask(app, "GET", sent.headers["location"]),
        ask(app, "POST", "/v1/verifications", files=FILES, headers=headers),
    ):
        claims = verify(again.json()["jws"], jwks)
        assert claims == verify(sent.json()["jws"], {"keys": [stolen.as_dict(private=False)]})
        assert again.json() | {"jws": ""} == sent.json() | {"jws": ""}
    ask(app, "POST", "/v1/verifications", files=FILES).raise_for_status()
    audit = idproof("audit", "check", "--data-dir", settings.data_dir)
    assert (audit.returncode, "5 events" in audit.stdout) == (0, True)  # verified, revoked, read, repeated, verified


def test_a_broken_audit_log_does_not_keep_a_compromised_key_in_use(settings: Settings) -> None:
    ring = KeyRing(settings)
    AuditLog.open(settings, ring)
    kid = ring.current.signing.kid
    settings.audit_head.write_text("no head")
    with pytest.raises(AuditBroken):
        revoke_signing_key(settings, kid, by="operator")
    assert kid not in [key["kid"] for key in Keys.open(settings).public()["keys"]]  # type: ignore[attr-defined]
    settings.revoked_file.write_text("{}")
    with pytest.raises(KeysUnusable, match=r"revoked\.json"):
        Keys.open(settings)


def test_of_several_first_starts_at_once_one_makes_the_keys(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path / "data")
    with ThreadPoolExecutor(8) as pool:
        opened = list(pool.map(lambda _: Keys.open(settings), range(8)))
    assert len({(keys.signing.kid, keys.sealing) for keys in opened}) == 1
    assert sorted(path.name for path in settings.keys_dir.iterdir()) == ["jwks.json", "sealing.key", "signing.jwk"]
