"""Devices that stream: `idproof.capture.v1` (`docs/stream.md`)."""
