"""A relying party with a streaming device, and a holder with a passkey, on a real server without networks."""

from dataclasses import replace
from typing import Any

import httpx
from access_keys import bearer, key
from passkey_bench import PasskeyBench
from soft_passkeys import ORIGIN, Authenticator
from stream_server import StreamVerifier, with_device

from idproof.pipeline import Decision, VaultSession
from idproof.pipeline.fields.card_data import CardData
from idproof.pipeline.liveness import requirements
from idproof.pipeline.liveness.response import LivenessResponse
from idproof.pipeline.origin import UPLOADED, CaptureOrigin
from idproof.pipeline.step_up import HolderCheck
from idproof.pipeline.types import Role
from idproof.service.auth.api_keys import ApiKeys
from idproof.service.auth.clients import Scope
from idproof.service.operations.settings import Settings
from idproof.service.registrations import permits
from idproof.service.storage.kiosks import Kiosks
from idproof.service.storage.permits import Permits, device_holder

TEXT = "Change the address of record to 1 Example Street."


class HolderVerifier(StreamVerifier):
    """Checks nothing of the person, and the challenge by the real rule; notes what the vault held."""

    def __init__(self) -> None:
        super().__init__()
        self.held: list[int] = []

    def check_holder(
        self, session: VaultSession, card: CardData, answer: LivenessResponse, origin: CaptureOrigin = UPLOADED
    ) -> HolderCheck:
        for name in (Role.SELFIE.value, *answer.names):
            with session.upload(name) as picture:
                self.held.append(len(picture))
        found = super().check_holder(session, card, answer, origin)
        reduced = answer.challenge.options.reduces and not answer.reduction_permitted
        if reduced:
            asked = requirements.check(answer.challenge, reduction_permitted=False)
            return replace(found, decision=Decision.REFER, reasons=("challenge_reduced",), checks=(asked,))
        return found


class Party:
    """A relying party with a device, and a holder with a passkey."""

    def __init__(self, url: str, settings: Settings, verifier: HolderVerifier, *, holder: bool = True) -> None:
        self.url, self.settings, self.verifier = url, settings, verifier
        self.bench, self.authenticator = PasskeyBench(settings), Authenticator()
        if holder:
            self.bench.bound(self.authenticator)
        token = key(settings, Scope.PASSKEY_LOGIN, Scope.STEP_UP_WRITE)
        self.headers = bearer(token)
        client = ApiKeys(self.bench.store.database).find(token)
        assert client is not None
        self.client = client.id
        self.device_key = self.enroll(self.client)

    def enroll(self, client: str) -> str:
        return Kiosks(self.bench.store.database, self.bench.store.seal).enroll("Counter 3", client=client)

    def ask(self, method: str, path: str, body: Any = None) -> httpx.Response:
        return httpx.request(method, self.url + path, json=body, headers=self.headers, timeout=30)

    def open(self, **more: Any) -> dict[str, Any]:
        begun = self.ask("POST", "/v1/passkey-logins", {"origin": ORIGIN}).json()
        answer = {"response": self.authenticator.get(begun["public_key"])}
        login = self.ask("POST", f"/v1/passkey-logins/{begun['id']}", answer).json()["token"]
        answered = self.ask("POST", "/v1/step-ups", {"login": login, "text": TEXT} | more)
        assert answered.status_code == 201, answered.text
        return dict(answered.json())

    def state(self, step_up: str) -> dict[str, Any]:
        return dict(self.ask("GET", f"/v1/step-ups/{step_up}").json())

    def at_device(self, act: Any, device_key: str | None = None) -> Any:
        return with_device(self.url, device_key or self.device_key, act)

    def grant(self, *options: str) -> str:
        store, holder = self.bench.store, device_holder(self.device_key.split("_")[1])
        told = Permits(store.database, store.seal), self.bench.audit, holder, options
        return permits.grant(*told, by="staff", lifetime_s=60)[0]
