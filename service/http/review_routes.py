"""The endpoints of reviews: queue, claims, pictures and decisions of officers, and the officers' enrolments."""

import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from functools import partial
from typing import Annotated, Any

import anyio
from fastapi import Depends, FastAPI, Path, Query, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from idproof.service.applicant_messages import texts
from idproof.service.auth import AccessControl, Client, Scope
from idproof.service.errors import ServiceProblem
from idproof.service.http import openapi_reviews as openapi
from idproof.service.http import problems
from idproof.service.registrations.intake import RegistrationIntake
from idproof.service.reviews.decisions import ReviewDecision, ReviewReason
from idproof.service.reviews.reviewers import OFFICER_PATTERN, Reviewer
from idproof.service.reviews.reviews import Reviews, WantedDecision
from idproof.service.reviews.states import UNFINISHED, ReviewState
from idproof.service.reviews.store import QueueQuery

_REVIEW_ID = r"^rev_[0-9A-HJKMNP-TV-Z]{26}$"
_REVIEWER_ID = r"^rvw_[0-9A-HJKMNP-TV-Z]{26}$"
_REGISTRATION_ID = r"^reg_[0-9A-HJKMNP-TV-Z]{26}$"
_POINT = r"^[A-Za-z0-9_-]{86}[AEIMQUYcgkosw048]$"  # 65 bytes; the last two bits are zero
_FINGERPRINT = r"^[0-9A-Fa-f ]{32,60}$"

ReviewId = Annotated[str, Path(pattern=_REVIEW_ID)]
ReviewerId = Annotated[str, Path(pattern=_REVIEWER_ID)]
OfficerName = Annotated[str, Field(pattern=OFFICER_PATTERN, description="Number or name within your staff.")]
States = Annotated[
    list[ReviewState] | None, Query(max_length=len(ReviewState), description="By default those that are not over.")
]


class Enrolment(BaseModel):
    """The body with which an officer enrols."""

    model_config = ConfigDict(extra="forbid")

    officer: OfficerName
    public_key: str | None = Field(
        default=None,
        pattern=_POINT,
        description="Of the officer's browser, to which pictures are sealed: uncompressed point of P-256, base64url.",
    )


class Confirmation(BaseModel):
    """The body with which a second person confirms an enrolment."""

    model_config = ConfigDict(extra="forbid")

    fingerprint: str | None = Field(
        default=None,
        pattern=_FINGERPRINT,
        description="Of the key, as the officer's own screen shows it; null for an enrolment without a key.",
    )


class ReviewRequest(BaseModel):
    """The body of an officer's decision."""

    model_config = ConfigDict(extra="forbid")

    decision: ReviewDecision
    officer: OfficerName
    reason: ReviewReason
    comment: str | None = Field(
        default=None, max_length=2000, description="Stays in this service, sealed, until the registration is erased."
    )


class NoBody(BaseModel):
    """A body without members."""

    model_config = ConfigDict(extra="forbid")


def install(app: FastAPI, intake: RegistrationIntake, gate: AccessControl) -> None:
    """Adds the endpoints to the application; where reviews are off they answer `reviews_off`."""
    _queue_routes(app, intake, gate)
    _decision_routes(app, intake, gate)
    _enrolment_routes(app, intake, gate)
    _reviewer_routes(app, intake, gate)


def _queue_routes(app: FastAPI, intake: RegistrationIntake, gate: AccessControl) -> None:
    officer = gate.needs(Scope.REVIEW_WRITE)

    @app.get("/v1/reviews", responses=openapi.QUEUE_RESPONSES)
    async def queue(
        client: Annotated[Client, Depends(officer)],
        state: States = None,
        reason: Annotated[str | None, Query(pattern=r"^[a-z0-9_]{1,64}$", description="A verdict's code.")] = None,
        older_than_s: Annotated[int | None, Query(ge=0, le=10**9, description="Waiting for at least so long.")] = None,
        cursor: Annotated[str | None, Query(pattern=_REVIEW_ID, description="`next` of the page before.")] = None,
        limit: Annotated[int, Query(ge=1, le=100)] = 20,
    ) -> JSONResponse:
        """List reviews, the longest waiting first, without what was read from the cards."""
        before = None if older_than_s is None else int((time.time() - older_than_s) * 1000)
        query = QueueQuery(frozenset(state or UNFINISHED), reason, before, cursor, limit)
        items = await anyio.to_thread.run_sync(_on(intake).queue, client.id, query)
        return JSONResponse({"items": items, "next": items[-1]["id"] if len(items) == limit else None})

    @app.get("/v1/reviews/{review_id}", responses=openapi.READ_RESPONSES)
    async def read(request: Request, review_id: ReviewId, client: Annotated[Client, Depends(officer)]) -> JSONResponse:
        """Read the fields, checks and attempts of a review that the officer holds; the audit log notes each read."""
        found = await anyio.to_thread.run_sync(_on(intake).read, client.id, review_id)
        language = texts.preferred_language(request.headers.get("accept-language"))
        body = found | {"texts": texts.sentences(_codes(found), language)}
        return JSONResponse(body, headers={"Content-Language": language, "Vary": "Accept-Language"})

    @app.post("/v1/reviews/{review_id}/claim", responses=openapi.CLAIM_RESPONSES)
    async def claim(
        review_id: ReviewId, client: Annotated[Client, Depends(officer)], _body: NoBody | None = None
    ) -> JSONResponse:
        """Claim a review, or renew one's own claim; a claim that is not renewed lapses."""
        return JSONResponse(await anyio.to_thread.run_sync(_on(intake).claim, client.id, review_id))

    @app.post("/v1/reviews/{review_id}/release", status_code=204, responses=openapi.RELEASE_RESPONSES)
    async def release(
        review_id: ReviewId, client: Annotated[Client, Depends(officer)], _body: NoBody | None = None
    ) -> Response:
        """Give a claimed review back to the queue."""
        await anyio.to_thread.run_sync(_on(intake).release, client.id, review_id)
        return Response(status_code=204)


def _decision_routes(app: FastAPI, intake: RegistrationIntake, gate: AccessControl) -> None:
    officer = gate.needs(Scope.REVIEW_WRITE)

    @app.post("/v1/reviews/{review_id}/pictures", responses=openapi.PICTURES_RESPONSES)
    async def pictures(
        review_id: ReviewId, client: Annotated[Client, Depends(officer)], _body: NoBody | None = None
    ) -> JSONResponse:
        """Take the pictures of a claimed review once, encrypted to the officer's own key."""
        taken = await anyio.to_thread.run_sync(_on(intake).take_pictures, client.id, review_id)
        shown = {role: _coded(data) for role, data in taken.pictures.items()}
        return JSONResponse({"key": _coded(taken.key), "pictures": shown})

    @app.post("/v1/registrations/{registration_id}/review", status_code=201, responses=openapi.DECISION_RESPONSES)
    async def decide(
        registration_id: Annotated[str, Path(pattern=_REGISTRATION_ID)],
        wanted: ReviewRequest,
        client: Annotated[Client, Depends(officer)],
    ) -> JSONResponse:
        """Decide a registration whose review the officer holds, with a statement that the service signs."""
        asked = WantedDecision(wanted.officer, wanted.decision, wanted.reason, wanted.comment)
        decided = await anyio.to_thread.run_sync(_on(intake).decide, client.id, registration_id, asked)
        intake.delivery_worker.wake()
        return JSONResponse(decided, 201)


def _enrolment_routes(app: FastAPI, intake: RegistrationIntake, gate: AccessControl) -> None:
    officer = gate.needs(Scope.REVIEW_WRITE)

    @app.post("/v1/reviewers", status_code=201, responses=openapi.ENROL_RESPONSES)
    async def enrol(wanted: Enrolment, client: Annotated[Client, Depends(officer)]) -> JSONResponse:
        """Enrol as a reviewing officer, or enrol the key of a new browser; a second person has to confirm it."""
        key = None if wanted.public_key is None else urlsafe_b64decode(wanted.public_key + "=")
        made = await anyio.to_thread.run_sync(_on(intake).reviewers.enrol, client.id, wanted.officer, key)
        return JSONResponse(_described(made), 201)

    @app.get("/v1/reviewers/me", responses=openapi.REVIEWER_RESPONSES)
    async def me(client: Annotated[Client, Depends(officer)]) -> JSONResponse:
        """Read the caller's own enrolment: the one in force, or one that waits for a confirmation."""
        found = await anyio.to_thread.run_sync(_on(intake).reviewers.of_client, client.id)
        if found is None:
            return problems.problem("not_found", "This client has no enrolment.")
        return JSONResponse(_described(found))


def _reviewer_routes(app: FastAPI, intake: RegistrationIntake, gate: AccessControl) -> None:
    admin = gate.needs(Scope.ADMIN)

    @app.get("/v1/reviewers", responses=openapi.REVIEWERS_RESPONSES)
    async def reviewers(_client: Annotated[Client, Depends(admin)]) -> JSONResponse:
        """List enrolments, newest first."""
        found = await anyio.to_thread.run_sync(_on(intake).reviewers.entries)
        return JSONResponse({"items": [_described(each) for each in found]})

    @app.post("/v1/reviewers/{reviewer_id}/confirm", responses=openapi.CONFIRM_RESPONSES)
    async def confirm(
        reviewer_id: ReviewerId, wanted: Confirmation, client: Annotated[Client, Depends(admin)]
    ) -> JSONResponse:
        """Confirm another officer's enrolment with the fingerprint that this officer's screen shows."""
        confirming = partial(_on(intake).reviewers.confirm, by=client.id)
        return JSONResponse(_described(await anyio.to_thread.run_sync(confirming, reviewer_id, wanted.fingerprint)))

    @app.delete("/v1/reviewers/{reviewer_id}", status_code=204, responses=openapi.REVOKE_RESPONSES)
    async def revoke(reviewer_id: ReviewerId, client: Annotated[Client, Depends(admin)]) -> Response:
        """Revoke an enrolment: the officer reviews nothing any more."""
        if not await anyio.to_thread.run_sync(_on(intake).reviewers.revoke, reviewer_id, client.id):
            return problems.problem("not_found", "There is no enrolment of this id in force.")
        return Response(status_code=204)


def _on(intake: RegistrationIntake) -> Reviews:
    """Returns the reviews of a service that has them; raises `ServiceProblem` `reviews_off`."""
    if intake.reviews is None:
        raise ServiceProblem("reviews_off", "This service has no reviews: IDPROOF_REVIEW_REFERRED is not set.")
    return intake.reviews


def _codes(found: dict[str, Any]) -> list[str]:
    """Returns every reason code that a review shows: of the verdict, of its checks, and of other attempts."""
    of_checks = [check["reason"] for check in found["verdict"]["checks"] or () if check["reason"] is not None]
    of_attempts = [code for attempt in found["attempts"] for code in attempt["reasons"]]
    return sorted({*found["reasons"], *of_checks, *of_attempts})


def _described(reviewer: Reviewer) -> dict[str, Any]:
    return {
        "id": reviewer.id,
        "client": reviewer.client,
        "officer": reviewer.officer,
        "state": reviewer.state,
        "created_at": reviewer.created_at,
        "confirmed_by": reviewer.confirmed_by,
        "fingerprint": reviewer.fingerprint,
    }


def _coded(data: bytes) -> str:
    return urlsafe_b64encode(data).decode().rstrip("=")
