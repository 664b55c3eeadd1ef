"""Errors of settings hold no values, and logs hold no texts of exceptions."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from idproof.models import store
from idproof.models.errors import CacheUnwritable
from idproof.service.errors import SettingsInvalid
from idproof.service.operations import server, settings
from idproof.service.operations.settings import Settings


def test_a_wrong_setting_is_named_without_its_value(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IDPROOF_THREADS", "hunter2")
    with pytest.raises(SettingsInvalid, match="IDPROOF_THREADS") as caught:
        Settings.load()
    assert "hunter2" not in caught.value.sentence


def test_lines_of_other_libraries_are_json_without_the_text_of_an_exception() -> None:
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


def test_rays_loggers_write_json_lines_too() -> None:
    pytest.importorskip("ray")
    code = """if True:
        import logging
        from idproof.service.operations.server import configure_logs
        configure_logs()
        from idproof.pipeline.executors import ray_connection
        ray_connection.log_through_root()
        for name in ("ray", "ray.serve"):
            logging.getLogger(name).info("started")
            logging.getLogger(name).warning("slow")
    """
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    lines = [json.loads(line) for line in done.stderr.splitlines()]
    assert [(line["logger"], line["event"]) for line in lines] == [("ray", "slow"), ("ray.serve", "slow")]


def test_without_a_home_folder_the_setting_to_give_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_home(*_: object) -> None:
        raise RuntimeError("could not determine the home directory")

    monkeypatch.delenv("IDPROOF_DATA_DIR", raising=False)
    monkeypatch.delenv("IDPROOF_MODELS", raising=False)
    monkeypatch.setattr(settings, "user_data_path", no_home)
    monkeypatch.setattr(store, "user_cache_path", no_home)
    with pytest.raises(SettingsInvalid, match="IDPROOF_DATA_DIR"):
        Settings.load()
    with pytest.raises(CacheUnwritable, match="IDPROOF_MODELS"):
        store.default_cache()
    assert Settings.load(data_dir="/srv/idproof").data_dir.name == "idproof"


def test_without_home_and_without_a_user_entry_no_command_ends_in_internal() -> None:
    code = """if True:
        import pwd
        def no_entry(_):
            raise KeyError("no such user")
        pwd.getpwuid = no_entry
        from idproof.service.cli.main import main
        main(["key", "list"])
    """
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env={"PATH": "/usr/bin"})
    assert done.returncode == 2
    assert done.stderr.startswith("settings_invalid: ")
    assert "IDPROOF_DATA_DIR" in done.stderr


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> list[Settings]:
    """The settings that each call of `server.run` serves with; nothing is loaded."""
    made: list[Settings] = []
    monkeypatch.setattr(server, "application", lambda settings, *_: made.append(settings))
    monkeypatch.setattr(server.uvicorn, "run", lambda *_, **__: None)
    return made


def test_outside_production_a_missing_tls_is_a_warning(tmp_path: Path, served: list[Settings]) -> None:
    with capture_logs() as logged:
        server.run(Settings(data_dir=tmp_path), "127.0.0.1", 8000)
        beyond = Settings(data_dir=tmp_path, anonymous=False, allowed_hosts="idproof.example")
        server.run(beyond.model_copy(update={"tls_by_proxy": True}), "0.0.0.0", 8000)
        assert logged == []
        server.run(beyond, "0.0.0.0", 8000)
    assert [(line["event"], line["log_level"], line["host"]) for line in logged] == [("no tls", "warning", "0.0.0.0")]
    assert len(served) == 3
