"""The issuing department's records: over HTTP, or from a file for sandboxes."""

from idproof.pipeline.fields.records import RecordsAuthority
from idproof.service.operations.settings import Settings
from idproof.service.records.embedded import EmbeddedRecords
from idproof.service.records.remote import RemoteRecords

__all__ = ["EmbeddedRecords", "RemoteRecords", "open_records"]


def open_records(settings: Settings) -> RecordsAuthority | None:
    """Returns the authority that these settings name, or None: every verdict then says that none was asked."""
    if settings.records_url is not None:
        return RemoteRecords.open(settings)
    return None if settings.records_file is None else EmbeddedRecords(settings.records_file)
