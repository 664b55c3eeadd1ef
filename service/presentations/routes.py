"""Endpoints of presentations: for the clients that ask, and those of OpenID4VP 1.0 for wallets.

Wallets' endpoints are described by the specification, not by the OpenAPI description.
"""

import re
import unicodedata
from collections.abc import Mapping
from typing import Annotated, Any, Literal

import anyio
from anyio.lowlevel import RunVar
from fastapi import Depends, FastAPI, Path, Request, Response
from fastapi.responses import HTMLResponse, JSONResponse
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from idproof.service.auth import AccessControl, Client, Scope
from idproof.service.credentials import qr
from idproof.service.credentials.claims import CLAIMS
from idproof.service.credentials.credential import Format
from idproof.service.errors import CredentialRefused, ServiceProblem, log_error
from idproof.service.http import openapi_presentations as openapi
from idproof.service.http import problems
from idproof.service.http.forms import read_form
from idproof.service.http.requests import WITHOUT_BODY
from idproof.service.presentations import page
from idproof.service.presentations.asked import Asked, Flow
from idproof.service.presentations.consent import consent_texts
from idproof.service.presentations.request_objects import MEDIA_TYPE, REQUEST_PATH
from idproof.service.presentations.store import Presentation, receipt_id
from idproof.service.presentations.verifier import Presentations

ClaimName = Literal[
    "family_name",
    "given_name",
    "native_name",
    "birthdate",
    "sex",
    "document_number",
    "document_number_masked",
    "document_issue_date",
    "document_type",
    "over_18",
    "over_11",
    "verification",
]
assert set(CLAIMS) == set(ClaimName.__args__)  # type: ignore[attr-defined] # noqa: S101 - a static list for OpenAPI
_ID = Annotated[str, Path(pattern=r"^prs_[0-9A-HJKMNP-TV-Z]{26}$")]
_NO_STORE = {"Cache-Control": "no-store"}
_NONCE = re.compile(r"[!-~]{1,256}")
"""A wallet's nonce: visible ASCII, of a length chosen by hand."""
_MOST_DAYS = 3650  # ten years, chosen by hand
_CHECKED_AT_ONCE = 8
"""Responses that are checked at once, so that an issuer that answers slowly leaves threads to others. By hand."""
_CHECKING: RunVar[anyio.CapacityLimiter] = RunVar("presentations that are checked")
_UNPRINTABLE = ("Cc", "Cf", "Co", "Cs", "Zl", "Zp")
"""Categories of Unicode that a sentence on a page does not need; among them those that turn its direction."""


def _printable(text: str) -> str:
    if any(unicodedata.category(character) in _UNPRINTABLE for character in text) or not text.strip():
        raise ValueError("a sentence in printable characters")
    return text


_Sentence = Annotated[str, Field(min_length=1, max_length=300), AfterValidator(_printable)]


class Purpose(BaseModel):
    """The purpose, one sentence per language."""

    model_config = ConfigDict(extra="forbid")

    en: _Sentence = Field(examples=["To open a library account."])
    zh_hant: _Sentence = Field(alias="zh-Hant", examples=["開立圖書館帳戶。"])
    zh_hans: _Sentence = Field(alias="zh-Hans", examples=["开立图书馆账户。"])


class PresentationRequest(BaseModel):
    """The body of a request for a presentation."""

    model_config = ConfigDict(extra="forbid")

    claims: list[ClaimName] = Field(min_length=1, max_length=len(CLAIMS), examples=[["over_18"]])
    purpose: Purpose
    keeps_days: int = Field(ge=0, le=_MOST_DAYS, description="Days for which you keep the claims; 0 if you do not.")
    flow: Literal["cross_device", "same_device"] = "cross_device"
    return_url: str | None = Field(
        default=None,
        max_length=500,
        pattern=r"^https?://[!-~]+$",
        description="Your page to which the holder's browser returns; with `same_device`, and only with it.",
    )
    formats: list[Literal["dc+sd-jwt", "mso_mdoc"]] = Field(
        default=["dc+sd-jwt", "mso_mdoc"], min_length=1, max_length=2, description="Any of which answers."
    )

    @model_validator(mode="after")
    def _consistent(self) -> "PresentationRequest":
        if (self.flow == "same_device") != (self.return_url is not None):
            raise ValueError("return_url belongs to the flow same_device")
        if len(set(self.claims)) != len(self.claims) or len(set(self.formats)) != len(self.formats):
            raise ValueError("each claim and each format once")
        return self

    def asked(self) -> Asked:
        """Returns what is asked."""
        purpose = self.purpose.model_dump(by_alias=True)
        formats = tuple(map(Format, self.formats))
        return Asked(tuple(self.claims), purpose, self.keeps_days, formats, Flow(self.flow), self.return_url)


class ClaimsRequest(BaseModel):
    """The body with which a client takes the claims."""

    model_config = ConfigDict(extra="forbid")

    response_code: str | None = Field(
        default=None, max_length=100, description="Of the address to which the holder's browser returned."
    )


def install(app: FastAPI, presentations: Presentations | None, gate: AccessControl) -> None:
    """Adds the endpoints to the application; without a verifier they answer `presentations_off`."""
    _asking_routes(app, presentations, gate)
    _claims_routes(app, presentations, gate)
    _request_routes(app, presentations, gate)
    _response_route(app, presentations, gate)


def _asking_routes(app: FastAPI, presentations: Presentations | None, gate: AccessControl) -> None:
    asking = gate.needs(Scope.PRESENTATION_WRITE)

    @app.post("/v1/presentations", status_code=201, responses=openapi.ASKED_RESPONSES)
    async def ask(wanted: PresentationRequest, client: Annotated[Client, Depends(asking)]) -> JSONResponse:
        """Ask a holder's wallet for claims; show the consent's text before you show the link or its QR code."""
        made = await anyio.to_thread.run_sync(_required(presentations).ask, client.id, wanted.asked())
        body: dict[str, Any] = {"id": made.id, "link": made.link, "page": made.page}
        body["consent"] = made.consent
        body["qr"] = qr.modules(made.link) if wanted.flow == "cross_device" else None
        return JSONResponse(body | {"expires_at": made.expires_at}, 201, _NO_STORE)

    @app.get("/v1/presentations/{presentation_id}", responses=openapi.STATE_RESPONSES)
    async def state(presentation_id: _ID, client: Annotated[Client, Depends(asking)]) -> JSONResponse:
        """Return the state of a presentation; `code` says why one was refused."""
        found = await anyio.to_thread.run_sync(_required(presentations).state, client.id, presentation_id)
        return JSONResponse(_state(found), headers=_NO_STORE)

    @app.delete("/v1/presentations/{presentation_id}", status_code=204, responses=openapi.ERASED_RESPONSES)
    async def erase(presentation_id: _ID, client: Annotated[Client, Depends(asking)]) -> Response:
        """End a presentation, and erase its claims and its receipt."""
        await anyio.to_thread.run_sync(_required(presentations).erase, client.id, presentation_id)
        return Response(status_code=204)


def _claims_routes(app: FastAPI, presentations: Presentations | None, gate: AccessControl) -> None:
    asking = gate.needs(Scope.PRESENTATION_WRITE)

    @app.post("/v1/presentations/{presentation_id}/claims", responses=openapi.CLAIMS_RESPONSES)
    async def take(
        presentation_id: _ID, wanted: ClaimsRequest, client: Annotated[Client, Depends(asking)]
    ) -> JSONResponse:
        """Take the claims that were presented: once, after which they are erased here."""
        taken = _required(presentations).take
        given = await anyio.to_thread.run_sync(taken, client.id, presentation_id, wanted.response_code)
        return JSONResponse(given, headers=_NO_STORE)

    @app.get("/v1/presentations/{presentation_id}/receipt", responses=openapi.RECEIPT_RESPONSES)
    async def receipt(presentation_id: _ID, client: Annotated[Client, Depends(asking)]) -> JSONResponse:
        """Return the signed consent receipt of a presentation, which has no values."""
        find = _required(presentations).receipts.find
        found = await anyio.to_thread.run_sync(find, receipt_id(presentation_id), client.id)
        if found is None:
            return problems.problem("not_found", "There is no receipt of this presentation.")
        return JSONResponse({"id": found.id, "made_at": found.made_at, "receipt": found.token}, headers=_NO_STORE)


def _request_routes(app: FastAPI, presentations: Presentations | None, gate: AccessControl) -> None:
    @app.get(f"{REQUEST_PATH}/{{secret}}", include_in_schema=False)
    async def request_object(request: Request, secret: str) -> Response:
        """Returns the signed request, once (RFC 9101, section 5.2.3); HEAD would use it up and return nothing."""
        if request.scope.get(WITHOUT_BODY, False):
            return problems.problem("method_not_allowed", "Method Not Allowed.", headers={"Allow": "GET, POST"})
        token = await _guarded(_required(presentations).request, request, gate, secret)
        return Response(token, media_type=MEDIA_TYPE, headers=_NO_STORE)

    @app.post(f"{REQUEST_PATH}/{{secret}}", include_in_schema=False)
    async def request_object_of_wallet(request: Request, secret: str) -> Response:
        """Returns the signed request, once, with the wallet's nonce (section 5.10)."""
        made = _required(presentations).request
        try:
            nonce = _wallet_nonce(await read_form(request))
        except ValueError:
            return _invalid("The body is a form, each parameter once, with a nonce in visible ASCII.")
        token = await _guarded(made, request, gate, secret, nonce)
        return Response(token, media_type=MEDIA_TYPE, headers=_NO_STORE)

    @app.get(f"{REQUEST_PATH}/{{secret}}/page", include_in_schema=False)
    async def show_page(request: Request, secret: str) -> HTMLResponse:
        """Returns the page of a question: the consent's text, then the link and its code."""
        found = _required(presentations)
        asked = await _guarded(found.question, request, gate, secret)
        first = page.language_of(request.headers.get("accept-language"))
        if asked is None:
            return HTMLResponse(page.render_over(found.party.names, first), 410, page.headers())
        link, texts = found.party.link(secret), consent_texts(asked, found.party.names)
        rows = qr.modules(link) if asked.flow is Flow.CROSS_DEVICE else None
        return HTMLResponse(page.render(texts, link, rows, first), headers=page.headers())


def _response_route(app: FastAPI, presentations: Presentations | None, gate: AccessControl) -> None:
    @app.post(f"{REQUEST_PATH}/{{secret}}/response", include_in_schema=False)
    async def response(request: Request, secret: str) -> JSONResponse:
        """Takes a wallet's response once (section 8.2); only the client that asked gets the reason of a refusal."""
        answer = _required(presentations).answer
        try:
            form = await read_form(request)
            returned_to = await _guarded(answer, request, gate, secret, form, limiter=_checking())
        except (CredentialRefused, ValueError) as refused:
            if isinstance(refused, CredentialRefused):
                log_error(refused)
            return _invalid("The presentation does not hold.")
        return JSONResponse({} if returned_to is None else {"redirect_uri": returned_to}, headers=_NO_STORE)


def _wallet_nonce(form: Mapping[str, str]) -> str | None:
    """Returns the nonce that a wallet wants in its request, or None; raises `ValueError`."""
    nonce = form.get("wallet_nonce")
    if nonce is not None and not _NONCE.fullmatch(nonce):
        raise ValueError("not a nonce")
    return nonce


def _invalid(sentence: str) -> JSONResponse:
    """Returns a refusal for a wallet, in the form of OAuth 2.0."""
    return JSONResponse({"error": "invalid_request", "error_description": sentence}, 400, _NO_STORE)


async def _guarded(
    call: Any, request: Request, gate: AccessControl, *arguments: Any, limiter: anyio.CapacityLimiter | None = None
) -> Any:
    """Calls on a thread; addresses that are guessed count for the caller's address."""
    try:
        return await anyio.to_thread.run_sync(call, *arguments, limiter=limiter)
    except ServiceProblem as problem:
        if problem.code == "not_found":
            gate.quota.failed(request.client.host if request.client is not None else "").require()
        raise


def _checking() -> anyio.CapacityLimiter:
    """Returns the limit of the threads that check responses, which may wait for an issuer's status list."""
    limiter = _CHECKING.get(None)
    if limiter is None:  # one per event loop: threads of another loop cannot wake those that wait here
        limiter = anyio.CapacityLimiter(_CHECKED_AT_ONCE)
        _CHECKING.set(limiter)
    return limiter


def _state(found: Presentation) -> dict[str, Any]:
    state = "lapsed" if found.lapsed and found.state in ("open", "fetched", "checking", "held") else found.state.value
    return {
        "id": found.id,
        "state": state,
        "code": found.code,
        "asked_at": found.asked_at,
        "expires_at": found.expires_at,
    }


def _required(presentations: Presentations | None) -> Presentations:
    if presentations is None:
        raise ServiceProblem("presentations_off", "This service asks for no presentations.")
    return presentations
