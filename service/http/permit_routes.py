"""The endpoint of permits, for staff."""

from typing import Annotated, Any, Literal

import anyio
from fastapi import Depends, FastAPI
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field, model_validator

from idproof.pipeline.liveness.challenge import GRANTABLE
from idproof.service.auth import AccessControl, Client, Scope
from idproof.service.errors import ServiceProblem
from idproof.service.http import openapi, problems
from idproof.service.registrations import permits
from idproof.service.registrations.intake import RegistrationIntake
from idproof.service.storage.kiosks import Kiosks
from idproof.service.storage.permits import client_holder, device_holder

Reduction = Literal[
    "cannot_turn", "cannot_nod", "cannot_approach", "photosensitive", "cannot_blink", "cannot_open_mouth"
]
assert set(GRANTABLE) == set(Reduction.__args__)  # type: ignore[attr-defined] # noqa: S101 - a static list for OpenAPI


class PermitRequest(BaseModel):
    """The body of a request for a permit."""

    model_config = ConfigDict(extra="forbid")

    options: list[Reduction] = Field(min_length=1, max_length=len(GRANTABLE), examples=[["cannot_turn"]])
    device: str | None = Field(
        default=None,
        pattern=r"^[0-9a-f]{16}$",
        description="Id of the streaming device that may use it.",
        examples=["0123456789abcdef"],
    )
    client: str | None = Field(
        default=None, min_length=1, max_length=64, description="Id of the client that may use it; or `device`."
    )

    @model_validator(mode="after")
    def _one_holder(self) -> "PermitRequest":
        if (self.device is None) == (self.client is None):
            raise ValueError("device or client, one of them")
        return self


def install(app: FastAPI, intake: RegistrationIntake, gate: AccessControl) -> None:
    """Adds the endpoint to the application."""
    kiosks = Kiosks(intake.store.database, intake.store.seal)

    @app.post("/v1/permits", status_code=201, responses=openapi.PERMIT_RESPONSES)
    async def grant(
        wanted: PermitRequest, client: Annotated[Client, Depends(gate.needs(Scope.PERMIT_WRITE))]
    ) -> JSONResponse:
        """Grant an applicant a challenge that asks for less: once, for a short time, at one device or client."""
        return await anyio.to_thread.run_sync(_grant, wanted, client)

    def _grant(wanted: PermitRequest, client: Client) -> JSONResponse:
        kiosk = None if wanted.device is None else kiosks.find(wanted.device)
        if wanted.device is not None and kiosk is None:
            return problems.problem("not_found", "There is no device of this id in force.")
        if client.id == (wanted.client if kiosk is None else kiosk.client):
            # Whoever registers applicants would otherwise grant each of them what only staff may.
            raise ServiceProblem("forbidden", "A permit is granted by another client than the one that uses it.")
        holder = client_holder(wanted.client or "") if wanted.device is None else device_holder(wanted.device)
        code, permit = permits.grant(
            intake.ledger.permits,
            intake.audit,
            holder,
            wanted.options,
            by=client.id,
            lifetime_s=intake.settings.permit_s,
        )
        body: dict[str, Any] = {"id": permit.id, "permit": code, "options": list(permit.options)}
        return JSONResponse(body | {"expires_at": permit.expires_at}, 201)
