"""Signing keys: made once, rotated while the service runs."""

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from commands import idproof

from idproof.service.errors import KeysUnusable, SignatureInvalid
from idproof.service.operations.audit import AuditLog
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


def test_of_several_first_starts_at_once_one_makes_the_keys(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path / "data")
    with ThreadPoolExecutor(8) as pool:
        opened = list(pool.map(lambda _: Keys.open(settings), range(8)))
    assert len({(keys.signing.kid, keys.sealing) for keys in opened}) == 1
    assert sorted(path.name for path in settings.keys_dir.iterdir()) == ["jwks.json", "sealing.key", "signing.jwk"]
