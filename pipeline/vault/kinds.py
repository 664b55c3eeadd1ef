"""The kinds of buffer that a session holds, as a deletion receipt names them."""

UPLOAD = "upload"
"""Encoded bytes as they were received."""

DECODED = "decoded"
"""A whole capture as pixels."""

RECTIFIED = "rectified"
"""The card in its own frame."""

CROP = "crop"
"""A part of a picture, such as an aligned face."""

TEMPLATE = "template"
"""A face template."""

FRAME = "frame"
"""A frame of a liveness challenge as pixels."""

REGISTERED_PORTRAIT = "registered_portrait"
"""Name, not kind: the issuing department's portrait, as upload, pixels and template."""
