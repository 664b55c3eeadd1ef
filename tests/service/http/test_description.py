"""The OpenAPI description: a schema for every answer, and the schemes of access; real answers hold to it."""

from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from fakes import FILES, FakeVerifier, ask

from idproof.service.http.app import create_app
from idproof.service.operations.settings import Settings

PLAIN = ("/healthz", "/readyz", "/.well-known/jwks.json", "/v1/privacy", "/v1/verifications", "/v1/kiosks")


@pytest.fixture
def app(tmp_path: Path) -> Any:
    return create_app(Settings(data_dir=tmp_path / "data"), FakeVerifier())


def responses(described: Any) -> list[tuple[str, str, Any]]:
    """Operation, status and response of everything described."""
    return [
        (f"{method.upper()} {path}", status, response)
        for path, methods in described["paths"].items()
        for method, operation in methods.items()
        for status, response in operation["responses"].items()
    ]


def test_every_answer_and_problem_has_a_schema(app: Any) -> None:
    described = app.openapi()
    listed = responses(described)
    assert len(listed) > 50
    for operation, status, response in listed:
        if status == "204" or operation == "GET /v1/schemas/verdict.json":
            continue
        (content,) = response["content"].values()
        schema = content["schema"]
        assert schema.get("$ref", "") or schema == {"type": "string"}, (operation, status)
        if status == "default" or int(status) in range(400, 503):
            assert response["content"].keys() == {"application/problem+json"}, (operation, status)
            assert schema == {"$ref": "#/components/schemas/Problem"}


def test_every_reference_of_the_description_leads_somewhere(app: Any) -> None:
    described = app.openapi()
    names = described["components"]["schemas"].keys()

    def references(node: Any) -> set[str]:
        if isinstance(node, dict):
            own = {node["$ref"]} if isinstance(node.get("$ref"), str) else set()
            return own.union(*(references(value) for value in node.values()))
        return set().union(*(references(value) for value in node)) if isinstance(node, list) else set()

    found = references(described)
    assert len(found) > 15
    assert {name.removeprefix("#/components/schemas/") for name in found} <= names


def test_an_optional_body_has_one_schema(app: Any) -> None:
    """With `null` as another, openapi-python-client makes a client that cannot leave the body out."""
    body = app.openapi()["paths"]["/v1/capture-sessions"]["post"]["requestBody"]
    assert not body.get("required")
    assert body["content"]["application/json"]["schema"] == {"$ref": "#/components/schemas/SessionRequest"}


def test_requests_that_need_a_key_say_which_schemes_and_scope(app: Any) -> None:
    described = app.openapi()
    assert described["components"]["securitySchemes"].keys() == {"ApiKey", "BearerToken"}
    public = {
        path
        for path, methods in described["paths"].items()
        for operation in methods.values()
        if "security" not in operation
    }
    documented = {"/healthz", "/readyz", "/.well-known/jwks.json", "/v1/privacy", "/v1/schemas/verdict.json"}
    assert public == documented
    verify = described["paths"]["/v1/verifications"]["post"]
    assert verify["security"] == [{"ApiKey": []}, {"BearerToken": []}]
    assert "`verify:write`" in verify["description"]
    assert {"401", "403", "429"} <= verify["responses"].keys()


def schema_of(described: Any, path: str, method: str, status: int) -> dict[str, Any]:
    operation = described["paths"][path][method]["responses"]
    (content,) = operation.get(str(status), operation.get("default"))["content"].values()
    return {**content["schema"], "components": described["components"]}


def test_real_answers_hold_to_their_schemas(app: Any) -> None:
    described = app.openapi()
    session = ask(app, "POST", "/v1/capture-sessions").json()["id"]
    given = ask(app, "POST", "/v1/verifications", files=FILES, headers={"Capture-Session": session})
    one = "/v1/verifications/{verification_id}"
    tried = [
        ("post", "/v1/verifications", given),
        ("get", one, ask(app, "GET", given.headers["location"])),
        ("get", one, ask(app, "GET", "/v1/verifications/ver_00000000000000000000000000")),
        ("post", "/v1/verifications", ask(app, "POST", "/v1/verifications", headers={"Idempotency-Key": "a b"})),
        ("post", "/v1/capture-sessions", ask(app, "POST", "/v1/capture-sessions")),
        ("post", "/v1/capture-sessions", ask(app, "POST", "/v1/capture-sessions", json={"capture_plan": True})),
        ("post", "/v1/capture-sessions", ask(app, "POST", "/v1/capture-sessions", json={"device": "?"})),
        *(("get", path, ask(app, "GET", path)) for path in PLAIN),
    ]
    for method, path, answer in tried:
        schema = schema_of(described, path, method, answer.status_code)
        jsonschema_rs.validator_for(schema).validate(answer.json())


def test_a_verdict_without_a_decision_does_not_fit_the_schema(app: Any) -> None:
    described = app.openapi()
    session = ask(app, "POST", "/v1/capture-sessions").json()["id"]
    verdict = ask(app, "POST", "/v1/verifications", files=FILES, headers={"Capture-Session": session}).json()
    schema = schema_of(described, "/v1/verifications", "post", 201)
    for wrong in ({k: v for k, v in verdict.items() if k != "decision"}, verdict | {"decision": "perhaps"}):
        assert not jsonschema_rs.validator_for(schema).is_valid(wrong)
