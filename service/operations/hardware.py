"""Hardware that the networks run on: the words of the settings, the log and `/readyz` for onnxruntime's names."""

import structlog

from idproof.models.session import AUTO, CPU, CUDA, offers_cuda
from idproof.service.operations.settings import Settings

_PROVIDERS = {"cpu": CPU, "cuda": CUDA, "auto": AUTO}
_WORDS = {CPU: "cpu", CUDA: "cuda"}


def wanted_provider(settings: Settings) -> str:
    """Returns the provider that networks are opened with."""
    return _PROVIDERS[settings.provider]


def word_for(verifier: object) -> str | None:
    """Returns `cpu` or `cuda`; None where pictures are examined in another process, or not at all."""
    return _WORDS.get(getattr(verifier, "provider", None) or "")


def warn_of_fallback(settings: Settings, verifier: object) -> None:
    """Warns where CUDA is installed and the networks run on the processor all the same."""
    if settings.provider == "auto" and word_for(verifier) == "cpu" and offers_cuda():
        structlog.get_logger("idproof").warning("cuda did not start", networks_on="cpu")
