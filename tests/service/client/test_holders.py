"""Both clients with credentials, passkeys, logins and step-ups, against the real application."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from access_keys import key
from credential_desk import VERDICT
from fakes import FakeVerifier, serving
from passkey_bench import PasskeyBench, passkey_settings
from peers import Peer, Reply, running
from soft_passkeys import ORIGIN, Authenticator
from wallets import Wallet, verdict

from idproof.client import Answer, AsyncClient, Client, Frame, Problem, Unreachable
from idproof.pipeline import Decision
from idproof.pipeline.documents import load_builtin
from idproof.pipeline.errors import RecordsUnavailable
from idproof.pipeline.liveness.frames import MIN_FRAMES
from idproof.service.auth.api_keys import ApiKeys
from idproof.service.auth.clients import Scope
from idproof.service.credentials.issuance import Issuance
from idproof.service.operations.audit import AuditLog
from idproof.service.operations.settings import Settings
from idproof.service.signing.jws import verify
from idproof.service.step_up.step_ups import RECORD

TEXT = "Change the address of record."
ANSWER = Answer([Frame(b"frame %d" % i, 33.0 * i, i) for i in range(MIN_FRAMES)])


class Service:
    """A served application, with a verdict to offer credentials of, and one to bind passkeys to."""

    def __init__(self, url: str, settings: Settings, verifier: FakeVerifier) -> None:
        self.url, self.settings, self.verifier = url, settings, verifier
        self.bench = PasskeyBench(settings)
        self.token = key(settings, Scope.PASSKEY_WRITE, Scope.PASSKEY_LOGIN, Scope.STEP_UP_WRITE)
        found = ApiKeys(self.bench.store.database).find(self.token)
        assert found is not None
        self.client = found.id

    def accepted(self) -> dict[str, Any]:
        return self.bench.verdict(self.client)

    def wait_for_a_wallet(self) -> None:
        audit = AuditLog.open(self.settings, self.bench.ring)
        issuance = Issuance.open(self.settings, self.bench.store, audit)
        assert issuance is not None
        document = verdict()
        with self.bench.store.database.write() as connection:
            self.bench.store.insert(connection, VERDICT, document, "backend")
            issuance.hold(connection, document, load_builtin())

    def connect(self, token: str | None = None) -> Client:
        return Client(self.url, token or self.token, first_wait_s=0.01)


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    told = {"records_url": "http://127.0.0.1:9/records", "credential_issuer": "https://issuer.example"}
    settings = passkey_settings(Settings(data_dir=tmp_path, anonymous=False), **told)
    verifier = FakeVerifier()
    with serving(settings, verifier) as (host, port):
        yield Service(f"http://{host}:{port}", settings, verifier)


def test_credentials_are_offered_redeemed_and_revoked(service: Service) -> None:
    service.wait_for_a_wallet()
    admin = key(service.settings, Scope.CREDENTIAL_WRITE, Scope.ADMIN)
    with service.connect(admin) as client, httpx.Client(base_url=service.url) as http:
        offer = client.offer_credential(VERDICT)
        assert offer.transaction_code not in repr(offer)
        assert offer.link not in repr(offer)
        assert len({len(row) for row in offer.qr} | {len(offer.qr)}) == 1
        wallet = Wallet(http)
        wallet.redeem(offer.link, offer.transaction_code)
        assert client.revoke_credentials(VERDICT) == sum(map(len, wallet.copies.values())) == 4
        assert client.revoke_credentials(VERDICT) == 0
        with pytest.raises(Problem) as caught:
            client.offer_credential(VERDICT)
        assert (caught.value.code, caught.value.status) == ("credential_unavailable", 409)


def test_a_passkey_from_registration_to_transaction(service: Service) -> None:
    authenticator, accepted = Authenticator(), service.accepted()
    with service.connect() as client:
        begun = client.begin_passkey(accepted["id"], accepted["session"]["nonce"], origin=ORIGIN)
        made = client.complete_passkey(begun.id, authenticator.create(dict(begun.public_key)))
        assert made.verification == accepted["id"]
        assert [entry["id"] for entry in client.passkeys(accepted["id"])] == [made.id]
        asked = client.begin_login(origin=ORIGIN, subject=made.subject)
        login = client.complete_login(asked.id, authenticator.get(dict(asked.public_key)))
        assert login.subject == made.subject
        step_up = client.open_step_up(login.token, TEXT, options={"cannot_turn": True})
        assert step_up.challenge["options"]["cannot_turn"] is True
        assert client.step_up_challenge(step_up.id)["nonce"] != step_up.challenge["nonce"]
        decided = client.check_step_up(step_up.id, b"selfie", ANSWER)
        assert (decided.decision, decided.reasons) == ("accept", ())
        assert verify(decided.record, service.bench.ring.current.public(), RECORD)["jti"] == step_up.id
        assert decided.token is not None
        assert client.step_up(step_up.id).decision == decided
        used = client.use_step_up_token(decided.token, TEXT)
        assert (used.subject, used.capture_level) == (made.subject, "upload")
        with pytest.raises(Problem, match="step_up_token_invalid"):
            client.use_step_up_token(decided.token, TEXT)
        for secret in (login.token, decided.token, made.binding):
            assert secret not in repr((login, decided, made, begun, step_up, used))
        after = client.step_up(step_up.id)
        assert (after.state, after.decision) == ("spent", None)
        client.revoke_passkey(made.id)
        assert [entry["state"] for entry in client.passkeys(accepted["id"])] == ["revoked"]


def test_a_passkey_and_a_step_up_with_await(service: Service) -> None:
    authenticator, accepted = Authenticator(), service.accepted()
    service.verifier.decision = Decision.REJECT

    async def run() -> None:
        async with AsyncClient(service.url, service.token, first_wait_s=0.01) as client:
            begun = await client.begin_passkey(accepted["id"], accepted["session"]["nonce"], origin=ORIGIN)
            await client.complete_passkey(begun.id, authenticator.create(dict(begun.public_key)))
            asked = await client.begin_login(origin=ORIGIN)
            login = await client.complete_login(asked.id, authenticator.get(dict(asked.public_key)))
            step_up = await client.open_step_up(login.token, TEXT)
            decided = await client.check_step_up(step_up.id, b"selfie", ANSWER)
            assert (decided.decision, decided.token, decided.expires_in) == ("reject", None, None)

    asyncio.run(run())


def test_records_that_do_not_answer_are_told_at_once(service: Service) -> None:
    """The challenge is used up, so that another try of the same captures could only be refused."""
    authenticator, tries = Authenticator(), []
    service.bench.bound(authenticator, service.accepted(), service.client)

    def away() -> None:
        tries.append(1)
        raise RecordsUnavailable("The records do not answer.")

    service.verifier.act = away
    with service.connect() as client:
        asked = client.begin_login(origin=ORIGIN)
        login = client.complete_login(asked.id, authenticator.get(dict(asked.public_key)))
        step_up = client.open_step_up(login.token, TEXT)
        with pytest.raises(Problem) as caught:
            client.check_step_up(step_up.id, b"selfie", ANSWER)
    assert (caught.value.code, caught.value.status, len(tries)) == ("records_unavailable", 503, 1)


class Troubled(Peer):
    def reply(self, body: bytes) -> Reply:
        return 200, b'{"sub": "s", "login": "l", "capture_level": "device"}'


def problem(code: str) -> bytes:
    return b'{"code": "%s", "detail": "."}' % code.encode()


@pytest.mark.parametrize(
    ("status", "code", "again"),
    [
        (503, "busy", True),
        (429, "rate_limited", True),
        (429, "too_many_at_once", True),
        (503, "store_unavailable", False),
        (502, "unknown", False),
    ],
)
def test_what_is_done_once_is_sent_again_only_if_nothing_was_done(status: int, code: str, again: bool) -> None:
    with running(Troubled()) as peer:
        left = [(status, problem(code))]
        peer.trouble = lambda: left.pop() if left else None
        with Client(peer.url, first_wait_s=0.001) as client:
            if again:
                assert client.use_step_up_token("t", TEXT).subject == "s"
            else:
                with pytest.raises(Problem):
                    client.use_step_up_token("t", TEXT)
        assert peer.attempts == (2 if again else 1)


def test_an_answer_that_was_lost_is_not_asked_for_again() -> None:
    """The second one would be a refusal, and would hide that the first was an accept."""
    tries = []

    def lose(request: httpx.Request) -> httpx.Response:
        tries.append(request.url.path)
        raise httpx.ReadError("cut")

    with Client("http://idproof.example", transport=httpx.MockTransport(lose), first_wait_s=0.001) as client:
        with pytest.raises(Unreachable):
            client.use_step_up_token("t", TEXT)
        with pytest.raises(Unreachable):
            client.revoke_credentials(VERDICT)
    assert tries.count("/v1/step-up-tokens") == 1
    assert len(tries) == 1 + 6
