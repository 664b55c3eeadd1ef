"""The seam between the flat layers of a specimen and the ways to make a picture of them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from idproof.datasets.specimen.draws import Draws
from idproof.datasets.specimen.light import Lamp
from idproof.datasets.specimen.material import Material
from idproof.datasets.specimen.projected_pattern import AddedLight
from idproof.datasets.specimen.view import Pose, View
from idproof.models.types import RGBImage
from idproof.pipeline.documents import DocumentType

Surround = Callable[[NDArray[np.float32], View], NDArray[np.float32]]
"""Draws the surroundings of a card in its own plane over a scene's radiance, (height, width, 3)."""

Turns = Mapping[str, tuple[float, float]]
"""Capture name to the range that the card's turn is drawn from, degrees."""


@dataclass(frozen=True)
class Shot:
    """One rendered capture: RGB pixels and where the card's four corners are (4, 2)."""

    pixels: RGBImage
    corners: NDArray[np.float64]


@dataclass(frozen=True)
class Delivery:
    """A capture as it arrives: the file's ending with its dot, its bytes, and where the card's corners are in it."""

    suffix: str
    data: bytes
    corners: NDArray[np.float64]


@dataclass(frozen=True)
class OtherCamera:
    """A camera that parts of a capture come from: its blur and noise as multiples of the session's camera's."""

    blur: float = 1.0
    noise: float = 1.0


class Session(Protocol):
    """One camera in one place, for all captures of a registration."""

    @property
    def views(self) -> Mapping[str, View]:
        """Capture name to the view of the card, in the capture's own pixels."""

    def photograph(
        self,
        name: str,
        material: Material,
        rng: np.random.Generator,
        *,
        surround: Surround | None = None,
        other: OtherCamera | None = None,
    ) -> Shot:
        """Photographs what lies in the card's place, for one capture.

        Args:
            name: of the capture.
            material: as it lies in the view of that capture.
            rng: of the sensor's noise.
            surround: draws what is around the card over the session's own surroundings.
            other: takes the picture by another camera from the same place.
        """

    def posed(self, poses: Mapping[str, Pose]) -> "Session":
        """Returns the session with the card in other poses, by capture name."""

    def without_hands(self) -> "Session":
        """Returns the session without fingers on or behind the card."""

    def with_lamp(self, name: str, lamp: Lamp) -> "Session":
        """Returns the session with one more lamp in one capture; its position is in the camera's frame."""

    def with_pattern(self, name: str, pattern: AddedLight) -> "Session":
        """Returns the session with a pattern projected on the card in one capture."""

    def scan(self, material: Callable[[View], Material], document: DocumentType, draws: Draws) -> RGBImage:
        """Returns the flat picture that a copy is made from, (h, w, 3) at `SCALE`: one view in one light."""

    def deliver(self, shot: Shot, rng: np.random.Generator) -> Delivery:
        """Encodes a capture as it is sent."""


class Formation(Protocol):
    """A way to photograph specimens."""

    def begin(self, document: DocumentType, draws: Draws, turns: Turns) -> Session:
        """Draws the camera, the place and the views of one registration."""
