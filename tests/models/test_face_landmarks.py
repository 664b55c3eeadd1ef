"""Landmarks tell open eyes and mouths from closed ones, at any size and roll of the picture."""

import os
from pathlib import Path
from zipfile import ZipFile

import cv2
import numpy as np
import pytest

from idproof.datasets.rendered_people.camera import decoded
from idproof.models import manifest as manifests
from idproof.models.errors import ManifestInvalid, ModelCorrupt
from idproof.models.face_landmarks import LandmarkNetworks
from idproof.models.profiles import load_engines
from idproof.models.types import Engines, FaceLandmarker, FaceMesh, RGBImage

PICTURES = Path(os.environ.get("IDPROOF_DATA", "../shared/data")) / "faces-in-the-wild.zip"


def real(name: str) -> RGBImage:
    if not PICTURES.is_file():
        pytest.skip("faces-in-the-wild.zip is not here (IDPROOF_DATA names its folder)")
    with ZipFile(PICTURES) as archive:
        return decoded(np.frombuffer(archive.read(name), dtype=np.uint8))


def landmarker(engines: Engines) -> FaceLandmarker:
    assert engines.landmarker is not None
    return engines.landmarker


def openings(engines: Engines, image: RGBImage) -> tuple[FaceMesh, float, float]:
    mesh = landmarker(engines).mesh(image, engines.detector.detect(image)[0])
    left, right = landmarker(engines).eyes(image, mesh)
    return mesh, left.opening, right.opening


def test_closed_eyes_are_narrow_and_open_ones_wide(engines: Engines) -> None:
    _, *closed = openings(engines, real("eyes/closed.jpg"))
    _, *opened = openings(engines, real("eyes/open.jpg"))
    assert max(closed) < 0.10
    assert min(opened) > 0.22


def test_an_open_mouth_is_told_from_a_closed_one(engines: Engines) -> None:
    mesh, *_ = openings(engines, real("eyes/open.jpg"))  # a woman who speaks
    assert mesh.mouth_opening > 0.2
    for name in ("eyes/closed.jpg", "quality/good_a.jpg", "quality/headwear.jpg"):
        mesh, *_ = openings(engines, real(name))
        assert mesh.mouth_opening < 0.06, name


@pytest.mark.parametrize("scale", [0.3, 1.0, 4.0])
def test_the_openings_hardly_depend_on_the_size(engines: Engines, astronaut: RGBImage, scale: float) -> None:
    image = np.asarray(cv2.resize(astronaut, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), dtype=np.uint8)
    mesh, left, right = openings(engines, image)
    before, left_before, right_before = openings(engines, astronaut)
    assert (left, right) == pytest.approx((left_before, right_before), abs=0.06)
    assert mesh.mouth_opening == pytest.approx(before.mouth_opening, abs=0.06)
    eyes = float(np.linalg.norm(before.points[33] - before.points[263]))
    assert np.abs(mesh.points / scale - before.points).mean() < 0.04 * eyes


def test_each_eye_is_measured_by_itself(engines: Engines) -> None:
    """A wink: one eye of a person with open eyes is painted over with the skin below it."""
    image = real("eyes/open.jpg").copy()
    mesh, left, right = openings(engines, image)
    closed = real("eyes/closed.jpg")
    donor, *_ = openings(engines, closed)
    patch = _eye(closed, donor, (33, 133))
    _paste(image, mesh, (33, 133), patch)
    _, winked, kept = openings(engines, image)
    assert winked < 0.6 * left
    assert kept == pytest.approx(right, abs=0.04)


def _eye(image: RGBImage, mesh: FaceMesh, corners: tuple[int, int]) -> RGBImage:
    matrix = _to_square(mesh, corners)
    return np.asarray(cv2.warpAffine(image, matrix, (96, 96)), dtype=np.uint8)


def _paste(image: RGBImage, mesh: FaceMesh, corners: tuple[int, int], patch: RGBImage) -> None:
    matrix = _to_square(mesh, corners)
    size = (image.shape[1], image.shape[0])
    mask = np.zeros((96, 96), np.float32)
    cv2.ellipse(mask, (48, 48), (38, 24), 0, 0, 360, 1.0, -1)
    mask = cv2.GaussianBlur(mask, (0, 0), 4)
    share = cv2.warpAffine(mask, matrix, size, flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)[..., None]
    moved = cv2.warpAffine(patch, matrix, size, flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)
    image[:] = (share * moved + (1 - share) * image).round().astype(np.uint8)


def _to_square(mesh: FaceMesh, corners: tuple[int, int]) -> np.ndarray:
    one, other = (mesh.points[corner].astype(np.float64) for corner in corners)
    across = other - one
    scale = 60 / float(np.hypot(*across))
    cos, sin = across / np.hypot(*across) * scale
    rotation = np.array([[cos, sin], [-sin, cos]])
    return np.column_stack([rotation, np.array([48.0, 48.0]) - rotation @ ((one + other) / 2)])


def test_other_networks_are_refused(engines: Engines, sface: bytes) -> None:
    with pytest.raises(ModelCorrupt):
        LandmarkNetworks(sface, sface)


def test_a_profile_names_both_networks_or_none(tmp_path: Path) -> None:
    lines = ['detector = "yunet"', 'embedder = "sface"', 'reader = "pp-ocrv6-rec-small"', 'latin_reader = "tesseract"']
    file = tmp_path / "own.toml"

    def profile(*more: str) -> manifests.Profile:
        file.write_text("\n".join(["[profiles.open]", *lines, *more]))
        return manifests.load(file).profile("open")

    assert profile().landmarks is None
    assert load_engines("open", manifest=file).landmarker is None
    both = profile('face_mesh = "face_landmark"', 'iris = "iris_landmark"')
    assert both.landmarks is not None
    assert {weight.file for weight in both.landmarks} <= {weight.file for weight in both.weights}
    for wrong in (['iris = "iris_landmark"'], ['face_mesh = "iris_landmark"', 'iris = "face_landmark"']):
        with pytest.raises(ManifestInvalid):
            profile(*wrong)
