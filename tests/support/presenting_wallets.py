"""A wallet that answers requests for presentations (OpenID4VP 1.0), and whatever a dishonest one would send."""

import base64
import hashlib
import json
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
from cryptography import x509
from joserfc import jwe, jws
from joserfc.jwk import ECKey
from wallets import Wallet, present, present_document

from idproof.service.credentials.credential import Audience
from idproof.service.credentials.encoding import from_base64url, read_json, to_base64url

FORMATS = {"identity_sd_jwt": "dc+sd-jwt", "identity_mdoc": "mso_mdoc"}


@dataclass(frozen=True)
class Request:
    """A request object that a wallet has checked."""

    claims: dict[str, Any]
    token: str

    @property
    def audience(self) -> Audience:
        keys = self.claims["client_metadata"].get("jwks", {}).get("keys", [])
        thumbprint = from_base64url(ECKey.import_key(keys[0]).thumbprint()) if keys else None
        return Audience(self.claims["client_id"], self.claims["nonce"], self.claims["response_uri"], thumbprint)

    @property
    def key(self) -> dict[str, Any] | None:
        keys = self.claims["client_metadata"].get("jwks", {}).get("keys", [])
        return keys[0] if keys else None

    def asked(self, query: str) -> list[str]:
        (found,) = [each for each in self.claims["dcql_query"]["credentials"] if each["id"] == query]
        return [each["path"][-1] for each in found["claims"]]


class PresentingWallet:
    """Answers the requests of a verifier.

    Args:
        http: sends requests to the verifier; has `get` and `post`.
        wallet: holds the credentials.
    """

    def __init__(self, http: Any, wallet: Wallet) -> None:
        self.http = http
        self.wallet = wallet

    def fetch(self, link: str) -> httpx.Response:
        place = parse_qs(urlsplit(link).query)["request_uri"][0]
        return self.http.get(urlsplit(place).path)

    def fetch_with_nonce(self, link: str, **form: str) -> httpx.Response:
        assert parse_qs(urlsplit(link).query)["request_uri_method"] == ["post"]
        place = parse_qs(urlsplit(link).query)["request_uri"][0]
        return self.http.post(urlsplit(place).path, data=form)

    def open(self, link: str) -> Request:
        """Fetches a request and checks it as a wallet must."""
        answer = self.fetch(link)
        assert answer.status_code == 200, answer.text
        assert answer.headers["content-type"].startswith("application/oauth-authz-req+jwt")
        return checked_request(answer.text, parse_qs(urlsplit(link).query)["client_id"][0])

    def vp_token(self, request: Request, query: str, copy: int = 0, names: list[str] | None = None) -> dict[str, Any]:
        credential, key = self.wallet.copies[query][copy]
        chosen = request.asked(query) if names is None else names
        make = present if query == "identity_sd_jwt" else present_document
        return {query: [make(credential, key, request.audience, chosen)]}

    def send(self, request: Request, vp_token: Any, **changed: Any) -> httpx.Response:
        """Sends a response in the mode of the request."""
        body = {"vp_token": vp_token, "state": request.claims["state"]} | changed
        if request.key is None:
            return self.post(request, {**body, "vp_token": json.dumps(vp_token)})
        return self.post(request, {"response": encrypted(body, request.key)})

    def post(self, request: Request, form: dict[str, Any]) -> httpx.Response:
        return self.http.post(urlsplit(request.claims["response_uri"]).path, data=form)

    def answer(self, link: str, query: str = "identity_sd_jwt", copy: int = 0) -> httpx.Response:
        request = self.open(link)
        return self.send(request, self.vp_token(request, query, copy))


def checked_request(token: str, client_id: str) -> Request:
    """Returns the request of a token, whose signature is that of the certificate that the client id names."""
    header = read_json(from_base64url(token.split(".")[0]))
    assert header["typ"] == "oauth-authz-req+jwt"
    der = base64.b64decode(header["x5c"][0])
    certificate = x509.load_der_x509_certificate(der)
    prefix, _, name = client_id.partition(":")
    if prefix == "x509_hash":
        assert name == to_base64url(hashlib.sha256(der).digest())
    else:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        assert name in names.get_values_for_type(x509.DNSName)
    key = ECKey.import_key(certificate.public_key())
    registry = jws.JWSRegistry(algorithms=["ES256"])
    registry.max_header_length = 16_384
    claims = read_json(jws.deserialize_compact(token, key, registry=registry).payload)
    assert claims["client_id"] == client_id
    return Request(claims, token)


def encrypted(body: dict[str, Any], key: dict[str, Any], **changed: Any) -> str:
    """Returns a response encrypted to the key of a request."""
    header = {"alg": "ECDH-ES", "enc": "A256GCM", "kid": key["kid"]} | changed
    registry = jwe.JWERegistry(algorithms=["ECDH-ES", "A128GCM", "A256GCM", "A192GCM", "ECDH-ES+A256KW", "DEF"])
    public = ECKey.import_key({name: key[name] for name in ("kty", "crv", "x", "y")})
    return jwe.encrypt_compact(header, json.dumps(body).encode(), public, registry=registry)


def for_another(request: Request, **changed: Any) -> Request:
    """The request as a dishonest verifier would relay it: with other members, whose signature no longer holds."""
    return replace(request, claims=request.claims | changed)
