"""An issuer of credentials for tests: the application, and a second server of its database that verifies."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from fakes import FakeVerifier, ask
from wallets import verdict

from idproof.pipeline.documents import load_builtin
from idproof.service.credentials.issuance import GRANT, Issuance
from idproof.service.errors import CredentialRefused
from idproof.service.http.app import create_app
from idproof.service.operations.audit import AuditLog
from idproof.service.operations.settings import Settings
from idproof.service.signing.keys import Keys
from idproof.service.storage import VerdictStore

VERDICT = verdict()["id"]


@dataclass
class Interface:
    """The application, asked without a server."""

    app: Any

    def get(self, path: str, **more: Any) -> httpx.Response:
        return ask(self.app, "GET", path, **more)

    def post(self, path: str, **more: Any) -> httpx.Response:
        return ask(self.app, "POST", path, **more)

    def delete(self, path: str, **more: Any) -> httpx.Response:
        return ask(self.app, "DELETE", path, **more)


@dataclass
class Desk:
    """An issuer, its store, and an interface for wallets."""

    issuance: Issuance
    store: VerdictStore
    http: Interface
    log: Path

    def accept(self, verification: str = VERDICT, **changed: Any) -> None:
        document = verdict(id=verification, **changed)
        with self.store.database.write() as connection:
            self.store.insert(connection, verification, document, "backend")
            self.issuance.hold(connection, document, load_builtin())

    def offer(self, verification: str = VERDICT) -> tuple[str, str]:
        made = self.issuance.offer(verification, "backend")
        content = json.loads(parse_qs(urlsplit(made.link).query)["credential_offer"][0])
        return content["grants"][GRANT]["pre-authorized_code"], made.transaction_code

    def token(self, code: str, transaction_code: str) -> httpx.Response:
        form = {"grant_type": GRANT, "pre-authorized_code": code, "tx_code": transaction_code}
        return self.http.post("/v1/credential-issuance/token", data=form)

    def access(self) -> str:
        return str(self.token(*self.offer()).json()["access_token"])

    def nonce(self) -> str:
        return str(self.http.post("/v1/credential-issuance/nonce").json()["c_nonce"])

    def ask(self, token: str, proofs: list[str], configuration: str = "identity_sd_jwt") -> httpx.Response:
        body = {"credential_configuration_id": configuration, "proofs": {"jwt": proofs}}
        headers = {"Authorization": f"Bearer {token}"}
        return self.http.post("/v1/credential-issuance/credential", json=body, headers=headers)

    def rows(self, table: Any) -> int:
        with self.store.database.read() as connection:
            return len(connection.execute(table.select()).all())


def opened(settings: Settings) -> Iterator[Desk]:
    app = create_app(settings, FakeVerifier())
    # A second server of the same database, which verifies.
    keys = Keys.open(settings)
    store = VerdictStore.open(settings, keys.sealing)
    issuance = Issuance.open(settings, store, AuditLog.open(settings, keys))
    assert issuance is not None
    yield Desk(issuance, store, Interface(app), settings.audit_log)


def refusal(call: Callable[[], object]) -> str:
    """The code with which a credential is refused."""
    with pytest.raises(CredentialRefused) as caught:
        call()
    return caught.value.code


def refused(answer: httpx.Response) -> str:
    assert answer.status_code in (400, 401), answer.text
    assert answer.headers["cache-control"] == "no-store"
    return str(answer.json()["error"])
