"""Accepted verdicts, their passkeys and logins, without a server."""

import json
import secrets
from base64 import urlsafe_b64encode
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from soft_passkeys import ORIGIN, PARTY, Authenticator
from sqlalchemy import update

from idproof.service.operations.audit import AuditLog
from idproof.service.operations.settings import Settings
from idproof.service.outbox import Outbox
from idproof.service.passkeys.login import PasskeyLogins
from idproof.service.passkeys.registration import PasskeyRegistrations, Wanted
from idproof.service.passkeys.rules import PasskeyRules
from idproof.service.signing.jws import sign
from idproof.service.signing.keys import KeyRing
from idproof.service.storage import Ledger, VerdictStore
from idproof.service.storage.schema import VERIFICATIONS

OTHER = "https://tax.idproof.example"
CARD = {"number": "A123456(3)", "surname": "CHAN", "given_names": "Tai Man"}


def passkey_settings(settings: Settings, **more: Any) -> Settings:
    told = {"passkey_rp_id": PARTY, "passkey_origins": f"{ORIGIN},{OTHER}"}
    return Settings(**settings.model_dump() | told | more)


class PasskeyBench:
    """One service's passkeys; the members are its parts."""

    def __init__(self, settings: Settings, *, core: bool = True, **rules: Any) -> None:
        self.settings = settings
        self.ring = KeyRing(settings)
        self.store = VerdictStore.open(settings, self.ring.current.sealing)
        self.audit = AuditLog.open(settings, self.ring)
        self.ledger = Ledger(self.store)
        self.outbox = Outbox(self.store.database, self.store.seal)
        found = PasskeyRules.of(settings)
        assert found is not None
        self.rules = replace(found, **rules)
        self.registrations = PasskeyRegistrations(
            self.rules, self.store, self.ring, self.audit, settings.issuer, self.outbox, core=core
        )
        parts = (self.store.database, self.store.seal, self.ring, self.audit, settings.issuer)
        self.logins = PasskeyLogins(self.rules, *parts)

    @property
    def passkeys(self) -> Any:
        return self.registrations.passkeys

    def verdict(
        self, client: str = "one", decision: str = "accept", *, session: bool = True, age_s: float = 0, **more: Any
    ) -> dict[str, Any]:
        """A stored verdict of a session."""
        ticket = self.ledger.begin(client, None, None)
        nonce = urlsafe_b64encode(secrets.token_bytes(32)).decode().rstrip("=")
        body: dict[str, Any] = {"id": ticket.id, "reference": None, "decision": decision, "reasons": [], "form": CARD}
        body |= {"session": {"id": "cs_" + ticket.id[4:], "nonce": nonce} if session else None, "core_only": None}
        body |= more
        body |= {"jws": sign(body, self.ring.current, self.settings.issuer)}
        number = (body["form"] or {}).get("number")
        self.ledger.finish(ticket, body, None, number=number)  # type: ignore[arg-type]
        if age_s:
            at = (datetime.now(UTC) - timedelta(seconds=age_s)).isoformat(timespec="seconds")
            with self.store.database.write() as connection:
                mine = VERIFICATIONS.c.id == ticket.id
                connection.execute(update(VERIFICATIONS).where(mine).values(created_at=at))
        return body

    def begin(self, verdict: dict[str, Any], client: str = "one", **more: Any) -> dict[str, Any]:
        told = {"verification": verdict["id"], "nonce": verdict["session"]["nonce"], "origin": ORIGIN} | more
        return self.registrations.begin(client, Wanted(**told))

    def bound(
        self, authenticator: Authenticator, verdict: dict[str, Any] | None = None, client: str = "one"
    ) -> dict[str, Any]:
        """Registers the authenticator's passkey for a verdict."""
        begun = self.begin(verdict or self.verdict(client), client)
        return self.registrations.complete(client, begun["id"], authenticator.create(begun["public_key"]))

    def logged_in(self, authenticator: Authenticator, client: str = "two", **more: Any) -> dict[str, Any]:
        begun = self.logins.begin(client, more.pop("subject", None), more.pop("origin", ORIGIN))
        return self.logins.complete(client, begun["id"], authenticator.get(begun["public_key"], **more))

    def audit_events(self) -> list[dict[str, Any]]:
        lines = Path(self.settings.audit_log).read_text(encoding="utf-8").splitlines()
        return [(entry := json.loads(line)) | entry["about"] for line in lines]
