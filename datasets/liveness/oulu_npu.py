"""OULU-NPU: 4,950 films of 55 people by six telephones.

Boulkenafet et al., "OULU-NPU: A mobile face presentation attack database with real-world variations" (FG 2017). Files
are named Phone_Session_User_File, with the eyes' places by frame in a `.txt` of the same name:

    Train_files/1_1_01_1.avi
    Dev_files/6_3_35_5.avi
    Test_files/2_1_36_3.avi
"""

import re
from pathlib import Path

from idproof.datasets.liveness.common import Sample, filled, require

FILES: dict[str, tuple[str, str | None]] = {
    "1": ("real", None),
    "2": ("print1", "print_flat"),
    "3": ("print2", "print_flat"),
    "4": ("video1", "screen_video"),
    "5": ("video2", "screen_video"),
}
"""The last number of a name: the set's word, our species."""
PHONES = {
    "1": "Samsung Galaxy S6 edge",
    "2": "HTC Desire EYE",
    "3": "MEIZU X5",
    "4": "ASUS Zenfone Selfie",
    "5": "Sony XPERIA C5 Ultra Dual",
    "6": "OPPO N3",
}
_SPLITS = {"Train_files": "train", "Dev_files": "devel", "Test_files": "test"}
_NAME = re.compile(r"([1-6])_([1-3])_(\d{2})_([1-5])\.avi", re.IGNORECASE)


def read_samples(root: Path) -> list[Sample]:
    """Every film."""
    samples = []
    for folder in require(root, "OULU-NPU", *_SPLITS):
        for path in sorted((root / folder).iterdir()):
            if match := _NAME.fullmatch(path.name):
                phone, session, user, file = match.groups()
                published, attack = FILES[file]
                split, condition = _SPLITS[folder], f"session {session}"
                samples.append(Sample(path, user, attack, published, split, PHONES[phone], condition))
    return filled(samples, root, "OULU-NPU")
