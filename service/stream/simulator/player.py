"""Simulated camera: plays specimen registrations, and rendered people who answer a challenge.

Each stage begins with the card at another angle and away from the camera, as people begin, and ends with the capture
of the set. A test or a load causes the same messages as a kiosk does; the pictures are specimens only.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Self

import cv2
import numpy as np

from idproof.datasets.rendered_people.clips import SPECIES, Sitting, bona_fide
from idproof.datasets.sets import RegistrationSet, read_sets
from idproof.datasets.specimen.draws import Draws
from idproof.datasets.specimen.portraits import PortraitSource
from idproof.models.types import RGBImage
from idproof.pipeline.errors import InvalidSpecimen
from idproof.pipeline.liveness.challenge import Options, draw
from idproof.pipeline.types import Role

_PREVIEW_PX, _QUALITY = 480, 80  # as the page sends them: `service/kiosk/static/camera.js`
_APPROACH = 4  # previews before the card is in place; chosen by hand, no outside source
_FAR_SCALE = 0.55  # of a card that is held too far away; chosen by hand, no outside source
_SWAY_PX = 0.6  # standard deviation of an unsteady hand; chosen by hand, no outside source
_OTHER = {
    Role.CARD_FRONT.value: Role.CARD_TILT_RIGHT.value,
    Role.CARD_TILT_LEFT.value: Role.CARD_FRONT.value,
    Role.CARD_TILT_RIGHT.value: Role.CARD_FRONT.value,
}


@dataclass
class SetCamera:
    """Camera that sees one registration.

    Args:
        stills: JPEG by role.
        photograph: of the person who answers the challenge, (250, 250, 3).
        seed: of sway, light and camera noise.
        species: an attack on liveness of `datasets.rendered_people`, or None.
    """

    stills: Mapping[str, bytes] = field(repr=False)
    photograph: RGBImage = field(repr=False)
    seed: int = 0
    species: str | None = None
    _small: dict[str, RGBImage] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        self._rng = np.random.default_rng(self.seed)
        for role, data in self.stills.items():
            whole = cv2.imdecode(np.frombuffer(data, dtype=np.uint8), cv2.IMREAD_COLOR)
            if whole is None:
                raise InvalidSpecimen(f"The picture of {role} is not readable.")
            scale = _PREVIEW_PX / max(whole.shape[:2])
            small = cv2.resize(whole, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
            self._small[role] = np.asarray(small, dtype=np.uint8)

    @classmethod
    def of(cls, entry: RegistrationSet, source: PortraitSource, seed: int = 0, species: str | None = None) -> Self:
        """Returns the camera of a set on disk; its person is looked up among the photographs that it was made from."""
        return cls(entry.parts(), _photograph(source, entry.truth.person), seed, species)

    def preview(self, stage: str, count: int) -> bytes:
        """Returns a preview: first far away, then at another angle, then in place; always swaying a little."""
        shown = _OTHER.get(stage, stage) if count < _APPROACH else stage
        scale = _FAR_SCALE if count < _APPROACH // 2 else 1.0
        return self._view(self._small[shown], scale)

    def still(self, stage: str) -> bytes:
        """Returns the set's own capture."""
        return self.stills[stage]

    def answer(self, challenge: dict[str, Any]) -> list[tuple[float, int, bytes]]:
        """Returns frames in which the person performs the challenge, or an attack of the species attempts to."""
        options = Options.from_json(challenge["options"])
        asked = draw(
            bytes.fromhex(challenge["nonce"]), issued_at=datetime.fromisoformat(challenge["issued_at"]), options=options
        )
        sitting = Sitting.draw(self.photograph, Draws(np.random.default_rng(self.seed)), options)
        act = bona_fide if self.species is None else SPECIES[self.species]
        frames = act(replace(sitting, challenge=asked)).frames
        return [(frame.captured_ms, frame.number, _jpeg(frame.pixels[..., ::-1], 95)) for frame in frames]

    def _view(self, picture: RGBImage, scale: float) -> bytes:
        height, width = picture.shape[:2]
        x, y = self._rng.normal(0, _SWAY_PX, 2)
        moved = np.array([[scale, 0, (1 - scale) * width / 2 + x], [0, scale, (1 - scale) * height / 2 + y]])
        seen = cv2.warpAffine(picture, moved, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        return _jpeg(np.asarray(seen, dtype=np.uint8), _QUALITY)


def _photograph(source: PortraitSource, person: str | None) -> RGBImage:
    labels = source.labels()
    label = next((one for one in labels if hashlib.sha256(one.encode()).hexdigest()[:12] == person), labels[0])
    photographs = source.person(label).photographs
    # Where there are two, not the one on the card: a copy of the portrait would look like an injection attack.
    return np.asarray(cv2.resize(photographs[min(1, len(photographs) - 1)], (250, 250)), dtype=np.uint8)


def cameras(root: Path, portraits: Path | None, species: str | None) -> list[SetCamera]:
    """Returns one camera per set below a folder; raises `InvalidSpecimen` or `DatasetInvalid`."""
    source = PortraitSource.open(portraits)
    return [SetCamera.of(entry, source, seed, species) for seed, entry in enumerate(read_sets(root))]


def _jpeg(bgr: RGBImage, quality: int) -> bytes:
    _, data = cv2.imencode(".jpg", np.ascontiguousarray(bgr), [cv2.IMWRITE_JPEG_QUALITY, quality])
    return data.tobytes()
