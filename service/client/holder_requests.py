"""Requests and responses about holders of accepted registrations: credentials, passkeys, logins and step-ups."""

import json
from collections.abc import Mapping
from typing import Any

import httpx

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
from idproof.client.protocol import Request, parse_body
from idproof.client.types import Answer


class HolderRequests:
    """Builds the requests about holders.

    A request whose effect cannot be had twice is not repeated after an answer that was lost: the login that opens a
    step-up is used up, and so is the token that is validated.

    Args:
        headers: of every request.
    """

    def __init__(self, headers: Mapping[str, str]) -> None:
        self._headers = headers

    def offer_credential(self, verification: str) -> Request:
        """Offers credentials to the applicant's wallet."""
        return self._once(f"/v1/verifications/{verification}/credential-offer")

    def revoke_credentials(self, verification: str) -> Request:
        """Revokes every copy of a registration's credentials."""
        return Request("POST", f"/v1/verifications/{verification}/credential-revocation", self._headers)

    def begin_passkey(
        self,
        verification: str,
        nonce: str,
        origin: str | None,
        resident: str,
        attachment: str | None,
        *,
        face_template: bool,
    ) -> Request:
        """Begins to bind a passkey."""
        body: dict[str, Any] = {"verification": verification, "nonce": nonce, "origin": origin}
        body |= {"resident": resident, "attachment": attachment} | _asked(face_template)
        return Request("POST", "/v1/passkey-registrations", self._headers, json=body)

    def complete_passkey(self, ceremony: str, response: Mapping[str, Any]) -> Request:
        """Binds the passkey that the browser made."""
        return self._once(f"/v1/passkey-registrations/{ceremony}", {"response": dict(response)})

    def passkeys(self, verification: str) -> Request:
        """Lists a verdict's passkeys."""
        return Request("GET", "/v1/passkeys", self._headers, params={"verification": verification})

    def revoke_passkey(self, passkey: str) -> Request:
        """Revokes a passkey."""
        return Request("DELETE", f"/v1/passkeys/{passkey}", self._headers)

    def keep_face_template(self, ceremony: str, response: Mapping[str, Any]) -> Request:
        """Keeps the face template that waits for a passkey."""
        return self._once(f"/v1/face-templates/{ceremony}", {"response": dict(response)})

    def destroy_face_template(self, passkey: str) -> Request:
        """Destroys a passkey's face template."""
        return Request("DELETE", f"/v1/passkeys/{passkey}/face-template", self._headers)

    def begin_login(self, origin: str | None, subject: str | None, *, face_template: bool) -> Request:
        """Begins a login."""
        body = {"origin": origin, "subject": subject} | _asked(face_template)
        return Request("POST", "/v1/passkey-logins", self._headers, json=body)

    def complete_login(self, ceremony: str, response: Mapping[str, Any]) -> Request:
        """Ends a login with the browser's answer."""
        return self._once(f"/v1/passkey-logins/{ceremony}", {"response": dict(response)})

    def open_step_up(
        self, login: str, text: str, options: Mapping[str, bool] | None, card: Mapping[str, str | None] | None
    ) -> Request:
        """Opens a step-up."""
        body: dict[str, Any] = {"login": login, "text": text, "options": dict(options or {})}
        return self._once("/v1/step-ups", body if card is None else body | {"card": dict(card)})

    def step_up(self, step_up: str) -> Request:
        """Reads a step-up."""
        return Request("GET", f"/v1/step-ups/{step_up}", self._headers)

    def step_up_challenge(self, step_up: str) -> Request:
        """Asks for another challenge of a step-up."""
        return Request("POST", f"/v1/step-ups/{step_up}/challenges", self._headers)

    def check_step_up(self, step_up: str, selfie: bytes, answer: Answer, holder_key: bytes | None) -> Request:
        """Sends the captures of a step-up."""
        parts = [("selfie", selfie), *(("frames", frame.data) for frame in answer.frames)]
        parts += [] if holder_key is None else [("holder_key", holder_key)]
        files = [(name, (name, data, "application/octet-stream")) for name, data in parts]
        metadata = json.dumps({"liveness": answer.to_metadata()})
        path = f"/v1/step-ups/{step_up}/captures"
        return Request("POST", path, self._headers, files=files, data={"metadata": metadata}, once=True)

    def use_step_up_token(self, token: str, text: str) -> Request:
        """Validates a step-up's token."""
        return self._once("/v1/step-up-tokens", {"token": token, "text": text})

    def _once(self, path: str, body: Any = None) -> Request:
        return Request("POST", path, self._headers, json=body, once=True)


def parse_offer(response: httpx.Response) -> CredentialOffer:
    """Returns the offer of a response; raises `Problem`."""
    body = parse_body(response)
    return CredentialOffer(body["link"], tuple(body["qr"]), body["transaction_code"], body["expires_at"])


def parse_ceremony(response: httpx.Response) -> Ceremony:
    """Returns the ceremony of a response; raises `Problem`."""
    return _ceremony(parse_body(response))


def parse_passkey(response: httpx.Response) -> BoundPasskey:
    """Returns the passkey of a response; raises `Problem`."""
    body = parse_body(response)
    begun = body.get("face_template")
    template = None if begun is None else _ceremony(begun)
    return BoundPasskey(body["id"], body["verification"], body["subject"], body["binding"], body, template)


def parse_login(response: httpx.Response) -> Login:
    """Returns the login of a response; raises `Problem`."""
    body = parse_body(response)
    return Login(body["token"], body["sub"], body["expires_in"], body)


def parse_step_up(response: httpx.Response) -> StepUp:
    """Returns the step-up of a response; raises `Problem`."""
    body = parse_body(response)
    return StepUp(body["id"], body["challenge"], body["expires_at"], body["text_sha256"], body["attempts"])


def parse_decision(response: httpx.Response) -> StepUpDecision:
    """Returns the decision of a response; raises `Problem`."""
    return _decision(parse_body(response))


def parse_step_up_state(response: httpx.Response) -> StepUpState:
    """Returns the state of a response; raises `Problem`."""
    body = parse_body(response)
    decided = None if body["decision"] is None else _decision(body["decision"])
    return StepUpState(body["id"], body["state"], body["expires_at"], decided)


def parse_used_token(response: httpx.Response) -> UsedToken:
    """Returns the claims of a response; raises `Problem`."""
    body = parse_body(response)
    return UsedToken(body["sub"], body["login"], body["capture_level"], body)


def _asked(face_template: bool) -> dict[str, bool]:
    """Returns the member that asks for a face template; services before it refuse its name."""
    return {"face_template": True} if face_template else {}


def _ceremony(body: Mapping[str, Any]) -> Ceremony:
    return Ceremony(body["id"], body["public_key"], body["expires_at"])


def _decision(body: Mapping[str, Any]) -> StepUpDecision:
    decided = (body["id"], body["decision"], tuple(body["reasons"]))
    return StepUpDecision(*decided, body["token"], body["expires_in"], body["record"], body)
