"""Code that the sessions of several formations share: other poses, flat scans, and a telephone's exposures."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Generic, Self, TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from idproof.datasets.specimen.draws import Draws
from idproof.datasets.specimen.formations.protocol import Delivery, OtherCamera, Shot, Surround
from idproof.datasets.specimen.formations.telephone import Movement, Telephone
from idproof.datasets.specimen.material import Linear, Material, coded
from idproof.datasets.specimen.projected_pattern import AddedLight
from idproof.datasets.specimen.view import Lens, Pose, View
from idproof.models.types import RGBImage
from idproof.pipeline.documents import DocumentType

# Of a scan. Chosen by hand; no outside source.
_SCAN_LENS = Lens(1500.0)
_SCAN_DEG = (-6.0, 6.0)
_SCAN_SHARE = 0.6
_SCAN_BLUR_PX = (0.8, 1.6)


@dataclass(frozen=True)
class PosedSession(ABC):
    """Views of a card, and the scan that a copy is made from.

    Attributes:
        views: capture name to view, in the capture's own pixels.
    """

    views: Mapping[str, View]

    def posed(self, poses: Mapping[str, Pose]) -> Self:
        """Returns the session with the card in other poses."""
        return replace(self, views={name: replace(view, pose=poses[name]) for name, view in self.views.items()})

    def scan(self, material: Callable[[View], Material], document: DocumentType, draws: Draws) -> RGBImage:
        """Returns the card as one view and one light show it, (h, w, 3) at `SCALE`."""
        pose = Pose(draws.uniform(*_SCAN_DEG), draws.uniform(*_SCAN_DEG), 0, (0, 0), _SCAN_SHARE)
        view = View(document, _SCAN_LENS, pose)
        picture = coded(self._scanned(material(view), view, draws))
        return np.asarray(cv2.GaussianBlur(picture, (0, 0), draws.uniform(*_SCAN_BLUR_PX)), dtype=np.uint8)

    @abstractmethod
    def _scanned(self, material: Material, view: View, draws: Draws) -> Linear:
        """Returns the flat card in one drawn light, (h, w, 3) at `SCALE`, 1 for white paper."""


@dataclass(frozen=True)
class Exposure:
    """Circumstances of one capture by a telephone.

    Attributes:
        moved: during the exposure.
        pattern: projected on the card, or None.
    """

    moved: Movement
    pattern: AddedLight | None


AnyExposure = TypeVar("AnyExposure", bound=Exposure)


@dataclass(frozen=True)
class TelephoneSession(PosedSession, Generic[AnyExposure]):
    """One telephone, for all captures.

    Attributes:
        telephone: of all captures.
        moments: capture name to circumstances.
    """

    telephone: Telephone
    moments: Mapping[str, AnyExposure]

    def photograph(
        self,
        name: str,
        material: Material,
        rng: np.random.Generator,
        *,
        surround: Surround | None = None,
        other: OtherCamera | None = None,
    ) -> Shot:
        """Renders one capture; see `Session`."""
        moved = self.moments[name].moved
        light, illuminant = self._lit(name, material, surround)
        picture = self.telephone.develop(light, illuminant, moved, rng, other)
        return Shot(picture, self.telephone.moved_corners(self.views[name].corners, moved))

    def with_pattern(self, name: str, pattern: AddedLight) -> Self:
        """Returns the session with a pattern projected on the card in one capture."""
        return self._with(name, replace(self.moments[name], pattern=pattern))

    def deliver(self, shot: Shot, rng: np.random.Generator) -> Delivery:
        """Compresses and sends a capture."""
        return self.telephone.deliver(shot, rng)

    def _rendered(self, name: str) -> View:
        """Returns the view of a capture at the size that is rendered."""
        return self.views[name].resized(self.telephone.rendered)

    def _with(self, name: str, moment: AnyExposure) -> Self:
        return replace(self, moments={**self.moments, name: moment})

    @abstractmethod
    def _lit(
        self, name: str, material: Material, surround: Surround | None
    ) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
        """Returns the light that reaches the lens, (h, w, 3), and the colour of the light on the card, (3,)."""
