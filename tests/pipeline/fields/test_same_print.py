"""The comparison of a field's print in two captures: one similar digit is a difference, a camera's error is none."""

import cv2
import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from idproof.models.types import RGBImage
from idproof.pipeline.fields.same_print import is_same

DATE = "05-08-1961"


def captured(text: str, blur_px: float, seed: int, shift_px: tuple[float, float] = (0.0, 0.0)) -> RGBImage:
    """Returns the line of a field as a camera shows it: blurred, moved and noisy."""
    line = Image.new("RGB", (236, 52), (225, 232, 230))
    ImageDraw.Draw(line).text((8, 10), text, font=ImageFont.load_default(size=28), fill=(40, 40, 45))
    moved = cv2.warpAffine(
        np.asarray(line),
        np.array([[1, 0, shift_px[0]], [0, 1, shift_px[1]]]),
        line.size,
        flags=cv2.INTER_CUBIC,
        borderMode=cv2.BORDER_REPLICATE,
    )
    noise = np.random.default_rng(seed).normal(0, 3, moved.shape)
    return np.asarray((cv2.GaussianBlur(moved, (0, 0), blur_px) + noise).clip(0, 255), dtype=np.uint8)


@pytest.mark.parametrize("edited", ["05-08-1981", "05-08-1951", "05-06-1961", "06-08-1961", "05-08-1967", "05-08-1861"])
@pytest.mark.parametrize("blur_px", [1.0, 2.0, 3.0])
def test_a_digit_replaced_by_the_one_most_like_it_differs(edited: str, blur_px: float) -> None:
    edited_line, line = captured(edited, blur_px, 1), captured(DATE, blur_px, 2)
    assert not is_same([edited_line, line, line])
    assert not is_same([line, line, edited_line])


@pytest.mark.parametrize("blur_px", [1.5, 2.0])
@pytest.mark.parametrize("shift_px", [(0.5, 0.5), (2.5, -1.5), (-3.3, 1.2)])
def test_the_same_print_moved_and_a_little_sharper_is_the_same(blur_px: float, shift_px: tuple[float, float]) -> None:
    assert is_same([captured(DATE, blur_px + 0.1, 1), captured(DATE, blur_px, 2, shift_px)])
