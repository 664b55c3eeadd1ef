"""The printed fields, read in every capture and settled between the captures.

A field is certain when its text has the document type's form and either two captures read the same text or one
capture read it without any weak character. Anything else is reported as read, but uncertain, and never accepts.
"""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Mapping, Sequence

import numpy as np

from idproof.models.types import LineReader, LineReading, RGBImage
from idproof.pipeline.config import Policy
from idproof.pipeline.documents import DocumentType, FieldSpec
from idproof.pipeline.types import FieldReading, Role

_PAD_MM = 0.3
_BETWEEN_SCRIPTS = re.compile(r"(?<=[\u3400-\u9fff])(?=[A-Za-z])")
# What readers write for the same ink. Applied before the form is judged, in every field.
_SAME_INK = str.maketrans({"（": "(", "）": ")", "，": ",", "－": "-", "—": "-", "–": "-", "＊": "*", "×": "*"})


def read(
    rectified: Mapping[Role, RGBImage], document: DocumentType, reader: LineReader, policy: Policy
) -> dict[str, FieldReading]:
    """Every field of the document type, by name; `rectified` holds the canonical frames of the captures."""
    lines = [crop(image, spec, document) for image in rectified.values() for spec in document.fields]
    readings = reader.read(lines)
    views = np.array_split(np.arange(len(readings)), len(rectified))
    return {
        spec.name: settle([readings[view[i]] for view in views], spec, policy) for i, spec in enumerate(document.fields)
    }


def crop(image: RGBImage, spec: FieldSpec, document: DocumentType) -> RGBImage:
    """The field's line of text out of a canonical frame, a view."""
    left, top, right, bottom = spec.box.pixels(document.px_per_mm, pad_mm=_PAD_MM)
    return image[top:bottom, left:right]


def settle(readings: Sequence[LineReading], spec: FieldSpec, policy: Policy) -> FieldReading:
    """One reading from those of several captures."""
    texts = _with_every_space([normalise(reading.text, spec) for reading in readings])
    support: dict[str, list[float]] = defaultdict(list)
    for text, reading in zip(texts, readings, strict=True):
        # A reader gives no confidence for blank paper; where a blank is allowed it counts like a fair reading.
        blank = text == "" and not spec.required
        support[text].append(policy.field_confidence if blank else reading.confidence)
    well_formed = {text: c for text, c in support.items() if has_form(text, spec)}
    if len(well_formed) > 1:
        well_formed.pop("", None)  # what one capture read is not made blank by captures that read nothing
    candidates = well_formed or support
    text = max(candidates, key=lambda t: (len(candidates[t]), sum(candidates[t])))
    confidences = candidates[text]
    agreed = len(confidences) > 1 and max(confidences) >= policy.field_confidence / 2
    unopposed = max(confidences) >= policy.field_confidence and len(well_formed) == 1
    return FieldReading(
        text=text,
        confidence=round(max(confidences), 4),
        certain=bool(well_formed) and (agreed or unopposed),
    )


def _with_every_space(texts: Sequence[str]) -> list[str]:
    """Texts that differ in spaces alone are one: readers lose spaces, they do not invent them."""
    fullest: dict[str, str] = {}
    for text in texts:
        joined = text.replace(" ", "")
        fullest[joined] = max(text, fullest.get(joined, ""), key=len)
    return [fullest[text.replace(" ", "")] for text in texts]


def normalise(text: str, spec: FieldSpec) -> str:
    """NFC, one form of every bracket and dash, no stray spaces."""
    plain = unicodedata.normalize("NFC", text).translate(_SAME_INK).strip()
    if spec.script == "latin" and "," in plain:
        return re.sub(r"\s*,\s*", ", ", re.sub(r"\s+", " ", plain))
    if spec.script == "latin":
        return plain.replace(" ", "").upper()
    joined = re.sub(r"\s+", "", plain)
    if spec.group:
        # Readers lose or add the spaces between groups; where they belong is known.
        return " ".join(joined[i : i + spec.group] for i in range(0, len(joined), spec.group))
    return _BETWEEN_SCRIPTS.sub(" ", joined)


def has_form(text: str, spec: FieldSpec) -> bool:
    """Whether the text has the printed form; a field that need not be there may be empty."""
    return (not spec.required and text == "") or re.fullmatch(spec.pattern, text) is not None
