"""Settings name no values in errors; logs show no texts of exceptions."""

import json
import subprocess
import sys

import pytest

from idproof.service.errors import (
    SettingsInvalid,
)
from idproof.service.operations.settings import Settings


def test_a_wrong_setting_is_named_without_its_value(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IDPROOF_THREADS", "hunter2")
    with pytest.raises(SettingsInvalid, match="IDPROOF_THREADS") as caught:
        Settings.load()
    assert "hunter2" not in caught.value.sentence


def test_logs_are_json_lines_whoever_writes_them_and_tell_no_exceptions_text() -> None:
    code = """if True:
        import logging, warnings
        from idproof.service.operations.server import configure_logs
        configure_logs()
        try:
            raise ValueError("A123456(3)")
        except ValueError:
            logging.getLogger("uvicorn.error").exception("it failed")
        warnings.warn("old", stacklevel=1)
    """
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    lines = [json.loads(line) for line in done.stderr.splitlines()]
    assert [(line["logger"], line["level"], line.get("kind")) for line in lines] == [
        ("uvicorn.error", "error", "ValueError"),
        ("py.warnings", "warning", None),
    ]
    assert "A123456" not in done.stderr
