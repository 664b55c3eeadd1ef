"""The benchmarks' errors, in the project's one tree.

    IdproofError
    ├── BenchFailed        a server or a search did not do its part: there is no result
    ├── RunNotResumable    the file to resume from holds no part of this run
    └── RunUnusable        a file is no run of the benchmark that it was given as

The rest of the tree is drawn in `idproof.models.errors` and `idproof.pipeline.errors`.
"""

from idproof.models.errors import IdproofError


class BenchFailed(IdproofError):
    """A server or a search did not do its part: there is no result, rather than a wrong one."""

    code = "bench_failed"


class RunNotResumable(IdproofError):
    """The file to resume from holds no part of this run."""

    code = "run_not_resumable"


class RunUnusable(IdproofError):
    """A file is no run of `idproof bench scale`."""

    code = "run_unusable"
