"""The endpoints of registrations, of erasure by person, and of redelivery."""

from dataclasses import asdict
from datetime import datetime
from functools import partial
from typing import Annotated, Any

import anyio
from fastapi import Depends, FastAPI, Path, Query, Request, Response
from fastapi.responses import JSONResponse
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from idproof.pipeline import Decision
from idproof.service.applicant_messages import texts
from idproof.service.auth import AccessControl, Client, Scope
from idproof.service.cases.search import Wanted
from idproof.service.cases.states import RegistrationStatus
from idproof.service.cases.store import Registration
from idproof.service.http import openapi_registrations as openapi
from idproof.service.http import problems
from idproof.service.http.routes import REGISTRATION_ID, Limit
from idproof.service.operations import retention
from idproof.service.registrations.intake import RegistrationIntake

_Id = Annotated[str, Path(pattern=REGISTRATION_ID)]
_Subject = Annotated[str, Path(pattern=r"^(ver|reg)_[0-9A-HJKMNP-TV-Z]{26}$")]
_Cursor = Annotated[str | None, Query(pattern=REGISTRATION_ID, description="`next` of the page before.")]
_REFERENCE = r"^[A-Za-z0-9._-]{1,64}$"
_Reference = Annotated[str | None, Query(pattern=_REFERENCE)]
_Reason = Annotated[str | None, Query(pattern=r"^[a-z][a-z_]{0,63}$", description="Code of any of its verdicts.")]
_Since = Annotated[
    AwareDatetime | None,
    Query(description="Opened then or later: RFC 3339 with a time zone, such as `2026-11-30T01:00:00Z`."),
]
_Until = Annotated[AwareDatetime | None, Query(description="Opened before; in the form of `since`.")]


class NewRegistration(BaseModel):
    """The body of a request for a registration, all of it optional."""

    model_config = ConfigDict(extra="forbid")

    reference: str | None = Field(
        default=None, pattern=_REFERENCE, description="The client's own reference; it must not be personal data."
    )


class PersonToErase(BaseModel):
    """The body that names a person by the card's number."""

    model_config = ConfigDict(extra="forbid")

    number: str = Field(min_length=1, max_length=32, description="With or without brackets.", examples=["A123456(3)"])


def install(app: FastAPI, intake: RegistrationIntake, gate: AccessControl) -> None:
    """Adds the endpoints to the application."""
    _resource_routes(app, intake, gate)
    _list_route(app, intake, gate)
    _operator_routes(app, intake, gate)


def _resource_routes(app: FastAPI, intake: RegistrationIntake, gate: AccessControl) -> None:
    @app.post("/v1/registrations", status_code=201, responses=openapi.OPEN_RESPONSES)
    async def open_registration(
        request: Request,
        client: Annotated[Client, Depends(gate.needs(Scope.REGISTRATION_WRITE))],
        wanted: NewRegistration | None = None,
    ) -> JSONResponse:
        """Open a registration for one applicant; capture sessions and verifications name it."""
        reference = None if wanted is None else wanted.reference
        opened = await anyio.to_thread.run_sync(intake.cases.open, client.id, reference)
        intake.delivery_worker.wake()
        return shown(opened, request, 201, {"Location": f"/v1/registrations/{opened.id}"})

    @app.get("/v1/registrations/{registration_id}", responses=openapi.READ_RESPONSES)
    async def read(
        request: Request,
        registration_id: _Id,
        client: Annotated[Client, Depends(gate.needs(Scope.REGISTRATION_READ))],
    ) -> JSONResponse:
        """Read a registration: its status, its attempts, and what the applicant does next."""
        found = await anyio.to_thread.run_sync(intake.cases.find, registration_id, client.sees)
        return _unknown() if found is None else shown(found, request)


def _list_route(app: FastAPI, intake: RegistrationIntake, gate: AccessControl) -> None:
    @app.get("/v1/registrations", responses=openapi.LIST_RESPONSES)
    async def page(
        request: Request,
        client: Annotated[Client, Depends(gate.needs(Scope.REGISTRATION_READ))],
        reference: _Reference = None,
        status: RegistrationStatus | None = None,
        decision: Decision | None = None,
        reason: _Reason = None,
        since: _Since = None,
        until: _Until = None,
        cursor: _Cursor = None,
        limit: Limit = 20,
    ) -> JSONResponse:
        """List the registrations that meet every given condition, newest first."""
        named = intake.cases.reference_hash(reference)
        wanted = Wanted(client.sees, named, status, decision, reason, _ms(since), _ms(until))
        found = await anyio.to_thread.run_sync(intake.cases.page, wanted, cursor, limit)
        language = texts.preferred_language(request.headers.get("accept-language"))
        items = [_body(each, language) for each in found]
        return JSONResponse({"items": items, "next": found[-1].id if len(found) == limit else None})


def _operator_routes(app: FastAPI, intake: RegistrationIntake, gate: AccessControl) -> None:
    admin = gate.needs(Scope.ADMIN)

    @app.delete(
        "/v1/registrations/{registration_id}",
        status_code=204,
        responses=openapi.ERASE_RESPONSES,
    )
    async def erase(registration_id: _Id, client: Annotated[Client, Depends(admin)]) -> Response:
        """Erase a registration with all its verdicts and everything that was read from the card."""
        erase_now = partial(retention.erase_registration, intake.store, intake.audit, registration_id, by=client.id)
        if not await anyio.to_thread.run_sync(erase_now):
            return _unknown()
        await intake.complete_erasure()
        return Response(status_code=204)

    @app.post("/v1/erasures", responses=openapi.ERASE_PERSON_RESPONSES)
    async def erase_person(person: PersonToErase, client: Annotated[Client, Depends(admin)]) -> JSONResponse:
        """Erase every verdict, registration and passkey of a card's number."""
        erase_now = partial(retention.erase_person, intake.store, intake.audit, person.number, by=client.id)
        count = await anyio.to_thread.run_sync(erase_now)
        await intake.complete_erasure()
        return JSONResponse({"verdicts": count})

    @app.post("/v1/deliveries/{subject}", status_code=202, responses=openapi.REDELIVER_RESPONSES)
    async def redeliver(subject: _Subject, client: Annotated[Client, Depends(admin)]) -> JSONResponse:
        """Send again what was delivered about a registration with its verdicts, or about one verdict."""
        send = partial(retention.redeliver, intake.store, intake.audit, subject, by=client.id)
        count = await anyio.to_thread.run_sync(send)
        if not count:
            return problems.problem("not_found", "Nothing was delivered about this id.")
        intake.delivery_worker.wake()
        return JSONResponse({"deliveries": count}, 202)


def shown(
    registration: Registration, request: Request, status: int = 200, headers: dict[str, str] | None = None
) -> JSONResponse:
    """Returns a registration with its instructions in the client's language."""
    language = texts.preferred_language(request.headers.get("accept-language"))
    about = {"Content-Language": language, "Vary": "Accept-Language"}
    return JSONResponse(_body(registration, language), status, about | (headers or {}))


def _body(registration: Registration, language: str) -> dict[str, Any]:
    body = asdict(registration) | {"next": registration.next.to_json(language)}
    body.pop("client")
    return body


def _ms(at: datetime | None) -> int | None:
    return None if at is None else int(at.timestamp() * 1000)


def _unknown() -> JSONResponse:
    return problems.problem("not_found", "There is no registration of this id.")
