"""What every peer has in common, and how it says that it cannot be used."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version

import numpy as np
from numpy.typing import NDArray

from idproof.benchmarks.metrics.rates import Scores
from idproof.models.types import RGBImage

Template = NDArray[np.floating]
ToTemplate = Callable[[RGBImage], Template | None]
"""A photograph to the template of its main face; None when the peer finds none."""


@dataclass(frozen=True)
class Peer:
    """Somebody else's work.

    Attributes:
        name: in figures.
        distribution: that is installed, for its version.
        module: that is imported to see whether it can be used.
        missing: says what else is not there, such as weights; None when all is.
    """

    name: str
    distribution: str
    module: str
    missing: Callable[[], str | None] = lambda: None

    def why_not(self) -> str | None:
        """Why it cannot be used here; None when it can."""
        try:
            import_module(self.module)
        except Exception as error:  # noqa: BLE001 - whatever a peer's import does, it is the peer that cannot be used
            return f"{type(error).__name__} on import; install the extra `peers`"
        return self.missing()

    def version(self) -> str:
        """Of the distribution, or `unknown`."""
        try:
            return version(self.distribution)
        except PackageNotFoundError:
            return "unknown"


@dataclass(frozen=True)
class FacePeer(Peer):
    """A way from a photograph to a comparison score.

    Attributes:
        open: loads what it needs, and gives a function from photographs to templates.
        similarity: of two templates; higher is more alike.
    """

    open: Callable[[], ToTemplate] = lambda: lambda picture: None
    similarity: Callable[[Template, Template], float] = lambda one, other: float(one @ other)


@dataclass(frozen=True)
class ScorePeer(Peer):
    """A way from scores to error rates; `per_second` is how many scores a second it takes in."""

    per_second: Callable[[Scores, Scores], float] = lambda impostors, genuines: 0.0


def unavailable(peers: Sequence[Peer]) -> dict[str, str]:
    """Peers that cannot be used here, and why."""
    return {peer.name: why for peer in peers if (why := peer.why_not()) is not None}
