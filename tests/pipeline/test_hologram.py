"""The hologram's answer: of the right zones, and nothing else that changes."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from idproof.pipeline import Policy
from idproof.pipeline.card.checks import hologram
from idproof.pipeline.card.checks.hologram import Pattern
from idproof.pipeline.documents import DocumentType
from idproof.pipeline.errors import DocumentTypeInvalid
from idproof.pipeline.types import CARD_ROLES, CheckResult, Outcome, Role, Status

POLICY = Policy()
Painted = Callable[[int], np.ndarray]


@pytest.fixture(scope="module")
def pattern(document: DocumentType) -> Pattern:
    found = Pattern.of(document)
    assert found is not None
    return found


def captures(document: DocumentType, pattern: Pattern, painted: Painted) -> dict[Role, np.ndarray]:
    """Three grey cards whose hologram box is painted (h, w, 3), linear light, a little noisy."""
    left, top, right, bottom = pattern.region.box.pixels(document.px_per_mm)
    rng = np.random.default_rng(4)
    result = {}
    for number, role in enumerate(CARD_ROLES):
        width, height = document.size_px
        light = np.full((height, width, 3), 0.4)
        light[top:bottom, left:right] = painted(number)
        light = light.clip(0, 1) ** (1 / 2.2) + rng.normal(0, 0.01, light.shape)
        result[role] = (light.clip(0, 1) * 255).astype(np.uint8)
    return result


def by_zone(pattern: Pattern, colours: np.ndarray) -> np.ndarray:
    """(h, w, 3): 0.35 and each zone's own colour on top."""
    return 0.35 + np.vstack([np.zeros((1, 3)), colours])[pattern.zones]


def judged(document: DocumentType, pattern: Pattern, painted: Painted) -> dict[str, CheckResult]:
    results = hologram.check(captures(document, pattern, painted), pattern, document, POLICY)
    assert [result.name for result in results] == [hologram.RESPONSE, hologram.SHAPE]
    return {result.name: result for result in results}


def zone_colours(seed: int, pattern: Pattern, strength: float = 0.4) -> np.ndarray:
    return np.random.default_rng(seed).uniform(0, strength, (int(pattern.zones.max()), 3))


def test_zones_that_each_change_pass(document: DocumentType, pattern: Pattern) -> None:
    found = judged(document, pattern, lambda i: by_zone(pattern, zone_colours(i, pattern)))
    assert all(result.outcome is Outcome.PASS for result in found.values())
    assert found[hologram.SHAPE].value > 0.8


def test_a_flat_print_of_one_state_is_static(document: DocumentType, pattern: Pattern) -> None:
    found = judged(document, pattern, lambda i: by_zone(pattern, zone_colours(0, pattern)))
    assert (found[hologram.RESPONSE].outcome, found[hologram.RESPONSE].reason) == (Outcome.FAIL, "hologram_static")
    assert found[hologram.SHAPE].status is Status.COULD_NOT_ASSESS


def test_gloss_that_fades_a_flat_print_is_no_answer(document: DocumentType, pattern: Pattern) -> None:
    """All zones move towards white in one proportion: they do change, but each along its own printed colour."""

    def faded(capture: int) -> np.ndarray:
        return np.exp(np.log(by_zone(pattern, zone_colours(0, pattern))) * (1 - 0.3 * capture))

    found = judged(document, pattern, faded)
    assert found[hologram.RESPONSE].reason == "hologram_static"


def test_coloured_light_on_all_of_a_flat_print_is_no_answer(document: DocumentType, pattern: Pattern) -> None:
    rows, columns = pattern.zones.shape
    slope = np.linspace(0.6, 1.4, rows)[:, None, None] * np.ones((rows, columns, 1))
    tints = np.array([[1.0, 0.8, 0.6], [0.5, 1.0, 0.9], [0.9, 0.6, 1.0]])
    found = judged(document, pattern, lambda i: by_zone(pattern, zone_colours(0, pattern)) * slope**i * tints[i])
    assert found[hologram.RESPONSE].reason == "hologram_static"


@pytest.mark.parametrize("cell_px", [6, 12, 24, 48])
def test_patches_in_other_places_have_a_foreign_shape(document: DocumentType, pattern: Pattern, cell_px: int) -> None:
    rows, columns = pattern.zones.shape

    def patches(capture: int) -> np.ndarray:
        coarse = np.random.default_rng(capture).uniform(0, 0.5, (rows // cell_px + 1, columns // cell_px + 1, 3))
        return 0.35 + coarse.repeat(cell_px, axis=0).repeat(cell_px, axis=1)[:rows, :columns]

    found = judged(document, pattern, patches)
    assert Outcome.FAIL in {result.outcome for result in found.values()}


def test_the_right_zones_a_millimetre_off_have_a_foreign_shape(document: DocumentType, pattern: Pattern) -> None:
    shift = round(document.px_per_mm)

    def moved(capture: int) -> np.ndarray:
        return np.roll(by_zone(pattern, zone_colours(capture, pattern)), shift, axis=(0, 1))

    assert Outcome.FAIL in {result.outcome for result in judged(document, pattern, moved).values()}


def test_a_type_without_zones_has_no_pattern(document: DocumentType) -> None:
    plain = replace(document, regions=tuple(replace(region, zones=None) for region in document.regions))
    assert Pattern.of(plain) is None


@pytest.mark.parametrize("content", [b"", b"no picture"])
def test_zones_that_are_no_picture_are_said_to_be_none(document: DocumentType, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "zones.png").write_bytes(content)
    regions = tuple(replace(r, zones=tmp_path / "zones.png") if r.zones else r for r in document.regions)
    with pytest.raises(DocumentTypeInvalid, match="zones of hologram"):
        Pattern.of(replace(document, regions=regions))
