"""The published JSON Schema of a verdict (draft 2020-12), generated from the types of a verdict."""

from functools import cache
from typing import Any

from pydantic import TypeAdapter

from idproof.pipeline import Verdict

SCHEMA_ID = "urn:idproof:schema:verdict:1"
_SERVICE_MEMBERS: dict[str, dict[str, Any]] = {
    "reference": {"type": ["string", "null"], "description": "The caller's own."},
    "session": {
        "type": ["object", "null"],
        "description": "The capture session that this verdict answers.",
        "properties": {"id": {"type": "string"}, "nonce": {"type": "string"}},
        "required": ["id", "nonce"],
    },
    "registration": {
        "type": ["string", "null"],
        "description": "The registration that this verdict is an attempt of.",
    },
    "guardian": {
        "type": ["object", "null"],
        "description": "The guardian who joined the session of an applicant of 11 to 17, by their own verdict.",
        "properties": {
            "verification": {"type": "string"},
            "consent_sha256": {"type": "string"},
            "joined_at": {"type": "string"},
        },
        "required": ["verification", "consent_sha256", "joined_at"],
    },
    "core_only": {
        "type": ["string", "null"],
        "description": "What was read from the card, as a signed JWT in a compact JWE to the identity core's key.",
    },
    "jws": {"type": "string", "description": "The compact JWS; its claim `verdict` is this object without `jws`."},
    "texts": {
        "type": "object",
        "description": "Sentences for the reasons, in the language asked for. Not signed.",
        "additionalProperties": {"type": "string"},
    },
}


@cache
def verdict_schema() -> dict[str, Any]:
    """Returns the schema. Within version 1 members may be added; none is removed or changes its meaning."""
    described = TypeAdapter(Verdict).json_schema()
    schema: dict[str, Any] = _plain(described)
    schema |= {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": SCHEMA_ID, "title": "Verdict"}
    schema["properties"] |= _SERVICE_MEMBERS
    schema["required"] = sorted({*schema["properties"]} - {"texts"})
    schema["properties"]["id"]["pattern"] = "^ver_[0-9A-HJKMNP-TV-Z]{26}$"
    return schema


def _plain(node: Any) -> Any:
    """Removes the titles and docstrings of the classes, which are for programmers."""
    if isinstance(node, dict):
        kept = {key: _plain(value) for key, value in node.items() if key not in ("title", "description")}
        # Members named `title` or `description` stay.
        if "properties" in node:
            kept["properties"] = {name: _plain(value) for name, value in node["properties"].items()}
        return kept
    return [_plain(entry) for entry in node] if isinstance(node, list) else node
