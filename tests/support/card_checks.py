"""Runs one check on captures that a test has altered, or on inputs that were wronged once."""

import os
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from idproof.pipeline import Policy
from idproof.pipeline.card.checks.protocol import CardCaptures, Check
from idproof.pipeline.card.locating.locator import CardLocator
from idproof.pipeline.types import CARD_ROLES, CheckResult, Role

Pictures = Mapping[Role, np.ndarray]


def measured(check: Check, card: CardCaptures) -> dict[str, CheckResult]:
    """Results of the check by their names, with the default policy."""
    results = check.measure(card, Policy())
    assert [result.name for result in results] == [q.name for q in check.quantities][: len(results)]
    return {result.name: result for result in results}


def rectified_only(rectified: Pictures) -> CardCaptures:
    """Captures for a check that needs nothing but the rectified card."""
    return CardCaptures({}, rectified, {})


def altered(card: CardCaptures, change: Callable[[np.ndarray], np.ndarray], *roles: Role) -> CardCaptures:
    """The card with its rectified pictures changed, all of them or those of some roles."""
    rectified = {
        role: np.asarray(change(picture.copy()), dtype=np.uint8) if role in (roles or card.rectified) else picture
        for role, picture in card.rectified.items()
    }
    return replace(card, rectified=rectified)


def located(locator: CardLocator, images: Pictures) -> CardCaptures:
    """The card of three captures, found and rectified."""
    views = {role: locator.locate(image, role, Policy()) for role, image in images.items()}
    return CardCaptures(images, {role: locator.rectify(image, views[role]) for role, image in images.items()}, views)


def failed_input(folder: str) -> dict[Role, np.ndarray]:
    """The card captures of `fail/FOLDER` beside the checkout, or in the folder that `IDPROOF_DATA` names."""
    place = Path(os.environ.get("IDPROOF_DATA", "../shared/data")) / "fail" / folder
    if not place.exists():
        pytest.skip(f"fail/{folder} is not here (IDPROOF_DATA names its folder)")
    return {role: np.array(Image.open(place / f"{role}.jpg").convert("RGB")) for role in CARD_ROLES}
