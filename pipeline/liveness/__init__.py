"""Liveness: a random challenge, and the checks of the frames that respond to it."""
