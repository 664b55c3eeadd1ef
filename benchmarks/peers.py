"""What we are measured against, used the way most projects use it.

Only for specimens: pytesseract writes the picture and the text it read to temporary files.
"""

import time
from collections.abc import Sequence

import pytesseract

from idproof.models.types import RGBImage
from idproof.pipeline.documents import DocumentType
from idproof.pipeline.fields.read import crop

_LANGUAGES = {"chinese": "chi_tra+eng", "latin": "eng", "digits": "eng", "symbols": "eng"}
_SINGLE_LINE = "--psm 7"


def pytesseract_seconds(frames: Sequence[RGBImage], document: DocumentType) -> float:
    """Seconds to read every field of these canonical frames with one call of pytesseract a field."""
    start = time.perf_counter()
    for frame in frames:
        for spec in document.fields:
            pytesseract.image_to_string(crop(frame, spec, document), lang=_LANGUAGES[spec.script], config=_SINGLE_LINE)
    return time.perf_counter() - start
