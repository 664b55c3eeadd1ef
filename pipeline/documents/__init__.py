"""Document types as data: one TOML file and one picture of the static print per type."""

from idproof.pipeline.documents.date_format import DateFormat
from idproof.pipeline.documents.schema import Box, DocumentType, FieldSpec, Region, load, load_builtin

__all__ = ["Box", "DateFormat", "DocumentType", "FieldSpec", "Region", "load", "load_builtin"]
