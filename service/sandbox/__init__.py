"""`idproof serve --sandbox`: the same interface with invented applicants whose outcomes are promised."""

from idproof.service.sandbox.routes import install
from idproof.service.sandbox.verifier import SandboxVerifier

__all__ = ["SandboxVerifier", "install"]
