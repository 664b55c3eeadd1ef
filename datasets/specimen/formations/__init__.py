"""Image formations: each photographs the flat layers of a specimen in its own way, by code of its own.

What they share is the flat layers (`material`), the geometry (`view`, `projection`) and, among those that name it, the
processing of a telephone (`telephone`). What is calibrated on one can so be tested on another.
"""

from enum import StrEnum
from importlib import import_module

from idproof.datasets.specimen.formations.protocol import Formation
from idproof.pipeline.errors import InvalidSpecimen


class FormationName(StrEnum):
    """Names of the image formations, as the command line takes them."""

    ANALYTIC = "analytic"
    COMPOSITED = "composited"
    PATH_TRACED = "path_traced"
    PROCESSED = "processed"


def formation(name: str) -> Formation:
    """Returns the image formation of a name.

    Raises:
        InvalidSpecimen: there is none of this name.
    """
    if name not in list(FormationName):
        raise InvalidSpecimen(f"There is no image formation {name}; known are {', '.join(FormationName)}.")
    found: Formation = import_module(f"idproof.datasets.specimen.formations.{name}").FORMATION
    return found
