"""Devices that stream frames: the protocol `idproof.capture.v1`, see `docs/stream.md`."""
