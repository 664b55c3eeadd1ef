"""The verdict as evidence: what is signed, what only the identity core can read, and the published schema."""

from idproof.service.evidence.assurance import verified_claims
from idproof.service.evidence.protect import CoreKey
from idproof.service.evidence.schema import verdict_schema

__all__ = ["CoreKey", "verdict_schema", "verified_claims"]
