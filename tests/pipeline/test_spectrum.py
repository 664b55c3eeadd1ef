"""The spectrum of a tile equals numpy's, and its whole is completed from its half."""

import numpy as np
import pytest

from idproof.pipeline.spectrum import mean_log_spectrum, whole


@pytest.mark.parametrize(("side", "channels"), [(8, 1), (64, 3), (256, 3)])
@pytest.mark.parametrize("kind", [np.uint8, np.float32])
def test_a_spectrum_equals_numpys(side: int, channels: int, kind: type) -> None:
    tile = np.random.default_rng(3).integers(0, 255, (side, side, channels)).astype(kind)
    window = np.outer(np.hanning(side), np.hanning(side))[..., None]
    centred = tile - tile.mean(axis=(0, 1), keepdims=True, dtype=np.float64)
    expected = np.log1p(np.abs(np.fft.fft2(centred * window, axes=(0, 1)))).mean(axis=2)
    half = mean_log_spectrum(tile)
    assert half.dtype == np.float32
    np.testing.assert_allclose(half, expected[:, : side // 2 + 1], atol=2e-4)
    np.testing.assert_allclose(whole(half), expected, atol=2e-4)
