"""Steps of a telephone's processing do what they say, one by one."""

import io
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from idproof.datasets.specimen.draws import Draws, Split
from idproof.datasets.specimen.formations import delivery, demosaicing, tone
from idproof.datasets.specimen.formations.protocol import OtherCamera, Shot
from idproof.datasets.specimen.formations.telephone import Movement, Telephone

STILL = Movement(0.0, 0.0, 0.0, 0.0, 0.0)


def ramp(height: int = 64, width: int = 96) -> np.ndarray:
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    return np.stack([0.2 + 0.5 * x / width, 0.3 + 0.3 * y / height, 0.6 - 0.4 * x / width], axis=-1)


def plain(**changed: object) -> Telephone:
    """A telephone that adds nothing of its own."""
    telephone = Telephone.draw(Draws(np.random.default_rng(4)))
    values = {
        "size": (96, 64),
        "rendered": 96,
        "lens_blur": 0.3,
        "fringes": 0.0,
        "vignette": 0.0,
        "noise": 0.0,
        "balance": (1.0, 1.0),
        "grey_world": 0.0,
        "matrix": np.eye(3, dtype=np.float32),
        "demosaicing": "gradient_corrected",
        "denoising": ("none", 0.0),
        "local": ("none", 0.0),
        "contrast": 0.0,
        "sharpening": (1.0, 0.0),
    }
    return replace(telephone, **(values | changed))


def developed(telephone: Telephone, light: np.ndarray, moved: Movement = STILL, other: OtherCamera | None = None):
    return telephone.develop(light, np.ones(3), moved, np.random.default_rng(1), other).astype(float)


@pytest.mark.parametrize("method", demosaicing.METHODS)
def test_smooth_colours_survive_the_filter(method: str) -> None:
    light = ramp()
    back = demosaicing.METHODS[method](demosaicing.mosaic(light))
    assert np.abs(back - light)[4:-4, 4:-4].max() < 0.02


def test_methods_differ_at_an_edge() -> None:
    edge = np.zeros((64, 64, 3), np.float32)
    edge[:, 31:] = 0.8
    edge[20:40, 10:50] = (0.1, 0.5, 0.2)
    seen = [method(demosaicing.mosaic(edge)) for method in demosaicing.METHODS.values()]
    for number, one in enumerate(seen):
        assert all(np.abs(one - other).max() > 0.02 for other in seen[number + 1 :])


@pytest.mark.parametrize("method", [name for name in tone.DENOISING if name != "none"])
def test_noise_becomes_less_and_an_edge_stays(method: str) -> None:
    rng = np.random.default_rng(2)
    picture = np.full((80, 120, 3), 0.3, np.float32)
    picture[:, 60:] = 0.7
    noisy = (picture + rng.normal(0, 0.03, picture.shape)).clip(0, 1).astype(np.float32)
    clean = tone.denoised(noisy, method, 0.8)

    def colour_noise(seen: np.ndarray) -> float:
        return float((seen[10:-10, 10:50, 0] - seen[10:-10, 10:50, 1]).std())

    assert colour_noise(clean) < 0.5 * colour_noise(noisy)
    assert clean[:, 64:70].mean() - clean[:, 50:56].mean() == pytest.approx(0.4, abs=0.03)
    if method != "chroma":
        assert clean[10:-10, 10:50].mean(axis=2).std() < 0.8 * noisy[10:-10, 10:50].mean(axis=2).std()


@pytest.mark.parametrize("method", [name for name in tone.LOCAL if name != "none"])
def test_local_tone_mapping_lifts_a_dark_half_against_a_light_one(method: str) -> None:
    rng = np.random.default_rng(3)
    light = np.full((256, 256, 3), 0.04, np.float32) * rng.uniform(0.8, 1.2, (256, 256, 1)).astype(np.float32)
    light[:, 128:] *= 15
    mapped = tone.locally_mapped(light, method, 0.7)
    before, after = (half[:, 140:].mean() / half[:, :116].mean() for half in (light, mapped))
    assert after < 0.85 * before


def test_sharpening_overshoots_at_an_edge_and_leaves_small_differences() -> None:
    picture = np.full((40, 40, 3), 0.4, np.float32)
    picture[:, 20:] = 0.6
    picture[5, 5] += 0.005
    sharp = tone.sharpened(picture, 1.0, 1.0)
    assert sharp.max() > 0.63
    assert sharp.min() < 0.37
    assert np.abs(sharp - picture)[:10, :10].max() < 1e-6


def test_white_balance_takes_the_light_out_and_its_errors_in() -> None:
    grey = np.full((64, 96, 3), 0.3, np.float32) * np.array([1.3, 1.0, 0.6], np.float32)
    neutral = plain().develop(grey, np.array([1.3, 1.0, 0.6]), STILL, np.random.default_rng(1)).astype(float)
    assert np.ptp(neutral[10:-10, 10:-10].mean(axis=(0, 1))) < 2
    wrong = plain(balance=(1.2, 0.9)).develop(grey, np.array([1.3, 1.0, 0.6]), STILL, np.random.default_rng(1))
    red, green, blue = wrong[10:-10, 10:-10].reshape(-1, 3).mean(axis=0)
    assert red > green + 8 > blue + 8


def test_another_camera_brings_its_own_noise() -> None:
    grey, telephone = np.full((64, 96, 3), 0.3, np.float32), plain(noise=0.1)
    loud, quiet = (developed(telephone, grey, other=other) for other in (None, OtherCamera(noise=0.2)))
    assert quiet.std() < 0.4 * loud.std()


def test_the_rolling_shutter_moves_rows_and_corners_alike() -> None:
    light = np.full((400, 600, 3), 0.1, np.float32)
    light[:, 300:] = 0.5
    moved = Movement(0.0, 0.0, 0.0, shear=60.0, wobble=0.0)
    telephone = plain(size=(600, 400), rendered=600)
    seen, still = developed(telephone, light, moved)[..., 1], developed(telephone, light)[..., 1]
    for row in (40, 360):
        shifted, straight = (int((picture[row] > picture[row].mean()).argmax()) for picture in (seen, still))
        told = telephone.moved_corners(np.array([[300.0, row]]), moved)[0, 0]
        assert shifted - straight == pytest.approx(told - 300, abs=1)
        assert abs(told - 300) > 5


def test_motion_blurs_along_its_direction_alone() -> None:
    light = np.full((200, 300, 3), 0.1, np.float32)
    light[90:110, 140:160] = 0.6
    telephone = plain(size=(300, 200), rendered=300)
    seen = developed(telephone, light, Movement(60.0, 0.0, 0.0, 0.0, 0.0))[..., 1]
    assert np.abs(np.diff(seen[100])).max() < 0.5 * np.abs(np.diff(seen[:, 150])).max()


def test_a_messenger_makes_the_capture_smaller_and_takes_the_corners_along() -> None:
    sending = delivery.Sending("AVIF", 80, messenger=400, messenger_quality=75, sent_quality=90)
    picture = np.full((600, 1000, 3), 200, np.uint8)
    picture[300:, 500:] = 20
    sent = delivery.deliver(Shot(picture, np.array([[499.5, 299.5]])), sending, np.random.default_rng(0))
    arrived = np.array(Image.open(io.BytesIO(sent.data)).convert("L")).astype(int)
    assert arrived.shape == (240, 400)
    (x, y) = np.round(sent.corners[0]).astype(int)
    assert arrived[y + 6, x + 6] < 60
    assert arrived[y - 6, x - 6] > 160
    assert arrived[y + 6, x - 6] > 160


def test_sizes_lie_between_two_megapixels_and_what_the_service_takes() -> None:
    drawn = [Telephone.draw(Draws(np.random.default_rng(seed))) for seed in range(200)]
    sizes = np.array([one.size[0] * one.size[1] for one in drawn]) / 1e6
    assert sizes.min() > 1.9
    assert 9 < sizes.max() < 26
    assert (sizes < 8.2).mean() > 0.7
    assert all(one.rendered % 2 == 0 and one.rendered <= one.size[0] for one in drawn)


def test_tuning_and_test_share_no_telephone() -> None:
    noise = {
        split: {Telephone.draw(Draws(np.random.default_rng(seed), split)).noise for seed in range(60)}
        for split in (Split.TUNING, Split.TEST)
    }
    # Eighths of the range in turn.
    cells = {split: {int((value - 0.02) / 0.09 * 8) for value in found} for split, found in noise.items()}
    assert not cells[Split.TUNING] & cells[Split.TEST]
