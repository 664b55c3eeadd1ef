"""The verification itself, as a library.

Use it as `Verifier.open(profile="open").verify(captures)`.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from idproof.pipeline.errors import BadInput, IdproofError
from idproof.pipeline.types import Captures, CheckResult, Decision, Outcome, Role, Status, Verdict

if TYPE_CHECKING:
    from idproof.pipeline.config import Limits, Policy
    from idproof.pipeline.vault import Vault, VaultSession
    from idproof.pipeline.verifier import Verifier

__all__ = [
    "BadInput",
    "Captures",
    "CheckResult",
    "Decision",
    "IdproofError",
    "Limits",
    "Outcome",
    "Policy",
    "Role",
    "Status",
    "Vault",
    "VaultSession",
    "Verdict",
    "Verifier",
]


_PLACES = {"Limits": "config", "Policy": "config", "Vault": "vault", "VaultSession": "vault", "Verifier": "verifier"}


def __getattr__(name: str) -> Any:
    """Import what needs numpy or the networks' libraries on first use: errors and the other types do not."""
    if name in _PLACES:
        return getattr(import_module(f"{__name__}.{_PLACES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
