"""API keys: stored as hashes, revoked and expired, and made on the command line."""

from pathlib import Path

from commands import Ended, idproof
from sqlalchemy import select, update

from idproof.service.auth.api_keys import ApiKeys
from idproof.service.auth.clients import Scope
from idproof.service.operations.settings import Settings
from idproof.service.signing.keys import Keys
from idproof.service.storage import Database, VerdictStore
from idproof.service.storage.schema import API_KEYS


def test_a_key_is_stored_as_a_hash_and_ends_when_revoked_or_expired(on_either: Settings) -> None:
    store = VerdictStore.open(on_either, Keys.open(on_either).sealing)
    keys = ApiKeys(store.database)
    made = keys.create("backend", [Scope.ADMIN])
    assert keys.find(made).scopes == {Scope.ADMIN}  # type: ignore[union-attr]
    with store.database.read() as connection:
        row = connection.execute(select(API_KEYS)).one()
    assert made.split("_", 2)[2].encode() not in row.hash
    assert made.split("_", 2)[2] not in str(row)
    for wrong in (made[:-1], made[:-1] + "!", "idp_", "idp_x_y", f"idp_{row.id}_"):
        assert keys.find(wrong) is None
    assert keys.revoke(row.id)
    assert not keys.revoke(row.id)
    assert keys.find(made) is None
    old = keys.create("old", [Scope.ADMIN], days=1)
    assert keys.find(old) is not None
    with store.database.write() as connection:
        connection.execute(update(API_KEYS).values(expires_at="2020-01-01T00:00:00+00:00"))
    assert keys.find(old) is None


def test_the_key_commands_create_list_and_revoke(tmp_path: Path) -> None:
    def key(*arguments: str) -> Ended:
        return idproof("key", *arguments, "--data-dir", tmp_path)

    made = key("create", "--name", "backend", "--scope", "verify:write", "--scope", "session:write").stdout.strip()
    assert ApiKeys(Database.open(Settings(data_dir=tmp_path))).find(made) is not None
    listed = key("list").stdout
    assert "backend  session:write verify:write" in listed
    assert made.split("_", 2)[2] not in listed
    assert key("revoke", made.split("_")[1]).stdout == "revoked\n"
    again = key("revoke", made.split("_")[1])
    assert (again.returncode, again.stdout) == (1, "no valid key has this id\n")
    other = key("create", "--name", "other", "--scope", "verify:write").stdout.strip()
    assert key("revoke", f"idp_{other.split('_')[1]}").stdout == "revoked\n"
    assert ApiKeys(Database.open(Settings(data_dir=tmp_path))).find(other) is None
    assert "everything is not one of" in key("create", "--name", "x", "--scope", "everything").stderr
