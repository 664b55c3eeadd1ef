"""The only owner of pictures and templates.

`session` holds them for one verification, in `buffers`, and overwrites them; `face_templates` gives each template its
name. `sealer` encrypts buffers for another process. `pages` is the memory. `guards` tests which protections of the
process hold, and `hardening` puts them in force.
"""

from idproof.pipeline.vault.buffers import UploadSink
from idproof.pipeline.vault.kinds import UPLOAD
from idproof.pipeline.vault.session import MECHANISM, Vault, VaultSession

__all__ = ["MECHANISM", "UPLOAD", "UploadSink", "Vault", "VaultSession"]
