"""Liveness: error rates by attack species."""
