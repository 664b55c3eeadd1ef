"""pytesseract, one call per field. It writes the picture and its text to temporary files."""

from collections.abc import Mapping

import pytesseract

from idproof.benchmarks.peers.peer import Peer
from idproof.models.types import RGBImage
from idproof.pipeline.documents import DocumentType
from idproof.pipeline.fields.read import crop

_LANGUAGES = {"chinese": "chi_tra+eng", "latin": "eng", "digits": "eng", "symbols": "eng"}
_SINGLE_LINE = "--psm 7"
PEER = Peer("pytesseract", "pytesseract", "pytesseract")


def read(frame: RGBImage, document: DocumentType) -> Mapping[str, str]:
    """Returns field name to text of one canonical frame."""
    return {
        spec.name: str(
            pytesseract.image_to_string(crop(frame, spec, document), lang=_LANGUAGES[spec.script], config=_SINGLE_LINE)
        ).strip()
        for spec in document.fields
    }
