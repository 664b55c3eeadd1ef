"""A wallet for tests: holder keys, proofs of possession, and presentations of both formats."""

import hashlib
import json
import time
from typing import Any
from urllib.parse import parse_qs, urlsplit

from joserfc import jws
from joserfc.jwk import ECKey

from idproof.service.credentials.claims import DOCUMENT_TYPE
from idproof.service.credentials.credential import Audience, StatusReference
from idproof.service.credentials.encoding import (
    embedded,
    from_base64url,
    read_cbor,
    read_json,
    to_base64url,
    write_cbor,
    write_json,
)

ISSUER = "https://issuer.example"
STATUS = StatusReference(f"{ISSUER}/v1/credential-status/1", 4711)


def verdict(**changed: Any) -> dict[str, Any]:
    """An accepted verdict as far as claims need it."""
    form = {
        "surname": "CHAN",
        "given_names": "Tai Man",
        "chinese_name": "陳大文",
        "number": "A1234563",
        "birth_date": "1990-02-28",
        "issue_date": "2019-03-01",
        "sex": "male",
    }
    checks = [{"name": "document"}, {"name": "face_comparison"}, {"name": "records"}]
    return {
        "id": "ver_06F8Z3Q0V5M8K2T9R4C7W1X6YB",
        "decision": "accept",
        "document_type": "hkid-2018",
        "form": form | changed.pop("form", {}),
        "checks": checks,
        "policy": "1",
        "profile": "open",
        "started_at": "2026-11-23T09:00:00.000+00:00",
    } | changed


def new_key() -> ECKey:
    return ECKey.generate_key("P-256", private=True)


def public(key: ECKey) -> dict[str, Any]:
    return {name: value for name, value in key.as_dict(private=False).items() if name in ("kty", "crv", "x", "y")}


def signed(key: ECKey, header: dict[str, Any], claims: dict[str, Any]) -> str:
    registry = jws.JWSRegistry(algorithms=["ES256"], strict_check_header=False)
    return jws.serialize_compact({"alg": "ES256"} | header, write_json(claims), key, registry=registry)


def names_of(credential: str) -> dict[str, str]:
    """Returns the disclosures of an SD-JWT by claim."""
    return {read_json(from_base64url(text))[1]: text for text in credential.split("~")[1:-1]}


def present(
    credential: str, key: ECKey, audience: Audience, names: list[str], *, issued_at: float | None = None, **changed: Any
) -> str:
    """Returns a presentation of an SD-JWT VC with these claims."""
    chosen = names_of(credential)
    shown = "~".join([credential.split("~")[0], *(chosen[name] for name in names), ""])
    claims = {
        "iat": int(time.time() if issued_at is None else issued_at),
        "aud": audience.client_id,
        "nonce": audience.nonce,
        "sd_hash": to_base64url(hashlib.sha256(shown.encode()).digest()),
    }
    return shown + signed(key, {"typ": "kb+jwt"}, claims | changed)


def proof(key: ECKey, issuer: str, c_nonce: str, **changed: Any) -> str:
    """Returns a proof of possession for a credential request."""
    header = {"typ": "openid4vci-proof+jwt", "jwk": public(key)} | changed.pop("header", {})
    return signed(key, header, {"aud": issuer, "iat": int(time.time()), "nonce": c_nonce} | changed)


def present_document(credential: str, key: ECKey, audience: Audience, names: list[str], **changed: Any) -> str:
    """Returns a presentation (`DeviceResponse`) of a mobile document with these elements."""
    from idproof.service.credentials import cose, mdoc

    issued = read_cbor(from_base64url(credential))
    items = issued["nameSpaces"][DOCUMENT_TYPE]
    shown = [item for item in items if read_cbor(item.value)["elementIdentifier"] in names]
    name_spaces = embedded({})
    payload = mdoc.device_authentication(audience, name_spaces)
    private = key.raw_value
    signature = cose.sign(private, payload, x5chain=None, detached=True)
    document = {
        "docType": DOCUMENT_TYPE,
        "issuerSigned": {"nameSpaces": {DOCUMENT_TYPE: shown}, "issuerAuth": issued["issuerAuth"]},
        "deviceSigned": {"nameSpaces": name_spaces, "deviceAuth": {"deviceSignature": signature}},
    }
    response = {"version": "1.0", "documents": [document | changed], "status": 0}
    return to_base64url(write_cbor(response))


class Wallet:
    """Gets and holds copies of credentials.

    Args:
        http: sends requests to the issuer; has `get` and `post`.
    """

    def __init__(self, http: Any) -> None:
        self.http = http
        self.copies: dict[str, list[tuple[str, ECKey]]] = {}

    def redeem(self, link: str, transaction_code: str, copies: int = 2) -> None:
        """Gets copies of every credential that is offered."""
        offer = json.loads(parse_qs(urlsplit(link).query)["credential_offer"][0])
        issuer = offer["credential_issuer"]
        metadata = self.http.get("/.well-known/openid-credential-issuer").json()
        ((grant, codes),) = offer["grants"].items()
        form = {"grant_type": grant, "pre-authorized_code": codes["pre-authorized_code"], "tx_code": transaction_code}
        server = self.http.get("/.well-known/oauth-authorization-server").json()
        token = self._post(server["token_endpoint"], issuer, data=form).json()["access_token"]
        for name in offer["credential_configuration_ids"]:
            nonce = self._post(metadata["nonce_endpoint"], issuer).json()["c_nonce"]
            keys = [new_key() for _ in range(copies)]
            body = {"credential_configuration_id": name, "proofs": {"jwt": [proof(key, issuer, nonce) for key in keys]}}
            headers = {"Authorization": f"Bearer {token}"}
            answer = self._post(metadata["credential_endpoint"], issuer, json=body, headers=headers)
            assert answer.status_code == 200, answer.text
            issued = [entry["credential"] for entry in answer.json()["credentials"]]
            self.copies[name] = list(zip(issued, keys, strict=True))

    def _post(self, url: str, base: str, **more: Any) -> Any:
        assert url.startswith(base)
        return self.http.post(url.removeprefix(base), **more)
