"""CelebA-Spoof: 625,537 pictures of 10,177 people, ten kinds of attack.

Zhang et al., "CelebA-Spoof: Large-Scale Face Anti-Spoofing Dataset with Rich Annotations" (ECCV 2020). Layout:

    Data/train/1/live/000184.jpg                with 000184_BB.txt beside it
    Data/test/4980/spoof/010012.png
    metas/intra_test/train_label.json           {"Data/train/1/live/000184.jpg": [43 or 44 numbers]}

Place 40 of a row is the kind, 41 the light, 42 the surroundings. For non-commercial research.
"""

import json
from pathlib import Path

from idproof.datasets.liveness.common import PICTURES, Sample, filled, require
from idproof.pipeline.errors import DatasetInvalid

KINDS: tuple[tuple[str, str | None], ...] = (
    ("live", None),
    ("photo", "print_flat"),
    ("poster", "print_flat"),
    ("a4", "print_flat"),
    ("face_mask", "paper_mask"),
    ("upper_body_mask", "paper_mask"),
    ("region_mask", "photo_cut_eyes"),
    ("pc", "screen_photo"),
    ("pad", "screen_photo"),
    ("phone", "screen_photo"),
    ("3d_mask", "mask_3d"),
)
"""The set's kinds by number, and our species."""
_KIND, _LIGHT, _PLACE = 40, 41, 42
_LIGHTS = ("live", "normal", "strong", "back", "dark")
_PLACES = ("live", "indoor", "outdoor")


def read_samples(root: Path) -> list[Sample]:
    """Every picture that the labels of the `intra_test` protocol name."""
    require(root, "CelebA-Spoof", "Data")
    samples = []
    for split in ("train", "test"):
        table = root / "metas" / "intra_test" / f"{split}_label.json"
        if table.is_file():
            samples += [_sample(root, split, name, row) for name, row in sorted(_rows(table).items())]
    return filled(samples, root, "CelebA-Spoof")


def _rows(table: Path) -> dict[str, list[int]]:
    try:
        rows = json.loads(table.read_text(encoding="utf-8"))
        return {str(name): [int(value) for value in row] for name, row in rows.items()}
    except (OSError, ValueError, TypeError, AttributeError):
        raise DatasetInvalid(f"{table.name} does not hold names with their rows of labels.") from None


def _sample(root: Path, split: str, name: str, row: list[int]) -> Sample:
    path = Path(name)
    known = len(row) > _PLACE and 0 <= row[_KIND] < len(KINDS) and path.suffix.lower() in PICTURES
    if not known or len(path.parts) != 5 or (path.parts[3] == "live") != (row[_KIND] == 0):
        raise DatasetInvalid(f"The label of {name} contradicts the layout of CelebA-Spoof.")
    published, attack = KINDS[row[_KIND]]
    light = _LIGHTS[row[_LIGHT]] if 0 <= row[_LIGHT] < len(_LIGHTS) else str(row[_LIGHT])
    place = _PLACES[row[_PLACE]] if 0 <= row[_PLACE] < len(_PLACES) else str(row[_PLACE])
    return Sample(root / name, path.parts[2], attack, published, split, None, f"{light}, {place}")
