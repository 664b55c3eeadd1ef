"""Asks wallets for claims, checks what they present, and gives the claims once to the client that asked."""

import hmac
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import httpx

from idproof.service.credentials.certificates import Trust
from idproof.service.credentials.credential import Checked
from idproof.service.credentials.issuance import Issuance
from idproof.service.errors import CredentialRefused, ServiceProblem, SettingsInvalid, StoreUnavailable
from idproof.service.operations.audit import AuditLog
from idproof.service.operations.settings import Settings
from idproof.service.operations.tls import client_context
from idproof.service.presentations.asked import Asked, Flow
from idproof.service.presentations.consent import consent_texts
from idproof.service.presentations.origins import origin_of
from idproof.service.presentations.receipts import make_receipt
from idproof.service.presentations.request_objects import Party, Transaction, request_object
from idproof.service.presentations.responses import check_token, read_response
from idproof.service.presentations.states import PresentationEvent, PresentationState
from idproof.service.presentations.status_lists import StatusLists
from idproof.service.presentations.store import (
    Presentation,
    PresentationStore,
    ReceiptStore,
    new_secret,
    receipt_id,
)
from idproof.service.storage import VerdictStore


@dataclass(frozen=True, slots=True)
class Question:
    """A presentation as it is asked for.

    Attributes:
        id: of the presentation.
        link: that opens a wallet; also the content of a QR code.
        page: address of a page with text, link and code.
        consent: text for the holder, per language.
        expires_at: ISO 8601 UTC.
    """

    id: str
    link: str = field(repr=False)
    page: str = field(repr=False)
    consent: Mapping[str, Any] = field(repr=False)
    expires_at: str


class Presentations:
    """The verifier of one party; one instance per server process.

    Args:
        settings: of the operator.
        party: that asks.
        trust: roots of the issuers whose credentials are taken.
        statuses: looks up their status.
        store: whose database and seal are used.
        audit: gets a line for each question, answer, and when claims are given or erased.
    """

    def __init__(
        self,
        settings: Settings,
        party: Party,
        trust: Trust,
        statuses: StatusLists,
        store: VerdictStore,
        audit: AuditLog,
    ) -> None:
        self.party = party
        self._trust = trust
        self._statuses = statuses
        self._audit = audit
        self._return_origins = frozenset(map(str.lower, settings.presentation_return_origin_list))
        self._receipt_days = settings.presentation_receipt_days
        self._database = store.database
        self._store = PresentationStore(store.database, store.seal, settings.presentation_s)
        self.receipts = ReceiptStore(store.database, store.seal)

    @classmethod
    def open(
        cls,
        settings: Settings,
        store: VerdictStore,
        audit: AuditLog,
        issuance: Issuance | None = None,
        transport: httpx.BaseTransport | None = None,
    ) -> "Presentations | None":
        """Returns the verifier of these settings, or None without one.

        Args:
            settings: of the operator.
            store: whose database and seal are used.
            audit: of the service.
            issuance: of this service, whose own credentials are taken where no other issuers are named.
            transport: carries the requests to issuers in place of the network.

        Raises:
            SettingsInvalid: no issuer is trusted.
            KeysUnusable: the party's key or the roots cannot be used.
        """
        if settings.presentation_verifier is None:
            return None
        trust, issuers = _trusted(settings, issuance)
        party = Party.open(settings, settings.presentation_verifier)
        context = client_context(settings.peers_ca, settings.peers_cert, settings.peers_key)
        client = httpx.Client(verify=context, transport=transport, follow_redirects=False)
        return cls(settings, party, trust, StatusLists(issuers, trust, client), store, audit)

    def ask(self, client: str, asked: Asked) -> Question:
        """Asks for claims; raises `ServiceProblem`: `return_url_unknown`."""
        if asked.return_url is not None and origin_of(asked.return_url, allow_query=True) not in self._return_origins:
            raise ServiceProblem("return_url_unknown", "The page to return to is none of those that are configured.")
        with self._database.write() as connection:
            opened, secret = self._store.open(connection, client, asked.to_json())
            self._audit.append("presentation_asked", id=opened.id, client=client, claims=list(asked.claims))
        texts = consent_texts(asked, self.party.names)
        page = f"{self.party.address(secret)}/page"
        return Question(opened.id, self.party.link(secret), page, texts, opened.expires_at)

    def question(self, secret: str) -> Asked | None:
        """Returns what is asked at an address, as long as no wallet has fetched it; None afterwards.

        Raises:
            ServiceProblem: `not_found`.
        """
        with self._database.read() as connection:
            found = self._store.of_request(connection, secret)
        if found is None:
            raise ServiceProblem("not_found", "There is no such request.")
        return Asked.from_json(found.content["asked"]) if found.state is PresentationState.OPEN else None

    def request(self, secret: str, wallet_nonce: str | None = None) -> str:
        """Returns the signed request of an address to the first wallet that fetches it.

        Args:
            secret: of the address.
            wallet_nonce: that the wallet wants in it.

        Raises:
            ServiceProblem: `not_found`; `presentation_lapsed` for a wallet that comes later, or a second one.
        """
        transaction = Transaction.draw(self.party.response_mode)
        with self._database.write() as connection:
            found = self._store.of_request(connection, secret)
            if found is None:
                raise ServiceProblem("not_found", "There is no such request.")
            moved = found.state is PresentationState.OPEN and self._store.move(
                connection,
                found.id,
                PresentationEvent.REQUEST_FETCHED,
                content={**found.content, "transaction": transaction.to_json()},
                response=self._store.hashed("response", transaction.response_secret),
            )
        if not moved:
            raise ServiceProblem("presentation_lapsed", "The request was fetched before; ask for another.")
        asked, expires = Asked.from_json(found.content["asked"]), datetime.fromisoformat(found.expires_at)
        return request_object(self.party, asked, transaction, datetime.now(UTC), expires, wallet_nonce)

    def answer(self, secret: str, form: Mapping[str, str]) -> str | None:
        """Takes the response of a wallet, once, and checks it.

        Returns:
            The page to which the holder's browser returns; None if the wallet is on another device.

        Raises:
            ServiceProblem: `not_found`, or `presentation_lapsed` for a second response.
            CredentialRefused: it does not hold.
        """
        with self._database.write() as connection:
            found = self._store.of_response(connection, secret)
            if found is None:
                raise ServiceProblem("not_found", "There is no such request.")
            if not self._store.move(connection, found.id, PresentationEvent.RESPONSE_ARRIVED):
                raise ServiceProblem("presentation_lapsed", "The request was answered before; ask for another.")
        try:
            return self._checked(found, form)
        except CredentialRefused as refused:
            self._end(found, PresentationEvent.RESPONSE_DOES_NOT_HOLD, refused.code)
            raise

    def state(self, client: str, presentation: str) -> Presentation:
        """Returns a presentation of a client; raises `ServiceProblem`: `not_found`."""
        with self._database.read() as connection:
            return self._store.of_client(connection, client, presentation)

    def take(self, client: str, presentation: str, response_code: str | None) -> dict[str, Any]:
        """Gives the claims to the client that asked for them, once, and erases them.

        Args:
            client: that asks.
            presentation: its id.
            response_code: that the holder's browser brought back, in the same-device flow.

        Raises:
            ServiceProblem: `not_found`, `presentation_waiting`, `presentation_refused`, `presentation_lapsed`, or
                `response_code_wrong`.
        """
        # Before the claims are erased, so that nothing can fail afterwards.
        receipt = self.receipts.find(receipt_id(presentation), client)
        with self._database.write() as connection:
            found = self._store.of_client(connection, client, presentation, lock=True)
            _require_held(found)
            if found.response_code is not None:
                shown = self._store.hashed(found.id, response_code or "")
                if not hmac.compare_digest(found.response_code, shown):
                    raise ServiceProblem("response_code_wrong", "The response code is not that of this presentation.")
            self._store.move(connection, found.id, PresentationEvent.CLAIMS_GIVEN)
            self._audit.append("presentation_given", id=found.id, client=client)
        with suppress(StoreUnavailable):  # the claims are erased; they must reach the client all the same
            self._database.scrub()
        token = None if receipt is None else receipt.token
        return {"id": found.id, **found.content["held"], "receipt": token}

    def erase(self, client: str, presentation: str) -> None:
        """Ends a presentation, and erases its claims and its receipt; raises `ServiceProblem`: `not_found`.

        A receipt outlives its presentation, so only one of both must be there.
        """
        with self._database.write() as connection:
            erased = self.receipts.erase(connection, receipt_id(presentation), client)
            try:
                self._store.of_client(connection, client, presentation, lock=True)
            except ServiceProblem:
                if not erased:
                    raise
            self._store.move(connection, presentation, PresentationEvent.WITHDRAWN)
            self._audit.append("presentation_erased", id=presentation, receipt=erased, by=client)
        self._database.scrub()

    def clean(self) -> None:
        """Erases claims, presentations and receipts whose time is over."""
        self._store.clean()
        self.receipts.expire(self._receipt_days)

    def _checked(self, found: Presentation, form: Mapping[str, str]) -> str | None:
        transaction = Transaction.from_json(found.content["transaction"])
        response = read_response(form, transaction)
        if not isinstance(response.state, str) or not hmac.compare_digest(
            response.state.encode(errors="replace"), transaction.state.encode()
        ):
            raise CredentialRefused("nonce_wrong", "The response is of another request.")
        if response.vp_token is None:
            self._end(found, PresentationEvent.HOLDER_DECLINED, None)
            return None
        asked, now = Asked.from_json(found.content["asked"]), datetime.now(UTC)
        checked = check_token(response.vp_token, asked, transaction.audience(self.party), self._trust, now)
        self._statuses.require_valid(checked, now)
        return self._hold(found, asked, checked, now)

    def _hold(self, found: Presentation, asked: Asked, checked: Checked, now: datetime) -> str | None:
        """Seals the claims for the client, with a receipt; returns the page to return to."""
        code = new_secret() if asked.flow is Flow.SAME_DEVICE else None
        held = {
            "claims": checked.claims,
            "format": checked.format.value,
            "issuer": checked.issuer,
            "valid_until": checked.validity.end.isoformat(),
        }
        with self._database.write() as connection:
            moved = self._store.move(
                connection,
                found.id,
                PresentationEvent.RESPONSE_HOLDS,
                content={"held": held},
                response_code=None if code is None else self._store.hashed(found.id, code),
                expires_ms=self._store.hold_until(),
            )
            if not moved:  # withdrawn meanwhile
                raise ServiceProblem("presentation_lapsed", "The request was withdrawn.")
            self.receipts.add(connection, found, make_receipt(self.party, found, asked, checked, now))
            self._audit.append("presentation_answered", id=found.id, outcome=PresentationState.HELD)
        return None if code is None else f"{asked.return_url}#response_code={code}"

    def _end(self, found: Presentation, event: PresentationEvent, code: str | None) -> None:
        with self._database.write() as connection:
            if self._store.move(connection, found.id, event, code=code):
                outcome = code or PresentationState.DECLINED
                self._audit.append("presentation_answered", id=found.id, outcome=outcome)
        self._database.scrub()


def _trusted(settings: Settings, issuance: Issuance | None) -> tuple[Trust, tuple[str, ...]]:
    """Returns the roots and the issuers whose credentials are taken."""
    issuers = settings.presentation_issuer_list or (() if issuance is None else (issuance.issuer,))
    if settings.presentation_roots is not None:
        trust: Trust | None = Trust.load(settings.presentation_roots)
    else:
        root = None if issuance is None else issuance.identity.root
        trust = None if root is None else Trust([root])
    if trust is None or not issuers:
        raise SettingsInvalid(
            "A verifier of presentations names the issuers it trusts: IDPROOF_PRESENTATION_ROOTS and "
            "IDPROOF_PRESENTATION_ISSUERS."
        )
    return trust, issuers


def _require_held(found: Presentation) -> None:
    if found.state in (PresentationState.REFUSED, PresentationState.DECLINED):
        raise ServiceProblem("presentation_refused", "The response failed a check, or the holder declined.")
    over = found.lapsed or found.state in (PresentationState.GIVEN, PresentationState.WITHDRAWN)
    if over or (found.state is PresentationState.HELD and "held" not in found.content):
        raise ServiceProblem("presentation_lapsed", "Its time is over, it was withdrawn, or its claims were given.")
    if found.state is not PresentationState.HELD:
        raise ServiceProblem("presentation_waiting", "The wallet has not answered yet; try again shortly.")
