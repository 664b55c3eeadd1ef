"""Each attack departs from the bona fide registration of the same seed in its own way, and only there."""

from collections.abc import Callable

import cv2
import numpy as np
import pytest

from idproof.datasets.specimen.artwork import SCALE
from idproof.datasets.specimen.attacks import ATTACKS, AttackKind, copies
from idproof.datasets.specimen.draws import Draws
from idproof.datasets.specimen.make import Registration
from idproof.datasets.specimen.view import Lens, Pose, View
from idproof.pipeline.documents import Box, DocumentType

Rendered = Callable[..., Registration]
Rectified = Callable[..., np.ndarray]
GREY = np.full((400, 600, 3), 128, np.uint8)
NAMES = ("front", "tilt_left", "tilt_right")
# Place at which the second portrait shows a face, whichever way it slides.
GHOST_FACE = Box(69.0, 28.5, 9.0, 12.0)
FLAT = ["photocopy_grey", "print_colour", "print_glossy", "screen_phone", "screen_monitor", "digital_warp"]
OTHER_NAMES = ["retouched_print", "retouched_injected", "consistent_edit"]
GENUINE_BUT_THE_HOLOGRAM = ["hologram_flat", "hologram_sticker", "holo_film_leaf", "light_led", "light_laser"]


def region(document: DocumentType, kind: str) -> Box:
    return next(region.box for region in document.regions if region.kind == kind)


def colourfulness(card: np.ndarray) -> float:
    lab = cv2.cvtColor(cv2.GaussianBlur(card, (0, 0), 3) / 255, cv2.COLOR_RGB2LAB)
    return float(np.hypot(lab[..., 1].std(), lab[..., 2].std()))


def colour_change(registration: Registration, rectified: Rectified, box: Box) -> float:
    """Returns the difference of a box's colours between the tilted captures, each without its mean colour."""
    one, other = (
        cv2.cvtColor(cv2.GaussianBlur(rectified(registration, name, box), (0, 0), 2) / 255, cv2.COLOR_RGB2LAB)[..., 1:]
        for name in NAMES[1:]
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
    other_face = kind in {
        AttackKind.SELFIE_OTHER,
        AttackKind.PORTRAIT_SWAP_DIGITAL,
        AttackKind.PORTRAIT_SWAP_PRINT,
        AttackKind.RETOUCHED_PORTRAITS,
        *(other for other in AttackKind if other.startswith("computed_face")),
    }
    assert truth["same_person"] is not other_face
    assert truth["person"] == honest["person"]
    same_fields = truth["fields"] == honest["fields"]
    changed = kind in {AttackKind.FIELD_EDIT, AttackKind.WRONG_DOCUMENT, *OTHER_NAMES} or kind.startswith(
        "computed_year"
    )
    assert same_fields is not changed
    assert rendered(kind).pictures != rendered().pictures


def test_a_photocopy_has_no_colour_of_its_own(rendered: Rendered, rectified: Rectified) -> None:
    copy, honest = (colourfulness(rectified(rendered(kind))) for kind in ("photocopy_grey", None))
    assert copy < 0.5 * honest


@pytest.mark.parametrize("kind", [*FLAT, "hologram_flat"])
def test_a_flat_hologram_stays_as_one_view_showed_it(
    rendered: Rendered, rectified: Rectified, document: DocumentType, kind: str
) -> None:
    box = region(document, "diffractive")
    honest = colour_change(rendered(), rectified, box)
    assert colour_change(rendered(kind), rectified, box) < 0.4 * honest


@pytest.mark.parametrize("kind", ["hologram_sticker", "holo_film_leaf", "holo_film_generic", "light_laser"])
def test_a_foreign_hologram_plays_too(
    rendered: Rendered, rectified: Rectified, document: DocumentType, kind: str
) -> None:
    """Otherwise it would be no test of who looks at more than change."""
    box = region(document, "diffractive")
    flat = colour_change(rendered("hologram_flat"), rectified, box)
    assert colour_change(rendered(kind), rectified, box) > 2 * flat


@pytest.mark.parametrize("kind", GENUINE_BUT_THE_HOLOGRAM)
def test_attacks_on_the_hologram_leave_the_second_portrait_moving(
    rendered: Rendered, rectified: Rectified, document: DocumentType, kind: str
) -> None:
    def movement(registration: Registration) -> float:
        one, other = (rectified(registration, name, GHOST_FACE).mean(axis=2).ravel() for name in NAMES[1:])
        return 1 - float(np.corrcoef(one, other)[0, 1])

    assert movement(rendered(kind)) > 0.5 * movement(rendered())
    assert movement(rendered("print_glossy")) < 0.3 * movement(rendered())


def test_film_lies_over_the_whole_card(rendered: Rendered, rectified: Rectified) -> None:
    elsewhere = Box(28.0, 9.0, 30.0, 12.0)
    film, honest = (colour_change(rendered(kind), rectified, elsewhere) for kind in ("holo_film_generic", None))
    assert film > 3 * honest


def test_an_led_tints_the_print_around_the_hologram_too(
    rendered: Rendered, rectified: Rectified, document: DocumentType
) -> None:
    box = region(document, "diffractive")
    beside = Box(box.x + box.width + 0.2, box.y + 2, 1.2, box.height - 4)

    def tint(registration: Registration) -> float:
        colours = [np.log(rectified(registration, name, beside).mean(axis=(0, 1)) + 1) for name in NAMES]
        return float(max(np.ptp([c[i] - c[1] for c in colours]) for i in (0, 2)))

    assert tint(rendered("light_led")) > 5 * tint(rendered())


@pytest.mark.parametrize("seed", [0, 2, 4])
def test_a_colour_print_is_made_of_rotated_screens_of_one_ruling(seed: int) -> None:
    printed = copies.halftone(Draws(np.random.default_rng(seed)), (85, 150))(GREY)
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


def test_a_coarse_screens_sub_pixels_stand_side_by_side(document: DocumentType) -> None:
    """Seen from so near that a sub-pixel is many pixels wide."""
    grid = copies.grid(View(document, Lens(1700.0), Pose(0, 0, 0, (0, 0), 0.6)), 2.0)
    assert grid[200:800, 500:1400].mean(axis=(0, 1)) == pytest.approx([1, 1, 1], abs=0.05)
    correlations = np.corrcoef(grid[500, 500:1000].T)[np.triu_indices(3, 1)]
    assert correlations.max() < -0.2


def test_a_fine_screen_is_mostly_averaged_out_and_what_is_left_beats(document: DocumentType) -> None:
    view = View(document, Lens(1700.0), Pose(0, 0, 0, (0, 0), 0.6))
    coarse, fine = (copies.grid(view, pitch) for pitch in (0.25, 0.06))
    assert fine.std() < 0.3 * coarse.std()
    assert fine.std() > 0.001


def test_around_a_card_on_a_screen_is_the_screen(rendered: Rendered) -> None:
    """Just outside the card's edge the display's light goes on; a table has none."""

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
        assert np.ptp(shift, axis=0) == pytest.approx([0, 0], abs=0.02)
        dx, dy = shift[0].round().astype(int)
        assert (dx, dy) != (0, 0)
        assert max(abs(dx), abs(dy)) <= 24
        back = np.roll(pictures[name], (-dy, -dx), axis=(0, 1))[30:-30, 30:-30]
        assert np.abs(back - pictures["front"][30:-30, 30:-30]).mean() < 2


def test_digital_warps_share_their_card_but_not_their_pose(
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


@pytest.mark.parametrize("kind", ["portrait_swap_digital", "portrait_swap_print"])
@pytest.mark.parametrize("name", NAMES)
def test_a_swapped_portrait_leaves_the_second_portrait_and_the_rest_alone(
    rendered: Rendered, rectified: Rectified, document: DocumentType, name: str, kind: str
) -> None:
    swapped, honest = (rectified(rendered(attack), name) for attack in (kind, None))
    difference = np.abs(swapped - honest).mean(axis=2)
    left, top, right, bottom = document.portrait.pixels(10)
    inside = difference[top + 10 : bottom - 10, left + 10 : right - 10].mean()
    difference[top - 25 : bottom + 25, left - 25 : right + 25] = 0
    assert inside > 15
    assert difference.mean() < 0.1 * inside


def test_an_edited_field_is_the_one_the_truth_names(rendered: Rendered) -> None:
    edited, honest = (rendered(kind).description["truth"] for kind in ("field_edit", None))
    fields = {name for name in honest["fields"] if honest["fields"][name] != edited["fields"][name]}
    assert fields == {edited["edited"]["field"]}
    assert edited["edited"]["was"] == honest["fields"][edited["edited"]["field"]]
    assert edited["edited"]["by"] in {"reprinted", "laid_in"}
    assert "edited" not in honest


@pytest.mark.parametrize("index", [0, 1, 2, 3])
def test_an_edit_changes_its_field_in_every_capture_and_little_else(
    edited_pair: Callable[[int], tuple[Registration, Registration]],
    rectified: Rectified,
    document: DocumentType,
    index: int,
) -> None:
    edited, honest = edited_pair(index)
    box = document.field(edited.description["truth"]["edited"]["field"]).box
    for name in NAMES:
        difference = np.abs(rectified(edited, name) - rectified(honest, name)).mean(axis=2)
        left, top, right, bottom = box.pixels(10)
        assert difference[top:bottom, left:right].max() > 40
        difference[top - 12 : bottom + 12, left - 12 : right + 12] = 0
        window = region(document, "window").pixels(10)  # repeats the number
        difference[window[1] : window[3], window[0] : window[2]] = 0
        assert np.percentile(difference, 99.5) < 25


def test_a_wrong_document_is_one_but_says_it_is_not(rendered: Rendered, document: DocumentType) -> None:
    attack = rendered("wrong_document")
    assert attack.description["document"] == document.name
    assert set(attack.description["truth"]["fields"]) == {"holder", "pass_number", "valid_until"}


def test_another_persons_selfie_comes_with_the_honest_captures(rendered: Rendered) -> None:
    attack, honest = rendered("selfie_other").pictures, rendered().pictures
    assert {name for name in honest if honest[name] != attack[name]} == {"selfie.jpg"}
