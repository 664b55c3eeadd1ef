"""Comparison scores of freely licensed pictures, compared with a committed table.

The table is written anew, after looking at every change, by `python tests/models/test_expected_scores.py`.
"""

import itertools
import json
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import cv2
import numpy as np
import pytest
import skimage.data
from PIL import Image

from idproof.models.profiles import load_engines
from idproof.models.types import Engines, RGBImage

TABLE = Path(__file__).with_name("expected_scores.json")
PEOPLE = Path(__file__).parents[2] / "datasets" / "specimen" / "people"
TOLERANCE = 0.01
SAME, OTHER = 0.50, 0.35  # either side of SFace's 0.38, about FMR 1e-3 on LFW


def variants(picture: RGBImage) -> Iterator[tuple[str, RGBImage]]:
    """Returns the astronaut as other captures might show her."""
    yield "astronaut", picture
    yield "astronaut mirrored", np.ascontiguousarray(picture[:, ::-1])
    yield "astronaut cropped", np.ascontiguousarray(picture[20:260, 100:340])
    yield "astronaut small", np.asarray(cv2.resize(picture, (200, 200), interpolation=cv2.INTER_AREA), np.uint8)
    yield "astronaut dark", (picture * 0.4).astype(np.uint8)
    turn = cv2.getRotationMatrix2D((224, 120), 20, 1.0)
    yield "astronaut turned", np.asarray(cv2.warpAffine(picture, turn, (512, 512)), np.uint8)


def pictures() -> dict[str, RGBImage]:
    found = dict(variants(np.asarray(skimage.data.astronaut(), np.uint8)))
    for path in sorted(PEOPLE.glob("*.jpg")):
        with Image.open(path) as image:
            found[path.stem] = np.asarray(image.convert("RGB"), np.uint8)
    return found


def measure(engines: Engines) -> dict[str, float]:
    named = pictures()
    faces = [engines.embedder.align(p, engines.detector.detect(p)[0].landmarks) for p in named.values()]
    scores = (templates := engines.embedder.embed(faces)) @ templates.T
    pairs = itertools.combinations(enumerate(named), 2)
    return {f"{a} | {b}": round(float(scores[i, j]), 4) for (i, a), (j, b) in pairs}


def person(name: str) -> str:
    return name.split()[0] if name.startswith("astronaut") else name.rstrip("0123456789").rstrip("-")


@pytest.fixture(scope="module")
def measured(engines: Engines) -> dict[str, float]:
    return measure(engines)


def test_scores_are_the_expected_ones(measured: dict[str, float], engines: Engines) -> None:
    table = json.loads(TABLE.read_text(encoding="utf-8"))
    assert table["weights"] == engines.weights
    digests = {path.name: sha256(path.read_bytes()).hexdigest() for path in sorted(PEOPLE.glob("*.jpg"))}
    assert table["pictures"] == digests, "the pictures changed: write the table anew"
    assert measured == pytest.approx(table["scores"], abs=table["tolerance"])


def test_scores_separate_the_people(measured: dict[str, float]) -> None:
    mated = {pair for pair in measured if len({person(name) for name in pair.split(" | ")}) == 1}
    assert mated
    assert len(mated) < len(measured)
    for pair, score in measured.items():
        assert score > SAME if pair in mated else score < OTHER, pair


if __name__ == "__main__":
    opened = load_engines()
    written = {
        "profile": opened.profile,
        "weights": opened.weights,
        "tolerance": TOLERANCE,
        "pictures": {path.name: sha256(path.read_bytes()).hexdigest() for path in sorted(PEOPLE.glob("*.jpg"))},
        "scores": measure(opened),
    }
    TABLE.write_text(json.dumps(written, indent=2) + "\n", encoding="utf-8")
