"""The peer: what changes hue scores, what changes brightness or stays does not."""

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from idproof.benchmarks.card import midv_holo_baseline as baseline

WIDTH, HEIGHT = baseline.SIZE
REGION = (slice(80, 200), slice(120, 300))


def printed(seed: int = 0) -> NDArray[np.uint8]:
    """A card with coloured guilloche, a portrait block and lines of text."""
    random = np.random.default_rng(seed)
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    wave = np.sin(x / 9 + 3 * np.sin(y / 17))
    card = np.stack([185 + 25 * wave, 195 - 15 * wave, 200 + 10 * np.cos(y / 7)], axis=2)
    card = card.astype(np.uint8)
    card[60:200, 20:110] = random.integers(90, 160, (140, 90, 1))
    for top in range(40, 240, 25):
        cv2.putText(card, "SPECIMEN 01-01-1990", (130, top), cv2.FONT_HERSHEY_SIMPLEX, 0.5, (40, 40, 60), 1)
    return card


def with_hologram(card: NDArray[np.uint8], phase: float, strength: float = 0.5) -> NDArray[np.uint8]:
    """A diffractive overlay whose hue moves with `phase` (0..1)."""
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    hsv = np.stack([(x / 60 + y / 80 + phase) % 1 * 360, np.full(x.shape, 0.9), np.full(x.shape, 0.85)], axis=2)
    film = cv2.cvtColor(hsv.astype(np.float32), cv2.COLOR_HSV2RGB) * 255
    drawn = card.astype(np.float32)
    drawn[REGION] = (1 - strength) * drawn[REGION] + strength * film[REGION]
    return drawn.clip(0, 255).astype(np.uint8)


def seen(card: NDArray[np.uint8], seed: int, gain: tuple[float, float, float] = (1, 1, 1)) -> NDArray[np.uint8]:
    """As a camera sees it: a gain a channel and noise."""
    noise = np.random.default_rng(seed).normal(0, 3, card.shape)
    return (card * np.array(gain) + noise).clip(0, 255).astype(np.uint8)


@pytest.mark.parametrize("count", [3, 20])
def test_a_changing_hologram_scores_above_a_static_print(count: int) -> None:
    genuine = [seen(with_hologram(printed(), i / count), i) for i in range(count)]
    copy = [seen(printed(), i) for i in range(count)]
    flat = [seen(with_hologram(printed(), 0.3), i) for i in range(count)]
    assert baseline.score(genuine) > 0.1
    assert max(baseline.score(copy), baseline.score(flat)) < baseline.SHARE


def test_brightness_alone_scores_low() -> None:
    lights = [(g, g, g) for g in (0.6, 0.8, 1.0, 1.15)]
    assert baseline.score([seen(printed(), i, gain) for i, gain in enumerate(lights)]) < baseline.SHARE


def test_a_glossy_streak_scores_low() -> None:
    frames = [seen(printed(), i) for i in range(3)]
    for i, frame in enumerate(frames):
        frame[:, 80 + 90 * i : 130 + 90 * i] = 255
    assert baseline.score(frames) < baseline.SHARE


def test_white_balance_is_corrected() -> None:
    tints = [(1.0, 1.0, 1.0), (1.15, 1.0, 0.8), (0.85, 1.0, 1.1)]
    assert baseline.score([seen(printed(), i, tint) for i, tint in enumerate(tints)]) < baseline.SHARE


def test_the_change_is_where_the_hologram_is() -> None:
    frames = [seen(with_hologram(printed(), i / 3), i) for i in range(3)]
    change = baseline.chromatic_change(frames)
    mask = np.zeros((HEIGHT, WIDTH), dtype=bool)
    mask[REGION] = True
    assert baseline.hologram_share(change, mask) > 0.5
    assert baseline.hologram_share(change, ~cv2.dilate(mask.astype(np.uint8), np.ones((7, 7))).astype(bool)) < 0.01
    assert change.dtype == np.float32
    assert 0 <= change.min() <= change.max() <= 1


def test_small_components_do_not_count() -> None:
    change = np.zeros((60, 60), dtype=np.float32)
    change[::6, ::6] = 1
    assert baseline.hologram_share(change) == 0
    assert baseline.hologram_share(change, smallest=1) == pytest.approx(100 / 3600)
    change[20:40, 20:40] = 1
    assert baseline.hologram_share(change) >= 400 / 3600


def test_rectifying_undoes_a_perspective() -> None:
    corners = np.array([[60, 40], [520, 70], [560, 380], [30, 350]], dtype=np.float32)
    flat = np.array([[0, 0], [WIDTH - 1, 0], [WIDTH - 1, HEIGHT - 1], [0, HEIGHT - 1]], dtype=np.float32)
    photo = cv2.warpPerspective(printed(), cv2.getPerspectiveTransform(flat, corners), (640, 480))
    back = baseline.rectify(photo, corners)
    assert back.shape == (HEIGHT, WIDTH, 3)
    inner = (slice(3, -3), slice(3, -3))
    assert np.abs(back[inner].astype(int) - printed()[inner]).mean() < 8


def test_what_cannot_be_measured_is_said() -> None:
    frame = printed()
    with pytest.raises(ValueError, match="two frames"):
        baseline.chromatic_change([frame])
    with pytest.raises(ValueError, match="one size"):
        baseline.chromatic_change([frame, frame[:-1]])
    with pytest.raises(ValueError, match="mask"):
        baseline.score([frame, frame], np.zeros(frame.shape[:2], dtype=bool))


def test_black_and_white_frames_do_not_divide_by_zero() -> None:
    for level in (0, 255):
        assert baseline.score([np.full((40, 40, 3), level, dtype=np.uint8)] * 2) == 0
