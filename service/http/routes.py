"""The endpoints of capture sessions and verifications."""

from dataclasses import fields
from functools import partial
from typing import Annotated, Any, cast

import anyio
from fastapi import Depends, FastAPI, Header, Path, Query, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field, create_model

from idproof.pipeline.liveness.challenge import PROFILE_OPTIONS, Options
from idproof.service.applicant_messages import texts
from idproof.service.auth import AccessControl, Client, Scope
from idproof.service.http import openapi, problems
from idproof.service.operations import retention, telemetry
from idproof.service.registrations import permits
from idproof.service.registrations.intake import RegistrationIntake, RegistrationRequest
from idproof.service.signing.jws import with_valid_signature
from idproof.service.storage.leases import RUNNING
from idproof.service.storage.ledger import FAILED, Progress
from idproof.service.storage.permits import CODE_PATTERN, client_holder

VERDICT_ID = r"^ver_[0-9A-HJKMNP-TV-Z]{26}$"
REGISTRATION_ID = r"^reg_[0-9A-HJKMNP-TV-Z]{26}$"
SESSION_ID = r"^cs_[0-9A-HJKMNP-TV-Z]{26}$"
_SUMMARY = ("id", "decision", "reasons", "document_type", "reference", "started_at")

SessionId = Annotated[str | None, Header(alias="Capture-Session", pattern=SESSION_ID)]
IdempotencyKey = Annotated[str | None, Header(alias="Idempotency-Key", pattern=r"^[!-~]{1,255}$")]
RegistrationId = Annotated[str | None, Header(alias="Registration", pattern=REGISTRATION_ID)]
Prefer = Annotated[str | None, Header(description="`respond-async` (RFC 7240) answers 202 at once.", max_length=200)]
Cursor = Annotated[str | None, Query(pattern=VERDICT_ID, description="`next` of the page before.")]
Limit = Annotated[int, Query(ge=1, le=100)]


_CLIENT_OPTIONS: dict[str, Any] = {
    entry.name: (bool, False) for entry in fields(Options) if entry.name not in PROFILE_OPTIONS
}
ApplicantOptions = create_model(
    "ApplicantOptions",
    __config__=ConfigDict(extra="forbid"),
    __doc__="What an applicant cannot do; the challenge avoids it.",
    **_CLIENT_OPTIONS,
)
"""The options that a client may set: all but those that depend on the profile's landmarks (`PROFILE_OPTIONS`)."""


class SessionRequest(BaseModel):
    """The body of a request for a capture session, all of it optional."""

    model_config = ConfigDict(extra="forbid")

    options: ApplicantOptions = ApplicantOptions()  # type: ignore[valid-type]
    device: str | None = Field(
        default=None,
        pattern=r"^[A-Za-z0-9._-]{1,64}$",
        description="Your own name of the device, to lock it after too many failures. Not personal data, please.",
        examples=["kiosk-17"],
    )
    permit: str | None = Field(
        default=None,
        pattern=CODE_PATTERN,
        description="Code of a permit of staff for options that reduce the challenge.",
    )
    capture_plan: bool = Field(
        default=False,
        description="Ask for the card in poses that are drawn for this session; its captures must then show them.",
    )
    registration: str | None = Field(
        default=None, pattern=REGISTRATION_ID, description="Id of the registration whose attempt this is."
    )


def install(app: FastAPI, intake: RegistrationIntake, gate: AccessControl) -> None:
    """Adds the endpoints to the application."""
    _session_routes(app, intake, gate)
    _verify_route(app, intake, gate)
    _read_routes(app, intake, gate)
    _erase_route(app, intake, gate)


def _session_routes(app: FastAPI, intake: RegistrationIntake, gate: AccessControl) -> None:
    @app.post("/v1/capture-sessions", status_code=201, responses=openapi.SESSION_RESPONSES)
    async def open_session(
        client: Annotated[Client, Depends(gate.needs(Scope.SESSION_WRITE))], wanted: SessionRequest | None = None
    ) -> JSONResponse:
        """Open a capture session for one applicant; it leads to one verdict."""
        wanted = wanted or SessionRequest()
        options = Options(**cast("BaseModel", wanted.options).model_dump())
        permit = permits.use_of(intake.audit, wanted.permit, client_holder(client.id))
        opening = partial(intake.ledger.sessions.open, planned=wanted.capture_plan, registration=wanted.registration)
        session = await anyio.to_thread.run_sync(opening, client.id, options, wanted.device, permit)
        return JSONResponse(
            {
                "id": session.id,
                "nonce": session.nonce,
                "challenge": session.challenge.to_json(),
                "capture_plan": None if session.plan is None else session.plan.to_json(),
                "expires_at": session.expires_at,
                "attempts": intake.settings.session_attempts,
            },
            201,
        )

    @app.post("/v1/capture-sessions/{session_id}/challenges", status_code=201, responses=openapi.CHALLENGE_RESPONSES)
    async def ask_again(
        session_id: Annotated[str, Path(pattern=SESSION_ID)],
        client: Annotated[Client, Depends(gate.needs(Scope.SESSION_WRITE))],
    ) -> JSONResponse:
        """Issue another challenge; the previous one is no longer valid."""
        challenge = await anyio.to_thread.run_sync(intake.ledger.ask_again, client.id, session_id)
        return JSONResponse(challenge.to_json(), 201)


def _verify_route(app: FastAPI, intake: RegistrationIntake, gate: AccessControl) -> None:
    @app.post(
        "/v1/verifications", status_code=201, openapi_extra=openapi.VERIFY_BODY, responses=openapi.VERIFY_RESPONSES
    )
    async def verify(
        request: Request,
        client: Annotated[Client, Depends(gate.needs(Scope.VERIFY_WRITE))],
        session: SessionId = None,
        key: IdempotencyKey = None,
        prefer: Prefer = None,
        registration_id: RegistrationId = None,
    ) -> JSONResponse:
        """Verify one registration, from three captures of the card and a selfie; they are deleted before the answer."""
        waits = not _prefers_async(prefer)
        registration = RegistrationRequest(client.id, session, key, client_waits=waits, registration_id=registration_id)
        with telemetry.continue_trace(request.headers):
            result = await intake.verify_upload(request, registration, gate.quota.one_more(client.id))
        headers = {"Location": f"/v1/verifications/{result.id}"}
        if result.replayed:
            headers["Idempotency-Replayed"] = "true"
        if result.response is not None:
            return _verdict(result.response, request, 201, headers)
        headers |= {"Preference-Applied": "respond-async", "Retry-After": str(problems.RETRY_AFTER_S)}
        return JSONResponse({"id": result.id, "status": RUNNING}, 202, headers)


def _read_routes(app: FastAPI, intake: RegistrationIntake, gate: AccessControl) -> None:
    reader = gate.needs(Scope.VERDICT_READ)

    @app.get("/v1/verifications", responses=openapi.LIST_RESPONSES)
    async def page(
        client: Annotated[Client, Depends(reader)], cursor: Cursor = None, limit: Limit = 20
    ) -> JSONResponse:
        """List verdicts, newest first, without what was read from the cards."""
        found = await anyio.to_thread.run_sync(intake.store.page, client.sees, cursor, limit)
        if found:
            note = partial(intake.audit.append, "verdicts_listed", count=len(found), by=client.id)
            await anyio.to_thread.run_sync(note)
        items = [{name: document.get(name) for name in _SUMMARY} for document in found]
        return JSONResponse({"items": items, "next": found[-1]["id"] if len(found) == limit else None})

    @app.get("/v1/verifications/{verification_id}", responses=openapi.READ_RESPONSES)
    async def read(request: Request, verification_id: str, client: Annotated[Client, Depends(reader)]) -> JSONResponse:
        """Read a verdict, or the progress of its verification."""
        found = await anyio.to_thread.run_sync(intake.store.load, verification_id, client.sees)
        if found is None:
            progress = await anyio.to_thread.run_sync(intake.ledger.progress, verification_id, client.sees)
            if progress is not None:
                return _progress(verification_id, progress)
            # The verification may have ended between the two queries.
            found = await anyio.to_thread.run_sync(intake.store.load, verification_id, client.sees)
        if found is None:
            return problems.problem("not_found", "There is no verification of this id.")
        note = partial(intake.audit.append, "verdict_read", id=verification_id, by=client.id)
        await anyio.to_thread.run_sync(note)
        return _verdict(with_valid_signature(found, intake.keys.current), request)


def _erase_route(app: FastAPI, intake: RegistrationIntake, gate: AccessControl) -> None:
    @app.delete(
        "/v1/verifications/{verification_id}",
        status_code=204,
        responses=openapi.ERASE_RESPONSES,
    )
    async def erase(verification_id: str, client: Annotated[Client, Depends(gate.needs(Scope.ADMIN))]) -> Response:
        """Erase a verdict and everything that was read from the card."""
        erase_now = partial(retention.erase, intake.store, intake.audit, verification_id, by=client.id)
        if not await anyio.to_thread.run_sync(erase_now):
            return problems.problem("not_found", "There is no verification of this id.")
        await intake.complete_erasure()
        return Response(status_code=204)


def _verdict(
    document: dict[str, Any], request: Request, status: int = 200, headers: dict[str, str] | None = None
) -> JSONResponse:
    """Returns a verdict with the sentences of its reasons in the client's language; these are not signed."""
    wanted = texts.preferred_language(request.headers.get("accept-language"))
    language_headers = {"Content-Language": wanted, "Vary": "Accept-Language"}
    return JSONResponse(
        document | {"texts": texts.sentences(document["reasons"], wanted)}, status, language_headers | (headers or {})
    )


def _progress(verification_id: str, progress: Progress) -> JSONResponse:
    if progress.state == FAILED:
        return problems.problem(progress.code, progress.sentence, status=progress.status, capture=progress.capture)
    if progress.state != RUNNING:
        return problems.problem("verification_lost", "The server ended before it was done; please send it again.")
    body: dict[str, Any] = {"id": verification_id, "status": RUNNING}
    return JSONResponse(body, 202, {"Retry-After": str(problems.RETRY_AFTER_S)})


def _prefers_async(prefer: str | None) -> bool:
    wanted = [part.split(";")[0].strip().lower() for part in (prefer or "").split(",")]
    return "respond-async" in wanted
