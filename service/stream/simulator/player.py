"""Simulated camera: plays specimen registrations, and rendered people who answer a challenge.

Each stage begins with the card at another angle and away from the camera, as people begin, and ends with the card in
the pose that the session asks for. A test or a load causes the same messages as a kiosk does; the pictures are
specimens only.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Self

import cv2
import numpy as np

from idproof.datasets.rendered_people.clips import ATTACKS, Sitting, bona_fide, selfie
from idproof.datasets.sets import ROLES, RegistrationSet, read_sets
from idproof.datasets.specimen import posing
from idproof.datasets.specimen.attacks import ATTACKS as SPECIMEN_ATTACKS
from idproof.datasets.specimen.attacks import BONA_FIDE, AttackKind
from idproof.datasets.specimen.draws import Draws
from idproof.datasets.specimen.portraits import PortraitSource
from idproof.models.types import RGBImage
from idproof.pipeline.card.plan import CapturePlan
from idproof.pipeline.card.plan import draw as draw_plan
from idproof.pipeline.errors import InvalidSpecimen
from idproof.pipeline.liveness.challenge import Options, draw
from idproof.pipeline.types import Role
from idproof.service.stream.messages import unbase64
from idproof.service.stream.simulator.posed_cards import RenderedCard

_PREVIEW_PX, _QUALITY = 480, 80  # as the page sends them: `service/kiosk/static/camera.js`
APPROACH = 4  # previews before the card is in place; chosen by hand, no outside source
_FAR_SCALE = 0.55  # of a card that is held too far away; chosen by hand, no outside source
_COMMENT = b"\xff\xfe"  # marker COM of ITU-T T.81
_LIT_SHARE, _LIT_SLOPE = 0.6, 0.3  # of a kiosk's screen in a room of 300 lux; chosen by hand, no outside source
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
        corners: of the card in the flat still, (x, y) in pixels from the top left one on; None where they are unknown.
        posed: renders the card's stills in the poses of a plan, JPEG by role; None shows every session the same stills.
        turned: renders the previews on the way to each stage of the card but the first, JPEG by role; None shows the
            card at another angle instead, as if it had been put down.
    """

    stills: Mapping[str, bytes] = field(repr=False)
    photograph: RGBImage = field(repr=False)
    seed: int = 0
    species: str | None = None
    corners: list[list[float]] | None = None
    posed: Callable[[CapturePlan], Mapping[str, bytes]] | None = None
    turned: Callable[[CapturePlan], Mapping[str, Sequence[bytes]]] | None = None
    _way: Mapping[str, Sequence[bytes]] = field(default_factory=dict, repr=False)
    _small: dict[str, RGBImage] = field(default_factory=dict, repr=False)
    _shares: dict[str, float] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        self._rng = np.random.default_rng(self.seed)
        self._show(self.stills)

    def _show(self, stills: Mapping[str, bytes]) -> None:
        for role, data in stills.items():
            whole = cv2.imdecode(np.frombuffer(data, dtype=np.uint8), cv2.IMREAD_COLOR)
            if whole is None:
                raise InvalidSpecimen(f"The picture of {role} is not readable.")
            self._small[role] = small_of(np.asarray(whole, dtype=np.uint8))

    @classmethod
    def of(cls, entry: RegistrationSet, source: PortraitSource, seed: int = 0, species: str | None = None) -> Self:
        """Returns the camera of a set on disk; its person is looked up among the photographs that it was made from.

        The selfie is the one that the holder takes where the challenge is answered, unless the set's is of another
        person.
        """
        source = source.as_made(entry.recipe or {})
        photograph, stills = _photograph(source, entry.truth.person), entry.parts()
        if entry.truth.same_person:
            stills[Role.SELFIE.value] = take_selfie(photograph, seed)
        posed, turned = _rendering(entry, source, seed)
        corners = entry.truth.corners.get(ROLES[Role.CARD_FRONT.value])
        return cls(stills, photograph, seed, species, corners, posed, turned)

    def begin(self, session: Mapping[str, Any]) -> None:
        """Hold the card as the session asks, where the camera can; no still has the bytes of an earlier session's."""
        nonce = unbase64(session["nonce"])
        plan = draw_plan(nonce)
        self._shares = {} if self.posed is None else {role.value: pose.share for role, pose in plan.poses.items()}
        posed = {} if self.posed is None else self.posed(plan)
        self.stills = {role: marked(data, nonce) for role, data in {**self.stills, **posed}.items()}
        self._show(posed)
        self._way = {} if self.turned is None else self.turned(plan)

    def preview(self, stage: str, count: int) -> bytes:
        """Returns a preview, swaying a little.

        The first stage begins with the card far away, then near at another angle, then in place; later ones begin where
        the last one ended, and the card is turned on the way.
        """
        way = self._way.get(stage, ())
        if count < len(way):
            return way[count]
        if way:
            return swaying(self._small[stage], 1.0, self._rng)
        shown = _OTHER.get(stage, stage) if count < APPROACH else stage
        # At the other angle the card is held as near as it is wanted: then the angle alone is left to be hinted at.
        near = self._shares.get(stage, 1.0) / self._shares.get(shown, 1.0)
        scale = _FAR_SCALE if count < APPROACH // 2 else near
        return swaying(self._small[shown], scale, self._rng)

    def lit(self, stage: str, light: Mapping[str, Any], at_ms: float) -> bytes:
        """Returns the card in place, its two sides in the light of the two halves of a screen, as paper reflects it."""
        return swaying(in_light(self._small[stage], light, at_ms), 1.0, self._rng)

    @property
    def ways(self) -> Mapping[str, Sequence[bytes]]:
        """Previews on the way to a stage of the card, by stage; of the session that began last."""
        return self._way

    def still(self, stage: str) -> bytes:
        """Returns the card in place, or the selfie."""
        return self.stills[stage]

    def answer(self, challenge: dict[str, Any]) -> list[tuple[float, int, bytes]]:
        """Returns frames in which the person performs the challenge, or an attack of the species attempts to."""
        options = Options.from_json(challenge["options"])
        asked = draw(
            bytes.fromhex(challenge["nonce"]), issued_at=datetime.fromisoformat(challenge["issued_at"]), options=options
        )
        sitting = Sitting.draw(self.photograph, Draws(np.random.default_rng(self.seed)), options)
        act = bona_fide if self.species is None else ATTACKS[self.species]
        frames = act(replace(sitting, challenge=asked)).frames
        pictures = (marked(_jpeg(frame.pixels[..., ::-1], 95), asked.nonce) for frame in frames)
        return [(frame.captured_ms, frame.number, data) for frame, data in zip(frames, pictures, strict=True)]


_Stills = Callable[[CapturePlan], Mapping[str, bytes]]
_Ways = Callable[[CapturePlan], Mapping[str, Sequence[bytes]]]


def _rendering(entry: RegistrationSet, source: PortraitSource, seed: int) -> tuple[_Stills | None, _Ways | None]:
    """Returns what renders a set's stills and the ways between them, as far as the set says how it was rendered."""
    if entry.recipe is None:
        return None, None
    attack = entry.truth.attack
    if (BONA_FIDE if attack is None else SPECIMEN_ATTACKS[AttackKind(attack)]).between is not None:
        card = RenderedCard(entry.recipe, attack, source, seed)
        return card.stills, card.turned

    def stills(plan: CapturePlan) -> dict[str, bytes]:
        parts = posing.render(entry, source, plan, Draws(np.random.default_rng(seed))).parts()
        return {role: parts[role] for role in ROLES}

    return stills, None


def small_of(picture: RGBImage) -> RGBImage:
    """Returns a picture in the size of a preview."""
    scale = _PREVIEW_PX / max(picture.shape[:2])
    return np.asarray(cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), dtype=np.uint8)


def swaying(picture: RGBImage, scale: float, rng: np.random.Generator) -> bytes:
    """Returns a small picture, BGR, smaller by a scale and moved as an unsteady hand moves it, as a JPEG."""
    height, width = picture.shape[:2]
    x, y = rng.normal(0, _SWAY_PX, 2)
    moved = np.array([[scale, 0, (1 - scale) * width / 2 + x], [0, scale, (1 - scale) * height / 2 + y]])
    seen = cv2.warpAffine(picture, moved, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return _jpeg(np.asarray(seen, dtype=np.uint8), _QUALITY)


def in_light(picture: RGBImage, light: Mapping[str, Any], at_ms: float) -> RGBImage:
    """Returns a picture, BGR, as if paper were lit by the two halves of a screen.

    Args:
        picture: without that light.
        light: of the message `light`.
        at_ms: from its first colour.
    """
    lights = light["lights"]
    shown = next((each for each in reversed(lights) if each["start_ms"] <= at_ms), lights[0])
    # The left half of the person before the screen is nearer to the right of the picture.
    left, right = (np.square(np.array(shown[half][::-1]) / 255) for half in ("left", "right"))
    across = np.linspace(-1, 1, picture.shape[1])[None, :, None]
    falling = 1 + _LIT_SHARE * ((0.5 + _LIT_SLOPE * across) * left + (0.5 - _LIT_SLOPE * across) * right)
    seen = np.square(picture / 255) * falling / (1 + _LIT_SHARE)
    return np.asarray(np.sqrt(seen.clip(0, 1)) * 255 + 0.5, dtype=np.uint8)


def marked(jpeg: bytes, nonce: bytes) -> bytes:
    """Returns a JPEG with a nonce in its comment, in place of an earlier one: no two pictures of a camera are equal."""
    body = jpeg[2:]
    if body.startswith(_COMMENT):
        body = body[2 + int.from_bytes(body[2:4]) :]
    return jpeg[:2] + _COMMENT + (2 + len(nonce)).to_bytes(2) + nonce + body


def take_selfie(photograph: RGBImage, seed: int) -> bytes:
    """Returns a JPEG of the person of a photograph (250, 250, 3), where a camera of this seed answers the challenge."""
    sitting = Sitting.draw(photograph, Draws(np.random.default_rng(seed)))
    return _jpeg(np.asarray(selfie(sitting)[..., ::-1], dtype=np.uint8), 95)


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
