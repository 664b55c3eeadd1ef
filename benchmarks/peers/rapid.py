"""RapidOCR's whole pipeline: it finds the lines of the card and reads them.

A line belongs to the field that contains its middle.
"""

from collections.abc import Callable, Mapping

import numpy as np

from idproof.benchmarks.peers.peer import Peer
from idproof.models.types import RGBImage
from idproof.pipeline.documents import DocumentType, FieldSpec

PEER = Peer("rapidocr", "rapidocr", "rapidocr")


def opened(threads: int = 1) -> Callable[[RGBImage, DocumentType], Mapping[str, str]]:
    """Opens its own networks; returns a function from a canonical frame to field name to text."""
    from rapidocr import RapidOCR

    engine = RapidOCR(
        params={
            "Global.use_cls": False,  # the card is upright
            "Global.log_level": "error",
            "EngineConfig.onnxruntime.intra_op_num_threads": threads,
        }
    )

    def read(frame: RGBImage, document: DocumentType) -> Mapping[str, str]:
        found = engine(frame[..., ::-1])
        lines = [] if found.boxes is None else zip(found.boxes, found.txts, strict=True)
        middles = [(*np.asarray(box).mean(axis=0), text) for box, text in lines]
        return {spec.name: _of(spec, document, middles) for spec in document.fields}

    return read


def _of(spec: FieldSpec, document: DocumentType, lines: list[tuple[float, float, str]]) -> str:
    left, top, right, bottom = spec.box.pixels(document.px_per_mm)
    inside = sorted((x, text) for x, y, text in lines if left <= x < right and top <= y < bottom)
    return " ".join(text for _, text in inside)
