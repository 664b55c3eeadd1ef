"""A flat print of the card under light that the attacker moves, so that something changes from capture to capture.

The second portrait is left as good as the genuine one: the hologram has to be judged by itself.
"""

import numpy as np
from numpy.typing import NDArray

from idproof.datasets.specimen.attacks import foils
from idproof.datasets.specimen.attacks.kinds import Setting
from idproof.datasets.specimen.draws import Draws
from idproof.datasets.specimen.formations.protocol import Shot
from idproof.datasets.specimen.light import Lamp
from idproof.datasets.specimen.projected_pattern import ProjectedPattern
from idproof.datasets.specimen.view import View
from idproof.pipeline.documents import Box


def led(setting: Setting) -> dict[str, Shot]:
    """A coloured LED near the hologram, of another colour and in another place for each capture."""
    box, session = _hologram(setting), setting.session
    for name, view in setting.views.items():
        session = session.with_lamp(name, _led(view, box, setting.draws))
    return foils.flat(setting, session)


def laser(setting: Setting) -> dict[str, Shot]:
    """Coloured lines and speckle projected on the hologram's place, different in each capture."""
    session = setting.session
    for name in setting.views:
        session = session.with_pattern(name, _pattern(setting, setting.draws))
    return foils.flat(setting, session)


def _hologram(setting: Setting) -> Box:
    return next(region.box for region in setting.card.document.regions if region.kind == "diffractive")


def _led(view: View, box: Box, draws: Draws) -> Lamp:
    near = np.array([box.x + box.width * draws.uniform(-0.5, 1.5), box.y + box.height * draws.uniform(-0.3, 1.3)])
    height = draws.uniform(18, 55)
    on_card = np.array([*near, -height])
    colour = _colour(draws) * draws.uniform(0.25, 0.8)
    return Lamp(view.rotation @ on_card + view.translation, colour, radius=0.08)


def _pattern(setting: Setting, draws: Draws) -> ProjectedPattern:
    return ProjectedPattern(
        box=_hologram(setting),
        colours=tuple(_bright(draws) for _ in range(3)),
        pitch_mm=draws.uniform(0.8, 4.0),
        angle=float(draws.rng.uniform(0, np.pi)),
        seed=int(draws.rng.integers(2**31)),
    )


def _bright(draws: Draws) -> tuple[float, float, float]:
    red, green, blue = _colour(draws) * draws.uniform(0.5, 1.6)
    return float(red), float(green), float(blue)


def _colour(draws: Draws) -> NDArray[np.float64]:
    hue = float(draws.rng.uniform())
    return np.asarray((0.5 + 0.5 * np.cos(2 * np.pi * (hue + np.array([0, 1 / 3, 2 / 3])))) ** 2)
