"""Films of a card that is turned from one captured pose to the next, as small as the previews of a kiosk.

A kiosk's camera and lamps stay where they are, and only the card moves: one scene serves all frames.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Self

import cv2
import numpy as np

from idproof.datasets.specimen.attacks import ATTACKS, BONA_FIDE
from idproof.datasets.specimen.attacks.kinds import Setting, Showing
from idproof.datasets.specimen.draws import Draws, Split
from idproof.datasets.specimen.formations import FormationName, formation
from idproof.datasets.specimen.formations.analytic import AnalyticSession
from idproof.datasets.specimen.formations.protocol import Delivery, Session, Shot
from idproof.datasets.specimen.make import TURNS_DEG, card_of, kind_of, people_of
from idproof.datasets.specimen.portraits import PortraitSource
from idproof.datasets.specimen.view import Pose
from idproof.models.types import RGBImage
from idproof.pipeline.documents import DocumentType
from idproof.pipeline.errors import InvalidSpecimen

# Chosen by hand; no outside source.
_PREVIEW_PX, _QUALITY = 480, 80  # as the kiosk's page sends them: `service/capture/static/camera.js`
_RENDERED_PX = 960  # width at which frames are rendered where the formation can: four times as quickly
_INTERVAL_S, _JITTER_S = 0.1, 0.015
SPEEDS = (1.2, 3.0)
"""Degrees per frame, on average, from one pose to the next: 12 to 30 degrees per second."""
_LEAST_FRAMES = 8  # on a way
AT_REST = 3
"""Frames in each pose."""
_TREMOR_DEG, _TREMOR_SHARE = 0.4, 0.003  # standard deviations of a hand


@dataclass(frozen=True)
class FilmFrame:
    """One preview.

    Attributes:
        at_s: seconds from the first one.
        towards: name of the capture that the card is brought to.
        pose: of the card.
        data: JPEG.
    """

    at_s: float
    towards: str
    pose: Pose
    data: bytes = field(repr=False)


@dataclass(frozen=True)
class TurningCard:
    """A card before one camera, in light that stays, and the poses that it is brought to one after the other.

    Attributes:
        session: of the captures.
        showing: what is in the card's place.
        poses: capture name to the pose that it ends in.
        order: of the captures.
        rng: of the hand and of the sensor's noise.
    """

    session: Session
    showing: Showing
    poses: Mapping[str, Pose]
    order: Sequence[str]
    rng: np.random.Generator = field(repr=False)

    @classmethod
    def begin(
        cls,
        seed: int,
        index: int,
        source: PortraitSource,
        document: DocumentType,
        attack: str | None,
        poses: Mapping[str, Pose],
        order: Sequence[str],
        *,
        characters: str | None = None,
        split: Split = Split.ANY,
        formed_by: str = FormationName.ANALYTIC,
    ) -> Self:
        """Begins with the card, the holder, the camera and the place of registration `index` of a seed.

        Args:
            seed: of the set.
            index: in the set.
            source: of the photographs.
            document: type of the card.
            attack: kind that has a model of what is shown between the angles, or None for bona fide.
            poses: capture name to the pose that it ends in.
            order: of the captures; the light is that of the first one.
            characters: see `make.make`.
            split: see `make.make_sets`.
            formed_by: name of the image formation.

        Raises:
            InvalidSpecimen: an unknown kind, or one without such a model.
        """
        draws = Draws(np.random.default_rng(np.random.SeedSequence([seed, index])), split)
        kind = kind_of(attack)
        plan = ATTACKS[kind] if kind else BONA_FIDE
        if plan.between is None:
            raise InvalidSpecimen(f"There is no model of what {attack} shows between the angles.")
        holder, other = people_of(seed, index, source, split)
        card = plan.card(card_of(document, holder, draws, characters), other.photographs[0], draws.spawn())
        session = formation(formed_by).begin(document, draws, TURNS_DEG).posed(poses)
        setting = Setting(card, session, draws.spawn(), formation(formed_by), TURNS_DEG)
        return cls(session, plan.between(setting), poses, order, draws.spawn().rng)

    def still(self, name: str) -> Delivery:
        """Photographs the card in the pose of one capture, in the capture's own size."""
        return self.session.deliver(self._shot(self.session, (name, name), 1.0, self.poses[name]), self.rng)

    def frames(self, speeds: tuple[float, float] = SPEEDS, at_rest: int = AT_REST) -> Iterator[FilmFrame]:
        """Renders the card while it is brought from each capture's pose to the next.

        Args:
            speeds: degrees per frame, on average, that a way's are drawn from.
            at_rest: frames in each pose.
        """
        session = self.session
        if isinstance(session, AnalyticSession):
            session = session.reduced(_RENDERED_PX)
        at_s = 0.0
        for before, after in zip((self.order[0], *self.order[:-1]), self.order, strict=True):
            apart = abs(self.poses[after].turn_deg - self.poses[before].turn_deg)
            count = 0 if before == after else max(_LEAST_FRAMES, round(apart / self.rng.uniform(*speeds)))
            for progress in (*_way(count), *[1.0] * at_rest):
                pose = shaken(_mixed(self.poses[before], self.poses[after], progress), self.rng)
                shot = self._shot(session, (before, after), progress, pose)
                yield FilmFrame(at_s, after, pose, preview_of(shot.pixels))
                waited = float(self.rng.normal(_INTERVAL_S, _JITTER_S))
                at_s += float(np.clip(waited, _INTERVAL_S / 2, 2 * _INTERVAL_S))

    def _shot(self, session: Session, leg: tuple[str, str], progress: float, pose: Pose) -> Shot:
        scene = self.order[0]
        posed = session.posed(dict.fromkeys(session.views, pose))
        material, surround = self.showing(leg, progress, posed.views[scene])
        return posed.photograph(scene, material, self.rng, surround=surround)


def preview_of(pixels: RGBImage) -> bytes:
    """Returns a capture (h, w, 3), RGB, as small and as compressed as a kiosk's page sends previews."""
    scale = _PREVIEW_PX / max(pixels.shape[:2])
    small = cv2.resize(pixels, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    _, data = cv2.imencode(".jpg", np.ascontiguousarray(small[..., ::-1]), [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
    return data.tobytes()


def _way(count: int) -> list[float]:
    """Returns shares of the way at even times: a movement that begins and ends slowly."""
    return [float(0.5 - 0.5 * np.cos(np.pi * (i + 1) / (count + 1))) for i in range(count)]


def _mixed(one: Pose, other: Pose, share: float) -> Pose:
    def between(a: float, b: float) -> float:
        return (1 - share) * a + share * b

    return Pose(
        between(one.turn_deg, other.turn_deg),
        between(one.pitch_deg, other.pitch_deg),
        between(one.roll_deg, other.roll_deg),
        (between(one.offset[0], other.offset[0]), between(one.offset[1], other.offset[1])),
        between(one.share, other.share),
    )


def shaken(pose: Pose, rng: np.random.Generator) -> Pose:
    """Returns a pose as a hand's tremor changes it."""
    turn, pitch, roll = rng.normal(0, _TREMOR_DEG, 3)
    x, y, share = rng.normal(0, _TREMOR_SHARE, 3)
    offset = (pose.offset[0] + float(x), pose.offset[1] + float(y))
    return Pose(
        pose.turn_deg + float(turn),
        pose.pitch_deg + float(pitch),
        pose.roll_deg + float(roll),
        offset,
        pose.share + float(share),
    )
