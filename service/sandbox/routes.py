"""Additional routes of the sandbox: personas, their capture sets, and a mocked identity core."""

from typing import Annotated, Any

import anyio
from fastapi import FastAPI, Path, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from idproof.service.http import problems
from idproof.service.sandbox.authenticator import SandboxAuthenticator
from idproof.service.sandbox.core import CORE_PATH, LONGEST_EVENT, MockedCore
from idproof.service.sandbox.personas import capture_set, personas
from idproof.service.sandbox.wallet import SandboxWallet


class AuthenticatorRequest(BaseModel):
    """The body with a ceremony's options."""

    model_config = ConfigDict(extra="forbid")

    public_key: dict[str, Any]


class RedemptionRequest(BaseModel):
    """The body with an offer of credentials."""

    model_config = ConfigDict(extra="forbid")

    link: str = Field(max_length=4096)
    transaction_code: str = Field(max_length=16)


class AnswerRequest(BaseModel):
    """The body with a question of a verifier."""

    model_config = ConfigDict(extra="forbid")

    link: str = Field(max_length=4096)


class ShowRequest(BaseModel):
    """The body that asks the wallet to show claims to a verifier."""

    model_config = ConfigDict(extra="forbid")

    claims: list[str] = Field(max_length=32)
    audience: str = Field(min_length=1, max_length=512)
    nonce: str = Field(min_length=1, max_length=512)


def install(app: FastAPI, core: MockedCore, origin: str | None = None, issuer: str | None = None) -> None:
    """Adds the routes to the application.

    Args:
        app: of the sandbox.
        core: the mocked identity core.
        origin: for which the sandbox's authenticator signs; None leaves it out.
        issuer: of the credentials that the sandbox's wallet gets; None leaves it out.
    """
    _persona_routes(app)
    _core_routes(app, core)
    if origin is not None:
        _authenticator_routes(app, SandboxAuthenticator(origin))
    if issuer is not None:
        _wallet_routes(app, SandboxWallet(app, issuer))


def _wallet_routes(app: FastAPI, wallet: SandboxWallet) -> None:
    @app.post("/sandbox/wallet/credentials")
    async def redeem(wanted: RedemptionRequest) -> dict[str, Any]:
        """Gets the credential of an offer, as a wallet on a telephone does."""
        return await wallet.redeem(wanted.link, wanted.transaction_code)

    @app.post("/sandbox/wallet/answers")
    async def answer(wanted: AnswerRequest) -> dict[str, Any]:
        """Answers a question of the sandbox's verifier, as a wallet does whose holder agrees."""
        return await wallet.answer(wanted.link)

    @app.post("/sandbox/wallet/presentations")
    async def show(wanted: ShowRequest) -> dict[str, Any]:
        """Shows chosen claims of the newest credential to one verifier."""
        return {"presentation": wallet.show(wanted.claims, wanted.audience, wanted.nonce)}


def _authenticator_routes(app: FastAPI, authenticator: SandboxAuthenticator) -> None:
    @app.post("/sandbox/authenticator/create")
    async def create(wanted: AuthenticatorRequest) -> dict[str, Any]:
        """Makes a passkey, as `navigator.credentials.create` in a browser does."""
        return {"response": authenticator.create(wanted.public_key)}

    @app.post("/sandbox/authenticator/get")
    async def get(wanted: AuthenticatorRequest) -> dict[str, Any]:
        """Signs with a passkey, as `navigator.credentials.get` in a browser does."""
        return {"response": authenticator.get(wanted.public_key)}


def _persona_routes(app: FastAPI) -> None:
    @app.get("/sandbox/personas", name="everybody")  # the name makes the operation id, which stays
    async def list_personas() -> dict[str, Any]:
        """The personas and the outcome of each."""
        return {
            "personas": [
                {
                    "name": persona.name,
                    "about": persona.about,
                    "decision": persona.decision,
                    "reasons": [persona.reason] if persona.reason else [],
                    "problem": persona.problem,
                    "captures": f"/sandbox/personas/{persona.name}/captures.zip",
                }
                for persona in personas().values()
            ]
        }

    @app.get("/sandbox/personas/{name}/captures.zip", response_class=Response)
    async def captures(name: Annotated[str, Path(max_length=64)]) -> Response:
        """A persona's captures: a zip archive with one JPEG per part of an upload."""
        if name not in personas():
            return problems.problem("not_found", "There is no persona of this name.")
        return Response(await anyio.to_thread.run_sync(capture_set, name), media_type="application/zip")


def _core_routes(app: FastAPI, core: MockedCore) -> None:
    @app.post(CORE_PATH, include_in_schema=False)
    async def receive(request: Request) -> JSONResponse:
        """Delivers an event to the mocked identity core, as another service would."""
        body = b""
        async for chunk in request.stream():
            body += chunk
            if len(body) > LONGEST_EVENT:
                return problems.problem("upload_too_large", "No event is as large as this.")
        event = core.receive(body)
        if event is None:
            return problems.problem("request_invalid", "This is no event.")
        return JSONResponse({"received": event})

    @app.get(CORE_PATH, name="seen")
    async def received_events() -> dict[str, Any]:
        """The events that the mocked identity core received, newest first."""
        return {"received": core.events()}
