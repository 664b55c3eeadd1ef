"""The search for pictures that should be gone."""
