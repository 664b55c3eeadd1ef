"""Light on print multiplies its contrast, mirrored light does not, and the two sides are measured apart."""

import cv2
import numpy as np
import pytest

from idproof.pipeline.card.imaging import GAMMA
from idproof.pipeline.card.screen_light import LightMeter
from idproof.pipeline.card.template import read_template
from idproof.pipeline.card.view import CardView
from idproof.pipeline.documents import DocumentType

PX_PER_MM = 5.0


@pytest.fixture(scope="module")
def meter(document: DocumentType) -> LightMeter:
    return LightMeter.open(document)


@pytest.fixture(scope="module")
def straight(document: DocumentType) -> np.ndarray:
    """Linear light of the static print, seen at a right angle."""
    size = (round(document.width_mm * PX_PER_MM), round(document.height_mm * PX_PER_MM))
    print_ = cv2.resize(read_template(document), size, interpolation=cv2.INTER_AREA)
    return np.repeat((print_[..., None] / 255) ** GAMMA, 3, axis=2) * 0.5


def coded(light: np.ndarray) -> np.ndarray:
    return (light.clip(0, 1) ** (1 / GAMMA) * 255 + 0.5).astype(np.uint8)


def view(picture: np.ndarray) -> CardView:
    homography = np.diag([PX_PER_MM, PX_PER_MM, 1.0])
    return CardView(homography, (picture.shape[1], picture.shape[0]), 100, 0.1, PX_PER_MM)


def test_a_picture_equals_itself(meter: LightMeter, straight: np.ndarray) -> None:
    picture = coded(straight)
    found = meter.measure(picture, view(picture), 40.0, meter.straightened(picture, view(picture)))
    assert found.at_ms == 40.0
    assert found.contrast == pytest.approx(np.ones((2, 3)), abs=1e-5)
    assert found.level == pytest.approx(np.ones((2, 3)), abs=1e-5)


def test_light_on_each_side_multiplies_contrast_and_level_there(meter: LightMeter, straight: np.ndarray) -> None:
    factors = np.array([[1.2, 1.0, 0.9], [0.8, 1.1, 1.3]])
    lit = straight.copy()
    half = lit.shape[1] // 2
    lit[:, :half] *= factors[0]
    lit[:, half:] *= factors[1]
    before, now = coded(straight), coded(lit)
    found = meter.measure(now, view(now), 0.0, meter.straightened(before, view(before)))
    assert found.contrast == pytest.approx(factors, rel=0.02)
    assert found.level == pytest.approx(factors, rel=0.02)


def test_mirrored_light_raises_the_level_and_leaves_the_contrast(meter: LightMeter, straight: np.ndarray) -> None:
    before, now = coded(straight), coded(straight + np.array([0.1, 0.0, 0.05]))
    found = meter.measure(now, view(now), 0.0, meter.straightened(before, view(before)))
    assert found.contrast == pytest.approx(np.ones((2, 3)), abs=0.03)
    assert (found.level[:, 0] > 1.2).all()
    assert found.level[:, 1] == pytest.approx([1, 1], abs=0.01)


def test_what_changes_with_the_angle_is_not_measured(meter: LightMeter, document: DocumentType) -> None:
    shape = meter.sides.shape[1:]
    assert not meter.sides.all(axis=0).any(), "no pixel is on both sides"
    for region in document.regions:
        if region.kind != "window":
            box = region.box
            x, y = (box.x + box.width / 2) / document.width_mm, (box.y + box.height / 2) / document.height_mm
            assert not meter.sides[:, int(y * shape[0]), int(x * shape[1])].any()
