"""MediaPipe's networks of landmarks: 468 points of a face, and the lids of each eye.

Face mesh (Kartynnik et al., "Real-time facial surface geometry from monocular video on mobile GPUs", 2019) takes the
face upright in a square of 192 × 192; iris (Ablavatski et al., "Real-time pupil tracking from monocular video for
digital puppetry", 2020) takes one eye in a square of 64 × 64, as the eye at the left of the picture. Both take RGB
0..1. The mesh places lids where open eyes have them, so that eye opening is measured by the second alone.
"""

from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from idproof.models.errors import ModelCorrupt
from idproof.models.session import CPU, open_session
from idproof.models.types import DetectedFace, EyeContour, FaceMesh, RGBImage

MESH_POINTS = 468
_MESH_SIDE, _EYE_SIDE = 192, 64
_LID_POINTS, _CONTOUR_POINTS = 71, 16  # of which the first are the lids' edges
_BOX_SCALE = 1.5
"""Side of the square over the longer side of the face's box, as MediaPipe's graph `face_landmark_front` has it."""
_EYE_SCALE = 2.3
"""Side of the square over the distance of the eye's corners, as MediaPipe's graph `iris_landmark` has it."""
_EYES = ((33, 133), (362, 263))
"""Mesh points of both eyes' corners, each from the left of the picture to its right."""


class _Square(NamedTuple):
    """A square of the picture, turned."""

    middle: NDArray[np.float64]
    side: float
    angle: float

    def matrix(self, pixels: int, *, mirrored: bool) -> NDArray[np.float64]:
        """Returns (2, 3), from the picture to a square of this many pixels."""
        scale = pixels / max(self.side, 1.0)
        cos, sin = np.cos(self.angle) * scale, np.sin(self.angle) * scale
        rotation = np.array([[cos, sin], [-sin, cos]])
        if mirrored:
            rotation[0] = -rotation[0]
        return np.column_stack([rotation, (pixels - 1) / 2 - rotation @ self.middle])


class LandmarkNetworks:
    """Finds landmarks of faces; safe to call from several threads.

    Args:
        mesh: network of the 468 points, serialised ONNX.
        iris: network of an eye, serialised ONNX.
        threads: of each session.
        provider: execution provider of onnxruntime.

    Raises:
        ModelCorrupt: a network has another input or other outputs.
    """

    def __init__(self, mesh: bytes, iris: bytes, threads: int = 1, provider: str = CPU) -> None:
        self._mesh, self._iris = (open_session(model, threads, provider) for model in (mesh, iris))
        wanted = ((self._mesh, _MESH_SIDE, [3 * MESH_POINTS, 1]), (self._iris, _EYE_SIDE, [3 * _LID_POINTS, 15]))
        for session, side, values in wanted:
            shapes = [entry.shape[1:] for entry in session.get_inputs()]
            if shapes != [[3, side, side]] or [entry.shape[1] for entry in session.get_outputs()] != values:
                raise ModelCorrupt("A network of landmarks takes and gives other shapes than the published one.")

    def mesh(self, image: RGBImage, face: DetectedFace) -> FaceMesh:
        """Returns 468 points of a face that the detector found."""
        x, y, width, height = face.box
        across = face.landmarks[1] - face.landmarks[0]
        middle = np.array([x + width / 2, y + height / 2], dtype=np.float64)
        square = _Square(middle, _BOX_SCALE * max(width, height), float(np.arctan2(across[1], across[0])))
        matrix = square.matrix(_MESH_SIDE, mirrored=False)
        points, presence = self._mesh.run(None, {"input": _cut(image, [(matrix, _MESH_SIDE)])})
        found = np.asarray(points, dtype=np.float64).reshape(MESH_POINTS, 3)[:, :2]
        return FaceMesh(_back(found, matrix), float(1 / (1 + np.exp(-float(presence[0, 0])))))

    def eyes(self, image: RGBImage, mesh: FaceMesh) -> tuple[EyeContour, EyeContour]:
        """Returns the lids of the eye at the left of the picture and of the one at its right."""
        matrices = []
        for (left, right), mirrored in zip(_EYES, (False, True), strict=True):
            one, other = mesh.points[left], mesh.points[right]
            across = other - one
            square = _Square((one + other) / 2, _EYE_SCALE * float(np.hypot(*across)), float(np.arctan2(*across[::-1])))
            matrices.append(square.matrix(_EYE_SIDE, mirrored=mirrored))
        found = self._iris.run(None, {"input": _cut(image, [(matrix, _EYE_SIDE) for matrix in matrices])})[0]
        lids = np.asarray(found, dtype=np.float64).reshape(len(_EYES), _LID_POINTS, 3)[:, :_CONTOUR_POINTS, :2]
        left_eye, right_eye = (EyeContour(_back(points, matrix)) for points, matrix in zip(lids, matrices, strict=True))
        return left_eye, right_eye


def _cut(image: RGBImage, squares: list[tuple[NDArray[np.float64], int]]) -> NDArray[np.float32]:
    """Returns (n, 3, side, side), 0..1."""
    parts = [_square_part(image, matrix, side) for matrix, side in squares]
    return np.ascontiguousarray(np.stack(parts).transpose(0, 3, 1, 2), dtype=np.float32) / np.float32(255)


def _square_part(image: RGBImage, matrix: NDArray[np.float64], side: int) -> RGBImage:
    """Returns (side, side, 3); a large picture is first averaged, so that fine structure does not become noise."""
    shrinks = int(1 / max(float(np.hypot(*matrix[:, 0])), 1e-3))
    if shrinks > 1:
        inverse = cv2.invertAffineTransform(matrix)
        corners = np.array([(0, 0), (side, 0), (0, side), (side, side)]) @ inverse[:, :2].T + inverse[:, 2]
        height, width = image.shape[:2]
        left, top = (int(value) for value in np.clip(corners.min(0), 0, (width - 1, height - 1)))
        right, bottom = (int(value) + 1 for value in corners.max(0))
        part = image[top : max(bottom, top + 1), left : max(right, left + 1)]
        size = tuple(max(1, length // shrinks) for length in part.shape[1::-1])
        to_part = np.array([part.shape[1] / size[0], part.shape[0] / size[1]])
        image = np.asarray(cv2.resize(part, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)
        # A pixel of the smaller picture in the larger one: centres lie at whole numbers.
        offset = np.array([left, top]) + (to_part - 1) / 2
        matrix = np.column_stack([matrix[:, :2] * to_part, matrix[:, :2] @ offset + matrix[:, 2]])
    cut = cv2.warpAffine(image, matrix, (side, side), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)
    return np.asarray(cut, dtype=np.uint8)


def _back(points: NDArray[np.float64], matrix: NDArray[np.float64]) -> NDArray[np.float32]:
    inverse = cv2.invertAffineTransform(matrix)
    return np.asarray(points @ inverse[:, :2].T + inverse[:, 2], dtype=np.float32)
