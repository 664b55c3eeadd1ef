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

SEALED_COPY = "sealed_copy"
"""A capture that is encrypted to people's public keys, and that outlives its verification."""

PROTECTED_TEMPLATE = "protected_template"
"""A face template that is encrypted to the identity core's key, and that outlives its verification."""

ENROLLED_TEMPLATE = "enrolled_template"
"""Name, not kind: the template of an earlier registration, opened for one step-up."""
