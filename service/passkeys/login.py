"""Logins with passkeys, as a reference for relying parties: options, completion, and the token that follows."""

import time
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection

from idproof.service.errors import PasskeyRefused
from idproof.service.face_templates.store import Destroyed, FaceTemplateStore
from idproof.service.operations.audit import AuditLog
from idproof.service.passkeys import ceremonies as webauthn
from idproof.service.passkeys.accounts import Accounts
from idproof.service.passkeys.ceremonies import Assertion
from idproof.service.passkeys.ceremony_store import Ceremonies, Ceremony
from idproof.service.passkeys.rules import PasskeyRules
from idproof.service.passkeys.states import Cause, CeremonyEvent, Kind, PasskeyEvent, PasskeyState
from idproof.service.passkeys.store import Passkey, Passkeys, decode
from idproof.service.signing.jws import sign_claims
from idproof.service.signing.keys import KeyRing
from idproof.service.storage.engine import Database
from idproof.service.storage.seal import Seal

TYPE = "passkey-login+jwt"
_NOBODY = "-"
"""Account of a ceremony whose subject is unknown: no passkey has it."""


class PasskeyLogins:
    """Runs logins; every method may raise `StoreUnavailable`.

    Args:
        rules: of passkeys.
        database: that holds them.
        seal: of the database.
        keys: sign the tokens.
        audit: gets a line when a passkey is suspended.
        issuer: of the tokens.
    """

    def __init__(
        self, rules: PasskeyRules, database: Database, seal: Seal, keys: KeyRing, audit: AuditLog, issuer: str
    ) -> None:
        self._rules = rules
        self._database = database
        self._keys = keys
        self._audit = audit
        self._issuer = issuer
        self._accounts = Accounts(seal)
        self._ceremonies = Ceremonies(database, rules)
        self._passkeys = Passkeys(database, seal)
        self._templates = FaceTemplateStore(seal, audit)

    def begin(
        self, client: str, subject: str | None, origin: str | None, *, face_template: bool = False
    ) -> dict[str, Any]:
        """Returns a ceremony's id and its options for the browser.

        An unknown subject gets options like those of a known one, the same each time.

        Args:
            client: the relying party.
            subject: its name of the account, for passkeys that the authenticator cannot find itself; None lets the
                holder choose.
            origin: of the relying party's page, or None for the only one.
            face_template: ask the passkey for its half of the face template's key, for a step-up.

        Raises:
            ServiceProblem: `passkeys_off`, `origin_unknown` or `too_many_ceremonies`.
        """
        webauthn.require_library()
        page = self._rules.origin(origin)
        account = None if subject is None else self._accounts.verification(subject, client) or _NOBODY
        known = [] if account is None else self._passkeys.of_verdict(account)
        allowed = [passkey.descriptor() for passkey in known if passkey.state is PasskeyState.ACTIVE]
        if subject is not None and not allowed:
            allowed = self._passkeys.decoys(f"{client}\0{subject}")
        ceremony = self._ceremonies.open(Kind.LOGIN, client, page, account)
        options = webauthn.request_options(self._rules, ceremony.challenge, allowed, prf=face_template)
        return {"id": ceremony.id, "public_key": options, "expires_at": ceremony.expires_at}

    def complete(self, client: str, ceremony_id: str, response: Mapping[str, Any]) -> dict[str, Any]:
        """Returns the token of a login, and what it says.

        Raises:
            ServiceProblem: `ceremony_lapsed` or `passkey_refused`, whatever the cause.
        """
        ceremony = self._ceremonies.take(ceremony_id, Kind.LOGIN, client)
        passkey, assertion = self._settle(ceremony, response)
        claims = self._claims(ceremony, passkey, assertion)
        token = sign_claims(claims, self._keys.current, self._issuer, TYPE)
        return {"token": token, "expires_in": self._rules.token_s} | {
            name: claims[name] for name in ("sub", "backup_eligible", "backed_up", "attested")
        }

    def authenticate(self, ceremony: Ceremony, response: Mapping[str, Any]) -> Passkey:
        """Returns the passkey that answers a ceremony, which was taken.

        Raises:
            ServiceProblem: `passkey_refused`, whatever the cause.
        """
        return self._settle(ceremony, response)[0]

    def _settle(self, ceremony: Ceremony, response: Mapping[str, Any]) -> tuple[Passkey, Assertion]:
        try:
            return self._verify(ceremony, response)
        except Exception as error:
            self._ceremonies.refuse(ceremony)
            if isinstance(error, _CountWentBack):
                self._suspend(error.passkey)
                raise PasskeyRefused(Cause.COUNT_WENT_BACK) from None
            raise

    def _verify(self, ceremony: Ceremony, response: Mapping[str, Any]) -> tuple[Passkey, Assertion]:
        with self._database.write() as connection:
            passkey = self._passkeys.by_credential(connection, webauthn.credential_id(response))
            if passkey is None:
                raise PasskeyRefused(Cause.CREDENTIAL_UNKNOWN)
            if ceremony.verification not in (None, passkey.verification):
                raise PasskeyRefused(Cause.CREDENTIAL_OTHER)
            if passkey.state is not PasskeyState.ACTIVE:
                raise PasskeyRefused(Cause.NOT_ACTIVE)
            public_key = decode(passkey.credential["public_key"])
            made = webauthn.verify_assertion(self._rules, response, ceremony.challenge, ceremony.origin, public_key)
            self._require_account(ceremony, passkey, made)
            if made.backup_eligible != passkey.credential["backup_eligible"]:
                raise PasskeyRefused(Cause.BACKUP_CHANGED)  # WebAuthn Level 3, section 7.2: it never changes
            if (made.sign_count or passkey.sign_count) and made.sign_count <= passkey.sign_count:
                # A relying party may have held the answer back. No authenticator gives one count twice.
                if made.sign_count < passkey.sign_count and passkey.was_asked_before(ceremony):
                    raise PasskeyRefused(Cause.ANSWERED_LATE)
                raise _CountWentBack(passkey)
            self._record(connection, ceremony, passkey, made)
        return passkey, made

    def _require_account(self, ceremony: Ceremony, passkey: Passkey, made: Assertion) -> None:
        """Raises `PasskeyRefused` unless the authenticator names the passkey's account, or need not name any."""
        if made.user_handle is None and ceremony.verification is not None:
            return
        if made.user_handle != self._accounts.handle(passkey.verification):
            raise PasskeyRefused(Cause.CREDENTIAL_OTHER)

    def _record(self, connection: Connection, ceremony: Ceremony, passkey: Passkey, made: Assertion) -> None:
        self._passkeys.use(connection, passkey, made.sign_count, backed_up=made.backed_up)
        self._ceremonies.settle(connection, ceremony, CeremonyEvent.VERIFIED, passkey.id)

    def _suspend(self, passkey: Passkey) -> None:
        """Suspends a passkey of which somebody may have a copy: its signature held, and its count went back."""
        with self._database.write() as connection:
            if self._passkeys.move(connection, passkey.id, PasskeyEvent.COUNT_WENT_BACK):
                self._templates.destroy(connection, [passkey.id], Destroyed.PASSKEY_SUSPENDED)
                self._audit.append("passkey_suspended", passkey=passkey.id, id=passkey.verification)

    def _claims(self, ceremony: Ceremony, passkey: Passkey, made: Assertion) -> dict[str, Any]:
        now = int(time.time())
        claims: dict[str, Any] = {
            "jti": ceremony.id,
            "aud": ceremony.client,
            "exp": now + self._rules.token_s,
            "auth_time": now,
            "sub": self._accounts.subject(passkey.verification, ceremony.client),
            "amr": ["pop", "user"],  # RFC 8176: possession of a key, presence of its holder
            "user_verified": True,
            "origin": ceremony.origin,
            "backup_eligible": made.backup_eligible,
            "backed_up": made.backed_up,
            "attested": bool(passkey.credential["attestation"]["trusted"]),
        }
        if ceremony.client == passkey.client:  # another relying party could compare these with others
            claims |= {"verification": passkey.verification, "passkey": passkey.id}
        return claims


class _CountWentBack(Exception):
    """A signature that holds carries no greater count than the one before."""

    def __init__(self, passkey: Passkey) -> None:
        super().__init__()
        self.passkey = passkey
