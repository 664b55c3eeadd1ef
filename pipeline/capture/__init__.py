"""Captures: their bytes become bounded pictures, or one clear error."""

from idproof.pipeline.capture.decoding import decode

__all__ = ["decode"]
