"""Types and protocols of the networks, which the stages of the pipeline use.

Every picture in the project is RGB, `uint8`, shape (height, width, 3), unless a name says otherwise.
Points are (x, y) in pixels, x to the right and y down, with pixel centres at whole numbers.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

RGBImage = NDArray[np.uint8]
"""Shape (height, width, 3), RGB, 0..255."""

Embeddings = NDArray[np.float32]
"""Shape (n, dimensions), each row of unit length."""


@dataclass(frozen=True, slots=True)
class DetectedFace:
    """One face in a picture.

    Attributes:
        box: (x, y, width, height) in pixels; may reach over the picture's edge.
        landmarks: (5, 2) points in pixels: the eye, then the other eye, as they appear from the left of the
            picture, the nose tip, the left and the right corner of the mouth as they appear.
        score: the detector's confidence, 0..1.
    """

    box: tuple[float, float, float, float]
    landmarks: NDArray[np.float32]
    score: float

    @property
    def area(self) -> float:
        """Box area in square pixels."""
        return self.box[2] * self.box[3]

    @property
    def inter_eye_distance(self) -> float:
        """Distance between the eye centres, in pixels."""
        return float(np.linalg.norm(self.landmarks[1] - self.landmarks[0]))


_INNER_LIPS, _MOUTH_CORNERS = ((13, 14), (82, 87), (312, 317)), (78, 308)
"""Points of the mesh: middle of the upper and of the lower lip's inner edge with a neighbour on each side, and the
inner corners of the mouth."""


@dataclass(frozen=True, slots=True)
class FaceMesh:
    """Landmarks of a face, numbered as in MediaPipe's canonical face model.

    Attributes:
        points: (468, 2), in pixels of the picture.
        presence: the network's probability that the square holds a face, 0..1.
    """

    points: NDArray[np.float32] = field(repr=False)
    presence: float

    @property
    def mouth_opening(self) -> float:
        """Mean distance of both lips' inner edges over the distance of the corners: about 0 closed, 0.3 open."""
        corners = self.points[list(_MOUTH_CORNERS)]
        gaps = [float(np.hypot(*(self.points[upper] - self.points[lower]))) for upper, lower in _INNER_LIPS]
        return float(np.mean(gaps)) / max(float(np.hypot(*(corners[1] - corners[0]))), 1.0)


@dataclass(frozen=True, slots=True)
class EyeContour:
    """Edges of one eye's lids.

    Attributes:
        points: (16, 2), in pixels of the picture: the corner at the temple, seven points of the lower lid, the corner
            at the nose, and seven points of the upper lid in the same direction.
    """

    points: NDArray[np.float32] = field(repr=False)

    @property
    def opening(self) -> float:
        """Mean distance of both lids over that of the corners: about 0.05 closed, 0.2 to 0.3 open."""
        width = float(np.hypot(*(self.points[8] - self.points[0])))
        return float(np.hypot(*(self.points[9:] - self.points[1:8]).T).mean()) / max(width, 1.0)


@dataclass(frozen=True, slots=True)
class LineReading:
    """One line of text as a reader saw it.

    Attributes:
        text: empty when nothing was read.
        confidences: one value 0..1 per character of `text`.
        alternatives: for each character of `text`, other possible characters with a value 0..1 each; empty when the
            engine does not report them.
    """

    text: str
    confidences: tuple[float, ...]
    alternatives: tuple[tuple[tuple[str, float], ...], ...] = ()

    def __post_init__(self) -> None:
        if len(self.text) != len(self.confidences):
            raise ValueError("a reading needs one confidence per character")
        if self.alternatives and len(self.alternatives) != len(self.text):
            raise ValueError("alternatives are given for each character or for none")

    @property
    def confidence(self) -> float:
        """The least certain character's confidence; 0 for an empty reading."""
        return min(self.confidences, default=0.0)

    def __repr__(self) -> str:
        """Describes the reading without its text, so that field values stay out of logs and tracebacks."""
        return f"LineReading(<{len(self.text)} characters>, confidence={self.confidence:.2f})"


class FaceDetector(Protocol):
    """Finds faces and five landmarks."""

    def detect(self, image: RGBImage) -> list[DetectedFace]:
        """Returns all faces of one picture, largest first."""
        ...


class FaceEmbedder(Protocol):
    """Turns faces into templates whose inner product is the comparison score."""

    @property
    def dimensions(self) -> int:
        """Length of a template."""
        ...

    def align(self, image: RGBImage, landmarks: NDArray[np.float32]) -> RGBImage:
        """Returns the face in the network's own frame (112 × 112) by a similarity transform."""
        ...

    def embed(self, faces: Sequence[RGBImage]) -> Embeddings:
        """Returns one unit-length row per face; `faces` are aligned."""
        ...

    def raw_features(self, faces: Sequence[RGBImage]) -> tuple[Embeddings, Embeddings]:
        """Returns the network's own output, of any length, for the faces and for their mirror images."""
        ...


class LineReader(Protocol):
    """Reads pictures of single lines of text."""

    @property
    def name(self) -> str:
        """Name of the engine: `pp-ocr` or `tesseract`."""
        ...

    def read(self, lines: Sequence[RGBImage]) -> list[LineReading]:
        """Returns one reading per picture, in order; an empty one for an unreadable line, never an exception."""
        ...


class PassiveEnsemble(Protocol):
    """Classifies a face as real or not, by the networks against print and display of a profile."""

    def classify(self, image: RGBImage, face: DetectedFace) -> tuple[float, bool]:
        """Returns the mean probability of `real`, 0..1, and whether no other class has a higher one."""
        ...


class FaceLandmarker(Protocol):
    """Finds 468 points of a face, and the lids of its eyes."""

    def mesh(self, image: RGBImage, face: DetectedFace) -> FaceMesh:
        """Returns the points of a face that the detector found."""
        ...

    def eyes(self, image: RGBImage, mesh: FaceMesh) -> tuple[EyeContour, EyeContour]:
        """Returns the lids of the eye at the left of the picture and of the one at its right."""
        ...


@dataclass(frozen=True)
class Engines:
    """All engines of a verification, opened once and shared by its stages.

    Attributes:
        profile: the manifest's profile, such as `open`.
        detector: finds faces.
        embedder: computes templates.
        reader: reads every script on the card.
        latin_reader: an independent reader for Latin letters and digits.
        weights: file name to full SHA-256 of every weight in use.
        passive: networks against print and display, where the profile names some.
        operating_points: name of the profile whose measured operating points hold for the embedder.
        landmarker: finds eyelids and lips, where the profile names its networks.
        embedder_sha256: full SHA-256 of the embedder's weight file; templates of two weights cannot be compared.
        provider: onnxruntime's name of the hardware that the networks run on.
    """

    profile: str
    detector: FaceDetector
    embedder: FaceEmbedder
    reader: LineReader
    latin_reader: LineReader
    weights: dict[str, str]
    passive: PassiveEnsemble | None = None
    operating_points: str = ""
    landmarker: FaceLandmarker | None = None
    embedder_sha256: str = ""
    provider: str = "CPUExecutionProvider"
