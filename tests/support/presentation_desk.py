"""A verifier of presentations for tests: the application, its clients, and an issuer whose credentials it takes."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from credential_desk import Desk, Interface
from credential_desk import opened as opened_issuer
from cryptography.hazmat.primitives.serialization import Encoding
from presenting_wallets import PresentingWallet, Request
from sqlalchemy import Table, select
from wallets import ISSUER, Wallet, present

from idproof.service.credentials.encoding import from_base64url, read_json
from idproof.service.credentials.jose import sign
from idproof.service.operations.settings import Settings
from idproof.service.presentations.app import create_presentation_app
from idproof.service.signing.keys import Keys
from idproof.service.storage import VerdictStore

VERIFIER = "https://library.example"
PURPOSE = {"en": "To open an account.", "zh-Hant": "開立帳戶。", "zh-Hans": "开立账户。"}
RETURN = "https://library.example/account"
Answer = Callable[[PresentingWallet, Request], httpx.Response]


@dataclass
class Counter:
    """A department's desk: it asks, and wallets answer."""

    issuer: Desk
    settings: Settings
    store: VerdictStore
    http: Interface
    fetched: list[str] = field(default_factory=list)
    lists: Callable[[str], httpx.Response] | None = None

    def ask(self, claims: list[str] | None = None, **changed: Any) -> dict[str, Any]:
        body = {"claims": claims or ["over_18", "family_name"], "purpose": PURPOSE, "keeps_days": 30} | changed
        answer = self.http.post("/v1/presentations", json=body)
        assert answer.status_code == 201, answer.text
        return answer.json()

    def state(self, asked: dict[str, Any]) -> dict[str, Any]:
        return self.http.get(f"/v1/presentations/{asked['id']}").json()

    def take(self, asked: dict[str, Any], **body: Any) -> httpx.Response:
        return self.http.post(f"/v1/presentations/{asked['id']}/claims", json=body)

    def wallet(self, verification: str | None = None, **changed: Any) -> PresentingWallet:
        """A wallet with two copies of each credential of an accepted registration."""
        name = verification or self.issuer_name()
        self.issuer.accept(name, **changed)
        offer = self.issuer.issuance.offer(name, "backend")
        wallet = Wallet(self.issuer.http)
        wallet.redeem(offer.link, offer.transaction_code)
        return PresentingWallet(self.http, wallet)

    def issuer_name(self) -> str:
        return "ver_06F8Z3Q0V5M8K2T9R4C7W1X6YB"

    def rows(self, table: Table) -> list[Any]:
        with self.store.database.read() as connection:
            return list(connection.execute(select(table)))

    @property
    def log(self) -> str:
        return self.settings.audit_log.read_text(encoding="utf-8")


@contextmanager
def opened(folder: Path, **changed: Any) -> Iterator[Counter]:
    """A verifier that takes the credentials of an issuer, whose status lists it fetches without a network."""
    issuers = opened_issuer(Settings(data_dir=folder / "issuer", credential_issuer=ISSUER))
    issuer = next(issuers)
    root = issuer.issuance.identity.root
    assert root is not None
    roots = folder / "roots.pem"
    roots.write_bytes(root.public_bytes(Encoding.PEM))
    base: dict[str, Any] = {
        "data_dir": folder / "verifier",
        "only": "presentations",
        "anonymous": True,
        "presentation_verifier": VERIFIER,
        "presentation_name": "Example Library",
        "presentation_name_zh_hant": "範例圖書館",
        "presentation_roots": roots,
        "presentation_issuers": ISSUER,
        "presentation_return_origins": VERIFIER,
        "rate_per_minute": 100_000,
    }
    settings = Settings(**base | changed)
    made: list[Counter] = []

    def answer(request: httpx.Request) -> httpx.Response:
        counter = made[0]
        counter.fetched.append(str(request.url))
        if counter.lists is not None:
            return counter.lists(str(request.url))
        return published(issuer, str(request.url))

    app = create_presentation_app(settings, httpx.MockTransport(answer))
    store = VerdictStore.open(settings, Keys.open(settings).sealing)
    made.append(Counter(issuer, settings, store, Interface(app)))
    yield made[0]


def published(issuer: Desk, url: str) -> httpx.Response:
    """The status list as the issuer publishes it, without the minutes for which it keeps one."""
    issuer.issuance._lists.clear()
    token = issuer.issuance.list_token(int(url.rpartition("/")[2]))
    return listed(token or "")


def listed(token: str, status: int = 200, **headers: str) -> httpx.Response:
    kind = {"content-type": "application/statuslist+jwt"} | headers
    return httpx.Response(status, stream=httpx.ByteStream(token.encode()), headers=kind)


def refused(counter: Counter, wallet: PresentingWallet, answer: Answer, **asked: Any) -> str:
    """The code that the client reads after an answer that does not hold."""
    question = counter.ask(**asked)
    response = answer(wallet, wallet.open(question["link"]))
    assert (response.status_code, response.json()["error"]) == (400, "invalid_request"), response.text
    state = counter.state(question)
    assert state["state"] == "refused"
    assert state["code"] not in response.text
    assert counter.take(question).json()["code"] == "presentation_refused"
    return str(state["code"])


def forged(counter: Counter, wallet: PresentingWallet, **changed: Any) -> Callable[..., httpx.Response]:
    """An SD-JWT VC that the trusted issuer itself signs with other members."""
    credential, key = wallet.wallet.copies["identity_sd_jwt"][0]
    payload = read_json(from_base64url(credential.split(".")[1])) | changed
    _, *rest = credential.split("~")
    anew = "~".join([sign(counter.issuer.issuance.identity, "dc+sd-jwt", payload), *rest])

    def answer(wallet: PresentingWallet, request: Request) -> httpx.Response:
        return wallet.send(
            request, {"identity_sd_jwt": [present(anew, key, request.audience, request.asked("identity_sd_jwt"))]}
        )

    return answer


def counter_cache(counter: Counter) -> Any:
    """The status lists that the verifier keeps."""
    (verifier,) = {
        cell.cell_contents
        for route in counter.http.app.routes
        if getattr(route, "path", "") == "/v1/presentations"
        for cell in route.endpoint.__closure__ or ()
        if hasattr(cell.cell_contents, "party")
    }
    return verifier._statuses._kept
