"""The first formation: lamps and gratings in closed form over drawn tables, and a simple camera (`camera`, `light`)."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Self

import numpy as np

from idproof.datasets.specimen import camera as cameras
from idproof.datasets.specimen.camera import Camera, Scene
from idproof.datasets.specimen.draws import Draws
from idproof.datasets.specimen.formations.protocol import Delivery, Formation, OtherCamera, Shot, Surround, Turns
from idproof.datasets.specimen.formations.session import PosedSession
from idproof.datasets.specimen.hand import Hand
from idproof.datasets.specimen.light import Lamp, Room
from idproof.datasets.specimen.material import Linear, Material
from idproof.datasets.specimen.projected_pattern import AddedLight
from idproof.datasets.specimen.view import View
from idproof.pipeline.documents import DocumentType


@dataclass(frozen=True)
class AnalyticSession(PosedSession):
    """One camera and one table; implements `Session`.

    Attributes:
        camera: of all captures.
        scenes: capture name to the surroundings of the card.
    """

    camera: Camera
    scenes: Mapping[str, Scene]

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
        camera = self.camera
        if other is not None:
            camera = replace(camera, blur_px=camera.blur_px * other.blur, noise=camera.noise * other.noise)
        return cameras.photograph(material, self.views[name], self.scenes[name], camera, rng, surround)

    def without_hands(self) -> Self:
        """Returns the session without thumbs."""
        return replace(self, scenes={name: replace(scene, hand=None) for name, scene in self.scenes.items()})

    def with_lamp(self, name: str, lamp: Lamp) -> Self:
        """Returns the session with one more lamp in one capture."""
        room = self.scenes[name].room
        return self._with(name, replace(self.scenes[name], room=replace(room, lamps=(*room.lamps, lamp))))

    def with_pattern(self, name: str, pattern: AddedLight) -> Self:
        """Returns the session with a pattern projected on the card in one capture."""
        return self._with(name, replace(self.scenes[name], pattern=pattern))

    def reduced(self, width: int) -> Self:
        """Returns the session with captures of another width, for films: their sharpness and noise stay as they are.

        A pixel gathers the light of those that it replaces, which averages their noise.
        """
        factor = width / next(iter(self.views.values())).size[0]
        views = {name: view.resized(width) for name, view in self.views.items()}
        camera = replace(self.camera, blur_px=self.camera.blur_px * factor, noise=self.camera.noise * factor)
        return replace(self, views=views, camera=camera, scenes={n: s.reduced(factor) for n, s in self.scenes.items()})

    def deliver(self, shot: Shot, rng: np.random.Generator) -> Delivery:  # noqa: ARG002
        """Encodes a capture as JPEG of the camera's quality."""
        return Delivery(".jpg", cameras.jpeg(shot.pixels, self.camera.quality), shot.corners)

    def _scanned(self, material: Material, view: View, draws: Draws) -> Linear:
        return material.reflectance(view, view.lit_by(Room.draw(draws)))

    def _with(self, name: str, scene: Scene) -> Self:
        return replace(self, scenes={**self.scenes, name: scene})


class Analytic:
    """Implements `Formation`."""

    def begin(self, document: DocumentType, draws: Draws, turns: Turns) -> AnalyticSession:
        """Draws a camera, a room, a table, the views, and a hand for some captures."""
        camera, room, table = Camera.draw(draws), Room.draw(draws), cameras.table(draws)
        views = {name: View.draw(draws, document, camera.lens, turn) for name, turn in turns.items()}
        skin = Hand.skin_of_somebody(draws)
        scenes = {name: cameras.scene(draws, room, table, skin) for name in views}
        return AnalyticSession(views, camera, scenes)


FORMATION: Formation = Analytic()
