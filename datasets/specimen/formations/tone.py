"""Tones and noise as a telephone treats them; pictures are (h, w, 3), values 0..1."""

import cv2
import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.float32]

DENOISING = ("none", "chroma", "bilateral", "patches")
LOCAL = ("none", "equalised", "base_and_detail")
_PATCHES_ON = (
    1_600_000  # pixels; larger pictures are reduced before patches are compared, which costs a second a million
)
_LUMA = np.array([0.299, 0.587, 0.114], dtype=np.float32)


def curve(light: Picture, contrast: float) -> Picture:
    """The sRGB curve over linear light with an S of this strength on top."""
    places = np.linspace(0, 1, 4097)
    coded = np.where(places <= 0.0031308, 12.92 * places, 1.055 * places ** (1 / 2.4) - 0.055)
    coded = (1 - contrast) * coded + contrast * coded * coded * (3 - 2 * coded)
    return np.asarray(coded.astype(np.float32)[(light.clip(0, 1) * 4096).astype(np.uint16)])


def locally_mapped(light: Picture, method: str, strength: float) -> Picture:
    """Brings shadows and lights of linear light closer together, keeping or raising detail.

    `equalised` blends with an adaptive histogram equalisation of limited contrast; `base_and_detail` compresses a
    smoothed base and puts the detail back.
    """
    if method == "none":
        return light
    luma = np.maximum(light @ _LUMA, np.float32(1e-4))
    if method == "equalised":
        coded = (np.sqrt(luma) * 255).clip(0, 255).astype(np.uint8)
        equal = cv2.createCLAHE(1.0 + 1.5 * strength, (8, 8)).apply(coded).astype(np.float32) / 255
        target = luma + np.float32(0.6 * strength) * (equal * equal - luma)
    else:
        logs = np.log2(luma)
        small = cv2.resize(logs, (luma.shape[1] // 8, luma.shape[0] // 8), interpolation=cv2.INTER_AREA)
        base = cv2.bilateralFilter(small, -1, 1.2, 10)
        base = cv2.resize(base, luma.shape[1::-1], interpolation=cv2.INTER_LINEAR)
        middle = float(base.mean())
        kept = np.float32(1 - 0.45 * strength)
        target = np.exp2(middle + (base - middle) * kept + (logs - base) * np.float32(1 + 0.25 * strength))
    return np.asarray(light * (target / luma)[..., None], dtype=np.float32).clip(0, 1)


def denoised(picture: Picture, method: str, strength: float) -> Picture:
    """Reduces noise: in the colours alone, by a bilateral filter, or by comparing patches (non-local means)."""
    if method == "none":
        return picture
    coded = (picture * 255 + 0.5).clip(0, 255).astype(np.uint8)
    if method == "patches":
        return _by_patches(coded, strength)
    luma, *colours = cv2.split(cv2.cvtColor(coded, cv2.COLOR_RGB2YCrCb))
    colours = [cv2.GaussianBlur(plane, (0, 0), 0.8 + 2.2 * strength) for plane in colours]
    if method == "bilateral":
        luma = cv2.bilateralFilter(luma, 5, 8 + 24 * strength, 1.2 + strength)
    merged = cv2.cvtColor(cv2.merge([luma, *colours]), cv2.COLOR_YCrCb2RGB)
    return np.asarray(merged.astype(np.float32) / 255)


def sharpened(picture: Picture, radius: float, amount: float) -> Picture:
    """Unsharp mask on the lightness; leaves small differences, and so most noise, alone."""
    luma = picture @ _LUMA
    detail = luma - cv2.GaussianBlur(luma, (0, 0), radius)
    strong = np.sign(detail) * np.maximum(np.abs(detail) - np.float32(0.008), 0)
    return np.asarray(picture + np.float32(amount) * strong[..., None], dtype=np.float32).clip(0, 1)


def _by_patches(coded: NDArray[np.uint8], strength: float) -> Picture:
    height, width = coded.shape[:2]
    luma, *colours = cv2.split(cv2.cvtColor(coded, cv2.COLOR_RGB2YCrCb))
    if height * width <= _PATCHES_ON * 1.5:
        luma = cv2.fastNlMeansDenoising(luma, None, 3 + 6 * strength, 3, 7)
    else:
        share = np.sqrt(_PATCHES_ON / (height * width))
        small = cv2.resize(luma, (round(width * share), round(height * share)), interpolation=cv2.INTER_AREA)
        clean = cv2.fastNlMeansDenoising(small, None, 3 + 6 * strength, 3, 7)
        change = cv2.resize(clean.astype(np.float32) - small, (width, height), interpolation=cv2.INTER_LINEAR)
        fine = cv2.bilateralFilter(luma, 3, 6 + 10 * strength, 1.0)
        luma = (fine + change).clip(0, 255).astype(np.uint8)
    colours = [cv2.GaussianBlur(plane, (0, 0), 1.0 + 2.0 * strength) for plane in colours]
    merged = cv2.cvtColor(cv2.merge([luma, *colours]), cv2.COLOR_YCrCb2RGB)
    return np.asarray(merged.astype(np.float32) / 255)
