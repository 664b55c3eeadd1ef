"""Additional routes of the sandbox: personas, their capture sets, and a mocked identity core."""

from typing import Annotated, Any

import anyio
from fastapi import FastAPI, Path, Request, Response
from fastapi.responses import JSONResponse

from idproof.service.http import problems
from idproof.service.sandbox.core import CORE_PATH, LONGEST_EVENT, MockedCore
from idproof.service.sandbox.personas import capture_set, personas


def install(app: FastAPI, core: MockedCore) -> None:
    """Adds the routes to the application."""
    _persona_routes(app)
    _core_routes(app, core)


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
