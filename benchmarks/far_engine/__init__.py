"""The comparison engine: speed and memory."""
