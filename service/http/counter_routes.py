"""The endpoints of tickets for a counter, and of counters."""

from dataclasses import asdict
from datetime import UTC, datetime
from functools import partial
from typing import Annotated, Any

import anyio
from fastapi import Depends, FastAPI, Path, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from idproof.service.applicant_messages import texts
from idproof.service.auth import AccessControl, Client, Scope
from idproof.service.cases.counter import CounterCapture, CounterChoice, CounterDesk
from idproof.service.cases.store import Registration
from idproof.service.cases.tickets import CODE_PATTERN
from idproof.service.credentials import qr
from idproof.service.http import openapi_registrations as openapi
from idproof.service.http import problems
from idproof.service.http.routes import REGISTRATION_ID
from idproof.service.registrations.intake import RegistrationIntake

_Id = Annotated[str, Path(pattern=REGISTRATION_ID)]
_Code = Annotated[str, Path(pattern=CODE_PATTERN)]


class OfficersDecision(BaseModel):
    """The body with an officer's decision."""

    model_config = ConfigDict(extra="forbid")

    decision: CounterChoice
    officer: str = Field(
        pattern=r"^[A-Za-z0-9._-]{1,64}$", description="Your own name of the officer.", examples=["officer-7"]
    )


def install(app: FastAPI, intake: RegistrationIntake, gate: AccessControl) -> None:
    """Adds the endpoints to the application."""
    desk = intake.counter
    _ticket_routes(app, intake, gate, desk)
    _counter_routes(app, intake, gate, desk)


def _ticket_routes(app: FastAPI, intake: RegistrationIntake, gate: AccessControl, desk: CounterDesk) -> None:
    owner = gate.needs(Scope.REGISTRATION_WRITE)

    @app.post("/v1/registrations/{registration_id}/counter-ticket", status_code=201, responses=openapi.TICKET_RESPONSES)
    async def issue(registration_id: _Id, client: Annotated[Client, Depends(owner)]) -> JSONResponse:
        """Issue a ticket for a counter; an earlier one of the registration is void."""
        issued = await anyio.to_thread.run_sync(desk.issue, registration_id, client.id)
        intake.delivery_worker.wake()
        body = {"code": issued.code, "qr": qr.modules(issued.code), "expires_at": issued.expires_at}
        return JSONResponse(body, 201, {"Cache-Control": "no-store"})

    @app.delete(
        "/v1/registrations/{registration_id}/counter-ticket",
        status_code=204,
        responses=openapi.TICKET_REVOKE_RESPONSES,
    )
    async def revoke(registration_id: _Id, client: Annotated[Client, Depends(owner)]) -> Response:
        """Make the ticket of a registration void, such as one that was lost."""
        if not await anyio.to_thread.run_sync(desk.revoke, registration_id, client.id):
            return problems.problem("not_found", "The registration has no ticket in force.")
        return Response(status_code=204)


def _counter_routes(app: FastAPI, intake: RegistrationIntake, gate: AccessControl, desk: CounterDesk) -> None:
    counter = gate.needs(Scope.COUNTER_WRITE)

    @app.post("/v1/counter/{code}", responses=openapi.VISIT_RESPONSES)
    async def open_at_counter(
        request: Request, code: _Code, client: Annotated[Client, Depends(counter)]
    ) -> JSONResponse:
        """Open the registration of a ticket at this counter, whose devices may then take card and face again.

        Asking again shows what was captured meanwhile.
        """
        visit, found = await anyio.to_thread.run_sync(desk.open, code, client.id)
        captured = await anyio.to_thread.run_sync(desk.capture, visit)
        body: dict[str, Any] = {"registration": found.id, "status": found.status, "captured": visit.verification}
        body |= {"attempts": [asdict(each) for each in found.attempts], "expires_at": _iso(visit.expires_ms)}
        language = texts.preferred_language(request.headers.get("accept-language"))
        body |= {"capture": None if captured is None else asdict(captured)}
        body |= {"texts": texts.sentences(_codes(found, captured), language)}
        return JSONResponse(body, headers={"Content-Language": language, "Vary": "Accept-Language"})

    @app.post("/v1/counter/{code}/decision", status_code=201, responses=openapi.COUNTER_DECISION_RESPONSES)
    async def decide(
        code: _Code, wanted: OfficersDecision, client: Annotated[Client, Depends(counter)]
    ) -> JSONResponse:
        """Accept or refuse the registration that is open at this counter; the decision is signed and final."""
        deciding = partial(desk.decide, code, client.id, wanted.decision, wanted.officer)
        decided = await anyio.to_thread.run_sync(deciding)
        intake.delivery_worker.wake()
        return JSONResponse(asdict(decided), 201)


def _codes(found: Registration, captured: CounterCapture | None) -> set[str]:
    """Returns every reason code that an answer names."""
    codes = {code for attempt in found.attempts for code in attempt.reasons}
    checks = () if captured is None else captured.checks
    return codes | {check.reason for check in checks if check.reason is not None}


def _iso(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000, UTC).isoformat(timespec="seconds")
