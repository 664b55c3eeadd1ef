"""The face templates of a service: bound to a passkey after an accept, and opened for one step-up at a time."""

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, select

from idproof.pipeline.errors import SealBroken
from idproof.pipeline.vault import VaultSession
from idproof.pipeline.vault.holder_layer import SECRET_BYTES, add_holder_layer, remove_holder_layer
from idproof.pipeline.vault.split_templates import open_template
from idproof.service.errors import ServiceProblem, StoreUnavailable, log_error
from idproof.service.face_templates.core import KeyReleases, KeyRequest, KeyRevoked
from idproof.service.face_templates.pending import PendingTemplates
from idproof.service.face_templates.store import Destroyed, FaceTemplateStore, StoredTemplate
from idproof.service.operations.audit import AuditLog
from idproof.service.passkeys import ceremonies as webauthn
from idproof.service.passkeys.ceremony_store import Ceremonies
from idproof.service.passkeys.login import PasskeyLogins
from idproof.service.passkeys.rules import PasskeyRules
from idproof.service.passkeys.states import Kind, PasskeyState
from idproof.service.passkeys.store import Passkey, Passkeys
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

    def begin(
        self, client: str, made_by: str, made: Mapping[str, Any], response: Mapping[str, Any]
    ) -> dict[str, Any] | None:
        """Returns a ceremony by which the passkey that was just made takes its template.

        A second use of the passkey is asked for: what it gives there is what it will give at a step-up.

        Args:
            client: that registered the passkey.
            made_by: id of the ceremony that made it.
            made: what `PasskeyRegistrations.complete` returned.
            response: of the browser that made it.

        Returns:
            Id and options; None where the applicant did not agree, the authenticator has no `prf`, no template waits,
            or no ceremony can be opened: the passkey is made all the same, and its client must learn of it.
        """
        verification, origin = str(made["verification"]), webauthn.origin_of(response)
        if not webauthn.prf_enabled(response) or not self.pending.waits(verification, made_by):
            return None
        try:
            ceremony = self._ceremonies.open(Kind.TEMPLATE, client, origin, verification)
        except (ServiceProblem, StoreUnavailable) as error:
            log_error(error)
            return None
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
        with _overwritten(bytearray(webauthn.prf_output(response))) as secret:
            template = self._layered(passkey, secret)
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
        self._usable(connection, passkey)

    def open_for(self, step_up: StepUp, secret: bytearray, session: VaultSession) -> None:
        """Opens the template of a step-up's passkey into the vault, with the core's consent.

        Args:
            step_up: whose check has begun.
            secret: what the passkey gave at the login, or empty; overwritten with zeros, also where this raises.
            session: of the captures.

        Raises:
            ServiceProblem: `face_template_key_missing`, `face_template_unavailable`, `face_template_refused`, or
                `face_template_core_unavailable`.
        """
        with _overwritten(secret):
            if len(secret) != SECRET_BYTES:
                raise _key_missing()
            with self._database.read() as connection:
                stored = self._usable(connection, step_up.passkey)
            try:
                protected = remove_holder_layer(stored.layers, secret, step_up.passkey, stored.owner)
                with _overwritten(self._key(step_up, stored, protected.key)) as key:
                    with self._database.read() as connection:
                        if self._usable(connection, step_up.passkey) != stored:  # destroyed while the core was asked
                            raise _unavailable()
                    self._audit.append("face_template_opened", step_up=step_up.id, id=step_up.verification)
                    open_template(session, protected, key, stored.owner)
            except SealBroken:
                raise ServiceProblem("face_template_refused", "The face template does not open.") from None

    def destroy_erased(self) -> None:
        """Destroys the templates that wait for a passkey of a verdict that was erased meanwhile, by any process."""
        stored = self.pending.stored()
        with self._database.read() as connection:
            there = set(connection.scalars(select(VERIFICATIONS.c.id).where(VERIFICATIONS.c.id.in_(stored))))
        for verification in set(stored) - there:
            self.pending.destroy(verification, Destroyed.ERASED)

    def close(self) -> None:
        """Destroys what waits: the process is about to end."""
        self.pending.close()
        self._releases.close()

    def _layered(self, passkey: Passkey, secret: bytearray) -> StoredTemplate:
        if len(secret) != SECRET_BYTES:
            raise _key_missing()
        found = self.pending.find(passkey.verification)
        if found is None:
            raise _unavailable()
        owner, protected = found
        return StoredTemplate(passkey.id, owner, add_holder_layer(protected, secret, passkey.id, owner))

    def _usable(self, connection: Connection, passkey: str) -> StoredTemplate:
        found = self._store.find(connection, passkey)
        if found is None or found.owner.network != self._network:
            raise _unavailable()
        return found

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


@contextmanager
def _overwritten(secret: bytearray) -> Iterator[bytearray]:
    """Lends a secret for the length of the block, and overwrites it with zeros."""
    try:
        yield secret
    finally:
        secret[:] = bytes(len(secret))


def _unavailable() -> ServiceProblem:
    sentence = "There is no face template of this passkey that can be compared."
    return ServiceProblem("face_template_unavailable", sentence)


def _key_missing() -> ServiceProblem:
    sentence = "Send what the passkey gave for the extension prf: without it the face template does not open."
    return ServiceProblem("face_template_key_missing", sentence)
