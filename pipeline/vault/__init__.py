"""The only owner of pictures and templates.

`session` holds them for one verification and overwrites them, `sealer` encrypts what must cross to another process,
`pages` is the memory, `guards` reports which protections of the process hold and `hardening` puts them in force.
"""

from idproof.pipeline.vault.kinds import UPLOAD
from idproof.pipeline.vault.session import MECHANISM, UploadSink, Vault, VaultSession

__all__ = ["MECHANISM", "UPLOAD", "UploadSink", "Vault", "VaultSession"]
