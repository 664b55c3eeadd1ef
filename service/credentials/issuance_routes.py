"""Endpoints of issuance: offers and revocation for clients, and those of OpenID4VCI 1.0 for wallets.

Wallets' endpoints are described by the specification and by the issuer's metadata, not by the OpenAPI description.
"""

from collections.abc import Awaitable, Callable
from typing import Annotated, Any

import anyio
from fastapi import Depends, FastAPI, Path, Request, Response
from fastapi.responses import JSONResponse

from idproof.service.auth import AccessControl, Client, Scope
from idproof.service.credentials import qr
from idproof.service.credentials.encoding import read_json
from idproof.service.credentials.issuance import GRANT, STATUS_PATH, Issuance
from idproof.service.credentials.metadata import (
    CREDENTIAL_PATH,
    NONCE_PATH,
    TOKEN_PATH,
    issuer_metadata,
    server_metadata,
)
from idproof.service.credentials.status_list import MEDIA_TYPE, TTL_S
from idproof.service.errors import CredentialRefused, IssuanceRefused, ServiceProblem, log_error
from idproof.service.http import openapi, problems
from idproof.service.http.forms import read_form

_VERIFICATION = Annotated[str, Path(pattern=r"^ver_[0-9A-HJKMNP-TV-Z]{26}$")]
_NO_STORE = {"Cache-Control": "no-store"}
_LISTS = 10**6  # numbers of status lists; each has 65,000 credentials
Handler = Callable[[Request, Issuance], Awaitable[dict[str, Any]]]


def install(app: FastAPI, issuance: Issuance | None, gate: AccessControl) -> None:
    """Adds the endpoints to the application; without an issuance they answer `credentials_off`."""
    _client_routes(app, issuance, gate)
    _metadata_routes(app, issuance)
    _wallet_routes(app, issuance, gate)
    _status_route(app, issuance)


def _client_routes(app: FastAPI, issuance: Issuance | None, gate: AccessControl) -> None:
    @app.post(
        "/v1/verifications/{verification_id}/credential-offer", status_code=201, responses=openapi.OFFER_RESPONSES
    )
    async def offer(
        verification_id: _VERIFICATION, client: Annotated[Client, Depends(gate.needs(Scope.CREDENTIAL_WRITE))]
    ) -> JSONResponse:
        """Offer an accepted registration's credential to its applicant's wallet; an earlier offer ends."""
        made = await anyio.to_thread.run_sync(_required(issuance).offer, verification_id, client.sees)
        body = {"link": made.link, "qr": qr.modules(made.link), "transaction_code": made.transaction_code}
        return JSONResponse(body | {"expires_at": made.expires_at}, 201, _NO_STORE)

    @app.post("/v1/verifications/{verification_id}/credential-revocation", responses=openapi.REVOCATION_RESPONSES)
    async def revoke(
        verification_id: _VERIFICATION, client: Annotated[Client, Depends(gate.needs(Scope.ADMIN))]
    ) -> JSONResponse:
        """Revoke every copy of a registration's credentials; this cannot be undone."""
        revoked = await anyio.to_thread.run_sync(_required(issuance).revoke, verification_id, client.id)
        if revoked is None:
            return problems.problem("not_found", "No credential of this registration is known.")
        return JSONResponse({"revoked": revoked})


def _metadata_routes(app: FastAPI, issuance: Issuance | None) -> None:
    @app.get("/.well-known/openid-credential-issuer", include_in_schema=False)
    async def issuer() -> JSONResponse:
        """Returns the credential issuer metadata."""
        found = _required(issuance)
        return JSONResponse(issuer_metadata(found.issuer, found.copies), headers=_cached())

    @app.get("/.well-known/oauth-authorization-server", include_in_schema=False)
    async def server() -> JSONResponse:
        """Returns the metadata of the token endpoint."""
        return JSONResponse(server_metadata(_required(issuance).issuer), headers=_cached())


def _wallet_routes(app: FastAPI, issuance: Issuance | None, gate: AccessControl) -> None:
    @app.post(TOKEN_PATH, include_in_schema=False)
    async def token(request: Request) -> Response:
        """Exchanges a pre-authorized code and its transaction code for an access token (section 6)."""
        return await _answered(_exchange, request, _required(issuance), gate)

    @app.post(NONCE_PATH, include_in_schema=False)
    async def nonce() -> Response:
        """Returns a nonce for proofs of possession (section 7)."""
        return JSONResponse({"c_nonce": _required(issuance).nonces.make()}, headers=_NO_STORE)

    @app.post(CREDENTIAL_PATH, include_in_schema=False)
    async def credential(request: Request) -> Response:
        """Issues copies of a credential, one for each proof (section 8)."""
        return await _answered(_issue, request, _required(issuance), gate)


async def _answered(handler: Handler, request: Request, issuance: Issuance, gate: AccessControl) -> Response:
    """Answers what a handler refuses in the form of OAuth 2.0; guesses count for the caller's address."""
    try:
        return JSONResponse(await handler(request, issuance), headers=_NO_STORE)
    except IssuanceRefused as refused:
        log_error(refused)
        if refused.code in ("invalid_grant", "invalid_token"):
            gate.quota.failed(request.client.host if request.client is not None else "").require()
        return _refusal(refused)


async def _exchange(request: Request, issuance: Issuance) -> dict[str, Any]:
    form = await _form(request)
    if form.get("grant_type") != GRANT:
        raise IssuanceRefused("unsupported_grant_type", "Only pre-authorized codes are exchanged.")
    if not form.get("pre-authorized_code") or not form.get("tx_code"):
        raise IssuanceRefused("invalid_request", "pre-authorized_code and tx_code are both needed.")
    codes = (form["pre-authorized_code"], form["tx_code"])
    found = await anyio.to_thread.run_sync(issuance.offers.exchange, *codes)
    return {"access_token": found.token, "token_type": "Bearer", "expires_in": found.expires_in_s}


async def _issue(request: Request, issuance: Issuance) -> dict[str, Any]:
    kind, _, access = request.headers.get("authorization", "").partition(" ")
    if kind.lower() != "bearer" or not access:
        raise IssuanceRefused("invalid_token", "Send the access token of the token endpoint.")
    body = await _json(request)
    if "credential_identifier" in body or "credential_response_encryption" in body:
        raise IssuanceRefused("invalid_credential_request", "Neither identifiers nor encryption are offered.")
    chosen, proofs = body.get("credential_configuration_id"), body.get("proofs")
    issued = await anyio.to_thread.run_sync(issuance.issue, access.strip(), chosen, proofs)
    return {"credentials": [{"credential": text} for text in issued]}


def _status_route(app: FastAPI, issuance: Issuance | None) -> None:
    @app.get(f"{STATUS_PATH}/{{number}}", include_in_schema=False)
    async def status(number: int) -> Response:
        """Returns a status list."""
        found = _required(issuance)
        token = await anyio.to_thread.run_sync(found.list_token, number) if 0 < number < _LISTS else None
        if token is None:
            return problems.problem("not_found", "There is no such status list.")
        return Response(token, media_type=MEDIA_TYPE, headers=_cached())


def _required(issuance: Issuance | None) -> Issuance:
    if issuance is None:
        raise ServiceProblem("credentials_off", "This service issues no credentials.")
    return issuance


def _cached() -> dict[str, str]:
    # With the time for which the service itself keeps a list, no longer than the list's `ttl`.
    return {"Cache-Control": f"public, max-age={TTL_S // 2}", "Access-Control-Allow-Origin": "*"}


def _refusal(refused: IssuanceRefused) -> JSONResponse:
    headers, status = dict(_NO_STORE), 400
    if refused.code == "invalid_token":
        headers["WWW-Authenticate"], status = 'Bearer error="invalid_token"', 401
    return JSONResponse({"error": refused.code, "error_description": refused.sentence}, status, headers)


async def _form(request: Request) -> dict[str, str]:
    try:
        return await read_form(request)
    except ValueError:
        raise IssuanceRefused("invalid_request", "The body is a form, each parameter once.") from None


async def _json(request: Request) -> dict[str, Any]:
    try:
        body = read_json(await request.body())
    except CredentialRefused:
        body = None
    if not isinstance(body, dict):
        raise IssuanceRefused("invalid_credential_request", "The body is a JSON object.")
    return body
