"""The stage that decodes captures: from bytes to bounded pictures, or to one clear error."""

from idproof.pipeline.capture.decoding import decode

__all__ = ["decode"]
