"""The endpoints of capture tokens, for backends of pages with the web component."""

from functools import partial
from typing import Annotated, Any

import anyio
from fastapi import Depends, FastAPI, Path, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from idproof.service.auth import AccessControl, Client, Scope
from idproof.service.errors import ServiceProblem
from idproof.service.http import openapi_capture, problems
from idproof.service.http.routes import REGISTRATION_ID
from idproof.service.registrations.intake import RegistrationIntake
from idproof.service.storage import registration_rows
from idproof.service.storage.capture_tokens import CaptureToken, TokenRequest, TokenState

_TOKEN_ID = Annotated[str, Path(pattern=r"^[0-9a-f]{16}$", description="Id of the token.")]


class CaptureTokenRequest(BaseModel):
    """The body of a request for a capture token."""

    model_config = ConfigDict(extra="forbid")

    origin: str = Field(
        max_length=255,
        description="Origin of the page that may use it; one of `IDPROOF_CAPTURE_ORIGINS`.",
        examples=["https://shop.example"],
    )
    registration: str | None = Field(
        default=None, pattern=REGISTRATION_ID, description="Id of the registration that its session is an attempt of."
    )
    reference: str | None = Field(
        default=None,
        max_length=64,
        pattern=r"^[A-Za-z0-9._-]+$",
        description="Of the client; the verdict repeats it.",
        examples=["registration-000017"],
    )


def install(app: FastAPI, intake: RegistrationIntake, gate: AccessControl) -> None:
    """Adds the endpoints to the application."""
    endpoints = _Endpoints(intake)
    needed = gate.needs(Scope.VERIFY_WRITE)

    @app.post("/v1/capture-tokens", status_code=201, responses=openapi_capture.TOKEN_RESPONSES)
    async def issue(wanted: CaptureTokenRequest, client: Annotated[Client, Depends(needed)]) -> JSONResponse:
        """Make a token with which one page of one origin captures for one session, once."""
        return await anyio.to_thread.run_sync(endpoints.issue, wanted, client)

    @app.get("/v1/capture-tokens/{token}", responses=openapi_capture.STATE_RESPONSES, response_model=None)
    async def read(token: _TOKEN_ID, client: Annotated[Client, Depends(needed)]) -> JSONResponse:
        """Read what became of a token: the verdict of its session, above all."""
        return await anyio.to_thread.run_sync(endpoints.read, token, client)

    @app.delete("/v1/capture-tokens/{token}", status_code=204, responses=openapi_capture.REVOKE_RESPONSES)
    async def revoke(token: _TOKEN_ID, client: Annotated[Client, Depends(needed)]) -> Response:
        """Revoke a token: a page that is connected with it is cut off, and its pictures are overwritten."""
        return await anyio.to_thread.run_sync(endpoints.revoke, token, client)


class _Endpoints:
    """Answers of the endpoints, on threads."""

    def __init__(self, intake: RegistrationIntake) -> None:
        self._intake, self._settings = intake, intake.settings
        self._tokens = intake.capture_tokens

    def issue(self, wanted: CaptureTokenRequest, client: Client) -> JSONResponse:
        """Makes a token."""
        if wanted.origin not in self._settings.capture_origin_list:
            raise ServiceProblem("origin_unknown", "Pages of this origin may not capture: IDPROOF_CAPTURE_ORIGINS.")
        if wanted.registration is not None:
            with self._intake.store.database.read() as connection:
                registration_rows.find(connection, wanted.registration, client.id)
        lifetime_s = self._settings.capture_token_s
        asked = TokenRequest(client.id, wanted.origin, lifetime_s, wanted.registration, wanted.reference)

        def record(token: str) -> None:
            self._intake.audit.append("capture_token_issued", token=token, by=client.id, origin=wanted.origin)

        written, token = self._tokens.issue(asked, record)
        body = {"id": token.id, "token": written, "origin": token.origin, "expires_at": token.expires_at}
        return JSONResponse(body, 201)

    def read(self, token: str, client: Client) -> JSONResponse:
        """Describes a token."""
        found = _of(self._tokens.find(token), client)
        if found is None:
            return _unknown()
        child = None if found.state is not TokenState.HANDED_OFF else self._tokens.child(token)
        return JSONResponse(_described(found, child))

    def revoke(self, token: str, client: Client) -> Response:
        """Revokes a token and its hand-off."""
        record = partial(self._intake.audit.append, "capture_token_revoked", token=token, by=client.id)
        return Response(status_code=204) if self._tokens.revoke(token, client.id, record) else _unknown()


def _of(token: CaptureToken | None, client: Client) -> CaptureToken | None:
    """Returns a client's own token; a hand-off is told of by its page's token alone."""
    return token if token is not None and token.client == client.id and token.parent is None else None


def _described(token: CaptureToken, child: CaptureToken | None) -> dict[str, Any]:
    """Returns the state of a token: that of the telephone, once that has begun to capture in the page's place."""
    session = token if child is None or child.state is TokenState.BOUND else child
    return {
        "id": token.id,
        "state": "expired" if token.lapsed else session.state.value,
        "handed_off": child is not None,
        "session": session.session,
        "verification": session.verification,
        "expires_at": token.expires_at,
    }


def _unknown() -> JSONResponse:
    return problems.problem("not_found", "There is no such capture token in force.")
