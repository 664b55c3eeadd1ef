"""Puppets: clips that software computes from one selfie of the victim, and that replace the camera's frames.

Each answers the challenge that was drawn: the face is moved as asked and lit by the screen's colours. They differ in
how much the software knows: a relief bent from the selfie, the same sent through a camera's noise and compression, and
a solid head with the selfie as its texture before a background of its own.
"""

from dataclasses import dataclass, replace

import cv2
import numpy as np

from idproof.datasets.rendered_people import camera as cameras
from idproof.datasets.rendered_people import surface as surfaces
from idproof.datasets.rendered_people.camera import Camera
from idproof.datasets.rendered_people.surface import Field, Pose, Surface
from idproof.models.types import RGBImage

_FINE = 2  # vertices of the mesh per pixel of the photograph
_HEAD_EDGE = 1.25  # squared radius of the head's outline, of the ellipsoid's; hair and ears reach beyond it
_INPAINT_PX = 5
_SMOOTH_HOLES_PX = 3
_SPECULAR, _SHINE = 0.05, 12  # share and exponent of the screen's reflection on skin. Chosen by hand.
_NOSE_SHADOW = 0.25  # depth of the shadow that the nose throws to the side from which it turns. Chosen by hand.


@dataclass(frozen=True)
class HeadMesh:
    """A parametric solid head with the selfie as its texture, and what the software painted behind it.

    Attributes:
        surface: depth and normals over the photograph's plane.
        inside: (250, 250), which points of the photograph belong to the head.
        plate: (250, 250, 3), linear: the photograph with the head painted over from around it.
    """

    surface: Surface
    inside: np.ndarray[tuple[int, ...], np.dtype[np.bool_]]
    plate: Field

    @classmethod
    def of(cls, photograph: RGBImage, depth: float) -> "HeadMesh":
        """Builds the head of a selfie; `depth` multiplies the generic head's."""
        surface = surfaces.head(depth)
        inside = surfaces.head_radius() < _HEAD_EDGE
        hidden = cv2.dilate(inside.astype(np.uint8) * 255, np.ones((5, 5), np.uint8))
        plate = cv2.inpaint(photograph, hidden, _INPAINT_PX, cv2.INPAINT_TELEA)
        return cls(surface, inside, cameras.linear(np.asarray(plate, dtype=np.uint8)))

    def see(
        self, texture: Field, pose: Pose, camera: Camera, glow: tuple[float, float, float], sway: tuple[float, float]
    ) -> Field:
        """Returns linear light (height, width, 3) of the camera's size: the head before its plate.

        Args:
            texture: the selfie, linear, (250, 250, 3).
            pose: of the head.
            camera: that the puppet pretends to be seen by.
            glow: linear colour of the screen.
            sway: of the camera, in the photograph's pixels.
        """
        lit = self._lit(texture, pose, camera, glow)
        points, order = self._projected(pose, camera, sway)
        width, height = camera.size
        picture = self._plate(camera, sway, glow)
        covered = np.zeros((height, width), np.uint8)
        x, y = points[..., 0].ravel()[order], points[..., 1].ravel()[order]
        keep = (x >= 0) & (x < width) & (y >= 0) & (y < height)
        colours = lit.reshape(-1, 3)[order][keep]
        x, y = x[keep], y[keep]
        head = np.zeros((height, width, 3), np.float32)
        head[y, x] = colours  # far points first, so that near ones stay
        covered[y, x] = 255
        closed = cv2.morphologyEx(covered, cv2.MORPH_CLOSE, np.ones((_SMOOTH_HOLES_PX, _SMOOTH_HOLES_PX), np.uint8))
        head = _fill(head, covered)
        share = cv2.GaussianBlur(closed.astype(np.float32) / 255, (0, 0), 1.0)[..., None]
        return np.asarray(share * head + (1 - share) * picture, dtype=np.float32)

    def _lit(self, texture: Field, pose: Pose, camera: Camera, glow: tuple[float, float, float]) -> Field:
        """Returns (500, 500, 3): the texture under the room's light, and the screen's by Lambert and a highlight."""
        fine = cv2.resize(texture, None, fx=_FINE, fy=_FINE, interpolation=cv2.INTER_CUBIC).clip(0)
        normals = self.surface.normals()
        turned = normals @ surfaces.rotation(pose).T.astype(np.float32)
        change = (turned - normals) @ cameras.ROOM_LIGHT
        facing = turned[..., 2].clip(0)
        aside = np.clip(turned[..., 0] * np.sign(pose.yaw) * abs(np.sin(np.radians(pose.yaw))), 0, 1)
        stack = np.dstack([0.25 * change - _NOSE_SHADOW * aside, facing, _SPECULAR * facing**_SHINE])
        shade, lambert, shine = np.moveaxis(cv2.resize(stack, None, fx=_FINE, fy=_FINE), 2, 0)
        screen = np.asarray(glow, dtype=np.float32) * np.float32(camera.screen)
        return np.asarray(
            fine * (1 + shade[..., None]) + (fine * lambert[..., None] + shine[..., None]) * screen, dtype=np.float32
        )

    def _projected(
        self, pose: Pose, camera: Camera, sway: tuple[float, float]
    ) -> tuple[np.ndarray[tuple[int, ...], np.dtype[np.int32]], np.ndarray[tuple[int, ...], np.dtype[np.int64]]]:
        """Returns each vertex's pixel, and the head's vertices from far to near."""
        whole = replace(self.surface, moves=np.ones_like(self.surface.moves))
        moved = surfaces.displacement(whole, pose, camera.distance)
        y, x = np.mgrid[0 : surfaces.SIDE, 0 : surfaces.SIDE].astype(np.float32)
        at = cv2.resize(np.dstack([x, y]) + moved, None, fx=_FINE, fy=_FINE)
        width, height = camera.size
        offset = np.array(surfaces.CENTRE) + np.array(sway)
        pixels = np.rint((at - offset) * camera.zoom + np.array([width / 2, height / 2])).astype(np.int32)
        toward = cv2.resize(surfaces.turned_depth(self.surface, pose), None, fx=_FINE, fy=_FINE).ravel()
        inside = cv2.resize(self.inside.astype(np.uint8), None, fx=_FINE, fy=_FINE).ravel() > 0
        order = np.argsort(toward, kind="stable")
        return pixels, order[inside[order]]

    def _plate(self, camera: Camera, sway: tuple[float, float], glow: tuple[float, float, float]) -> Field:
        width, height = camera.size
        u, v = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
        x = (u - width / 2) / camera.zoom + surfaces.CENTRE[0] + sway[0]
        y = (v - height / 2) / camera.zoom + surfaces.CENTRE[1] + sway[1]
        seen = cv2.remap(
            self.plate, x.astype(np.float32), y.astype(np.float32), cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT
        )
        screen = np.asarray(glow, dtype=np.float32) * np.float32(camera.screen * camera.behind)
        return np.asarray(seen * (1 + screen), dtype=np.float32)


def taken_once(photograph: RGBImage, noise: float, quality: int, rng: np.random.Generator) -> RGBImage:
    """Returns the victim's selfie as the software has it: with the grain and the compression of its own camera."""
    grainy = (photograph + rng.normal(0, noise, photograph.shape)).clip(0, 255).astype(np.uint8)
    _, packed = cv2.imencode(".jpg", grainy[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])
    return cameras.decoded(packed)


def _fill(head: Field, covered: np.ndarray[tuple[int, ...], np.dtype[np.uint8]]) -> Field:
    """Fills pixels between vertices from the ones around them."""
    seen = covered.astype(np.float32) / 255
    near = cv2.GaussianBlur(head, (0, 0), 1.0) / np.maximum(cv2.GaussianBlur(seen, (0, 0), 1.0), 1e-3)[..., None]
    return np.asarray(np.where(covered[..., None] > 0, head, near), dtype=np.float32)
