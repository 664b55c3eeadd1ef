"""Matching of features against a plain search."""

import numpy as np

from idproof.pipeline.card.locating import features
from idproof.pipeline.card.locating.features import Features


def test_matches_are_those_that_a_plain_search_finds() -> None:
    rng = np.random.default_rng(5)
    anchors, scene = (
        Features(rng.uniform(0, 100, (n, 2)), rng.normal(0, 1, (n, 16)).astype(np.float32)) for n in (60, 80)
    )
    apart = np.linalg.norm(scene.descriptors[:, None] - anchors.descriptors[None], axis=2) ** 2
    two = np.sort(apart, axis=1)[:, :2]
    clear = two[:, 0] < features.QUICK.ratio * two[:, 1]
    found = features.match(anchors, scene, features.QUICK.ratio)
    assert clear.sum() > 5
    np.testing.assert_array_equal(found.scene, scene.points[clear])
    np.testing.assert_array_equal(found.anchors, anchors.points[apart.argmin(axis=1)[clear]])
