"""The common parts of all peers, and the reason when one cannot be used."""

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
"""Turns a photograph into the template of its main face; None when the peer finds none."""


@dataclass(frozen=True)
class Peer:
    """Other software.

    Attributes:
        name: in figures.
        distribution: name of the installed package, for its version.
        module: imported to find out whether the peer can be used.
        missing: returns what else is missing, such as weights, or None.
    """

    name: str
    distribution: str
    module: str
    missing: Callable[[], str | None] = lambda: None

    def why_not(self) -> str | None:
        """Returns the reason why it cannot be used here; None when it can."""
        try:
            import_module(self.module)
        except Exception as error:  # noqa: BLE001 - whatever a peer's import does, it is the peer that cannot be used
            return f"{type(error).__name__} on import; install the extra `peers`"
        return self.missing()

    def version(self) -> str:
        """Returns the version of the package, or `unknown`."""
        try:
            return version(self.distribution)
        except PackageNotFoundError:
            return "unknown"


@dataclass(frozen=True)
class FacePeer(Peer):
    """A peer that turns photographs into comparison scores.

    Attributes:
        open: loads its networks; returns a function from photographs to templates.
        similarity: of two templates; higher is more alike.
    """

    open: Callable[[], ToTemplate] = lambda: lambda picture: None
    similarity: Callable[[Template, Template], float] = lambda one, other: float(one @ other)


@dataclass(frozen=True)
class ScorePeer(Peer):
    """A peer that turns scores into error rates; `per_second` returns its scores per second."""

    per_second: Callable[[Scores, Scores], float] = lambda impostors, genuines: 0.0


def unavailable(peers: Sequence[Peer]) -> dict[str, str]:
    """Returns the peers that cannot be used here, with the reason."""
    return {peer.name: why for peer in peers if (why := peer.why_not()) is not None}
