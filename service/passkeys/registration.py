"""Registration of passkeys inside accepted sessions, and their revocation."""

import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Row, select

from idproof.service.cases.states import RegistrationStatus
from idproof.service.errors import PasskeyRefused, ServiceProblem
from idproof.service.operations.audit import AuditLog
from idproof.service.outbox.queue import Outbox
from idproof.service.passkeys import ceremonies as webauthn
from idproof.service.passkeys.accounts import Accounts
from idproof.service.passkeys.binding import binding_statement
from idproof.service.passkeys.ceremonies import Credential
from idproof.service.passkeys.ceremony_store import Ceremonies, Ceremony
from idproof.service.passkeys.erasure import BoundPasskeys
from idproof.service.passkeys.rules import PasskeyRules
from idproof.service.passkeys.states import Cause, CeremonyEvent, Kind, PasskeyState
from idproof.service.passkeys.store import Passkey, Passkeys, credential_json, new_passkey_id
from idproof.service.signing.jws import payload_hash
from idproof.service.signing.keys import KeyRing
from idproof.service.storage import VerdictStore
from idproof.service.storage.engine import Conflict
from idproof.service.storage.schema import VERIFICATIONS
from idproof.service.storage.schema_registrations import REGISTRATIONS


@dataclass(frozen=True, slots=True)
class Wanted:
    """A passkey that is to be registered.

    Attributes:
        verification: id of the accepted verdict.
        nonce: of its capture session.
        origin: of the page, or None for the only one.
        resident: `required`, `preferred` or `discouraged`.
        attachment: `platform`, `cross-platform`, or None for any authenticator.
        face_template: the applicant agreed that a face template is kept for step-ups, under this passkey's key.
    """

    verification: str
    nonce: str
    origin: str | None = None
    resident: str = "preferred"
    attachment: str | None = None
    face_template: bool = False


class PasskeyRegistrations:
    """Registers passkeys; every method may raise `StoreUnavailable`.

    Args:
        rules: of passkeys.
        verdicts: holds the verdicts that they are bound to.
        keys: sign the statements.
        audit: gets a line for each passkey.
        issuer: of the statements.
        outbox: queue of deliveries.
        core: whether the core is told.
    """

    def __init__(
        self,
        rules: PasskeyRules,
        verdicts: VerdictStore,
        keys: KeyRing,
        audit: AuditLog,
        issuer: str,
        outbox: Outbox,
        *,
        core: bool,
    ) -> None:
        self._rules = rules
        self._verdicts = verdicts
        self._keys = keys
        self._audit = audit
        self._issuer = issuer
        self._outbox = outbox
        self._core = core
        self._accounts = Accounts(verdicts.seal)
        self._ceremonies = Ceremonies(verdicts.database, rules)
        self.passkeys = Passkeys(verdicts.database, verdicts.seal)

    def begin(self, client: str, wanted: Wanted) -> dict[str, Any]:
        """Returns a ceremony's id and its options for the browser.

        Raises:
            ServiceProblem: `passkeys_off`, `origin_unknown`, `passkey_verdict_unsuitable`, `passkeys_enough` or
                `too_many_ceremonies`.
        """
        webauthn.require_library()
        origin = self._rules.origin(wanted.origin)
        with self._verdicts.database.write() as connection:
            row = self._suitable(connection, client, wanted.verification)
            verdict = self._verdicts.seal.open(row.id, row.sealed)
            if not hmac.compare_digest(verdict["session"]["nonce"].encode(), wanted.nonce.encode()):
                raise _unsuitable(self._rules)
            self._require_room(connection, row.id)
        ceremony = self._ceremonies.open(Kind.REGISTRATION, client, origin, row.id)
        options = webauthn.creation_options(
            self._rules,
            ceremony.challenge,
            self._accounts.handle(row.id),
            f"idproof {row.created_at[:10]}",
            [passkey.descriptor() for passkey in self.passkeys.of_verdict(row.id)],
            wanted.resident,
            wanted.attachment,
            prf=wanted.face_template,
        )
        return {"id": ceremony.id, "public_key": options, "expires_at": ceremony.expires_at}

    def complete(self, client: str, ceremony_id: str, response: Mapping[str, Any]) -> dict[str, Any]:
        """Stores the passkey that an answer registers; returns what its account is called, and the statement.

        Raises:
            ServiceProblem: `ceremony_lapsed`, `passkey_refused`, or as `begin`.
            AuditBroken: nothing is stored.
        """
        ceremony = self._ceremonies.take(ceremony_id, Kind.REGISTRATION, client)
        try:
            credential = webauthn.verify_registration(self._rules, response, ceremony.challenge, ceremony.origin)
            try:
                passkey = self._store(client, ceremony, credential)
            except Conflict:
                raise PasskeyRefused(Cause.CREDENTIAL_KNOWN) from None
        except Exception:
            self._ceremonies.refuse(ceremony)
            raise
        return {
            "id": passkey.id,
            "verification": passkey.verification,
            "subject": self._accounts.subject(passkey.verification, client),
            "binding": passkey.statement,
            "backup_eligible": credential.backup_eligible,
            "backed_up": credential.backed_up,
            "attested": credential.attested,
            "discoverable": credential.discoverable,
        }

    def revoke(self, passkey_id: str, client: str | None, by: str) -> bool:
        """Revokes a passkey as `BoundPasskeys.revoke`."""
        return BoundPasskeys(self._verdicts, self._audit).revoke(passkey_id, client, by)

    def _store(self, client: str, ceremony: Ceremony, credential: Credential) -> Passkey:
        assert ceremony.verification is not None  # noqa: S101 - every registration names its verdict
        now = datetime.now(UTC).isoformat(timespec="seconds")
        with self._verdicts.database.write() as connection:
            row = self._suitable(connection, client, ceremony.verification)
            self._require_room(connection, row.id)
            verdict = self._verdicts.seal.open(row.id, row.sealed)
            passkey = Passkey(
                id=(new := new_passkey_id()),
                verification=row.id,
                client=client,
                state=PasskeyState.ACTIVE,
                sign_count=credential.sign_count,
                backed_up=credential.backed_up,
                reported=self._core,
                created_at=now,
                used_at=None,
                credential=credential_json(credential),
                statement=binding_statement(
                    new, verdict, credential, self._rules.party, ceremony.origin, now, self._keys.current, self._issuer
                ),
                card=verdict["form"] or None,
            )
            self.passkeys.insert(connection, passkey, credential.id, row.person)
            self._ceremonies.settle(connection, ceremony, CeremonyEvent.VERIFIED, passkey.id)
            if self._core:
                self._outbox.add_binding(connection, row.id, passkey.id, _order(client, verdict))
            # Last, so that the transaction cannot end without the audit line.
            statement = payload_hash(passkey.statement)
            self._audit.append("passkey_bound", passkey=passkey.id, id=row.id, statement=statement)
        return passkey

    def _suitable(self, connection: Connection, client: str, verification: str) -> Row[Any]:
        """Returns the row of an accepted verdict of a session, locked; one answer for every other."""
        wanted = select(VERIFICATIONS).where(VERIFICATIONS.c.id == verification, VERIFICATIONS.c.client == client)
        row = connection.execute(wanted.with_for_update()).first()
        if row is None:
            raise _unsuitable(self._rules)
        verdict = self._verdicts.seal.open(row.id, row.sealed)
        age_s = (datetime.now(UTC) - datetime.fromisoformat(row.created_at)).total_seconds()
        if verdict["decision"] != "accept" or verdict.get("session") is None or age_s > self._rules.bind_s:
            raise _unsuitable(self._rules)
        # A registration may stay open although this verdict accepts, as with another card than before.
        of = select(REGISTRATIONS.c.status).where(REGISTRATIONS.c.id == verdict.get("registration"))
        if connection.scalar(of) not in (None, RegistrationStatus.ACCEPTED):
            raise _unsuitable(self._rules)
        return row

    def _require_room(self, connection: Connection, verification: str) -> None:
        if self.passkeys.count(connection, verification) >= self._rules.per_verdict:
            sentence = f"The verdict has {self._rules.per_verdict} passkeys already."
            raise ServiceProblem("passkeys_enough", sentence)


def _order(client: str, verdict: dict[str, Any]) -> str:
    """Returns the name of the registration, in whose order its deliveries are made."""
    return f"{client}\0{verdict['reference'] or verdict['id']}"


def _unsuitable(rules: PasskeyRules) -> ServiceProblem:
    sentence = f"There is no accepted verdict of this id and session nonce from the last {rules.bind_s:.0f} seconds."
    return ServiceProblem("passkey_verdict_unsuitable", sentence)
