"""The synchronous client; change the other file.

`python .ci/generate_client.py` writes `client.py` from `async_client.py`; a test compares the two.
"""

import time
from collections.abc import Iterator, Mapping
from types import TracebackType
from typing import Any, Self

import httpx

from idproof.client import holder_requests, protocol
from idproof.client.holder_requests import HolderRequests
from idproof.client.holder_types import (
    BoundPasskey,
    Ceremony,
    CredentialOffer,
    Login,
    StepUp,
    StepUpDecision,
    StepUpState,
    UsedToken,
)
from idproof.client.protocol import FIRST_WAIT_S, TIMEOUT, TRIES, Request, RequestBuilder, RetrySchedule
from idproof.client.types import Answer, Session, VerdictView


class Client:
    """Waits for each answer. Safe to use from several threads.

    Args:
        url: of the service.
        token: an API key or a bearer token; None where the service needs none.
        language: of sentences, `en`, `zh-Hant` or `zh-Hans`.
        tries: maximum number of times that one request is sent.
        first_wait_s: longest wait before the second try, in seconds; later waits double.
        options: for httpx, such as `verify` or `cert`.

    Use it in a `with` block, or call `close` at the end.
    """

    def __init__(
        self,
        url: str,
        token: str | None = None,
        *,
        language: str = "en",
        tries: int = TRIES,
        first_wait_s: float = FIRST_WAIT_S,
        **options: Any,
    ) -> None:
        self._requests = RequestBuilder(token, language)
        self._of_holders = HolderRequests(self._requests.headers)
        self._tries = tries
        self._first_wait_s = first_wait_s
        chosen: dict[str, Any] = {"base_url": url, "timeout": TIMEOUT} | options
        self._http = httpx.Client(**chosen)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Closes the connections; no request can be sent after it."""
        self._http.close()

    def open_session(
        self,
        options: Mapping[str, bool] | None = None,
        device: str | None = None,
        *,
        planned: bool = False,
        registration: str | None = None,
    ) -> Session:
        """Opens a capture session.

        Args:
            options: what the applicant cannot do, such as `{"cannot_turn": True}`.
            device: your own name of the device, so that it is locked after too many failures.
            planned: ask for the card in poses drawn for this session; its captures must then show them.
            registration: id of the registration whose attempt it is.

        Raises:
            Problem: refused, such as `device_locked`.
            Unreachable: no answer came.
        """
        return protocol.parse_session(
            self._send(self._requests.open_session(options, device, registration, planned=planned))
        )

    def challenge(self, session: str) -> Mapping[str, Any]:
        """Asks for another challenge of a session; earlier ones are no longer valid."""
        return protocol.parse_body(self._send(self._requests.challenge(session)))

    def verify(
        self,
        captures: Mapping[str, bytes],
        answer: Answer | None = None,
        *,
        session: str | None = None,
        reference: str | None = None,
        key: str | None = None,
    ) -> VerdictView:
        """Returns one verdict for one registration, however often it must be sent.

        Args:
            captures: `card_front`, `card_tilt_left`, `card_tilt_right` and `selfie`, encoded.
            answer: frames that answer the session's challenge; without them liveness is not performed.
            session: id of the capture session.
            reference: your own reference; not personal data.
            key: your own idempotency key, if you want the verdict even after your process ended in between.

        Raises:
            Problem: refused; `capture` names the capture to take again.
            Unreachable: no answer came.
        """
        request = self._requests.verify(captures, answer, session, reference, key, wait=True)
        found = protocol.parse_verdict(self._send(request))
        assert found is not None  # noqa: S101 - only asynchronous answers have none
        return found

    def submit(
        self,
        captures: Mapping[str, bytes],
        answer: Answer | None = None,
        *,
        session: str | None = None,
        reference: str | None = None,
        key: str | None = None,
    ) -> str:
        """Sends a registration without waiting for its verdict; returns its id, for `get`."""
        request = self._requests.verify(captures, answer, session, reference, key, wait=False)
        return str(protocol.parse_body(self._send(request))["id"])

    def open_registration(self, reference: str | None = None) -> Mapping[str, Any]:
        """Opens a registration for one applicant; name its `id` when you open capture sessions.

        It is opened anew if the answer to a first try was lost; the one that nobody names expires.

        Args:
            reference: your own reference; not personal data.
        """
        return protocol.parse_body(self._send(self._requests.open_registration(reference)))

    def registration(self, registration: str) -> Mapping[str, Any]:
        """Reads a registration: `status`, `attempts`, and in `next` what the applicant does."""
        return protocol.parse_body(self._send(self._requests.registration(registration)))

    def registrations(self, **conditions: str) -> Iterator[dict[str, Any]]:
        """Yields registrations, newest first; reads page after page.

        Args:
            conditions: `reference`, `status`, `decision`, `reason`, `since`, `until`; each one given must be met.
        """
        cursor = None
        while True:
            page = protocol.parse_body(self._send(self._requests.registrations(conditions, cursor)))
            yield from page["items"]
            cursor = page["next"]
            if cursor is None:
                return

    def get(self, verification: str) -> VerdictView | None:
        """Returns a verdict, or None while the verification runs; raises `Problem` or `Unreachable`."""
        return protocol.parse_verdict(self._send(self._requests.get(verification)))

    def erase(self, verification: str) -> None:
        """Erases a verdict and everything that was read from the card."""
        protocol.parse_body(self._send(self._requests.erase(verification)))

    def summaries(self) -> Iterator[dict[str, Any]]:
        """Yields summaries of your verdicts, newest first; reads page after page."""
        cursor = None
        while True:
            page = protocol.parse_body(self._send(self._requests.page(cursor)))
            yield from page["items"]
            cursor = page["next"]
            if cursor is None:
                return

    def offer_credential(self, verification: str) -> CredentialOffer:
        """Offers an accepted registration's credentials to its applicant's wallet; an earlier offer ends.

        Raises:
            Problem: refused, such as `credential_unavailable`: fifteen minutes are over, or it was offered thrice.
            Unreachable: no answer came; the offer may have been counted.
        """
        return holder_requests.parse_offer(self._send(self._of_holders.offer_credential(verification)))

    def revoke_credentials(self, verification: str) -> int:
        """Revokes every copy of a registration's credentials for good; returns the number that was in force."""
        answer = self._send(self._of_holders.revoke_credentials(verification))
        return int(protocol.parse_body(answer)["revoked"])

    def begin_passkey(
        self,
        verification: str,
        nonce: str,
        *,
        origin: str | None = None,
        resident: str = "preferred",
        attachment: str | None = None,
        face_template: bool = False,
    ) -> Ceremony:
        """Begins to bind a passkey to an accepted verdict, within ten minutes after it.

        Args:
            verification: the verdict.
            nonce: of its capture session.
            origin: of the page; needed where several are configured.
            resident: `required`, `preferred` or `discouraged`: whether the authenticator keeps the passkey.
            attachment: `platform`, `cross-platform` or None.
            face_template: the applicant agreed that a face template is kept for step-ups.

        Raises:
            Problem: refused, such as `passkey_verdict_unsuitable`.
            Unreachable: no answer came.
        """
        request = self._of_holders.begin_passkey(
            verification, nonce, origin, resident, attachment, face_template=face_template
        )
        return holder_requests.parse_ceremony(self._send(request))

    def complete_passkey(self, ceremony: str, response: Mapping[str, Any]) -> BoundPasskey:
        """Binds the passkey that the browser made.

        Args:
            ceremony: its id.
            response: what `toJSON()` of the browser's credential gave.

        Raises:
            Problem: refused; the ceremony is used up.
            Unreachable: no answer came; the passkey may be bound: `passkeys` lists it.
        """
        return holder_requests.parse_passkey(self._send(self._of_holders.complete_passkey(ceremony, response)))

    def passkeys(self, verification: str) -> list[dict[str, Any]]:
        """Lists the passkeys of a verdict of yours."""
        listed: list[dict[str, Any]] = protocol.parse_body(self._send(self._of_holders.passkeys(verification)))["items"]
        return listed

    def revoke_passkey(self, passkey: str) -> None:
        """Revokes a passkey of yours for good; the identity core is told."""
        protocol.parse_body(self._send(self._of_holders.revoke_passkey(passkey)))

    def keep_face_template(self, ceremony: str, response: Mapping[str, Any]) -> Mapping[str, Any]:
        """Keeps the face template that waits for a new passkey; returns `passkey` and `verification`.

        Args:
            ceremony: id of the passkey's `face_template`.
            response: what `toJSON()` of the browser's credential gave, with the output of the extension `prf`.

        Raises:
            Problem: refused; the ceremony is used up.
            Unreachable: no answer came; the template may be kept.
        """
        return protocol.parse_body(self._send(self._of_holders.keep_face_template(ceremony, response)))

    def destroy_face_template(self, passkey: str) -> None:
        """Destroys the face template of a passkey of yours; the passkey stays."""
        protocol.parse_body(self._send(self._of_holders.destroy_face_template(passkey)))

    def begin_login(
        self, *, origin: str | None = None, subject: str | None = None, face_template: bool = False
    ) -> Ceremony:
        """Begins a login.

        Args:
            origin: of the page; needed where several are configured.
            subject: names the account for authenticators that do not find their passkey.
            face_template: ask the passkey for the `holder_key` of a step-up.
        """
        request = self._of_holders.begin_login(origin, subject, face_template=face_template)
        return holder_requests.parse_ceremony(self._send(request))

    def complete_login(self, ceremony: str, response: Mapping[str, Any]) -> Login:
        """Ends a login with the browser's answer; raises `Problem` `passkey_refused`, or `Unreachable`."""
        return holder_requests.parse_login(self._send(self._of_holders.complete_login(ceremony, response)))

    def open_step_up(
        self,
        login: str,
        text: str,
        *,
        options: Mapping[str, bool] | None = None,
        card: Mapping[str, str | None] | None = None,
    ) -> StepUp:
        """Opens a step-up by face for one transaction.

        Args:
            login: token of a login of yours, which is used up.
            text: that describes the transaction, as its holder is shown it.
            options: what the holder cannot do, as in `open_session`.
            card: the card's data, where only the identity core may read it.

        Raises:
            Problem: refused, such as `login_invalid`.
            Unreachable: no answer came; the login may be used up.
        """
        request = self._of_holders.open_step_up(login, text, options, card)
        return holder_requests.parse_step_up(self._send(request))

    def step_up(self, step_up: str) -> StepUpState:
        """Returns a step-up and its decision, also one that a streaming device took or whose answer was lost."""
        return holder_requests.parse_step_up_state(self._send(self._of_holders.step_up(step_up)))

    def step_up_challenge(self, step_up: str) -> Mapping[str, Any]:
        """Asks for another challenge of a step-up; each attempt needs a new one."""
        return protocol.parse_body(self._send(self._of_holders.step_up_challenge(step_up)))

    def check_step_up(
        self, step_up: str, selfie: bytes, answer: Answer, *, holder_key: bytes | None = None
    ) -> StepUpDecision:
        """Sends a step-up's captures; returns its decision.

        Args:
            step_up: its id.
            selfie: encoded.
            answer: frames that answer its challenge.
            holder_key: 32 bytes that the passkey gave at the login, where the service keeps face templates.

        Raises:
            Problem: nothing was decided, such as `records_unavailable`; ask for another challenge.
            Unreachable: no answer came; `step_up` returns the decision, if there is one.
        """
        request = self._of_holders.check_step_up(step_up, selfie, answer, holder_key)
        return holder_requests.parse_decision(self._send(request))

    def use_step_up_token(self, token: str, text: str) -> UsedToken:
        """Validates a step-up's token for its transaction's text, once; the transaction may then be made.

        Raises:
            Problem: `step_up_token_invalid`: do not make the transaction.
            Unreachable: no answer came: do not make it either, and open another step-up.
        """
        return holder_requests.parse_used_token(self._send(self._of_holders.use_step_up_token(token, text)))

    def _send(self, request: Request) -> httpx.Response:
        schedule = RetrySchedule(self._tries, self._first_wait_s, once=request.once)
        while True:
            response, error = None, None
            try:
                response = self._http.request(**request.to_httpx())
            except httpx.TransportError as caught:
                error = caught
            wait = schedule.wait_after(response, error)
            if wait is None:
                return protocol.final_response(response, error)
            time.sleep(wait)
