"""A second view of the holder helps, one of somebody else does not, and people without one are left out."""

import numpy as np

from idproof.benchmarks.face import second_view

FMRS = (1e-2,)


def rates(templates: np.ndarray, people: list[int], threshold: float = 0.6) -> dict[str, float]:
    rows = templates / np.linalg.norm(templates, axis=1, keepdims=True)
    found = second_view.figures(rows.astype(np.float32), np.array(people), {1e-2: threshold}, FMRS)
    return {name: figure["value"] for name, figure in found.items()}


def test_the_mean_of_two_views_judges_by_both() -> None:
    one, other, off = np.eye(3)
    # The second picture of the first person is poor, the third is good; the other way round for the other person.
    poor = 0.5 * one + 0.87 * off
    found = rates(np.array([one, poor, one, other, other, other]), [0, 0, 0, 1, 1, 1])
    assert found["face.one_view.fnmr@fmr1e-2"] == 0.5
    assert found["face.second_view.fnmr@fmr1e-2"] == 0
    assert found["face.one_view.fmr@fmr1e-2"] == 0


def test_one_view_that_matches_by_chance_no_longer_does() -> None:
    one, other, _ = np.eye(3)
    alike = 0.7 * one + 0.71 * other
    found = rates(np.array([one, one, one, other, alike, other]), [0, 0, 0, 1, 1, 1])
    assert found["face.one_view.fmr@fmr1e-2"] == 0.5
    assert found["face.second_view.fmr@fmr1e-2"] == 0


def test_people_with_two_pictures_take_no_part() -> None:
    assert rates(np.eye(4), [0, 0, 1, 1]) == {}
    assert rates(np.eye(4)[[0, 0, 0, 1]], [0, 0, 0, 1]) == {}
