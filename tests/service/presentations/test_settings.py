"""Settings of the verifier: origins only, what belongs together, and a sandbox that takes nobody's real credential."""

from pathlib import Path
from typing import Any

import pytest

from idproof.service.errors import SettingsInvalid
from idproof.service.operations.settings import Settings


@pytest.mark.parametrize(
    "changed",
    [
        {"presentation_verifier": "https://library.example/path"},
        {"presentation_verifier": "library.example"},
        {"presentation_issuers": "https://idproof.example/path"},
        {"presentation_issuers": "https://user@idproof.example"},
        {"presentation_issuers": "http://idproof.example"},
        {"presentation_issuers": "https://idproof.example,ftp://idproof.example"},
        {"presentation_issuers": "https://[idproof.example"},
        {"presentation_return_origins": "https://library.example/"},
        {"presentation_return_origins": "javascript:alert(1)"},
        {"presentation_key": Path("key.pem")},
        {"presentation_s": 29},
        {"presentation_response": "fragment"},
        {"presentation_client_id": "redirect_uri"},
        {"only": "presentations"},
        {"only": "kiosk"},
        {"only": "presentations", "presentation_verifier": "https://library.example", "sandbox": True},
    ],
)
def test_settings_that_do_not_fit_are_refused(tmp_path: Path, changed: dict[str, Any]) -> None:
    with pytest.raises(SettingsInvalid) as caught:
        Settings.load(data_dir=tmp_path, **changed)
    for value in changed.values():
        assert "example" not in str(value) or str(value) not in caught.value.sentence


def test_lists_are_split_and_local_origins_may_be_plain(tmp_path: Path) -> None:
    issuers = "https://idproof.example, http://127.0.0.1:8000"
    settings = Settings.load(data_dir=tmp_path, presentation_issuers=issuers)
    assert settings.presentation_issuer_list == ("https://idproof.example", "http://127.0.0.1:8000")


def test_a_sandbox_takes_its_own_credentials_alone(tmp_path: Path) -> None:
    real: dict[str, Any] = {
        "presentation_verifier": "https://library.example",
        "presentation_key": tmp_path / "key.pem",
        "presentation_chain": tmp_path / "chain.pem",
        "presentation_roots": tmp_path / "roots.pem",
        "presentation_issuers": "https://idproof.example",
    }
    sandbox = Settings.load(data_dir=tmp_path, **real).for_sandbox()
    assert (sandbox.presentation_key, sandbox.presentation_roots, sandbox.presentation_issuers) == (None, None, "")
