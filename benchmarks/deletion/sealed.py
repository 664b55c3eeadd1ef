"""Refers a registration whose pictures are sealed for a reviewer, and searches while they wait and after a view.

The control is the same guarded server with a cipher that does not encrypt: there the search must find the pictures in
the pages where they wait, and none once the reviewer has taken them.
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx
from cryptography.hazmat.primitives import hpke
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from idproof.benchmarks.deletion.canaries import Canary
from idproof.benchmarks.deletion.scenarios import CREATED, ScenarioResult, ScenarioRunner, new_needles, result_of
from idproof.benchmarks.deletion.servers import deletion_server, post
from idproof.benchmarks.errors import BenchmarkFailed
from idproof.benchmarks.harness.server import ANSWER_S, Server
from idproof.pipeline.vault.sealed_copies import context_of
from idproof.service.auth.api_keys import ApiKeys
from idproof.service.auth.clients import Scope
from idproof.service.operations.data_folder import open_verdicts_and_audit

UNSEALED = "unsealed"
"""Mode of the altered server whose copies are not encrypted."""
_OFFICER = "bench"
_SUITE = hpke.Suite(hpke.KEM.P256, hpke.KDF.HKDF_SHA256, hpke.AEAD.AES_256_GCM)
_SETTINGS = {
    "IDPROOF_REVIEW_REFERRED": "1",
    "IDPROOF_REVIEW_PICTURES": "sealed",
    "IDPROOF_REVIEW_PICTURES_S": "3600",  # longer than the searches take
    "IDPROOF_REVIEW_OFFICERS": "1",
}


@dataclass(frozen=True)
class Clients:
    """The clients of the server: each with a key of its own."""

    applicant: httpx.Client
    officer: httpx.Client
    admin: httpx.Client

    def close(self) -> None:
        """Closes their connections."""
        for client in (self.applicant, self.officer, self.admin):
            client.close()


def run_sealed(runner: ScenarioRunner, mode: str | None = None) -> tuple[ScenarioResult, ScenarioResult]:
    """Sends a registration that is referred, and returns the searches while its pictures wait, and after a view.

    Args:
        runner: makes the canary and searches.
        mode: of the altered server; None for the ordinary one.

    Raises:
        BenchmarkFailed: nothing was sealed, or what was sealed does not open, and so nothing was shown.
    """
    name = "sealed" if mode is None else f"control_sealed_{mode}"
    runner.report(name)
    (canary,) = runner.canaries(1)
    texts = tuple(sorted(set(canary.texts)))
    folder = runner.root / f"sealed_{mode}" / "server"
    with deletion_server(folder, mode, profile=runner.profile, settings=_SETTINGS) as server:
        needles = new_needles(runner, server, runner.needles([canary]))
        clients = _clients(server)
        private = _enrol(server, clients)
        review = _refer(server, clients, canary)
        runner.search.load(needles, texts)
        waiting = result_of(f"{name}_waiting", needles, texts, runner.search.search(server))
        opened = _take(server, clients, review, private, unsealed=mode == UNSEALED)
        if opened != dict(canary.parts):
            raise BenchmarkFailed("The sealed pictures are not those that were sent.")
        viewed = result_of(f"{name}_viewed", needles, texts, runner.search.search(server))
        clients.close()
    if mode is None:
        runner.everything.append(needles)
    for result in (waiting, viewed):
        runner.report(f"{result.name}: {sum(result.found.values())} of {len(needles)} found")
    return waiting, viewed


def _clients(server: Server) -> Clients:
    store, _ = open_verdicts_and_audit(server.data_folder)
    keys = ApiKeys(store.database)
    scopes = {
        "applicant": (Scope.REGISTRATION_WRITE, Scope.VERIFY_WRITE),
        "officer": (Scope.REVIEW_WRITE,),
        "admin": (Scope.ADMIN,),
    }
    made = {name: keys.create(name, granted) for name, granted in scopes.items()}
    store.close()
    return Clients(**{name: httpx.Client(headers={"Authorization": f"Bearer {key}"}) for name, key in made.items()})


def _enrol(server: Server, clients: Clients) -> ec.EllipticCurvePrivateKey:
    private = ec.generate_private_key(ec.SECP256R1())
    body = {"officer": _OFFICER, "public_key": urlsafe_b64encode(_point(private)).decode().rstrip("=")}
    made = _asked(clients.officer, "POST", f"{server.url}/v1/reviewers", json=body)
    confirmation = {"fingerprint": made["fingerprint"]}
    _asked(clients.admin, "POST", f"{server.url}/v1/reviewers/{made['id']}/confirm", json=confirmation)
    return private


def _refer(server: Server, clients: Clients, canary: Canary) -> Mapping[str, Any]:
    """Sends a registration and returns its review, which the officer has claimed."""
    registration = _asked(clients.applicant, "POST", f"{server.url}/v1/registrations", json={})["id"]
    clients.applicant.headers["Registration"] = registration
    answer = post(clients.applicant, server, canary)
    if answer.status_code != CREATED or not answer.json()["deletion"]["sealed_copies"]:
        raise BenchmarkFailed("The registration was not referred, or nothing was sealed.")
    (review,) = _asked(clients.officer, "GET", f"{server.url}/v1/reviews")["items"]
    return _asked(clients.officer, "POST", f"{server.url}/v1/reviews/{review['id']}/claim", json={})


def _take(
    server: Server, clients: Clients, review: Mapping[str, Any], private: ec.EllipticCurvePrivateKey, *, unsealed: bool
) -> dict[str, bytes]:
    """Takes the pictures and opens them as the officer's browser does."""
    taken = _asked(clients.officer, "POST", f"{server.url}/v1/reviews/{review['id']}/pictures", json={})
    info = context_of(review["verification"], _point(private))
    cipher = AESGCM(_SUITE.decrypt(_bytes(taken["key"]), private, info=info))
    opened = {}
    for role, text in taken["pictures"].items():
        data = _bytes(text)
        opened[role] = data[12:-16] if unsealed else cipher.decrypt(data[:12], data[12:], role.encode())
    return opened


def _point(private: ec.EllipticCurvePrivateKey) -> bytes:
    return private.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


def _bytes(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _asked(client: httpx.Client, method: str, url: str, **more: Any) -> dict[str, Any]:
    answer = client.request(method, url, timeout=ANSWER_S, **more)
    if answer.is_error:
        raise BenchmarkFailed(f"{method} of a review was answered with {answer.status_code}.")
    found: dict[str, Any] = answer.json()
    return found
