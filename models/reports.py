"""Operating points of a profile, read from the report that measured them.

A report is what `idproof bench face --out FILE` wrote; thresholds are never typed by hand.
"""

import json
from pathlib import Path

from idproof.models.errors import ManifestInvalid

_FOLDER = Path(__file__).parent / "operating_points"


def face_thresholds(profile: str, folder: Path = _FOLDER) -> dict[float, float]:
    """False match rate to the comparison score that promises at most this rate.

    Raises:
        ManifestInvalid: the profile has no report, so its scores mean nothing yet.
    """
    path = folder / f"{profile}_face.json"
    try:
        points = json.loads(path.read_text(encoding="utf-8"))["operating_points"]
        return {float(point["fmr"]): float(point["threshold"]) for point in points}
    except FileNotFoundError:
        raise ManifestInvalid(
            f"Profile {profile} has no measured operating points; run `idproof bench face` with it first."
        ) from None
    except (KeyError, TypeError, ValueError) as error:
        raise ManifestInvalid(f"The report {path.name} is not a face report.") from error
