"""Why a network could not be had. The root of the project's error tree stands here, lowest in the house.

    IdproofError
    └── ModelError
        ├── ManifestInvalid      the manifest names something impossible
        ├── ModelMissing         a weight is not in the cache: fetch it first
        ├── ModelCorrupt         a file's sha256 is not the manifest's
        ├── ModelFetchFailed     a source did not give the file
        ├── CacheUnwritable      the cache folder refuses to be written
        └── EngineUnavailable    an outside program or library is not installed

The rest of the tree is drawn in `idproof.pipeline.errors`.
"""

from typing import ClassVar


class IdproofError(Exception):
    """Anything idproof refuses or cannot do, with a stable `code` and an English sentence.

    The sentence never holds a field value, a pixel or an applicant's data, so it may be shown and logged.
    """

    code: ClassVar[str] = "internal"

    @property
    def sentence(self) -> str:
        """The English sentence given when the error was raised."""
        return str(self)


class ModelError(IdproofError):
    """A network or reader that could not be had."""

    code = "model_error"


class ManifestInvalid(ModelError):
    """The manifest is not readable, or names a profile, source or checksum that cannot be."""

    code = "manifest_invalid"


class ModelMissing(ModelError):
    """A weight file is not in the cache."""

    code = "model_missing"


class ModelCorrupt(ModelError):
    """A weight file's SHA-256 differs from the manifest's."""

    code = "model_corrupt"


class ModelFetchFailed(ModelError):
    """The source of a weight did not give it."""

    code = "model_fetch_failed"


class CacheUnwritable(ModelError):
    """The folder for weights cannot be written."""

    code = "cache_unwritable"


class EngineUnavailable(ModelError):
    """An outside program or library that a profile needs is not installed."""

    code = "engine_unavailable"
