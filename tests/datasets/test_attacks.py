"""Each attack departs from the bona fide registration of the same seed in its own way, and only there."""

from collections.abc import Callable

import cv2
import numpy as np
import pytest

from idproof.datasets.specimen.artwork import SCALE
from idproof.datasets.specimen.attacks import ATTACKS, AttackKind, Surface, honest_shots
from idproof.datasets.specimen.camera import Camera, Pose, homography
from idproof.datasets.specimen.card import Card
from idproof.datasets.specimen.identity import invent
from idproof.datasets.specimen.make import Registration
from idproof.datasets.specimen.portraits import PortraitSource
from idproof.pipeline.documents import Box, DocumentType

Rendered = Callable[..., Registration]
Rectified = Callable[..., np.ndarray]
GREY = np.full((400, 600, 3), 128, np.uint8)
NAMES = ("front", "tilt_left", "tilt_right")
# Where the second portrait shows a face, whichever way it slides.
GHOST_FACE = Box(69.0, 28.5, 9.0, 12.0)


def colourfulness(card: np.ndarray) -> float:
    lab = cv2.cvtColor(cv2.GaussianBlur(card, (0, 0), 3) / 255, cv2.COLOR_RGB2LAB)
    return float(np.hypot(lab[..., 1].std(), lab[..., 2].std()))


def hologram_change(registration: Registration, rectified: Rectified, document: DocumentType) -> float:
    """How much the hologram's colours differ between the tilted captures, each freed of its own mean colour."""
    box = next(region.box for region in document.regions if region.kind == "diffractive")
    one, other = (
        cv2.cvtColor(rectified(registration, name, box) / 255, cv2.COLOR_RGB2LAB)[..., 1:] for name in NAMES[1:]
    )
    difference = (one - one.mean(axis=(0, 1))) - (other - other.mean(axis=(0, 1)))
    return float(np.abs(difference).mean())


def spectrum_peaks(channel: np.ndarray) -> tuple[np.ndarray, float]:
    """Frequencies of the strongest peak (cycles a millimetre, up to sign) and its height over the median."""
    size = 320
    window = np.outer(np.hanning(size), np.hanning(size))
    tile = channel[:size, :size].astype(float)
    power = np.abs(np.fft.fft2((tile - tile.mean()) * window))
    frequencies = np.fft.fftfreq(size, 1 / SCALE)
    # Dots drawn without smoothing beat with the drawing's own pixels at low frequencies.
    power[np.hypot(*np.meshgrid(frequencies, frequencies)) < 3.5] = 0
    row, column = np.unravel_index(power.argmax(), power.shape)
    return np.array([frequencies[column], frequencies[row]]), float(power.max() / max(np.median(power), 1e-9))


def test_every_kind_is_in_the_table() -> None:
    assert set(ATTACKS) == set(AttackKind)


@pytest.mark.parametrize("kind", AttackKind)
def test_the_truth_names_the_attack_and_who_is_on_the_selfie(rendered: Rendered, kind: AttackKind) -> None:
    truth, honest = rendered(kind).description["truth"], rendered().description["truth"]
    assert (truth["bona_fide"], truth["attack"]) == (False, kind.value)
    other_face = kind in {AttackKind.SELFIE_OTHER, AttackKind.PORTRAIT_SWAP_DIGITAL}
    assert truth["same_person"] is not other_face
    assert truth["person"] == honest["person"]
    same_fields = truth["fields"] == honest["fields"]
    assert same_fields is (kind is not AttackKind.FIELD_EDIT)
    assert rendered(kind).pictures != rendered().pictures


def test_a_photocopy_has_no_colour_of_its_own(rendered: Rendered, rectified: Rectified) -> None:
    copy, honest = (colourfulness(rectified(rendered(kind))) for kind in ("photocopy_grey", None))
    assert copy < 0.35 * honest


@pytest.mark.parametrize("kind", ["photocopy_grey", "print_colour", "screen_monitor", "digital_warp"])
def test_a_flat_copys_hologram_stays_as_one_view_showed_it(
    rendered: Rendered, rectified: Rectified, document: DocumentType, kind: str
) -> None:
    honest = hologram_change(rendered(), rectified, document)
    assert hologram_change(rendered(kind), rectified, document) < 0.6 * honest


@pytest.mark.parametrize("seed", [0, 2, 4])
def test_a_colour_print_is_made_of_rotated_screens_of_one_ruling(seed: int) -> None:
    printed = ATTACKS[AttackKind.PRINT_COLOUR].surface(np.random.default_rng(seed)).show(GREY)
    angles, rulings = [], []
    for channel in range(3):
        frequency, height = spectrum_peaks(printed[..., channel])
        assert height > 100
        # Dots lie on the diagonals of their screen.
        rulings.append(np.hypot(*frequency) * 25.4 / np.sqrt(2))
        angles.append(np.degrees(np.arctan2(frequency[1], frequency[0])) % 90)
    assert np.ptp(rulings) < 2
    assert 84 < min(rulings) < 151
    assert min(abs((angles[i] - angles[j] + 45) % 90 - 45) for i, j in ((0, 1), (0, 2), (1, 2))) > 5


def test_a_screen_has_sub_pixels_side_by_side_in_three_colours() -> None:
    shown = ATTACKS[AttackKind.SCREEN_MONITOR].surface(np.random.default_rng(2)).show(GREY)
    frequency, height = spectrum_peaks(shown[..., 0])
    assert height > 100
    assert 1 / 0.18 - 0.1 < abs(frequency[0]) < 1 / 0.10 + 0.1
    assert abs(frequency[1]) < 0.1
    red, green, blue = (shown[0, :, channel].astype(float) - shown[0, :, channel].mean() for channel in range(3))
    assert np.corrcoef(red, green)[0, 1] < 0
    assert np.corrcoef(green, blue)[0, 1] < 0


def test_around_a_card_on_a_screen_is_the_screen_then_its_bezel_then_the_desk(document: DocumentType) -> None:
    surround = ATTACKS[AttackKind.SCREEN_MONITOR].surface(np.random.default_rng(5)).surround
    assert surround is not None
    camera = Camera(focal_px=1700, blur_px=0.5, noise=1, white=(1, 1, 1), quality=90)
    plane = homography(document, camera, Pose(0, 0, 0, (0, 0), 0.25))
    desk = np.full((1080, 1920, 3), 200, np.float32)
    scene = surround(desk, plane, document)

    def at(x: float, y: float) -> np.ndarray:
        u, v, w = plane @ [x, y, 1]
        u, v = round(u / w), round(v / w)
        return scene[v - 4 : v + 5, u - 4 : u + 5]

    assert at(-3, 20).std() > 3  # sub-pixels
    assert np.array_equal(at(-100, 20), np.full((9, 9, 3), 200))
    row = np.array([at(x, 27).mean() for x in np.arange(-76, -3, 0.5)])
    bezel = np.array([at(x, 27).std() < 1e-3 and at(x, 27).mean() < 61 for x in np.arange(-76, -3, 0.5)])
    assert 6 <= bezel.sum() / 2 + 1.5 <= 15
    assert row[0] == 200


def test_the_screen_reaches_beyond_the_card_in_the_captures(
    rendered: Rendered, rectified: Rectified, document: DocumentType
) -> None:
    """Just outside the card's edge the display's grid goes on; a desk has none."""

    def outside_left(registration: Registration) -> np.ndarray:
        picture = cv2.imdecode(np.frombuffer(registration.pictures["front.jpg"], np.uint8), cv2.IMREAD_COLOR_RGB)
        corners = np.array(registration.description["truth"]["corners"]["front"])
        x, y = np.round((corners[0] + corners[3]) / 2).astype(int)
        return picture[y - 40 : y + 40, x - 60 : x - 22].astype(float)

    honest, shown = outside_left(rendered()), outside_left(rendered("screen_monitor"))
    assert np.abs(honest.mean(axis=(0, 1)) - shown.mean(axis=(0, 1))).max() > 10


def test_a_repeated_capture_is_one_picture_moved_but_never_the_same_bytes(rendered: Rendered) -> None:
    attack = rendered("repeat_capture")
    corners = {name: np.array(attack.description["truth"]["corners"][name]) for name in NAMES}
    pictures = {
        name: cv2.imdecode(np.frombuffer(attack.pictures[f"{name}.jpg"], np.uint8), cv2.IMREAD_COLOR_RGB).astype(int)
        for name in NAMES
    }
    assert len({attack.pictures[f"{name}.jpg"] for name in NAMES}) == 3
    for name in NAMES[1:]:
        shift = corners[name] - corners["front"]
        assert np.ptp(shift, axis=0) == pytest.approx([0, 0])
        dx, dy = shift[0].round().astype(int)
        assert (dx, dy) != (0, 0)
        assert max(abs(dx), abs(dy)) <= 24
        back = np.roll(pictures[name], (-dy, -dx), axis=(0, 1))[30:-30, 30:-30]
        assert np.abs(back - pictures["front"][30:-30, 30:-30]).mean() < 2


def test_digital_warps_share_their_noise_but_not_their_pose(
    rendered: Rendered, rectified: Rectified, document: DocumentType
) -> None:
    attack = rendered("digital_warp")
    assert attack.description["truth"]["corners"] == rendered().description["truth"]["corners"]
    ghosts = {
        kind: [rectified(rendered(kind), name, GHOST_FACE).mean(axis=2) for name in NAMES[1:]]
        for kind in (None, "digital_warp")
    }
    agreement = {kind: np.corrcoef(a.ravel(), b.ravel())[0, 1] for kind, (a, b) in ghosts.items()}
    assert agreement["digital_warp"] > 0.95 > agreement[None]


@pytest.mark.parametrize("name", NAMES)
def test_a_swapped_portrait_leaves_the_second_portrait_and_the_rest_alone(
    rendered: Rendered, rectified: Rectified, document: DocumentType, name: str
) -> None:
    swapped, honest = (rectified(rendered(kind), name) for kind in ("portrait_swap_digital", None))
    difference = np.abs(swapped - honest).mean(axis=2)
    left, top, right, bottom = document.portrait.pixels(10)
    inside = difference[top + 10 : bottom - 10, left + 10 : right - 10].mean()
    difference[top - 15 : bottom + 15, left - 15 : right + 15] = 0
    assert inside > 15
    assert difference.mean() < 0.1


def test_a_pasted_portrait_has_less_noise_than_the_sensor_gives(document: DocumentType) -> None:
    """The same photograph pasted over itself, so that nothing but the pasting differs."""
    face = PortraitSource.open(None).person("bundled/astronaut").photographs[0]
    fields = invent(np.random.default_rng(1))
    camera = Camera(focal_px=1700, blur_px=0.6, noise=4.0, white=(1, 1, 1), quality=90)
    poses = {"front": Pose(2.0, 1.0, 0.0, (0, 0), 0.6)}
    attack = ATTACKS[AttackKind.PORTRAIT_SWAP_DIGITAL]
    card = Card(document, 0, fields, face, 0.3, second_portrait=face)
    plain = Surface(lambda picture: picture)
    pasted = attack.shots(card, plain, camera, poses, np.random.default_rng(4))["front"]
    honest = honest_shots(card, plain, camera, poses, np.random.default_rng(4))["front"]
    box, plane = document.portrait, homography(document, camera, poses["front"])
    x, y, w = plane @ [box.x + box.width / 2, box.y + box.height / 2, 1]
    rows, columns = slice(round(y / w) - 150, round(y / w) + 150), slice(round(x / w) - 110, round(x / w) + 110)

    def grain(picture: np.ndarray) -> float:
        area = picture[rows, columns].astype(np.float32)
        return float(np.median(np.abs(area - cv2.GaussianBlur(area, (0, 0), 1.5))))

    assert grain(pasted.pixels) < 0.85 * grain(honest.pixels)
    assert np.abs(pasted.pixels[rows, columns].mean() - honest.pixels[rows, columns].mean()) < 2


def test_an_edited_field_is_the_one_the_truth_names(rendered: Rendered) -> None:
    edited, honest = (rendered(kind).description["truth"] for kind in ("field_edit", None))
    fields = {name for name in honest["fields"] if honest["fields"][name] != edited["fields"][name]}
    assert fields == {edited["edited"]["field"]}
    assert set(edited["edited"]) == {"field", "kind"}
    assert "edited" not in honest


def test_another_persons_selfie_comes_with_the_honest_captures(rendered: Rendered) -> None:
    attack, honest = rendered("selfie_other").pictures, rendered().pictures
    assert {name for name in honest if honest[name] != attack[name]} == {"selfie.jpg"}
