"""A wallet in software, for trying credentials out without a telephone: it gets copies, and shows chosen claims once.

It talks to the sandbox that it belongs to, and to nobody else, whatever address a link names.
"""

import base64
import hashlib
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from fastapi import FastAPI
from joserfc import jwe, jws
from joserfc.jwk import ECKey

from idproof.service.credentials.encoding import from_base64url, read_json, to_base64url, write_json
from idproof.service.credentials.issuance import GRANT
from idproof.service.credentials.jose import ALGORITHM, open_token, public_jwk
from idproof.service.credentials.key_proofs import KIND
from idproof.service.credentials.metadata import CREDENTIAL_PATH, NONCE_PATH, TOKEN_PATH
from idproof.service.errors import CredentialRefused, ServiceProblem
from idproof.service.presentations.request_objects import CONTENT_ALGORITHMS, KEY_ALGORITHM, REQUEST_PATH
from idproof.service.presentations.request_objects import KIND as REQUEST

CONFIGURATION = "identity_sd_jwt"
_MOST = 100
"""Copies that are held; the oldest goes first. Chosen by hand; no outside source."""
_COPIES = 5  # of one credential; each is shown once. Chosen by hand; no outside source.
_OK = 200


@dataclass(frozen=True, slots=True, repr=False)
class _Copy:
    """One copy of a credential, and the key that it is bound to."""

    credential: str
    key: ECKey

    @property
    def disclosures(self) -> dict[str, str]:
        """The disclosures by claim."""
        return {read_json(from_base64url(text))[1]: text for text in self.credential.split("~")[1:-1]}


@dataclass
class SandboxWallet:
    """Holds copies of SD-JWT VCs.

    Args:
        app: the sandbox.
        issuer: its identifier; links of any other are refused.
    """

    app: FastAPI
    issuer: str
    _copies: list[_Copy] = field(default_factory=list)

    async def redeem(self, link: str, transaction_code: str) -> dict[str, Any]:
        """Gets copies of the credential that is offered; returns their number and the claims that each has.

        Raises:
            ServiceProblem: `request_invalid`: this is no link of this sandbox; `credential_unavailable`: the codes are
                not those of an open offer, or its credential was issued before.
        """
        code = self._code_of(link)
        keys = [ECKey.generate_key("P-256", private=True) for _ in range(_COPIES)]
        async with self._http() as http:
            form = {"grant_type": GRANT, "pre-authorized_code": code, "tx_code": transaction_code}
            token = _required(await http.post(TOKEN_PATH, data=form))["access_token"]
            nonce = _required(await http.post(NONCE_PATH))["c_nonce"]
            proofs = [self._proof(key, nonce) for key in keys]
            body = {"credential_configuration_id": CONFIGURATION, "proofs": {"jwt": proofs}}
            headers = {"Authorization": f"Bearer {token}"}
            issued = _required(await http.post(CREDENTIAL_PATH, json=body, headers=headers))["credentials"]
        made = [_Copy(entry["credential"], key) for entry, key in zip(issued, keys, strict=True)]
        self._copies = (self._copies + made)[-_MOST:]
        return {"copies": len(made), "claims": sorted(made[0].disclosures)}

    async def answer(self, link: str) -> dict[str, Any]:
        """Answers a request for a presentation with the claims that it asks for; returns the claims and the verifier.

        Raises:
            ServiceProblem: `request_invalid`: this is no request of this sandbox, or it was fetched before;
                `credential_unavailable`: no copy is left.
        """
        asked = {name: values[0] for name, values in parse_qs(urlsplit(link).query).items()}
        place = asked.get("request_uri", "")
        if not place.startswith(f"{self.issuer}{REQUEST_PATH}/"):
            raise _no_request()
        async with self._http() as http:
            fetched = await http.get(urlsplit(place).path)
            if fetched.status_code != _OK:
                raise _no_request()
            request = _checked_request(fetched.text, asked.get("client_id", ""))
            (query,) = [each for each in request["dcql_query"]["credentials"] if each["id"] == CONFIGURATION]
            claims = [each["path"][-1] for each in query["claims"]]
            shown = self.show(claims, request["client_id"], request["nonce"])
            body = {"vp_token": {CONFIGURATION: [shown]}, "state": request["state"]}
            sent = await http.post(urlsplit(request["response_uri"]).path, data=_response_form(body, request))
        if sent.status_code != _OK:
            raise ServiceProblem("request_invalid", "The verifier did not take the presentation.")
        return {"disclosed": claims, "to": request["client_id"]}

    def show(self, claims: Sequence[str], audience: str, nonce: str) -> str:
        """Returns a presentation of these claims by a copy of the newest credential; each copy is shown once.

        Args:
            claims: that are disclosed, and no others.
            audience: client identifier of the verifier.
            nonce: of its request.

        Raises:
            ServiceProblem: `credential_unavailable`: no copy is left; `request_invalid`: it has no such claim.
        """
        if not self._copies:
            raise ServiceProblem("credential_unavailable", "The sandbox's wallet has no copy left; redeem an offer.")
        held = self._copies[-1]
        if not set(claims) <= held.disclosures.keys():
            raise ServiceProblem("request_invalid", "The credential has no such claim.")
        self._copies.pop()
        chosen = [held.disclosures[claim] for claim in dict.fromkeys(claims)]
        shown = "~".join([held.credential.split("~")[0], *chosen, ""])
        digest = to_base64url(hashlib.sha256(shown.encode()).digest())
        binding = {"iat": int(time.time()), "aud": audience, "nonce": nonce, "sd_hash": digest}
        return shown + _signed(held.key, {"typ": "kb+jwt"}, binding)

    def _http(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(transport=httpx.ASGITransport(self.app), base_url=self.issuer)

    def _code_of(self, link: str) -> str:
        try:
            offer = json.loads(parse_qs(urlsplit(link).query)["credential_offer"][0])
            if offer["credential_issuer"] == self.issuer:
                return str(offer["grants"][GRANT]["pre-authorized_code"])
        except (ValueError, KeyError, TypeError, IndexError):
            pass
        raise ServiceProblem("request_invalid", "This is no offer of this sandbox.")

    def _proof(self, key: ECKey, nonce: str) -> str:
        header = {"typ": KIND, "jwk": public_jwk(key)}
        return _signed(key, header, {"aud": self.issuer, "iat": int(time.time()), "nonce": nonce})


def _signed(key: ECKey, header: dict[str, Any], claims: dict[str, Any]) -> str:
    registry = jws.JWSRegistry(algorithms=[ALGORITHM], strict_check_header=False)
    return jws.serialize_compact({"alg": ALGORITHM} | header, write_json(claims), key, registry=registry)


def _checked_request(text: str, client_id: str) -> dict[str, Any]:
    """Returns the claims of a request object, which the certificate that the client identifier names has signed."""
    try:
        token = open_token(text, REQUEST, ["x5c"])
        der = base64.b64decode(token.header["x5c"][0])
        if client_id != f"x509_hash:{to_base64url(hashlib.sha256(der).digest())}":
            raise _no_request()
        key = x509.load_der_x509_certificate(der).public_key()
        if not isinstance(key, ec.EllipticCurvePublicKey):
            raise _no_request()
        token.require_signature(key)
    except (CredentialRefused, ValueError, TypeError, IndexError):
        raise _no_request() from None
    return token.claims


def _response_form(body: dict[str, Any], request: dict[str, Any]) -> dict[str, str]:
    """Returns the form of a response, encrypted to the request's key where it has one."""
    keys = request["client_metadata"].get("jwks", {}).get("keys", [])
    if not keys:
        return {"vp_token": json.dumps(body["vp_token"]), "state": body["state"]}
    header = {"alg": KEY_ALGORITHM, "enc": CONTENT_ALGORITHMS[0], "kid": keys[0]["kid"]}
    public = ECKey.import_key({name: keys[0][name] for name in ("kty", "crv", "x", "y")})
    registry = jwe.JWERegistry(algorithms=[KEY_ALGORITHM, *CONTENT_ALGORITHMS])
    return {"response": jwe.encrypt_compact(header, json.dumps(body).encode(), public, registry=registry)}


def _no_request() -> ServiceProblem:
    return ServiceProblem("request_invalid", "This is no open request of this sandbox.")


def _required(answer: httpx.Response) -> dict[str, Any]:
    if answer.status_code != _OK:
        raise ServiceProblem("credential_unavailable", "The codes are wrong, or the credential was issued before.")
    found: dict[str, Any] = answer.json()
    return found
