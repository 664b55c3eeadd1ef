"""Colours that a screen shows one after the other, and how far what they light follows them.

The challenge of the face and the light on the card share these: the palette, its rhythm, and the fit. The rhythm stays
far below three flashes per second and shows neither saturated red nor black (WCAG 2.2, success criterion 2.3.1 "Three
Flashes or Below Threshold").
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

# Chosen by hand; no outside source. 600 ms per colour is 1.7 changes per second, below the three flashes of WCAG 2.3.1.
LIGHT_MS = 600

Colour = tuple[int, int, int]
"""sRGB of the whole screen or of a half of it, 0..255 per channel."""

PALETTE: tuple[Colour, ...] = ((255, 176, 150), (150, 236, 170), (150, 190, 255), (250, 226, 140))
"""Soft peach, green, blue and yellow: they differ strongly on skin and little in brightness. Chosen by hand."""

LAGS_MS = (0.0, 60.0, 120.0, 200.0)
"""Times from the screen's change to the frame that shows it. Chosen by hand on tuning data; no outside source."""

_DARKEST = 1e-4  # linear light below which a logarithm says nothing


def chroma(linear: NDArray[Any]) -> NDArray[np.float64]:
    """(…, 2): logarithms of red and blue over green of linear light (…, 3), without brightness, which exposure changes.

    Example:
        >>> chroma(np.array([0.2, 0.2, 0.1])).round(3).tolist()
        [0.0, -0.693]
    """
    red, green, blue = np.moveaxis(np.log(np.maximum(linear, _DARKEST)), -1, 0)
    return np.stack([red - green, blue - green], axis=-1)


def screen_chroma(colour: Colour) -> NDArray[np.float64]:
    """(2,): `chroma` of a colour that a screen shows."""
    return chroma(np.square(np.array(colour) / 255))


def fit_changes(screen: NDArray[np.float64], seen: NDArray[np.float64]) -> tuple[float, float]:
    """Returns correlation, -1..1, and slope of changes (n, k) about their means; both 0 of a screen that stays.

    Example:
        >>> _, slope = fit_changes(np.array([[0.0], [1.0], [0.0]]), np.array([[5.0], [5.5], [5.0]]))
        >>> round(slope, 9)
        0.5
    """
    cause, effect = screen - screen.mean(axis=0), seen - seen.mean(axis=0)
    product, power = float((cause * effect).sum()), float((cause**2).sum())
    if power < 1e-9:
        return 0.0, 0.0
    return product / float(np.sqrt(power * (effect**2).sum()) + 1e-9), product / power
