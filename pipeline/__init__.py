"""The verification itself, as a library.

Use it as `Verifier.open(profile="open").verify(captures)`.
"""

from typing import TYPE_CHECKING, Any

from idproof.pipeline.config import Limits, Policy
from idproof.pipeline.errors import BadInput, IdproofError
from idproof.pipeline.types import Captures, CheckResult, Decision, Outcome, Role, Status, Verdict
from idproof.pipeline.vault import Vault, VaultSession

if TYPE_CHECKING:
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


def __getattr__(name: str) -> Any:
    """Import `Verifier` on first use: it loads the networks' libraries, which errors and types do not need."""
    if name == "Verifier":
        from idproof.pipeline.verifier import Verifier

        return Verifier
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
