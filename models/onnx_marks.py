"""Marks that rewriting leaves in a network for the engine that opens it."""

OUTPUT, LOGITS = "idproof.output", "logits"
"""Key and text of a classifier that returns logits."""
