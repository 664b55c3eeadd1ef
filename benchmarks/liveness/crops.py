"""Renders what the small liveness network is trained on; `models/training/liveness_texture.py` does the training.

    python -m idproof.benchmarks.liveness.crops --root lfw-250.zip --clips 150 --out crops.npz

Single frames of people and attacks of the split `tuning`: nobody, no camera and no material of the split `test`.
"""

from argparse import ArgumentParser
from pathlib import Path

import cv2
import numpy as np

from idproof.benchmarks.liveness.people import photographs
from idproof.datasets.rendered_people.clips import BONA_FIDE, SPECIES, Sitting, bona_fide
from idproof.datasets.specimen.draws import Draws, Split
from idproof.models.profiles import load_engines
from idproof.models.types import FaceDetector
from idproof.pipeline.liveness import crops
from idproof.pipeline.liveness.challenge import Options

CARRIED = ("print_flat", "print_bent", "photo_moved", "photo_cut_eyes", "screen_photo")
_SHORT = Options(cannot_turn=True, cannot_nod=True, photosensitive=True)  # eight frames


def main() -> None:
    """Render, crop, write."""
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("--root", type=Path, required=True)
    parser.add_argument("--clips", type=int, default=150)
    parser.add_argument("--seed", type=int, default=50_501)
    parser.add_argument("--out", type=Path, required=True)
    asked = parser.parse_args()
    cv2.setNumThreads(1)
    detector = load_engines().detector
    rows: list[tuple[np.ndarray, np.ndarray, str]] = []
    for place, (_, photograph) in enumerate(photographs(asked.root, Split.TUNING, asked.clips, asked.seed, detector)):
        kind = BONA_FIDE if place % 2 == 0 else CARRIED[place // 2 % len(CARRIED)]
        rows += _crops(photograph, kind, Draws(np.random.default_rng((asked.seed, place)), Split.TUNING), detector)
    skin, context, kinds = zip(*rows, strict=True)
    np.savez_compressed(asked.out, skin=np.stack(skin), context=np.stack(context), kinds=np.array(kinds))


def _crops(
    photograph: np.ndarray, kind: str, draws: Draws, detector: FaceDetector
) -> list[tuple[np.ndarray, np.ndarray, str]]:
    sitting = Sitting.draw(photograph, draws, _SHORT)
    clip = bona_fide(sitting) if kind == BONA_FIDE else SPECIES[kind](sitting)
    rows = []
    for frame in clip.frames:
        faces = detector.detect(frame.pixels)
        if faces:
            rows.append((crops.skin(frame.pixels, faces[0]), crops.context(frame.pixels, faces[0]), kind))
    return rows


if __name__ == "__main__":
    main()
