"""The endpoints of passkeys: registration inside accepted sessions, logins, revocation."""

from functools import partial
from typing import Annotated, Any, Literal, TypeVar

import anyio
from fastapi import Depends, FastAPI, Path, Query, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from idproof.service.auth import AccessControl, Client, Scope
from idproof.service.errors import ServiceProblem
from idproof.service.face_templates.templates import FaceTemplates
from idproof.service.http import openapi_passkeys as openapi
from idproof.service.http import problems
from idproof.service.http.routes import VERDICT_ID
from idproof.service.outbox import Destination
from idproof.service.passkeys.accounts import SUBJECT_PATTERN
from idproof.service.passkeys.erasure import BoundPasskeys
from idproof.service.passkeys.login import PasskeyLogins
from idproof.service.passkeys.registration import PasskeyRegistrations, Wanted
from idproof.service.passkeys.rules import PasskeyRules
from idproof.service.passkeys.store import Passkey
from idproof.service.registrations.intake import RegistrationIntake

T = TypeVar("T")
_CeremonyId = Annotated[str, Path(pattern=r"^pkc_[0-9A-HJKMNP-TV-Z]{26}$")]
_PasskeyId = Annotated[str, Path(pattern=r"^pk_[0-9A-HJKMNP-TV-Z]{26}$")]
_NONCE = r"^[A-Za-z0-9_-]{43}$"
_Origin = Annotated[
    str | None, Field(default=None, max_length=255, description="Of your page; needed where several are configured.")
]


class PasskeyRegistrationRequest(BaseModel):
    """The body of a request for a passkey's registration."""

    model_config = ConfigDict(extra="forbid")

    verification: str = Field(pattern=VERDICT_ID, description="Id of an accepted verdict of a session of yours.")
    nonce: str = Field(pattern=_NONCE, description="Of that capture session.")
    origin: _Origin = None
    resident: Literal["required", "preferred", "discouraged"] = Field(
        default="preferred", description="Whether the authenticator keeps the passkey, so that it finds it by itself."
    )
    attachment: Literal["platform", "cross-platform"] | None = Field(
        default=None, description="This device, or another one; null for either."
    )

    face_template: bool = Field(
        default=False,
        description="The applicant agreed that a face template is kept for step-ups, where the operator keeps them.",
    )


class PasskeyLoginRequest(BaseModel):
    """The body of a request for a login, all of it optional."""

    model_config = ConfigDict(extra="forbid")

    subject: str | None = Field(
        default=None,
        pattern=SUBJECT_PATTERN,
        description="Your name of the account, for passkeys that the authenticator does not find by itself.",
    )
    origin: _Origin = None
    face_template: bool = Field(
        default=False, description="Ask the passkey for its half of the face template's key, for a step-up."
    )


class CeremonyAnswer(BaseModel):
    """The body with a browser's answer."""

    model_config = ConfigDict(extra="forbid")

    response: dict[str, Any] = Field(
        description="RegistrationResponseJSON or AuthenticationResponseJSON of WebAuthn Level 3 (`toJSON()`)."
    )


def install(app: FastAPI, intake: RegistrationIntake, gate: AccessControl) -> None:
    """Adds the endpoints to the application; without `IDPROOF_PASSKEY_RP_ID` they answer `passkeys_off`."""
    rules = PasskeyRules.of(intake.settings)
    _registration_routes(app, intake, gate, open_registrations(intake, rules))
    _login_routes(app, intake, gate, rules)
    _template_routes(app, intake, gate, open_registrations(intake, rules))


def open_registrations(intake: RegistrationIntake, rules: PasskeyRules | None) -> PasskeyRegistrations | None:
    """Returns the registrations of passkeys; None where no relying party is named."""
    if rules is None:
        return None
    worker = intake.delivery_worker
    core = Destination.CORE in worker.destinations
    parts = (intake.store, intake.keys, intake.audit, intake.settings.issuer, worker.outbox)
    return PasskeyRegistrations(rules, *parts, core=core)


def _registration_routes(
    app: FastAPI, intake: RegistrationIntake, gate: AccessControl, registrations: PasskeyRegistrations | None
) -> None:
    writer = gate.needs(Scope.PASSKEY_WRITE)

    @app.post("/v1/passkey-registrations", status_code=201, responses=openapi.PASSKEY_BEGIN_RESPONSES)
    async def begin_registration(
        wanted: PasskeyRegistrationRequest, client: Annotated[Client, Depends(writer)]
    ) -> JSONResponse:
        """Begin to bind a passkey to an accepted verdict, for as long as its session's applicant is there."""
        passkeys = switched_on(registrations)
        templates = templates_on(intake) if wanted.face_template else None
        begun = await anyio.to_thread.run_sync(passkeys.begin, client.id, Wanted(**wanted.model_dump()))
        if templates is not None:
            templates.pending.agree(wanted.verification, begun["id"])
        return JSONResponse(begun, 201)

    @app.post("/v1/passkey-registrations/{ceremony_id}", status_code=201, responses=openapi.PASSKEY_MADE_RESPONSES)
    async def complete_registration(
        ceremony_id: _CeremonyId,
        answer: CeremonyAnswer,
        client: Annotated[Client, Depends(writer)],
    ) -> JSONResponse:
        """Bind the passkey that the browser made; its signed statement goes to the identity core."""
        passkeys = switched_on(registrations)
        made = await anyio.to_thread.run_sync(passkeys.complete, client.id, ceremony_id, answer.response)
        intake.delivery_worker.wake()
        if (templates := intake.face_templates) is not None:
            begun = await anyio.to_thread.run_sync(templates.begin, client.id, ceremony_id, made, answer.response)
            made |= {"face_template": begun}
        return JSONResponse(made, 201)

    @app.get("/v1/passkeys", responses=openapi.PASSKEY_LIST_RESPONSES)
    async def list_passkeys(
        client: Annotated[Client, Depends(writer)], verification: Annotated[str, Query(pattern=VERDICT_ID)]
    ) -> JSONResponse:
        """List the passkeys of a verdict."""
        passkeys = switched_on(registrations).passkeys
        found = await anyio.to_thread.run_sync(passkeys.of_verdict, verification)
        return JSONResponse({"items": [_described(passkey) for passkey in found if passkey.client == client.id]})

    @app.delete("/v1/passkeys/{passkey_id}", status_code=204, responses=openapi.PASSKEY_REVOKE_RESPONSES)
    async def revoke_passkey(passkey_id: _PasskeyId, client: Annotated[Client, Depends(writer)]) -> Response:
        """Revoke a passkey: it opens nothing any more. The identity core is told."""
        revoke = switched_on(registrations).revoke
        if not await anyio.to_thread.run_sync(revoke, passkey_id, client.id, client.id):
            return problems.problem("not_found", "There is no passkey of this id in force.")
        intake.delivery_worker.wake()
        return Response(status_code=204)


def _login_routes(app: FastAPI, intake: RegistrationIntake, gate: AccessControl, rules: PasskeyRules | None) -> None:
    logins = None
    if rules is not None:
        parts = (intake.store.database, intake.store.seal, intake.keys, intake.audit, intake.settings.issuer)
        logins = PasskeyLogins(rules, *parts)
    party = gate.needs(Scope.PASSKEY_LOGIN)

    @app.post("/v1/passkey-logins", status_code=201, responses=openapi.PASSKEY_BEGIN_RESPONSES)
    async def begin_login(
        client: Annotated[Client, Depends(party)], wanted: PasskeyLoginRequest | None = None
    ) -> JSONResponse:
        """Begin a login with a passkey."""
        wanted = wanted or PasskeyLoginRequest()
        begin = partial(switched_on(logins).begin, face_template=wanted.face_template)
        if wanted.face_template:
            templates_on(intake)
        return JSONResponse(await anyio.to_thread.run_sync(begin, client.id, wanted.subject, wanted.origin), 201)

    @app.post("/v1/passkey-logins/{ceremony_id}", responses=openapi.PASSKEY_LOGIN_RESPONSES)
    async def complete_login(
        ceremony_id: _CeremonyId,
        answer: CeremonyAnswer,
        client: Annotated[Client, Depends(party)],
    ) -> JSONResponse:
        """Complete a login: the answer has a short-lived token for this relying party."""
        complete = switched_on(logins).complete
        return JSONResponse(await anyio.to_thread.run_sync(complete, client.id, ceremony_id, answer.response))


def _template_routes(
    app: FastAPI, intake: RegistrationIntake, gate: AccessControl, registrations: PasskeyRegistrations | None
) -> None:
    writer = gate.needs(Scope.PASSKEY_WRITE)

    @app.post("/v1/face-templates/{ceremony_id}", status_code=201, responses=openapi.FACE_TEMPLATE_RESPONSES)
    async def bind_template(
        ceremony_id: _CeremonyId,
        answer: CeremonyAnswer,
        client: Annotated[Client, Depends(writer)],
    ) -> JSONResponse:
        """Keep the face template of an accepted registration, under the key of the passkey that was just made."""
        bind = templates_on(intake).bind
        return JSONResponse(await anyio.to_thread.run_sync(bind, client.id, ceremony_id, answer.response), 201)

    @app.delete(
        "/v1/passkeys/{passkey_id}/face-template", status_code=204, responses=openapi.FACE_TEMPLATE_DELETE_RESPONSES
    )
    async def destroy_template(passkey_id: _PasskeyId, client: Annotated[Client, Depends(writer)]) -> Response:
        """Destroy a passkey's face template; the passkey stays."""
        found = await anyio.to_thread.run_sync(switched_on(registrations).passkeys.find, passkey_id)
        destroy = BoundPasskeys(intake.store, intake.audit).destroy_template
        mine = found is not None and found.client == client.id
        if not mine or not await anyio.to_thread.run_sync(destroy, passkey_id):
            return problems.problem("not_found", "There is no face template of this passkey.")
        return Response(status_code=204)


def templates_on(intake: RegistrationIntake) -> FaceTemplates:
    """Returns the face templates; raises `ServiceProblem` `face_templates_off` where none are kept."""
    if intake.face_templates is None:
        raise ServiceProblem(
            "face_templates_off", "This service keeps no face templates: IDPROOF_FACE_TEMPLATE is none."
        )
    return intake.face_templates


def switched_on(part: T | None) -> T:
    """Returns a part that exists where passkeys are configured; raises `ServiceProblem` `passkeys_off`."""
    if part is None:
        raise ServiceProblem("passkeys_off", "This service has no passkeys: IDPROOF_PASSKEY_RP_ID is not set.")
    return part


def _described(passkey: Passkey) -> dict[str, Any]:
    return {
        "id": passkey.id,
        "state": passkey.state,
        "created_at": passkey.created_at,
        "used_at": passkey.used_at,
        "backup_eligible": passkey.credential["backup_eligible"],
        "backed_up": passkey.backed_up,
        "attested": passkey.credential["attestation"]["trusted"],
        "binding": passkey.statement,
    }
