"""The root of the project's error tree, and the errors of networks and outside engines.

    IdproofError
    ├── ExtraMissing             a command needs an extra of idproof that is not installed
    └── ModelError
        ├── ManifestInvalid      the manifest is unreadable, or names something impossible
        ├── ModelMissing         a weight file is not in the cache: fetch it first
        ├── ModelCorrupt         a weight file's SHA-256 is not the manifest's
        ├── ModelFetchFailed     a source did not deliver the file
        ├── CacheUnwritable      the folder for weights cannot be written
        └── EngineUnavailable    an outside program or library is not installed

Every subclass of `IdproofError` is defined in the `errors.py` of its top-level folder: here, `idproof.pipeline.errors`,
`idproof.benchmarks.errors` or `idproof.service.errors`. A test walks them and holds `docs/errors.md` to them.
"""


class IdproofError(Exception):
    """Anything that idproof refuses or cannot do.

    The sentence never holds a field value, a pixel or an applicant's data, so it may be shown and logged.

    Attributes:
        code: stable name of the error, of the class or, for a class with several codes, of the instance.
    """

    code: str = "internal"

    @property
    def sentence(self) -> str:
        """The English sentence given when the error was raised."""
        return str(self)


class ExtraMissing(IdproofError):
    """A command needs an extra of idproof that is not installed."""

    code = "extra_missing"


class ModelError(IdproofError):
    """A network or an outside engine cannot be used."""

    code = "model_error"


class ManifestInvalid(ModelError):
    """The manifest is unreadable, or names an impossible profile, source or checksum."""

    code = "manifest_invalid"


class ModelMissing(ModelError):
    """A weight file is not in the cache."""

    code = "model_missing"


class ModelCorrupt(ModelError):
    """A weight file's SHA-256 differs from the manifest's."""

    code = "model_corrupt"


class ModelFetchFailed(ModelError):
    """The source of a weight file did not deliver it."""

    code = "model_fetch_failed"


class CacheUnwritable(ModelError):
    """The folder for weights cannot be written."""

    code = "cache_unwritable"


class EngineUnavailable(ModelError):
    """An outside program or library that a profile needs is not installed."""

    code = "engine_unavailable"
