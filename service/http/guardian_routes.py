"""The endpoints of guardians, who join the capture sessions of applicants of 11 to 17."""

from functools import partial
from typing import Annotated

import anyio
from fastapi import Depends, FastAPI, Path, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from idproof.service.applicant_messages import texts
from idproof.service.auth import AccessControl, Client, Scope
from idproof.service.cases.guardians import GuardianProof
from idproof.service.http import openapi_registrations as openapi
from idproof.service.http.routes import SESSION_ID, VERDICT_ID
from idproof.service.registrations.intake import RegistrationIntake
from idproof.service.registrations.joined_guardians import join_guardian


class GuardianToJoin(BaseModel):
    """The body with a guardian's proof."""

    model_config = ConfigDict(extra="forbid")

    verification: str = Field(pattern=VERDICT_ID, description="Id of the guardian's own recent verdict.")
    nonce: str = Field(pattern=r"^[A-Za-z0-9_-]{43}$", description="`session.nonce` of that verdict.")
    consent_sha256: str = Field(
        pattern=r"^[0-9a-f]{64}$", description="`sha256` of the text that the guardian was shown and consented to."
    )


def install(app: FastAPI, intake: RegistrationIntake, gate: AccessControl) -> None:
    """Adds the endpoints to the application; without `IDPROOF_GUARDIANS` they answer `guardians_off`."""
    member = gate.needs(Scope.SESSION_WRITE)

    @app.get("/v1/guardian-consent", responses=openapi.CONSENT_RESPONSES, dependencies=[Depends(member)])
    async def consent(request: Request) -> JSONResponse:
        """Read the text that a guardian is shown and consents to, in the language asked for."""
        language = texts.preferred_language(request.headers.get("accept-language"))
        text, digest = intake.guardians.consent(language)
        headers = {"Content-Language": language, "Vary": "Accept-Language"}
        return JSONResponse({"text": text, "sha256": digest}, headers=headers)

    @app.post("/v1/capture-sessions/{session_id}/guardian", status_code=201, responses=openapi.GUARDIAN_RESPONSES)
    async def join(
        session_id: Annotated[str, Path(pattern=SESSION_ID)],
        wanted: GuardianToJoin,
        client: Annotated[Client, Depends(member)],
    ) -> JSONResponse:
        """Let a guardian join the session of an applicant of 11 to 17, in place of one who joined before."""
        proof = GuardianProof(wanted.verification, wanted.nonce, wanted.consent_sha256)
        joining = partial(join_guardian, intake, client.id, session_id, proof)
        return JSONResponse(dict(await anyio.to_thread.run_sync(joining)), 201)
