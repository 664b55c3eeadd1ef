"""The endpoints of step-ups by face, for relying parties."""

from typing import Annotated, Any, cast

import anyio
from fastapi import Depends, FastAPI, Path, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from idproof.pipeline.errors import PortraitUnavailable
from idproof.pipeline.fields.card_data import CardData
from idproof.pipeline.liveness.challenge import Options
from idproof.service.auth import AccessControl, Client, Scope
from idproof.service.http import openapi_passkeys as openapi
from idproof.service.http.passkey_routes import switched_on
from idproof.service.http.routes import ApplicantOptions
from idproof.service.passkeys.rules import PasskeyRules
from idproof.service.registrations.intake import RegistrationIntake
from idproof.service.step_up.intake import StepUpIntake
from idproof.service.step_up.step_ups import StepUps, text_hash
from idproof.service.step_up.store import StepUpRules

_STEP_UP_ID = r"^su_[0-9A-HJKMNP-TV-Z]{26}$"
_Text = Annotated[
    str,
    Field(
        min_length=1,
        max_length=2000,
        description="Of the transaction, as its holder is shown it.",
        examples=["Change the address of record to 1 Example Street."],
    ),
]
_Token = Annotated[str, Field(min_length=1, max_length=8192)]


class CardOfAccount(BaseModel):
    """The card's data, as the identity core has them from the verdict's `form`."""

    model_config = ConfigDict(extra="forbid")

    surname: str | None = Field(default=None, max_length=200)
    given_names: str | None = Field(default=None, max_length=200)
    chinese_name: str | None = Field(default=None, max_length=200)
    number: str | None = Field(default=None, max_length=32)
    birth_date: str | None = Field(default=None, max_length=32)
    issue_date: str | None = Field(default=None, max_length=32)
    first_registration: str | None = Field(default=None, max_length=32)
    sex: str | None = Field(default=None, max_length=32)
    symbols: str | None = Field(default=None, max_length=32)


class StepUpRequest(BaseModel):
    """The body of a request for a step-up."""

    model_config = ConfigDict(extra="forbid")

    login: _Token = Field(description="Token of a login of yours (`passkey-login+jwt`), in force; it is used up.")
    text: _Text
    options: ApplicantOptions = ApplicantOptions()
    card: CardOfAccount | None = Field(
        default=None,
        description="Needed where only the identity core may read the card (`IDPROOF_CORE_KEY`).",
    )


class StepUpTokenUse(BaseModel):
    """The body with a token that is to be validated, once."""

    model_config = ConfigDict(extra="forbid")

    token: _Token
    text: _Text


def install(app: FastAPI, intake: RegistrationIntake, gate: AccessControl) -> None:
    """Adds the endpoints to the application; without `IDPROOF_PASSKEY_RP_ID` they answer `passkeys_off`."""
    step_ups = open_step_ups(intake)
    _opening_routes(app, intake, gate, step_ups)
    _deciding_routes(app, intake, gate, step_ups)


def open_step_ups(intake: RegistrationIntake) -> StepUps | None:
    """Returns the step-ups; None where no relying party is named."""
    settings, rules = intake.settings, PasskeyRules.of(intake.settings)
    if rules is None:
        return None
    limits = StepUpRules(settings.session_s, settings.session_attempts, settings.challenge_s, settings.challenges)
    require = None if intake.face_templates is None else intake.face_templates.require
    return StepUps(rules, intake.store, intake.keys, intake.audit, settings.issuer, limits, require)


def _opening_routes(app: FastAPI, intake: RegistrationIntake, gate: AccessControl, step_ups: StepUps | None) -> None:
    party = gate.needs(Scope.STEP_UP_WRITE)

    @app.post("/v1/step-ups", status_code=201, responses=openapi.STEP_UP_RESPONSES)
    async def open_step_up(wanted: StepUpRequest, client: Annotated[Client, Depends(party)]) -> JSONResponse:
        """Open a step-up for one transaction of somebody who has just logged in."""
        opening = switched_on(step_ups).open
        if intake.face_templates is None:
            _require_records(intake)
        options = Options(**cast("BaseModel", wanted.options).model_dump())
        card = None if wanted.card is None else CardData(**wanted.card.model_dump())
        opened = await anyio.to_thread.run_sync(opening, client.id, wanted.login, wanted.text, options, card)
        body: dict[str, Any] = {"id": opened.id, "challenge": opened.challenge.to_json()}
        body |= {"expires_at": opened.expires_at, "text_sha256": text_hash(wanted.text)}
        return JSONResponse(body | {"attempts": intake.settings.session_attempts}, 201)

    @app.get("/v1/step-ups/{step_up_id}", responses=openapi.STEP_UP_STATE_RESPONSES)
    async def read(
        step_up_id: Annotated[str, Path(pattern=_STEP_UP_ID)], client: Annotated[Client, Depends(party)]
    ) -> JSONResponse:
        """Return the state of a step-up, and its decision: needed where a streaming device takes the captures."""
        return JSONResponse(await anyio.to_thread.run_sync(switched_on(step_ups).outcome, client.id, step_up_id))

    @app.post("/v1/step-ups/{step_up_id}/challenges", status_code=201, responses=openapi.STEP_UP_CHALLENGE_RESPONSES)
    async def ask_again(
        step_up_id: Annotated[str, Path(pattern=_STEP_UP_ID)], client: Annotated[Client, Depends(party)]
    ) -> JSONResponse:
        """Issue another challenge; the previous one is no longer valid. Each attempt needs a challenge of its own."""
        challenge = await anyio.to_thread.run_sync(switched_on(step_ups).ask_again, client.id, step_up_id)
        return JSONResponse(challenge.to_json(), 201)


def _deciding_routes(app: FastAPI, intake: RegistrationIntake, gate: AccessControl, step_ups: StepUps | None) -> None:
    party = gate.needs(Scope.STEP_UP_WRITE)
    receiver = None if step_ups is None else StepUpIntake(intake, step_ups)

    @app.post(
        "/v1/step-ups/{step_up_id}/captures",
        status_code=201,
        openapi_extra=openapi.STEP_UP_BODY,
        responses=openapi.STEP_UP_DECISION_RESPONSES,
    )
    async def check(
        request: Request,
        step_up_id: Annotated[str, Path(pattern=_STEP_UP_ID)],
        client: Annotated[Client, Depends(party)],
    ) -> JSONResponse:
        """Compare a living person with the portrait of the records; the pictures are deleted before the answer."""
        check_upload = switched_on(receiver).check_upload
        decided = await check_upload(request, client.id, step_up_id, gate.quota.one_more(client.id))
        return JSONResponse(decided, 201)

    @app.post("/v1/step-up-tokens", responses=openapi.STEP_UP_TOKEN_RESPONSES)
    async def use_token(wanted: StepUpTokenUse, client: Annotated[Client, Depends(party)]) -> JSONResponse:
        """Validate a step-up's token for its transaction's text; it is valid once."""
        use = switched_on(step_ups).use
        return JSONResponse(await anyio.to_thread.run_sync(use, client.id, wanted.token, wanted.text))


def _require_records(intake: RegistrationIntake) -> None:
    settings = intake.settings
    if settings.records_url is None and settings.records_file is None and not settings.sandbox:
        raise PortraitUnavailable("No records are connected, so there is no portrait to compare with.")
