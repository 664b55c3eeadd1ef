"""SiW, Spoof in the Wild: 4,478 films of 165 people.

Liu, Jourabloo and Liu, "Learning Deep Models for Face Anti-Spoofing: Binary or Auxiliary Supervision" (CVPR 2018).
Files are named SubjectID-SensorID-TypeID-MediumID-SessionID, with `.face` (boxes by frame) beside each:

    Train/live/003/003-1-1-1-1.mov
    Test/spoof/001/001-2-3-2-1.mp4
"""

import re
from pathlib import Path

from idproof.datasets.liveness.common import Sample, filled, require

TYPES: dict[str, tuple[str, str | None]] = {
    "1": ("live", None),
    "2": ("paper", "print_flat"),
    "3": ("replay", "screen_video"),
}
"""TypeID to the set's word and our species."""
SENSORS = {"1": "Canon EOS T6", "2": "Logitech C920"}
_NAME = re.compile(r"(\d{3})[-_](\d)[-_](\d)[-_](\d)[-_](\d+)\.(?:mov|mp4)", re.IGNORECASE)


def read_samples(root: Path) -> list[Sample]:
    """Every film."""
    samples = []
    for folder in require(root, "SiW", "Train", "Test"):
        for path in sorted((root / folder).rglob("*")):
            match = _NAME.fullmatch(path.name)
            if match and match[3] in TYPES and path.is_file():
                subject, sensor, kind, medium, session = match.groups()
                published, attack = TYPES[kind]
                condition = f"medium {medium}, session {session}"
                samples.append(Sample(path, subject, attack, published, folder.lower(), SENSORS.get(sensor), condition))
    return filled(samples, root, "SiW")
