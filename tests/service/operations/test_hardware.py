"""The word for the hardware of the networks, and the warning of a fall back."""

from types import SimpleNamespace

import pytest
from structlog.testing import capture_logs

from idproof.models.session import CPU, CUDA
from idproof.service.operations import hardware
from idproof.service.operations.settings import Settings


@pytest.mark.parametrize(("provider", "word"), [(CPU, "cpu"), (CUDA, "cuda"), (None, None)])
def test_the_word(provider: str | None, word: str | None) -> None:
    assert hardware.word_for(SimpleNamespace(provider=provider)) == word


def test_a_verifier_without_networks_has_no_word() -> None:
    assert hardware.word_for(SimpleNamespace()) is None


@pytest.mark.parametrize(
    ("wanted", "provider", "offered", "warned"),
    [("auto", CPU, True, True), ("auto", CPU, False, False), ("auto", CUDA, True, False), ("cpu", CPU, True, False)],
)
def test_a_fall_back_is_warned_of(
    monkeypatch: pytest.MonkeyPatch, wanted: str, provider: str, offered: bool, warned: bool
) -> None:
    monkeypatch.setattr(hardware, "offers_cuda", lambda: offered)
    with capture_logs() as logs:
        hardware.warn_of_fallback(Settings(provider=wanted), SimpleNamespace(provider=provider))  # type: ignore[arg-type]
    assert [line["event"] for line in logs] == ["cuda did not start"] * warned
