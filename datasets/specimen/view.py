"""Geometry of a card before the camera: an exact pinhole model.

Camera coordinates: x to the right, y down, z away from the camera, millimetres. `turn_deg` turns the card about its
own vertical axis: positive when its left edge is nearer to the camera (`tilt_left`), negative when its right edge
is (`tilt_right`).
"""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from idproof.datasets.specimen.draws import Draws
from idproof.datasets.specimen.light import Lamp, Room
from idproof.pipeline.documents import DocumentType

WIDTH, HEIGHT = 1920, 1080
_MARGIN_PX = 12  # between the card and the edge of a capture of the usual size. Chosen by hand.


@dataclass(frozen=True)
class Pose:
    """Pose of the card before the camera: angles in degrees, offset as a share of the picture, share of its width."""

    turn_deg: float
    pitch_deg: float
    roll_deg: float
    offset: tuple[float, float]
    share: float

    @classmethod
    def draw(cls, draws: Draws, turn_deg: float) -> "Pose":
        """Around a wanted turn, as a hand would."""
        return cls(
            turn_deg=turn_deg,
            pitch_deg=draws.uniform(-9, 9),
            roll_deg=draws.uniform(-9, 9),
            offset=(draws.uniform(-0.04, 0.04), draws.uniform(-0.03, 0.03)),
            share=draws.uniform(0.50, 0.62),
        )


@dataclass(frozen=True)
class Lens:
    """Intrinsics: focal length in pixels, and where the optical axis meets the picture, off its middle in pixels."""

    focal_px: float
    principal: tuple[float, float] = (0.0, 0.0)

    @property
    def matrix(self) -> NDArray[np.float64]:
        """(3, 3), in a capture of the usual size."""
        return self.matrix_in((WIDTH, HEIGHT))

    def matrix_in(self, size: tuple[int, int]) -> NDArray[np.float64]:
        """(3, 3), in a capture of this (width, height)."""
        x, y = (size[0] - 1) / 2 + self.principal[0], (size[1] - 1) / 2 + self.principal[1]
        return np.array([[self.focal_px, 0, x], [0, self.focal_px, y], [0, 0, 1.0]])


@dataclass(frozen=True)
class View:
    """One card, seen through one lens in one pose, in a capture of `size` (width, height)."""

    document: DocumentType
    lens: Lens
    pose: Pose
    size: tuple[int, int] = (WIDTH, HEIGHT)

    @classmethod
    def draw(
        cls,
        draws: Draws,
        document: DocumentType,
        lens: Lens,
        turn: tuple[float, float],
        size: tuple[int, int] = (WIDTH, HEIGHT),
    ) -> "View":
        """Draws views until the whole card is in the picture, as guidance on a screen requires."""
        margin = _MARGIN_PX * size[0] / WIDTH
        while True:
            view = cls(document, lens, Pose.draw(draws, draws.uniform(*turn)), size)
            if (view.corners > margin).all() and (view.corners < np.array(size) - margin).all():
                return view

    @property
    def px_per_mm(self) -> float:
        """Pixels of the capture a millimetre in the middle of an untilted card."""
        return self.pose.share * self.size[0] / self.document.width_mm

    def resized(self, width: int) -> "View":
        """Returns the same view in a capture of another width, the height in proportion."""
        factor = width / self.size[0]
        x, y = self.lens.principal
        lens = Lens(self.lens.focal_px * factor, (x * factor, y * factor))
        return replace(self, lens=lens, size=(width, round(self.size[1] * factor)))

    @cached_property
    def rotation(self) -> NDArray[np.float64]:
        """(3, 3): the card's frame to the camera's."""
        turn, pitch, roll = np.radians([-self.pose.turn_deg, self.pose.pitch_deg, self.pose.roll_deg])
        about_y = np.array([[np.cos(turn), 0, np.sin(turn)], [0, 1, 0], [-np.sin(turn), 0, np.cos(turn)]])
        about_x = np.array([[1, 0, 0], [0, np.cos(pitch), -np.sin(pitch)], [0, np.sin(pitch), np.cos(pitch)]])
        about_z = np.array([[np.cos(roll), -np.sin(roll), 0], [np.sin(roll), np.cos(roll), 0], [0, 0, 1]])
        return np.asarray(about_z @ about_x @ about_y)

    @cached_property
    def translation(self) -> NDArray[np.float64]:
        """(3,): the card's upper left corner in the camera's frame, millimetres."""
        depth = self.lens.focal_px * self.document.width_mm / (self.pose.share * self.size[0])
        sideways, down = self.pose.offset[0] * self.size[0], self.pose.offset[1] * self.size[1]
        shift = np.array([sideways, down, 0]) * depth / self.lens.focal_px
        middle = np.array([self.document.width_mm / 2, self.document.height_mm / 2])
        return np.asarray(np.array([0, 0, depth]) + shift - self.rotation[:, :2] @ middle)

    @cached_property
    def homography(self) -> NDArray[np.float64]:
        """(3, 3): millimetres on the card to pixels of the capture, pixel centres at whole numbers."""
        plane = self.lens.matrix_in(self.size) @ np.column_stack([self.rotation[:, :2], self.translation])
        return np.asarray(plane / plane[2, 2])

    @property
    def corners(self) -> NDArray[np.float64]:
        """(4, 2): the card's sharp corners in the capture: top left, top right, bottom right, bottom left."""
        width, height = self.document.width_mm, self.document.height_mm
        return self.at(np.array([[0, 0], [width, 0], [width, height], [0, height]]))

    @property
    def viewer(self) -> NDArray[np.float64]:
        """(3,): the camera in the card's frame, millimetres."""
        return np.asarray(-self.rotation.T @ self.translation)

    def at(self, points_mm: NDArray[np.float64]) -> NDArray[np.float64]:
        """Points of the card (n, 2) as pixels of the capture (n, 2)."""
        projected = np.column_stack([points_mm, np.ones(len(points_mm))]) @ self.homography.T
        return np.asarray(projected[:, :2] / projected[:, 2:])

    def on_card(self, step: int = 1) -> NDArray[np.float64]:
        """(height / step, width / step, 2): where each pixel's ray meets the card's plane, millimetres."""
        v, u = np.mgrid[0 : self.size[1] : step, 0 : self.size[0] : step] + (step - 1) / 2
        back = np.linalg.inv(self.homography)
        x, y, w = (row[0] * u + row[1] * v + row[2] for row in back)
        return np.stack([x / w, y / w], axis=-1)

    def lit_by(self, room: Room) -> Room:
        """The room with its lamps in the card's own frame."""
        return replace(room, lamps=tuple(self._moved(lamp) for lamp in room.lamps))

    def turn_at(self, x_mm: float, y_mm: float) -> float:
        """Angle in degrees at which a point of the card is seen, about the card's vertical axis.

        Equal to the card's turn in the middle of the picture; perspective changes it towards the edges.
        """
        towards = self.viewer - np.array([x_mm, y_mm, 0])
        return float(np.degrees(np.arctan2(-towards[0], -towards[2])))

    def _moved(self, lamp: Lamp) -> Lamp:
        return replace(lamp, position=self.rotation.T @ (lamp.position - self.translation))
