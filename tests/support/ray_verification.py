"""Verifies one registration on a Ray cluster that starts on this machine, and prints the decision.

Run as `python -P ray_verification.py FOLDER DATA`: the folder of a registration, and one for the service's data.
"""

import sys
from pathlib import Path

from idproof.pipeline import Captures
from idproof.service.operations.cluster import open_cluster_verifier
from idproof.service.operations.settings import Settings


def main(folder: Path, data: Path) -> str:
    """Starts the cluster as `idproof serve --executor ray` does, verifies, and ends it; returns the decision."""
    names = {"card_front": "front", "card_tilt_left": "tilt_left", "card_tilt_right": "tilt_right", "selfie": "selfie"}
    parts = {role: (folder / f"{name}.jpg").read_bytes() for role, name in names.items()}
    verifier = open_cluster_verifier(Settings(data_dir=data, executor="ray"), None)
    try:
        return verifier.verify(Captures.from_parts(parts)).decision.value
    finally:
        verifier.close()


if __name__ == "__main__":
    print(main(Path(sys.argv[1]), Path(sys.argv[2])))  # noqa: T201 - the answer
