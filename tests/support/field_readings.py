"""Readings of one field by one engine or two, as the pipeline resolves them."""

from idproof.models.types import LineReading
from idproof.pipeline import Policy
from idproof.pipeline.documents import load_builtin
from idproof.pipeline.fields.fuse import WeightedReading, fuse
from idproof.pipeline.fields.read import normalise, resolve_field
from idproof.pipeline.types import FieldReading

DOCUMENT = load_builtin()
POLICY = Policy()


def reading(text: str, confidence: float = 0.99) -> LineReading:
    return LineReading(text, (confidence,) * len(text))


def resolved(name: str, *readings: LineReading, latin: tuple[LineReading, ...] = ()) -> FieldReading:
    spec = DOCUMENT.field(name)
    weighted = [WeightedReading(normalise(r, spec)) for r in readings] + [
        WeightedReading(normalise(r, spec), 0.5) for r in latin
    ]
    return resolve_field(fuse(weighted), spec, POLICY)


def engines(name: str, first: tuple[str, ...], second: tuple[str, ...], confidence: float = 0.9) -> FieldReading:
    """Resolves the readings of two engines, one reading per capture each."""
    spec = DOCUMENT.field(name)
    weighted = [
        WeightedReading(normalise(reading(text, confidence), spec), weight, reader)
        for reader, weight, texts in (("first", 1.0, first), ("second", 0.5, second))
        for text in texts
    ]
    return resolve_field(fuse(weighted), spec, POLICY)
