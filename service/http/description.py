"""The whole OpenAPI description: what the framework derives, the schemas of all answers, and the security schemes."""

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute
from starlette.routing import BaseRoute

from idproof.service.http import openapi, schemas

KEY, TOKEN = "ApiKey", "BearerToken"
_SCHEMES: dict[str, dict[str, str]] = {
    KEY: {"type": "apiKey", "in": "header", "name": "X-API-Key", "description": "A key of `idproof key create`."},
    TOKEN: {
        "type": "http",
        "scheme": "bearer",
        "description": "A key of `idproof key create`, or a JWT of the operator's OAuth 2.0 issuer.",
    },
}


def install(app: FastAPI) -> None:
    """Makes the application describe itself completely."""

    def describe() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _describe(app)
        return app.openapi_schema

    app.openapi = describe  # type: ignore[method-assign]


def _describe(app: FastAPI) -> dict[str, Any]:
    described = get_openapi(
        title=app.title,
        version=app.version,
        summary=app.summary,
        description=app.description,
        routes=app.routes,
    )
    parts = described.setdefault("components", {})
    parts.setdefault("schemas", {}).update(schemas.components())
    parts["securitySchemes"] = _SCHEMES
    for operations in described["paths"].values():
        for operation in operations.values():
            for content in operation.get("requestBody", {}).get("content", {}).values():
                content["schema"] = _without_null(content["schema"])
    for route in app.routes:
        scope = _scope(route)
        if scope is None or not isinstance(route, APIRoute):
            continue
        for method in route.methods or ():
            operation = described["paths"][route.path_format][method.lower()]
            operation["security"] = [{KEY: []}, {TOKEN: []}]
            operation["description"] = f"{operation.get('description', '')}\n\nNeeds the scope `{scope}`.".strip()
            for status, sentence in openapi.ACCESS_PROBLEMS.items():
                operation["responses"].setdefault(status, openapi.problem_response(sentence))
    return described


def _without_null(schema: dict[str, Any]) -> dict[str, Any]:
    """Returns the one schema of an optional body: a client leaves it out, and sends no `null`."""
    others = [entry for entry in schema.get("anyOf", ()) if entry != {"type": "null"}]
    return others[0] if len(others) == 1 else schema


def _scope(route: BaseRoute) -> str | None:
    """Returns the scope that a route needs, or None for a public one."""
    if not isinstance(route, APIRoute):
        return None
    scopes = [scope for entry in route.dependant.dependencies if (scope := getattr(entry.call, "scope", None))]
    return str(scopes[0]) if scopes else None
