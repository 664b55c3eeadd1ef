"""The benchmarks' errors, in the project's one tree.

    IdproofError
    ├── BenchmarkFailed    a server, a device or the search failed: no result is reported
    ├── RunNotResumable    the file to resume from belongs to another run, or cannot be used
    ├── RunUnusable        a file is not a run of `idproof bench scale`
    └── ScoresInvalid      a file of scores or templates cannot be used

The rest of the tree is drawn in `idproof.models.errors` and `idproof.pipeline.errors`.
"""

from idproof.models.errors import IdproofError


class BenchmarkFailed(IdproofError):
    """A server, a device or the search failed; no result is reported, rather than a wrong one."""

    code = "bench_failed"


class RunNotResumable(IdproofError):
    """The file to resume from belongs to another run, or cannot be read or written."""

    code = "run_not_resumable"


class RunUnusable(IdproofError):
    """A file is not a run of `idproof bench scale`."""

    code = "run_unusable"


class ScoresInvalid(IdproofError):
    """A file of scores or templates cannot be read or written, or its columns cannot be used."""

    code = "scores_invalid"
