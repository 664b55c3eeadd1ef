"""The camera puts the card where it says it does."""

import cv2
import numpy as np
import pytest

from idproof.datasets.specimen.artwork import SCALE, size
from idproof.datasets.specimen.camera import HEIGHT, WIDTH, Camera, Pose, corners_px, photograph
from idproof.pipeline.documents import DocumentType

CAMERA = Camera(focal_px=1700, blur_px=0.4, noise=1.0, white=(1, 1, 1), quality=90)
SQUARE_MM = 6.0
POSES = {
    "front": Pose(2.0, -3.0, 4.0, (0.01, -0.02), 0.56),
    "tilt_left": Pose(26.0, 5.0, -6.0, (-0.02, 0.0), 0.55),
    "tilt_right": Pose(-29.0, -6.0, 7.0, (0.0, 0.02), 0.54),
}


def chessboard(document: DocumentType) -> tuple[np.ndarray, tuple[int, int], np.ndarray]:
    """A flat card with a board of squares in the middle: picture, inner corners (columns, rows), and where in mm."""
    width, height = size(document)
    columns, rows = 12, 7
    left, top = (document.width_mm - columns * SQUARE_MM) / 2, (document.height_mm - rows * SQUARE_MM) / 2
    y, x = np.mgrid[0:height, 0:width]
    x_mm, y_mm = (x + 0.5) / SCALE, (y + 0.5) / SCALE
    column, row = np.floor((x_mm - left) / SQUARE_MM), np.floor((y_mm - top) / SQUARE_MM)
    inside = (column >= 0) & (column < columns) & (row >= 0) & (row < rows)
    dark = inside & ((column + row) % 2 == 0)
    picture = np.where(dark[..., None], 30, 220).repeat(3, axis=2).astype(np.uint8)
    inner = [[left + i * SQUARE_MM, top + j * SQUARE_MM] for j in range(1, rows) for i in range(1, columns)]
    return picture, (columns - 1, rows - 1), np.array(inner)


@pytest.mark.parametrize("name", POSES)
def test_corners_agree_with_a_pattern_measured_in_the_picture(document: DocumentType, name: str) -> None:
    board, shape, inner_mm = chessboard(document)
    shot = photograph(board, document, CAMERA, POSES[name], np.random.default_rng(3))
    grey = cv2.cvtColor(shot.pixels, cv2.COLOR_RGB2GRAY)
    found, points = cv2.findChessboardCornersSB(grey, shape, flags=cv2.CALIB_CB_ACCURACY)
    assert found
    points = points.reshape(-1, 2)
    if points[0, 0] > points[-1, 0]:  # the board looks the same upside down to the detector
        points = points[::-1]
    plane, _ = cv2.findHomography(inner_mm, points)
    width, height = document.width_mm, document.height_mm
    corners_mm = np.array([[[0, 0], [width, 0], [width, height], [0, height]]], dtype=np.float64)
    measured = cv2.perspectiveTransform(corners_mm, plane)[0]
    assert np.abs(measured - shot.corners).max() < 0.3


@pytest.mark.parametrize("name", POSES)
def test_the_named_edge_is_the_nearer_one(document: DocumentType, name: str) -> None:
    width, height = document.width_mm, document.height_mm
    corners = corners_px(document, CAMERA, POSES[name])
    space = np.array([[0, 0, 0], [width, 0, 0], [width, height, 0], [0, height, 0]], dtype=np.float64)
    lens = np.array([[CAMERA.focal_px, 0, (WIDTH - 1) / 2], [0, CAMERA.focal_px, (HEIGHT - 1) / 2], [0, 0, 1]])
    _, rotation, translation = cv2.solvePnP(space, corners, lens, None)
    depth = (space @ cv2.Rodrigues(rotation)[0].T + translation.T)[:, 2]
    left, right = depth[[0, 3]].mean(), depth[[1, 2]].mean()
    turn = np.degrees(np.arcsin((right - left) / width / np.cos(np.radians(POSES[name].pitch_deg))))
    assert turn == pytest.approx(POSES[name].turn_deg, abs=0.1)
    assert {"front": True, "tilt_left": left < right, "tilt_right": right < left}[name]


def test_the_card_covers_what_was_asked_and_keeps_its_shape(document: DocumentType) -> None:
    corners = corners_px(document, CAMERA, Pose(0, 0, 0, (0, 0), 0.6))
    assert np.ptp(corners[:, 0]) == pytest.approx(0.6 * WIDTH)
    assert np.ptp(corners[:, 0]) / np.ptp(corners[:, 1]) == pytest.approx(85.60 / 53.98)
    assert corners.mean(axis=0) == pytest.approx([(WIDTH - 1) / 2, (HEIGHT - 1) / 2])


def test_the_rounded_corner_shows_the_scene_and_the_middle_of_an_edge_the_card(document: DocumentType) -> None:
    width, height = size(document)
    white = np.full((height, width, 3), 250, np.uint8)
    rng = np.random.default_rng(0)
    shot = photograph(white, document, CAMERA, Pose(0, 0, 0, (0, 0), 0.6), rng, lambda scene, *_: scene * 0)
    left, top = np.round(shot.corners[0]).astype(int)
    assert shot.pixels[top + 3, left + 3].mean() < 40
    assert shot.pixels[HEIGHT // 2, left + 3].mean() > 120


def test_blur_noise_and_white_balance_do_what_they_say(document: DocumentType) -> None:
    width, height = size(document)
    step = np.full((height, width, 3), 40, np.uint8)
    step[:, width // 2 :] = 200
    pose = Pose(0, 0, 0, (0, 0), 0.6)

    def middle(**changed: object) -> np.ndarray:
        values = {"focal_px": 1700, "blur_px": 0.4, "noise": 0.0, "white": (1, 1, 1), "quality": 90} | changed
        shot = photograph(step, document, Camera(**values), pose, np.random.default_rng(1))
        return shot.pixels[HEIGHT // 2 - 60 : HEIGHT // 2 + 60, WIDTH // 2 - 300 : WIDTH // 2 + 300].astype(float)

    sharp = middle()
    assert (
        np.abs(np.diff(middle(blur_px=3.0).mean(axis=(0, 2)))).max()
        < 0.5 * np.abs(np.diff(sharp.mean(axis=(0, 2)))).max()
    )
    assert (middle(noise=4.0) - sharp)[:, :250].std() == pytest.approx(
        4 * np.sqrt(0.3 + sharp[:, :250].mean() / 180), rel=0.2
    )
    assert middle(white=(0.9, 1, 1))[..., 0].mean() == pytest.approx(0.9 * sharp[..., 0].mean(), rel=0.01)
