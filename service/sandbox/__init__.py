"""`idproof serve --sandbox`: the same interface with invented applicants, each with a promised outcome."""

from idproof.service.sandbox.routes import install
from idproof.service.sandbox.verifier import SandboxVerifier

__all__ = ["SandboxVerifier", "install"]
