"""The face templates of a service: bound to a passkey after an accept, and opened for one step-up at a time."""

import hashlib
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, select

from idproof.pipeline.errors import SealBroken
from idproof.pipeline.vault import VaultSession
from idproof.pipeline.vault.holder_layer import SECRET_BYTES, add_holder_layer, remove_holder_layer
from idproof.pipeline.vault.split_templates import open_template
from idproof.service.errors import ServiceProblem
from idproof.service.face_templates.core import KeyReleases, KeyRequest, KeyRevoked
from idproof.service.face_templates.pending import PendingTemplates
from idproof.service.face_templates.store import Destroyed, FaceTemplateStore, StoredTemplate
from idproof.service.operations.audit import AuditLog
from idproof.service.passkeys import ceremonies as webauthn
from idproof.service.passkeys.login import PasskeyLogins
from idproof.service.passkeys.rules import PasskeyRules
from idproof.service.passkeys.states import Kind, PasskeyState
from idproof.service.passkeys.store import Ceremonies, Passkeys
from idproof.service.step_up.step_ups import text_hash
from idproof.service.step_up.store import StepUp
from idproof.service.storage import VerdictStore
from idproof.service.storage.schema import VERIFICATIONS


class FaceTemplates:
    """Binds, opens and destroys templates; every method may raise `StoreUnavailable` or `AuditBroken`.

    Args:
        rules: of passkeys.
        verdicts: the database, and its seal.
        logins: verify a passkey's answers.
        audit: gets a line for each event of a template.
        pending: templates that wait for a passkey.
        releases: asks the identity core.
        network: full SHA-256 of the network that computes templates.
    """

    def __init__(
        self,
        rules: PasskeyRules,
        verdicts: VerdictStore,
        logins: PasskeyLogins,
        audit: AuditLog,
        pending: PendingTemplates,
        releases: KeyReleases,
        network: str,
    ) -> None:
        self._rules = rules
        self._database = verdicts.database
        self._logins = logins
        self._audit = audit
        self._releases = releases
        self._network = network
        self._ceremonies = Ceremonies(verdicts.database, rules)
        self._passkeys = Passkeys(verdicts.database, verdicts.seal)
        self._store = FaceTemplateStore(verdicts.seal, audit)
        self.pending = pending

    def begin(self, client: str, made: Mapping[str, Any], response: Mapping[str, Any]) -> dict[str, Any] | None:
        """Returns a ceremony by which the passkey that was just made takes its template.

        A second use of the passkey is asked for: what it gives there is what it will give at a step-up.

        Args:
            client: that registered the passkey.
            made: what `PasskeyRegistrations.complete` returned.
            response: of the browser that made it.

        Returns:
            Id and options; None where the authenticator has no `prf`, or no template waits.
        """
        verification, origin = str(made["verification"]), webauthn.origin_of(response)
        if not webauthn.prf_enabled(response) or not self.pending.waits(verification):
            return None
        ceremony = self._ceremonies.open(Kind.TEMPLATE, client, origin, verification)
        allowed = [{"type": "public-key", "id": response["id"]}]
        options = webauthn.request_options(self._rules, ceremony.challenge, allowed, prf=True)
        return {"id": ceremony.id, "public_key": options, "expires_at": ceremony.expires_at}

    def bind(self, client: str, ceremony_id: str, response: Mapping[str, Any]) -> dict[str, Any]:
        """Encrypts the template that waits for a passkey a second time, and stores it.

        Raises:
            ServiceProblem: `ceremony_lapsed`, `passkey_refused`, `face_template_key_missing` or
                `face_template_unavailable`.
        """
        ceremony = self._ceremonies.take(ceremony_id, Kind.TEMPLATE, client)
        passkey = self._logins.authenticate(ceremony, response)
        secret = bytearray(webauthn.prf_output(response))
        found = self.pending.find(passkey.verification)
        if len(secret) != SECRET_BYTES:
            raise _key_missing()
        if found is None:
            raise _unavailable()
        owner, protected = found
        template = StoredTemplate(passkey.id, owner, add_holder_layer(protected, secret, passkey.id, owner))
        with self._database.write() as connection:
            wanted = select(VERIFICATIONS.c.person).where(VERIFICATIONS.c.id == passkey.verification)
            row = connection.execute(wanted.with_for_update()).first()
            now = self._passkeys.find_in(connection, passkey.id)
            if row is None or now is None or now.state is not PasskeyState.ACTIVE:  # erased or revoked meanwhile
                raise _unavailable()
            self._store.insert(connection, template, row.person)
            # Last, so that the transaction cannot end without the audit line.
            self._audit.append("face_template_bound", passkey=passkey.id, id=passkey.verification)
        self.pending.destroy(passkey.verification, Destroyed.BOUND)
        return {"passkey": passkey.id, "verification": passkey.verification}

    def require(self, connection: Connection, passkey: str) -> None:
        """Raises `ServiceProblem` `face_template_unavailable` unless a passkey has a template that can be compared."""
        found = self._store.find(connection, passkey)
        if found is None or found.owner.network != self._network:
            raise _unavailable()

    def open_for(self, step_up: StepUp, secret: bytearray | None, session: VaultSession) -> None:
        """Opens the template of a step-up's passkey into the vault, with the core's consent.

        Args:
            step_up: whose check has begun.
            secret: what the passkey gave at the login; overwritten with zeros.
            session: of the captures.

        Raises:
            ServiceProblem: `face_template_key_missing`, `face_template_unavailable`, `face_template_refused`, or
                `face_template_core_unavailable`.
        """
        if secret is None or len(secret) != SECRET_BYTES:
            raise _key_missing()
        with self._database.read() as connection:
            self.require(connection, step_up.passkey)
            stored = self._store.find(connection, step_up.passkey)
        if stored is None:
            raise _unavailable()
        try:
            protected = remove_holder_layer(stored.layers, secret, step_up.passkey, stored.owner)
            key = self._key(step_up, stored, protected.key)
            self._audit.append("face_template_opened", step_up=step_up.id, id=step_up.verification)
            open_template(session, protected, key, stored.owner)
        except SealBroken:
            raise ServiceProblem("face_template_refused", "The face template does not open.") from None

    def close(self) -> None:
        """Destroys what waits: the process is about to end."""
        self.pending.close()
        self._releases.close()

    def _key(self, step_up: StepUp, stored: StoredTemplate, key: bytes) -> bytearray:
        check = hashlib.sha256(step_up.recipe.encode()).hexdigest()[:32]
        about = (f"{step_up.id}.{check}", step_up.id, step_up.client, text_hash(step_up.text), step_up.passkey)
        try:
            return self._releases.ask(KeyRequest(*about, stored.owner, key))
        except KeyRevoked:
            with self._database.write() as connection:
                self._store.destroy(connection, [step_up.passkey], Destroyed.CORE_REVOKED)
            raise ServiceProblem(
                "face_template_refused", "The identity core revoked the template's key; the template is destroyed."
            ) from None


def _unavailable() -> ServiceProblem:
    sentence = "There is no face template of this passkey that can be compared."
    return ServiceProblem("face_template_unavailable", sentence)


def _key_missing() -> ServiceProblem:
    sentence = "Send what the passkey gave for the extension prf: without it the face template does not open."
    return ServiceProblem("face_template_key_missing", sentence)
