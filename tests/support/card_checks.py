"""Runs one check on captures that a test has altered."""

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np

from idproof.pipeline import Policy
from idproof.pipeline.card.checks.protocol import CardCaptures, Check
from idproof.pipeline.types import CheckResult, Role

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
