"""Status lists: what was revoked is revoked for everybody, and nobody else's list says so."""

import json
import zlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from commands import idproof
from credential_desk import VERDICT, Desk
from openvc.status.issue import verify_status_list_token
from openvc.status.token_status_list import check_token_status
from sqlalchemy import select
from wallets import ISSUER, STATUS, new_key, proof, public

from idproof.service.credentials import status_list
from idproof.service.credentials.certificates import Trust
from idproof.service.credentials.credential import Checked, Format, StatusReference, Validity
from idproof.service.credentials.encoding import from_base64url, read_json, to_base64url
from idproof.service.credentials.identity import Identity
from idproof.service.credentials.jose import sign
from idproof.service.errors import CredentialRefused
from idproof.service.storage.credential_status import CAPACITY
from idproof.service.storage.schema import CREDENTIAL_STATUS


@pytest.fixture
def checked(validity: Validity) -> Checked:
    return Checked(Format.SD_JWT, ISSUER, {}, STATUS, validity, bound=True)


def code(call: Callable[[], object]) -> str:
    try:
        call()
    except CredentialRefused as refused:
        return refused.code
    return "valid"


def test_one_bit_says_revoked_and_its_neighbours_nothing(
    issuer: Identity, trust: Trust, checked: Checked, now: datetime, validity: Validity
) -> None:
    token = status_list.make_token(issuer, STATUS.uri, [STATUS.index], CAPACITY, now)
    assert code(lambda: status_list.require_valid(checked, token, trust, now)) == "credential_revoked"
    for index in (STATUS.index - 1, STATUS.index + 1, STATUS.index + 8, 0, CAPACITY - 1):
        other = Checked(Format.SD_JWT, ISSUER, {}, StatusReference(STATUS.uri, index), validity, bound=True)
        assert code(lambda one=other: status_list.require_valid(one, token, trust, now)) == "valid"
    beyond = Checked(Format.SD_JWT, ISSUER, {}, StatusReference(STATUS.uri, CAPACITY), validity, bound=True)
    assert code(lambda: status_list.require_valid(beyond, token, trust, now)) == "status_unavailable"


def test_an_independent_library_reads_the_list(issuer: Identity, now: datetime) -> None:
    token = status_list.make_token(issuer, STATUS.uri, [STATUS.index], CAPACITY, now)
    listed = verify_status_list_token(token, public_key_jwk=public(issuer.jwk), expected_uri=STATUS.uri)
    found = check_token_status({"status": STATUS.to_json()}, resolve_status_list_token=lambda _: listed)
    assert found is not None
    assert found.revoked


def test_the_list_stays_small(issuer: Identity, now: datetime) -> None:
    """Of 65,536 credentials one in a hundred is revoked."""
    import random

    drawn = random.Random(28).sample(range(CAPACITY), 655)
    sizes = [len(status_list.make_token(issuer, STATUS.uri, revoked, CAPACITY, now)) for revoked in ([], drawn)]
    assert sizes[0] < 1400
    assert sizes[1] < 4000


def test_a_list_of_another_issuer_or_list_or_time_says_nothing(
    issuer: Identity, stranger: Identity, trust: Trust, checked: Checked, now: datetime, tmp_path: Path
) -> None:
    from idproof.service.credentials.certificates import DOCUMENT_SIGNER

    def of(token: str, roots: Trust = trust, at: datetime = now) -> str:
        return code(lambda: status_list.require_valid(checked, token, roots, at))

    good = status_list.make_token(issuer, STATUS.uri, [], CAPACITY, now)
    assert of(good) == "valid"
    assert of(status_list.make_token(stranger, STATUS.uri, [], CAPACITY, now)) == "status_unavailable"
    # Trusted like the credential's issuer, but another one.
    other = Identity.own(tmp_path, "other", "https://other.example", DOCUMENT_SIGNER)
    assert issuer.root is not None
    assert other.root is not None
    both = Trust([issuer.root, other.root])
    assert of(status_list.make_token(other, STATUS.uri, [], CAPACITY, now), both) == "status_unavailable"
    assert (
        of(status_list.make_token(issuer, f"{ISSUER}/v1/credential-status/2", [], CAPACITY, now))
        == "status_unavailable"
    )
    assert of(good, at=now + timedelta(hours=25)) == "status_unavailable"
    assert of(good, at=now - timedelta(hours=1)) == "status_unavailable"


@pytest.mark.parametrize(
    "listed",
    [
        None,
        {},
        {"bits": 3, "lst": ""},
        {"bits": True, "lst": to_base64url(zlib.compress(bytes(9999)))},
        {"bits": 1, "lst": "not compressed"},
        {"bits": 1, "lst": to_base64url(zlib.compress(bytes(9999))[:-3])},
        {"bits": 1, "lst": to_base64url(zlib.compress(bytes(2**20 + 8)))},
    ],
)
def test_a_list_that_is_malformed_or_a_bomb_says_nothing(
    issuer: Identity, trust: Trust, checked: Checked, now: datetime, listed: Any
) -> None:
    begin = int(now.timestamp())
    claims = {"sub": STATUS.uri, "iat": begin, "exp": begin + 60, "ttl": 60, "status_list": listed}
    token = sign(issuer, status_list.KIND, claims)
    assert code(lambda: status_list.require_valid(checked, token, trust, now)) == "status_unavailable"


def issued(desk: Desk, copies: int = 3) -> list[StatusReference]:
    desk.accept()
    nonce = desk.nonce()
    answer = desk.ask(desk.access(), [proof(new_key(), ISSUER, nonce) for _ in range(copies)])
    texts = [entry["credential"] for entry in answer.json()["credentials"]]
    return [StatusReference.read(read_json(from_base64url(text.split(".")[1]))["status"]) for text in texts]


def test_revocation_over_http_ends_every_copy(desk: Desk, now: datetime) -> None:
    places = issued(desk)
    assert len(set(places)) == 3
    path = places[0].uri.removeprefix(ISSUER)
    before = desk.http.get(path)
    assert before.headers["content-type"] == "application/statuslist+jwt"
    assert before.headers["cache-control"].startswith("public, max-age=")
    assert desk.issuance.revoke(VERDICT, "backend") == 3
    assert desk.issuance.revoke(VERDICT, "backend") == 0
    assert desk.issuance.revoke(VERDICT[:-1] + "Z", "backend") is None
    root = desk.issuance.identity.root
    assert root is not None
    token = desk.issuance.list_token(1)
    assert token is not None
    for place in places:
        one = Checked(Format.SD_JWT, ISSUER, {}, place, Validity.of_day(now, 1), bound=True)
        assert code(lambda one=one: status_list.require_valid(one, token, Trust([root]), now)) == "credential_revoked"
    line = json.loads(desk.log.read_text(encoding="utf-8").splitlines()[-2])
    assert line["event"] == "credential_revoked"
    assert line["about"]["copies"] == 3


def test_revocation_by_command(quick: Desk, tmp_path: Path) -> None:
    issued(quick)
    done = idproof("credential", "revoke", VERDICT, "--data-dir", str(tmp_path / "data"))
    assert (done.returncode, done.stdout) == (0, "3 copies revoked\n")
    again = idproof("credential", "revoke", VERDICT[:-1] + "Z", "--data-dir", str(tmp_path / "data"))
    assert again.returncode == 1


def test_an_erased_registration_can_still_be_revoked_and_an_expired_one_is_forgotten(
    quick: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    issued(quick)
    quick.store.erase(VERDICT)
    assert quick.issuance.revoke(VERDICT, "backend") == 3
    later = datetime.now(UTC).timestamp() + 91 * 86_400
    monkeypatch.setattr("idproof.service.storage.credential_status.time.time", lambda: later)
    quick.issuance.status.clean()
    assert quick.issuance.revoke(VERDICT, "backend") is None
    with quick.store.database.read() as connection:
        kept = connection.execute(select(CREDENTIAL_STATUS.c.verification)).scalars().all()
    assert kept == [None] * 3  # the places are not given to anybody else


def test_an_unknown_list_is_not_found(quick: Desk) -> None:
    for number in ("2", "0", "-1", "999999999999"):
        assert quick.http.get(f"/v1/credential-status/{number}").status_code == 404
