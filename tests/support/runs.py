"""Holds the output of every benchmark to the published schema."""

import json
from typing import Any

from jsonschema_rs import Draft202012Validator

from idproof.benchmarks.harness.output import SCHEMA, Run


def published(run: Run) -> dict[str, Any]:
    """The run as `--json` prints it, valid under `run.schema.json`."""
    told: dict[str, Any] = json.loads(json.dumps(run.to_json(), allow_nan=False))
    wrong = [f"{list(error.instance_path)}: {error.message}" for error in _VALIDATOR.iter_errors(told)]
    assert wrong == []
    return told


_VALIDATOR = Draft202012Validator(json.loads(SCHEMA.read_text(encoding="utf-8")))
