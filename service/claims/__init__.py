"""The verdict as evidence: its claims, encryption to the identity core, and the published schema."""

from idproof.service.claims.assurance import verified_claims
from idproof.service.claims.core_encryption import CoreKey
from idproof.service.claims.schema import verdict_schema

__all__ = ["CoreKey", "verdict_schema", "verified_claims"]
