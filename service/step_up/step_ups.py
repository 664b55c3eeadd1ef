"""Step-ups for relying parties: opened with a login and a transaction's text, decided once, validated once."""

import hashlib
import hmac
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any

from sqlalchemy import Connection

from idproof.pipeline.fields.card_data import CardData
from idproof.pipeline.liveness.challenge import Challenge, Options
from idproof.pipeline.step_up import HolderCheck
from idproof.pipeline.types import Decision
from idproof.service.errors import ServiceProblem, SignatureInvalid
from idproof.service.operations.audit import AuditLog
from idproof.service.passkeys import login
from idproof.service.passkeys.accounts import Accounts
from idproof.service.passkeys.ceremony_store import Ceremonies
from idproof.service.passkeys.rules import PasskeyRules
from idproof.service.passkeys.states import PasskeyState
from idproof.service.passkeys.store import Passkey, Passkeys
from idproof.service.signing.jws import payload_hash, sign_claims, verify
from idproof.service.signing.keys import KeyRing
from idproof.service.step_up.states import StepUpEvent
from idproof.service.step_up.store import StepUp, StepUpRules, StepUpStore
from idproof.service.storage import VerdictStore
from idproof.service.storage.permits import Permits, PermitUse

TOKEN, RECORD = "step-up+jwt", "step-up-record+jwt"


class StepUps:
    """Opens, decides and validates step-ups; every method may raise `StoreUnavailable`.

    Args:
        passkey_rules: of the logins.
        verdicts: the database, and its seal.
        keys: sign tokens and records.
        audit: gets a line for each decision and each use of a token.
        issuer: of the tokens.
        rules: limits.
        require_template: raises unless a passkey has a face template, where those take the place of the records'
            portrait; None where they do not.
    """

    def __init__(
        self,
        passkey_rules: PasskeyRules,
        verdicts: VerdictStore,
        keys: KeyRing,
        audit: AuditLog,
        issuer: str,
        rules: StepUpRules | None = None,
        require_template: Callable[[Connection, str], None] | None = None,
    ) -> None:
        self._database = verdicts.database
        self._seal = verdicts.seal
        self._keys = keys
        self._audit = audit
        self._issuer = issuer
        self._require_template = require_template
        self._accounts = Accounts(verdicts.seal)
        self._ceremonies = Ceremonies(verdicts.database, passkey_rules)
        self._passkeys = Passkeys(verdicts.database, verdicts.seal)
        self._permits = Permits(verdicts.database, verdicts.seal)
        self.store = StepUpStore(verdicts.database, verdicts.seal, rules)

    def open(
        self, client: str, token: str, text: str, options: Options | None = None, card: CardData | None = None
    ) -> StepUp:
        """Opens a step-up; the login is used up.

        Args:
            client: the relying party.
            token: of a login of this relying party, in force.
            text: that describes the transaction.
            options: of the person before the camera.
            card: by which the records find the holder, where only the identity core may read the card.

        Raises:
            ServiceProblem: `login_invalid`, `step_up_card_needed`, `face_template_unavailable` or `step_ups_refused`.
        """
        claims = self._claims_of(token, login.TYPE, client)
        if claims is None:
            raise _login_invalid()
        with self._database.write() as connection:
            row = self._ceremonies.spend(connection, str(claims["jti"]), client)
            passkey = None if row is None else self._passkeys.find_in(connection, row.passkey)
            if row is None or passkey is None or passkey.state is not PasskeyState.ACTIVE:
                raise _login_invalid()
            known = self._card(connection, passkey, card)
            return self.store.open(connection, row, passkey.verification, text, known, options or Options())

    def ask_again(self, client: str, step_up_id: str, options: Options | None = None) -> Challenge:
        """Issues another challenge; raises as `StepUpStore.ask`."""
        return self.store.ask(step_up_id, client, options)

    def use_permit(self, client: str, step_up_id: str, permit: PermitUse, options: Options) -> frozenset[str]:
        """Uses a permit of staff up for an open step-up; returns the options that it grants.

        Raises:
            ServiceProblem: `step_up_lapsed`, `permit_invalid` or `permit_exceeded`.
            AuditBroken: nothing was used.
        """
        with self._database.write() as connection:
            self.store.require_open(connection, step_up_id, client)
            return frozenset(self._permits.use(connection, permit, step_up_id, options).options)

    def outcome(self, client: str, step_up_id: str) -> dict[str, Any]:
        """Returns a step-up's state and, while it is kept, its decision; raises as `StepUpStore.outcome`."""
        found = self.store.outcome(step_up_id, client)
        return {"id": found.id, "state": found.state, "expires_at": found.expires_at, "decision": found.decision}

    def decide(self, step_up: StepUp, found: HolderCheck) -> dict[str, Any]:
        """Stores the decision; returns it with its signed record and, for an accept, the token.

        Raises:
            ServiceProblem: `step_up_lapsed`: the account was erased meanwhile, or the check counted as lost.
            AuditBroken: nothing is stored.
        """
        subject = self._accounts.subject(step_up.verification, step_up.client)
        about = {
            "jti": step_up.id,
            "aud": step_up.client,
            "sub": subject,
            "login": step_up.login,
            "text_sha256": text_hash(step_up.text),
            "capture_level": found.capture_level,
            "policy": found.policy,
        }
        shown = _shown(found)
        record = sign_claims(about | shown, self._keys.current, self._issuer, RECORD)
        accepted = found.decision is Decision.ACCEPT
        event = StepUpEvent.ACCEPTED if accepted else StepUpEvent.REFUSED
        answer = {"id": step_up.id, **shown, "capture_level": found.capture_level, "record": record}
        answer |= self._token(about, record) if accepted else {"token": None, "expires_in": None}
        with self._database.write() as connection:
            in_force = self._is_in_force(connection, step_up.passkey)
            if not in_force or not self.store.decide(connection, step_up, event, answer):
                raise ServiceProblem("step_up_lapsed", "The step-up or its passkey ended before its decision.")
            told = {"decision": found.decision, "reasons": list(found.reasons)}
            self._audit.append("step_up_decided", step_up=step_up.id, id=step_up.verification, **told)
        return answer

    def use(self, client: str, token: str, text: str) -> dict[str, Any]:
        """Validates a token once; returns its claims.

        A token that comes with another text is used up, too: somebody changed the transaction. One whose passkey was
        revoked or suspended since is not in force.

        Raises:
            ServiceProblem: `step_up_token_invalid`, whatever the cause.
        """
        claims = self._claims_of(token, TOKEN, client)
        if claims is None:
            raise _token_invalid()
        with self._database.write() as connection:
            if not self._is_in_force(connection, self.store.passkey_of(connection, str(claims["jti"]))):
                raise _token_invalid()
            if not self.store.move(connection, str(claims["jti"]), StepUpEvent.TOKEN_USED):
                raise _token_invalid()
            same = hmac.compare_digest(str(claims["text_sha256"]), text_hash(text))
            self._audit.append("step_up_used", step_up=str(claims["jti"]), same_text=same)
        if not same:
            raise _token_invalid()
        return claims

    def _token(self, about: Mapping[str, Any], record: str) -> dict[str, Any]:
        lifetime_s = self.store.rules.token_s
        expires = {"exp": int(time.time()) + lifetime_s, "record_sha256": payload_hash(record)}
        token = sign_claims({**about, **expires}, self._keys.current, self._issuer, TOKEN)
        return {"token": token, "expires_in": lifetime_s}

    def _is_in_force(self, connection: Connection, passkey_id: str | None) -> bool:
        passkey = None if passkey_id is None else self._passkeys.find_in(connection, passkey_id)
        return passkey is not None and passkey.state is PasskeyState.ACTIVE

    def _claims_of(self, token: str, kind: str, client: str) -> dict[str, Any] | None:
        """Returns the claims of a token of this service for this client that is in force; None for any other."""
        try:
            claims = verify(token, self._keys.current.public(), kind)
        except SignatureInvalid:
            return None
        mine = (claims.get("iss"), claims.get("aud")) == (self._issuer, client)
        return claims if mine and int(claims.get("exp", 0)) > time.time() else None

    def _card(self, connection: Connection, passkey: Passkey, card: CardData | None) -> CardData:
        """Returns the card's data: as it was registered, or, where that is the core's alone, as the caller sends it.

        The number must be the one of the registration, so that nobody is compared with another person's portrait. Where
        the holder's own template is compared, no record is looked for, and no data are kept.
        """
        if self._require_template is not None:
            self._require_template(connection, passkey.id)
            return CardData()
        if passkey.card is not None:
            return CardData(**passkey.card)
        number = None if card is None else card.number
        if card is None or number is None or not self._passkeys.is_of_number(connection, passkey.id, number):
            raise ServiceProblem(
                "step_up_card_needed", "Only the identity core may read the card: send the card's data of this account."
            )
        return card


def text_hash(text: str) -> str:
    """Returns the SHA-256 of a transaction's text in UTF-8, in hex."""
    return hashlib.sha256(text.encode()).hexdigest()


def _shown(found: HolderCheck) -> dict[str, Any]:
    """Returns what the relying party is told of a check."""
    deletion = asdict(found.deletion)
    deletion["wiped"] = [entry | {"roles": list(entry["roles"])} for entry in deletion["wiped"]]
    return {
        "decision": found.decision.value,
        "reasons": list(found.reasons),
        "checks": [asdict(check) for check in found.checks],
        "required": list(found.required),
        "deletion": deletion | {"guards": list(found.deletion.guards)},
        "profile": found.profile,
        "started_at": found.started_at,
    }


def _login_invalid() -> ServiceProblem:
    sentence = "The login's token is not in force, is another relying party's, or was used for a step-up."
    return ServiceProblem("login_invalid", sentence)


def _token_invalid() -> ServiceProblem:
    return ServiceProblem("step_up_token_invalid", "The token is not in force for this client and this text.")
