"""The only owner of pictures and templates.

`session` holds them for one verification, in `buffers`, and overwrites them; `face_templates` gives each template its
name. `sealer` encrypts buffers for another process. `pages` is the memory. `guards` tests which protections of the
process hold, and `hardening` puts them in force.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from idproof.pipeline.vault.kinds import UPLOAD

if TYPE_CHECKING:
    from idproof.pipeline.vault.buffers import UploadSink
    from idproof.pipeline.vault.session import MECHANISM, Vault, VaultSession

__all__ = ["MECHANISM", "UPLOAD", "UploadSink", "Vault", "VaultSession"]


def __getattr__(name: str) -> Any:
    """Import what holds pictures on first use: a process that is only hardened, to restart itself, needs no numpy."""
    if name in __all__:
        return getattr(import_module(f"{__name__}.{'buffers' if name == 'UploadSink' else 'session'}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
