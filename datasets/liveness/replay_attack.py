"""Replay-Attack: 1,300 films of 50 people before a notebook's camera.

Chingovska, Anjos and Marcel, "On the Effectiveness of Local Binary Patterns in Face Anti-spoofing" (BIOSIG 2012).
Layout; `enroll/` is not read:

    train/real/client001_session01_webcam_authenticate_adverse_1.mov
    devel/attack/fixed/attack_highdef_client003_session01_highdef_photo_adverse.mov
    test/attack/hand/attack_print_client009_session01_highdef_photo_controlled.mov
"""

import re
from pathlib import Path

from idproof.datasets.liveness.common import Sample, filled, require

_REAL = re.compile(r"client(\d{3})_session\d\d_\w+_authenticate_(adverse|controlled)_\d+\.mov")
_ATTACK = re.compile(
    r"attack_(print|mobile|highdef)_client(\d{3})_session\d\d_\w+_(photo|video)_(adverse|controlled)\.mov"
)


def read_samples(root: Path) -> list[Sample]:
    """Every film of `real` and `attack`; the support (`fixed`, `hand`) stands in the condition."""
    samples = []
    for split in require(root, "Replay-Attack", "train", "devel", "test"):
        for path in sorted((root / split).rglob("*.mov")):
            if real := _REAL.fullmatch(path.name):
                samples.append(Sample(path, real[1], None, "real", split, "webcam", real[2]))
            elif attack := _ATTACK.fullmatch(path.name):
                medium, subject, shown, light = attack.groups()
                species = "print_flat" if medium == "print" else f"screen_{shown}"
                condition = f"{path.parent.name}, {light}"
                samples.append(Sample(path, subject, species, f"{medium}_{shown}", split, "webcam", condition))
    return filled(samples, root, "Replay-Attack")
