"""The check that no two captures share the noise of one exposure."""

from collections.abc import Callable
from dataclasses import replace

import cv2
import numpy as np
import pytest
from card_checks import measured

from idproof.pipeline.card.checks.protocol import CardCaptures
from idproof.pipeline.card.checks.shared_grain import SharedGrain
from idproof.pipeline.documents import DocumentType
from idproof.pipeline.types import CARD_ROLES, Outcome, Role, Status

FRONT, LEFT, _ = CARD_ROLES
Change = Callable[[np.ndarray], np.ndarray]


def warped_from_one(card: CardCaptures, *roles: Role, noise: float = 1.0, clean: Change = lambda p: p) -> CardCaptures:
    """The captures with those of some roles warped out of the left one, under fresh noise."""
    rng, source = np.random.default_rng(7), clean(card.images[LEFT])
    images, rectified = dict(card.images), dict(card.rectified)
    for role in roles:
        between = card.views[role].homography @ np.linalg.inv(card.views[LEFT].homography)
        height, width = source.shape[:2]
        moved = cv2.warpPerspective(source, between, (width, height), flags=cv2.INTER_CUBIC)
        images[role] = (moved + rng.normal(0, noise, moved.shape)).clip(0, 255).astype(np.uint8)
        to_frame = np.linalg.inv(card.views[role].homography)
        scale = np.array([[12.0, 0, -0.5], [0, 12.0, -0.5], [0, 0, 1]])
        frame_size = rectified[role].shape[1::-1]
        rectified[role] = cv2.warpPerspective(images[role], scale @ to_frame, frame_size, flags=cv2.INTER_CUBIC)
    return replace(card, images=images, rectified=rectified)


def test_three_exposures_of_a_genuine_card_share_no_grain(document: DocumentType, card: CardCaptures) -> None:
    result = measured(SharedGrain.open(document), card)["shared_grain"]
    assert result.outcome is Outcome.PASS
    assert result.value is not None
    assert abs(result.value) < 0.15


@pytest.mark.parametrize("roles", [CARD_ROLES, (FRONT,)])
def test_captures_warped_out_of_one_picture_share_its_grain(
    document: DocumentType, card: CardCaptures, roles: tuple[Role, ...]
) -> None:
    """All three, and the front alone beside two genuine tilted captures."""
    result = measured(SharedGrain.open(document), warped_from_one(card, *roles))["shared_grain"]
    assert (result.outcome, result.reason) == (Outcome.FAIL, "captures_share_grain")


def test_fresh_noise_over_a_copy_lowers_the_value_and_does_not_hide_it(
    document: DocumentType, card: CardCaptures
) -> None:
    check = SharedGrain.open(document)
    faint, strong = (
        measured(check, warped_from_one(card, *CARD_ROLES, noise=noise))["shared_grain"].value for noise in (0.5, 3.0)
    )
    assert faint is not None
    assert strong is not None
    assert 0 < strong < faint


def test_captures_without_noise_carry_no_sign(document: DocumentType, card: CardCaptures) -> None:
    """Telephones make such captures of genuine cards, so other checks must tell that these came from one picture."""
    smooth = warped_from_one(card, *CARD_ROLES, noise=0.0, clean=lambda p: cv2.GaussianBlur(p, (0, 0), 3.0))
    result = measured(SharedGrain.open(document), smooth)["shared_grain"]
    assert result.outcome is Outcome.PASS
    assert abs(result.value) < 0.15


def test_a_blown_card_is_not_assessed(document: DocumentType, card: CardCaptures) -> None:
    blown = warped_from_one(card, *CARD_ROLES, clean=lambda p: np.maximum(p, 250 - (p < 60) * 250).astype(np.uint8))
    result = measured(SharedGrain.open(document), blown)["shared_grain"]
    assert (result.status, result.reason) == (Status.COULD_NOT_ASSESS, "card_overexposed")


def test_captures_of_different_pictures_cannot_be_aligned(document: DocumentType, card: CardCaptures) -> None:
    rng = np.random.default_rng(1)
    other = {role: rng.integers(60, 200, image.shape, dtype=np.uint8) for role, image in card.rectified.items()}
    result = measured(SharedGrain.open(document), replace(card, rectified=other))["shared_grain"]
    assert (result.status, result.reason) == (Status.COULD_NOT_ASSESS, "grain_not_seen")
