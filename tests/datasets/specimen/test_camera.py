"""The camera puts the card where it says it does, and does to light what it says."""

import cv2
import numpy as np
import pytest

from idproof.datasets.specimen.artwork import SCALE, size
from idproof.datasets.specimen.camera import Camera, Scene, Shot, photograph, table, toned
from idproof.datasets.specimen.draws import Draws
from idproof.datasets.specimen.hand import Hand
from idproof.datasets.specimen.light import Room
from idproof.datasets.specimen.material import Coat, Material, card_outline
from idproof.datasets.specimen.view import HEIGHT, WIDTH, Lens, Pose, View
from idproof.pipeline.documents import DocumentType

LENS = Lens(1700.0, (9.0, -6.0))
CAMERA = Camera(LENS, blur_px=0.4, noise=1.0)
SQUARE_MM = 6.0
POSES = {
    "front": Pose(2.0, -3.0, 4.0, (0.01, -0.02), 0.56),
    "tilt_left": Pose(26.0, 5.0, -6.0, (-0.02, 0.0), 0.55),
    "tilt_right": Pose(-29.0, -6.0, 7.0, (0.0, 0.02), 0.54),
}
STRAIGHT = Pose(0, 0, 0, (0, 0), 0.6)


def scene(background: int = 128, **changed: object) -> Scene:
    """Even light from everywhere over a plain table."""
    flat = np.full((HEIGHT, WIDTH, 3), background, np.uint8)
    values = {"room": Room((), np.ones(3)), "background": flat, "shadow": 0.0, "hand": None, "motion_px": (0.0, 0.0)}
    return Scene(**(values | changed))


def shoot(picture: np.ndarray, document: DocumentType, pose: Pose, camera: Camera = CAMERA, **before: object) -> Shot:
    material = Material(picture, card_outline(document))
    return photograph(material, View(document, camera.lens, pose), scene(**before), camera, np.random.default_rng(3))


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
    shot = shoot(board, document, POSES[name])
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
    assert np.abs(measured - shot.corners).max() < 0.4


@pytest.mark.parametrize("name", POSES)
def test_the_named_edge_is_the_nearer_one(document: DocumentType, name: str) -> None:
    width, height = document.width_mm, document.height_mm
    corners = View(document, LENS, POSES[name]).corners
    space = np.array([[0, 0, 0], [width, 0, 0], [width, height, 0], [0, height, 0]], dtype=np.float64)
    _, rotation, translation = cv2.solvePnP(space, corners, LENS.matrix, None)
    depth = (space @ cv2.Rodrigues(rotation)[0].T + translation.T)[:, 2]
    left, right = depth[[0, 3]].mean(), depth[[1, 2]].mean()
    turn = np.degrees(np.arcsin((right - left) / width / np.cos(np.radians(POSES[name].pitch_deg))))
    assert turn == pytest.approx(POSES[name].turn_deg, abs=0.1)
    assert {"front": True, "tilt_left": left < right, "tilt_right": right < left}[name]


def test_a_point_is_seen_at_the_cards_turn_and_perspective_adds_to_it(document: DocumentType) -> None:
    view = View(document, LENS, Pose(20.0, 0, 0, (0, 0), 0.55))
    middle = view.turn_at(document.width_mm / 2, document.height_mm / 2)
    assert middle == pytest.approx(20.0, abs=0.3)
    assert view.turn_at(80.0, 27.0) > middle > view.turn_at(5.0, 27.0)


def test_rays_go_back_to_where_points_came_from(document: DocumentType) -> None:
    view = View(document, LENS, POSES["tilt_left"])
    (u, v), *_ = view.at(np.array([[30.0, 20.0]]))
    assert view.on_card()[round(v), round(u)] == pytest.approx([30.0, 20.0], abs=0.1)


def test_the_rounded_corner_shows_the_table_and_the_middle_of_an_edge_the_card(document: DocumentType) -> None:
    width, height = size(document)
    shot = shoot(np.full((height, width, 3), 250, np.uint8), document, STRAIGHT, background=0)
    left, top = np.round(shot.corners[0]).astype(int)
    assert shot.pixels[top + 3, left + 3].mean() < 40
    assert shot.pixels[HEIGHT // 2, left + 3].mean() > 120


def test_a_thumb_covers_the_edge_and_nothing_of_a_field(document: DocumentType) -> None:
    width, height = size(document)
    white = np.full((height, width, 3), 250, np.uint8)
    bare = shoot(white, document, STRAIGHT)
    thumb = Hand("left", 0.5, 2.8, 16.0, (0.1, 0.06, 0.04))
    held = shoot(white, document, STRAIGHT, hand=thumb)
    view = View(document, LENS, STRAIGHT)
    changed = np.abs(held.pixels.astype(int) - bare.pixels).max(axis=2) > 25
    (edge_x, edge_y), (field_x, field_y) = np.round(view.at(np.array([[1.0, 27.0], [4.0, 27.0]]))).astype(int)
    assert changed[edge_y, edge_x]
    assert not changed[field_y, field_x:].any()


def test_the_thumb_stays_a_thumb_at_every_turn(document: DocumentType) -> None:
    """Points far outside the picture once came back on its other side."""
    width, height = size(document)
    white = np.full((height, width, 3), 250, np.uint8)
    for turn in (-30.0, 30.0):
        for edge in ("left", "right", "bottom"):
            pose, thumb = Pose(turn, 9.0, 9.0, (0, 0), 0.6), Hand(edge, 0.5, 2.8, 19.0, (0.02, 0.02, 0.02))
            held, bare = (shoot(white, document, pose, hand=hand).pixels.astype(int) for hand in (thumb, None))
            view = View(document, LENS, pose)
            inside = view.at(np.array([[6.0, 6.0], [80.0, 6.0], [80.0, 48.0], [6.0, 48.0]])).astype(np.int32)
            card = cv2.fillConvexPoly(np.zeros((HEIGHT, WIDTH), np.uint8), inside, 1) > 0
            assert np.abs(held - bare)[card].max() < 40, (turn, edge)


def test_blur_noise_and_white_balance_do_what_they_say(document: DocumentType) -> None:
    width, height = size(document)
    step = np.full((height, width, 3), 40, np.uint8)
    step[:, width // 2 :] = 138

    def middle(**changed: object) -> np.ndarray:
        camera = Camera(**({"lens": Lens(1700.0), "blur_px": 0.4, "noise": 0.0, "exposure": 1.0} | changed))
        shot = shoot(step, document, STRAIGHT, camera)
        return shot.pixels[HEIGHT // 2 - 60 : HEIGHT // 2 + 60, WIDTH // 2 - 300 : WIDTH // 2 + 300].astype(float)

    sharp = middle()
    steepest = [np.abs(np.diff(picture.mean(axis=(0, 2)))).max() for picture in (middle(blur_px=3.0), sharp)]
    assert steepest[0] < 0.5 * steepest[1]
    # Demosaicing averages neighbours, so what is left of the noise is less than the sensor's.
    assert 2.0 < (middle(noise=4.0) - sharp)[:, 350:].std() < 4.2
    warm = middle(white=(0.8, 1, 1))[:, 350:]
    assert warm[..., 0].mean() < 0.93 * sharp[:, 350:, 0].mean()
    assert warm[..., 1].mean() == pytest.approx(sharp[:, 350:, 1].mean(), rel=0.01)


def test_noise_grows_with_light_before_the_tone_curve(document: DocumentType) -> None:
    width, height = size(document)
    linear = []
    for grey in (60, 140):
        camera = Camera(Lens(1700.0), blur_px=0.4, noise=4.0, exposure=1.0)
        shot = shoot(np.full((height, width, 3), grey, np.uint8), document, STRAIGHT, camera)
        area = shot.pixels[HEIGHT // 2 - 80 : HEIGHT // 2 + 80, WIDTH // 2 - 200 : WIDTH // 2 + 200]
        linear.append(((area / 255.0) ** 2.2).std())
    assert linear[1] > 1.3 * linear[0]


def test_the_tone_curve_is_srgb_and_the_s_leaves_its_ends() -> None:
    light = np.linspace(0, 1, 11, dtype=np.float32)
    assert toned(light)[5] == pytest.approx(0.735, abs=0.01)
    assert toned(light, 1.0)[[0, -1]] == pytest.approx([0, 1])
    assert toned(light, 1.0)[1] < toned(light)[1]


def test_gloss_lies_only_where_its_coat_does(document: DocumentType) -> None:
    width, height = size(document)
    black = np.zeros((height, width, 3), np.uint8)
    half = np.zeros((height, width), np.float32)
    half[:, width // 2 :] = 1
    draws = Draws(np.random.default_rng(5))
    room = Room.draw(draws)
    view = View(document, LENS, STRAIGHT)
    bare = Material(black, card_outline(document))
    plain = photograph(bare, view, scene(room=room), CAMERA, np.random.default_rng(1))
    coated = Material(black, card_outline(document), coats=(Coat(0.5, 0.8, half),))
    shiny = photograph(coated, view, scene(room=room), CAMERA, np.random.default_rng(1))
    more = (shiny.pixels.astype(int) - plain.pixels).mean(axis=2)[HEIGHT // 2 - 100 : HEIGHT // 2 + 100]
    left, right = round(view.corners[0, 0]) + 10, round(view.corners[1, 0]) - 10
    middle = round(view.corners[:, 0].mean())
    assert more[:, middle + 20 : right].mean() > 10
    assert abs(more[:, left : middle - 20].mean()) < 1


def test_the_table_is_larger_than_a_capture(document: DocumentType) -> None:
    drawn = table(Draws(np.random.default_rng(1)))
    assert drawn.shape[0] > HEIGHT
    assert drawn.shape[1] > WIDTH
