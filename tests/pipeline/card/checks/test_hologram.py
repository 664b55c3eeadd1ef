"""The check of the hologram: its own zones must change, and other changes do not count."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from idproof.pipeline.card.checks.hologram import Hologram
from idproof.pipeline.config import Policy
from idproof.pipeline.documents import DocumentType
from idproof.pipeline.errors import DocumentTypeInvalid
from idproof.pipeline.types import CARD_ROLES, CheckResult, Outcome, Role, Status

RESPONSE, SHAPE = "hologram_response", "hologram_shape"
Painted = Callable[[int], np.ndarray]


@pytest.fixture(scope="module")
def check(document: DocumentType) -> Hologram:
    return Hologram.open(document)


def captures(check: Hologram, painted: Painted, noise: float = 0.01) -> dict[Role, np.ndarray]:
    """Three grey cards whose hologram box is painted (h, w, 3), linear light, a little noisy."""
    document = check.document
    left, top, right, bottom = check.region.box.pixels(document.px_per_mm)
    rng = np.random.default_rng(4)
    result = {}
    for number, role in enumerate(CARD_ROLES):
        width, height = document.size_px
        light = np.full((height, width, 3), 0.4)
        light[top:bottom, left:right] = painted(number)
        light = light.clip(0, 1) ** (1 / 2.2) + rng.normal(0, noise, light.shape)
        result[role] = (light.clip(0, 1) * 255).astype(np.uint8)
    return result


def lines(check: Hologram) -> np.ndarray:
    """(h, w, 1): share of the light that slanted lines, a millimetre apart, leave."""
    rows, columns = np.indices(check.zones.shape) / check.document.px_per_mm
    return 1 - 0.3 * (np.sin(2 * np.pi * (rows + 0.4 * columns)) > 0.5)[..., None]


def by_zone(check: Hologram, colours: np.ndarray) -> np.ndarray:
    """(h, w, 3): 0.35 and each zone's own colour on top, below printed lines."""
    return lines(check) * (0.35 + np.vstack([np.zeros((1, 3)), colours])[check.zones])


def judged(check: Hologram, painted: Painted) -> dict[str, CheckResult]:
    results = check.judge(check.response(captures(check, painted)), Policy())
    found = {result.name: result for result in results}
    assert len(found) == 2
    return found


def zone_colours(seed: int, check: Hologram, strength: float = 0.4) -> np.ndarray:
    return np.random.default_rng(seed).uniform(0, strength, (int(check.zones.max()), 3))


def test_zones_that_each_change_pass(check: Hologram) -> None:
    found = judged(check, lambda i: by_zone(check, zone_colours(i, check)))
    assert all(result.outcome is Outcome.PASS for result in found.values())
    assert found[SHAPE].value > 0.5


def test_a_flat_print_of_one_state_is_static(check: Hologram) -> None:
    found = judged(check, lambda i: by_zone(check, zone_colours(0, check)))
    assert (found[RESPONSE].outcome, found[RESPONSE].reason) == (Outcome.FAIL, "hologram_static")
    assert found[SHAPE].status is Status.COULD_NOT_ASSESS


def test_zones_that_shine_in_one_capture_and_hardly_in_others_pass(check: Hologram) -> None:
    """Often most of it answers at one angle, and hardly anything at the others."""
    found = judged(check, lambda i: by_zone(check, zone_colours(0, check) * (1.0, 0.4, 0.1)[i]))
    assert all(result.outcome is Outcome.PASS for result in found.values())


def test_a_place_that_is_covered_in_one_capture_is_no_response(check: Hologram) -> None:
    def covered(capture: int) -> np.ndarray:
        painted = by_zone(check, zone_colours(0, check))
        if capture == 0:
            painted[: len(painted) // 2] = (0.5, 0.3, 0.2)
        return painted

    found = judged(check, covered)
    assert found[RESPONSE].reason == "hologram_static"


def test_a_hologram_whose_print_is_hidden_could_not_be_assessed(check: Hologram) -> None:
    colours = np.random.default_rng(5).uniform(0.2, 0.7, (3, 3))
    found = judged(check, lambda i: np.broadcast_to(colours[i], (*check.zones.shape, 3)))
    assert (found[RESPONSE].status, found[RESPONSE].reason) == (Status.COULD_NOT_ASSESS, "card_covered")
    assert found[SHAPE].outcome is Outcome.FAIL


def test_a_hologram_that_shines_in_no_capture_could_not_be_assessed(check: Hologram) -> None:
    found = judged(check, lambda i: by_zone(check, np.full_like(zone_colours(0, check), 0.3)) * (1.0, 0.9, 0.8)[i])
    assert {result.reason for result in found.values()} == {"hologram_not_seen"}
    assert {result.status for result in found.values()} == {Status.COULD_NOT_ASSESS}


def test_a_hologram_that_shines_in_one_capture_could_not_be_assessed(check: Hologram) -> None:
    """Two captures of nothing could be those of a card without one, with a sticker in the third."""
    dull = np.full_like(zone_colours(0, check), 0.3)
    found = judged(check, lambda i: by_zone(check, zone_colours(0, check) if i == 0 else dull))
    assert {result.reason for result in found.values()} == {"hologram_not_seen"}


def test_a_hologram_too_bright_to_change_could_not_be_assessed(check: Hologram) -> None:
    """A print of it under such light is as bright in all captures, and fails."""
    bright = np.where(np.arange(int(check.zones.max()))[:, None] % 2 == 0, 1.2, 0.05) * np.ones(3)
    found = judged(check, lambda i: by_zone(check, bright * (1.0, 0.98)[i] if i < 2 else zone_colours(1, check)))
    assert {result.reason for result in found.values()} == {"card_overexposed"}
    printed = judged(check, lambda i: by_zone(check, bright * (1.0, 0.98, 0.96)[i]))
    assert printed[RESPONSE].reason == "hologram_static"


def test_grain_takes_nothing_from_the_shape_of_a_weak_hologram(check: Hologram) -> None:
    def weak(number: int) -> np.ndarray:
        return by_zone(check, zone_colours(number, check, 0.06))

    clear, grainy = (check.response(captures(check, weak, noise)).shape for noise in (0.005, 0.03))
    assert grainy > 0.85 * clear


def test_a_printed_hologram_stands_out_in_every_capture_and_fails(check: Hologram) -> None:
    found = judged(check, lambda i: by_zone(check, zone_colours(0, check)) * (1.0, 0.9, 0.8)[i])
    assert found[RESPONSE].outcome is Outcome.FAIL
    assert found[RESPONSE].reason == "hologram_static"


def test_gloss_that_fades_a_flat_print_is_no_response(check: Hologram) -> None:
    """All zones move towards white in one proportion: they do change, but each along its own printed colour."""

    def faded(capture: int) -> np.ndarray:
        return np.exp(np.log(by_zone(check, zone_colours(0, check))) * (1 - 0.3 * capture))

    found = judged(check, faded)
    assert found[RESPONSE].reason == "hologram_static"


def test_coloured_light_on_all_of_a_flat_print_is_no_response(check: Hologram) -> None:
    """Light that reaches no pixel's end of range: what is clipped no longer changes in one proportion."""
    rows, columns = check.zones.shape
    slope = np.linspace(0.8, 1.2, rows)[:, None, None] * np.ones((rows, columns, 1))
    tints = np.array([[1.0, 0.8, 0.6], [0.5, 1.0, 0.9], [0.9, 0.6, 1.0]])
    found = judged(check, lambda i: by_zone(check, zone_colours(0, check, 0.25)) * slope**i * tints[i])
    assert found[RESPONSE].reason == "hologram_static"


@pytest.mark.parametrize("spread_mm", [1.2, 4.0])
def test_spots_of_a_lamp_that_fade_a_flat_print_in_places_do_not_pass(check: Hologram, spread_mm: float) -> None:
    """A torch held otherwise for each capture: its gloss fades the printed patches below it, and not the others."""
    rows, columns = np.indices(check.zones.shape) / check.document.px_per_mm

    def lit(capture: int) -> np.ndarray:
        distance = np.hypot(rows - (3.0, 8.5, 14.0)[capture], columns - 4.0)
        return (
            by_zone(check, zone_colours(0, check, 0.25)) + 0.2 * np.exp(-0.5 * (distance / spread_mm) ** 2)[..., None]
        )

    assert any(result.outcome is not Outcome.PASS for result in judged(check, lit).values())


@pytest.mark.parametrize("cell_px", [6, 12, 24, 48])
def test_patches_in_other_places_have_a_foreign_shape(check: Hologram, cell_px: int) -> None:
    rows, columns = check.zones.shape

    def patches(capture: int) -> np.ndarray:
        coarse = np.random.default_rng(capture).uniform(0, 0.5, (rows // cell_px + 1, columns // cell_px + 1, 3))
        return lines(check) * (0.35 + coarse.repeat(cell_px, axis=0).repeat(cell_px, axis=1)[:rows, :columns])

    found = judged(check, patches)
    assert Outcome.FAIL in {result.outcome for result in found.values()}


def test_the_right_zones_a_millimetre_off_have_a_foreign_shape(check: Hologram) -> None:
    shift = round(check.document.px_per_mm)

    def moved(capture: int) -> np.ndarray:
        return np.roll(by_zone(check, zone_colours(capture, check)), shift, axis=(0, 1))

    assert Outcome.FAIL in {result.outcome for result in judged(check, moved).values()}


def test_a_type_without_a_hologram_is_not_checked(document: DocumentType) -> None:
    plain = replace(document, regions=tuple(region for region in document.regions if region.zones is None))
    assert len(plain.regions) < len(document.regions)
    assert not Hologram.applies(plain)


def test_a_hologram_without_zones_is_no_document_type(document: DocumentType) -> None:
    """It would drop the check without a word."""
    (hologram,) = (region for region in document.regions if region.zones is not None)
    with pytest.raises(ValueError, match="lacks zones"):
        replace(hologram, zones=None)


@pytest.mark.parametrize("content", [b"", b"no picture"])
def test_zones_that_are_no_picture_are_refused(document: DocumentType, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "zones.png").write_bytes(content)
    regions = tuple(replace(r, zones=tmp_path / "zones.png") if r.zones else r for r in document.regions)
    with pytest.raises(DocumentTypeInvalid, match="zones of hologram"):
        Hologram.open(replace(document, regions=regions))
