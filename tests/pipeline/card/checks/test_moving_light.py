"""The check that light moves over the card."""

import numpy as np
import pytest
from card_checks import measured, rectified_only

from idproof.pipeline.card.checks.moving_light import MovingLight
from idproof.pipeline.documents import DocumentType
from idproof.pipeline.types import CARD_ROLES, Outcome, Status


def lit_card(document: DocumentType, slope: float = 0.0, gain: float = 1.0, noise: float = 2.0) -> np.ndarray:
    """Some print under light that falls off across the card."""
    width, height = document.size_px
    rng = np.random.default_rng(7)
    print_ = 120 + 40 * np.sin(np.arange(width) / 9)[None, :] * np.ones((height, 1))
    light = gain * (1 + slope * np.linspace(-1, 1, width))
    values = (print_ * light)[..., None] + rng.normal(0, noise, (height, width, 3))
    return values.clip(0, 255).astype(np.uint8)


def test_light_that_falls_differently_passes(document: DocumentType) -> None:
    pictures = dict(zip(CARD_ROLES, (lit_card(document, s) for s in (0.0, 0.12, -0.1)), strict=True))
    found = measured(MovingLight.open(document), rectified_only(pictures))["light_moves"]
    assert found.outcome is Outcome.PASS
    assert found.value == pytest.approx(2.2 * 0.1 * 0.8 * 2, rel=0.4)


def test_one_picture_made_brighter_or_darker_fails(document: DocumentType) -> None:
    pictures = dict(zip(CARD_ROLES, (lit_card(document, 0.2, g) for g in (1.0, 0.8, 1.1)), strict=True))
    found = measured(MovingLight.open(document), rectified_only(pictures))["light_moves"]
    assert (found.outcome, found.reason) == (Outcome.FAIL, "light_fixed_to_card")


def test_an_overexposed_card_is_not_assessed(document: DocumentType) -> None:
    pictures = dict(
        zip(
            CARD_ROLES,
            (lit_card(document), lit_card(document, gain=3.0), lit_card(document)),
            strict=True,
        )
    )
    found = measured(MovingLight.open(document), rectified_only(pictures))["light_moves"]
    assert found.status is Status.COULD_NOT_ASSESS
