"""Films of a card that is held still while a device's screen lights it, as small as the previews of a kiosk.

The screen's light is that of `screen_light`, by geometry and luminance; the room's is a number of lux. The camera's
exposure and white balance follow the light that reaches the card, later and not wholly.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Protocol, Self

import cv2
import numpy as np
from numpy.typing import NDArray

from idproof.datasets.specimen.attacks import copies, replays
from idproof.datasets.specimen.attacks.kinds import Setting, Shown
from idproof.datasets.specimen.draws import Draws, Split
from idproof.datasets.specimen.formations import FormationName, formation
from idproof.datasets.specimen.formations.analytic import AnalyticSession
from idproof.datasets.specimen.formations.composited import CompositedSession
from idproof.datasets.specimen.formations.processed import ProcessedSession
from idproof.datasets.specimen.formations.protocol import OtherCamera, Session
from idproof.datasets.specimen.make import TURNS_DEG, card_of, people_of
from idproof.datasets.specimen.material import Coat, Material, card_outline, coded, linear
from idproof.datasets.specimen.portraits import PortraitSource
from idproof.datasets.specimen.projection import warp
from idproof.datasets.specimen.screen_light import Field, Halves, Screen, ScreenLight
from idproof.datasets.specimen.turning_film import FilmFrame, preview_of, shaken
from idproof.datasets.specimen.view import Lens, Pose, View
from idproof.models.types import RGBImage
from idproof.pipeline.documents import DocumentType

# Chosen by hand; no outside source, unless stated otherwise.
ROOM_LUX = (50.0, 10_000.0)
"""On the card, drawn by its logarithm: from a dim corner to a place behind a shop window in the sun."""
DISTANCES_MM = (200.0, 500.0)
"""Of cameras with a narrower lens than a telephone's; a telephone's is 100 to 170 mm from the card."""
_LAG_MS = (30.0, 150.0)  # of display and camera together
_LAG_OF_SOFTWARE_MS = (100.0, 250.0)  # that sees the screen with a camera of its own and shows it on a display
_ADAPTED_S = (0.2, 1.5)  # time in which exposure and white balance follow
_SEEN_AT_LUX = 300.0  # light at which the camera has the noise that was drawn
_NOISES = (0.7, 2.0)
_INTERVAL_S, _JITTER_S = 0.15, 0.02  # a server under load examines fewer than ten a second
_RENDERED_PX, _TELEPHONE_PX = 720, 1280
_PAGE = 0.2  # linear light of the page before the colours
_BEFORE = 3  # frames before them
_DISPLAY_GLASS = (0.01, 0.05)  # reflectance: coated against reflections, or not (Fresnel)
_DISPLAY_ROUGHNESS = (0.0, 0.04)
_FROM_DISPLAY = 0.05  # share of the screen's light on paper that a display sends back

Colours = Callable[[float], Halves]
"""The screen's halves, linear, at a time in milliseconds; negative before the colours."""


class LitKind(StrEnum):
    """An object or a program that answers the light."""

    BONA_FIDE = "bona_fide"
    PRINT = "light_print"
    TABLET = "light_tablet"
    RECORDED_TABLET = "light_recorded_tablet"
    LIVE_TABLET = "light_live_tablet"
    TINTED_PICTURE = "light_tinted_picture"
    TINTED_CARD = "light_tinted_card"


ATTACKS = tuple(kind for kind in LitKind if kind is not LitKind.BONA_FIDE)
_DISPLAYS = frozenset({LitKind.TABLET, LitKind.RECORDED_TABLET, LitKind.LIVE_TABLET})
_DIGITAL = frozenset({LitKind.TINTED_PICTURE, LitKind.TINTED_CARD})


class _Object(Protocol):
    def __call__(self, view: View, light: ScreenLight, imitated: ScreenLight) -> Shown:
        """Returns what is in the card's place: in this light, and with the picture of another light."""


@dataclass(frozen=True)
class Circumstances:
    """Place and devices of one film.

    Attributes:
        screen: that shows the colours.
        room_lux: light of the room on the card.
        lag_ms: from the screen to the frame.
        white_follows: how far the white balance follows the light, 0..1.
        adapted_s: time in which it and the exposure do.
    """

    screen: Screen
    room_lux: float
    lag_ms: float
    white_follows: float
    adapted_s: float

    @classmethod
    def draw(cls, draws: Draws) -> Self:
        """Draws them."""
        lux = float(np.exp(draws.uniform(*np.log(ROOM_LUX))))
        lag, follows = draws.uniform(*_LAG_MS), draws.uniform(0, 1)
        return cls(Screen.draw(draws), lux, lag, follows, draws.uniform(*_ADAPTED_S))


@dataclass(frozen=True)
class LitCard:
    """A card, or an object in its place, that is held in one pose before a camera and a screen.

    Attributes:
        kind: of object or program.
        session: with a view of the pose.
        shown: what is in the card's place.
        around: place and devices.
        imitated_lag_ms: of a program's colours behind the screen's.
        rng: of the hand and of the sensor's noise.
    """

    kind: LitKind
    session: Session
    shown: _Object
    around: Circumstances
    imitated_lag_ms: float
    rng: np.random.Generator = field(repr=False)

    @classmethod
    def begin(
        cls,
        seed: int,
        index: int,
        source: PortraitSource,
        document: DocumentType,
        kind: LitKind,
        pose: Pose,
        *,
        split: Split = Split.ANY,
        formed_by: str = FormationName.ANALYTIC,
        room_lux: float | None = None,
    ) -> Self:
        """Begins with the card, the holder, the camera and the place of registration `index` of a seed.

        Args:
            seed: of the set.
            index: in the set.
            source: of the photographs.
            document: type of the card.
            kind: of object or program.
            pose: that the card is held in.
            split: whose people, cameras and parameters are drawn.
            formed_by: name of the image formation.
            room_lux: light of the room on the card, or None to draw it.
        """
        draws = Draws(np.random.default_rng(np.random.SeedSequence([seed, index])), split)
        holder, _ = people_of(seed, index, source, split)
        card = card_of(document, holder, draws, None)
        name = next(iter(TURNS_DEG))
        session = formation(formed_by).begin(document, draws, {name: TURNS_DEG[name]}).posed({name: pose})
        setting = Setting(card, session, draws.spawn(), formation(formed_by), TURNS_DEG)
        around = Circumstances.draw(draws.spawn())
        if room_lux is not None:
            around = replace(around, room_lux=room_lux)
        session = _small(session)
        if draws.rng.uniform() < 0.5:
            session = _at_distance(session, draws.uniform(*DISTANCES_MM))
        lag = draws.uniform(*_LAG_OF_SOFTWARE_MS) if kind is LitKind.LIVE_TABLET else 0.0
        return cls(kind, session, _object(kind, setting, pose), around, lag, draws.spawn().rng)

    @property
    def distance_mm(self) -> float:
        """Distance of the card from the camera."""
        return float(np.linalg.norm(next(iter(self.session.views.values())).translation))

    def frames(self, shown: Colours, imitated: Colours, duration_ms: float) -> Iterator[FilmFrame]:
        """Renders the card while colours are shown; the first frames are before them.

        Args:
            shown: colours of the screen.
            imitated: colours that a recording or a program answers to.
            duration_ms: of the film, from the first colour.
        """
        (name, view), at_s = next(iter(self.session.views.items())), -_BEFORE * _INTERVAL_S
        level, before_s, resting = np.ones(3), at_s, view.pose
        while at_s * 1000 < duration_ms:
            seen_ms = at_s * 1000 - self.around.lag_ms
            posed = self.session.posed({name: shaken(resting, self.rng)})
            view = posed.views[name]
            light = self._light(view, shown, seen_ms)
            other = self._light(view, imitated, seen_ms - self.imitated_lag_ms)
            here = light if self.kind not in _DIGITAL else replace(light, halves=np.zeros((2, 3)))
            reached = 1 + here.share * (_FROM_DISPLAY if self.kind in _DISPLAYS else 1.0)
            weight = 1 - np.exp(-(at_s - before_s) / self.around.adapted_s) if at_s > before_s else 1.0
            level, before_s = level + weight * (reached - level), at_s
            pixels = self._photographed(_adapted(posed, level, self.around.white_follows), name, here, other)
            yield FilmFrame(at_s, name, view.pose, preview_of(pixels))
            at_s += float(np.clip(self.rng.normal(_INTERVAL_S, _JITTER_S), _INTERVAL_S / 2, 2 * _INTERVAL_S))

    def _light(self, view: View, colours: Colours, at_ms: float) -> ScreenLight:
        halves = colours(at_ms) if at_ms >= 0 else np.full((2, 3), _PAGE)
        return ScreenLight(self.around.screen, view, halves, self.around.room_lux)

    def _photographed(self, session: Session, name: str, light: ScreenLight, imitated: ScreenLight) -> RGBImage:
        view = session.views[name]
        material, surround = self.shown(view, light, imitated)
        total = self.around.room_lux * float(1 + light.share[1])
        noise = float(np.clip(np.sqrt(_SEEN_AT_LUX / total), *_NOISES))
        lit = session.with_pattern(name, light)
        shot = lit.photograph(name, material, self.rng, surround=surround, other=OtherCamera(noise=noise))
        pixels = shot.pixels
        if isinstance(session, ProcessedSession):
            pixels = session.processing.apply(pixels, np.zeros(pixels.shape[:2], dtype=np.float32))
        return _tinted(pixels, view, imitated, self.kind) if self.kind in _DIGITAL else pixels


def _object(kind: LitKind, setting: Setting, pose: Pose) -> _Object:
    draws, card = setting.draws, setting.card
    if kind is LitKind.PRINT:
        printed = copies.inkjet(draws)(setting.scan(draws))
        coat = Coat(draws.uniform(0.02, 0.10), draws.uniform(0.03, 0.12))
        sheet = Material(printed, card_outline(card.document), coats=(coat,))
        return lambda view, light, imitated: (light.mirrored_by(sheet, 0.045, coat.roughness), None)
    if kind in _DISPLAYS:
        return _on_tablet(kind, setting, pose)

    def genuine(view: View, light: ScreenLight, imitated: ScreenLight) -> Shown:  # noqa: ARG001
        material = card.material(view)
        return light.mirrored_by(material, card.make.gloss, card.make.roughness), None

    return genuine


def _on_tablet(kind: LitKind, setting: Setting, pose: Pose) -> _Object:
    display, picture = replays.tablet_at_rest(setting, pose)
    glass, roughness = setting.draws.uniform(*_DISPLAY_GLASS), setting.draws.uniform(*_DISPLAY_ROUGHNESS)
    flat = linear(picture)

    def shown(view: View, light: ScreenLight, imitated: ScreenLight) -> Shown:
        frame = picture
        if kind is not LitKind.TABLET:
            gain = _gain(imitated.on(view.document))
            size = flat.shape[1::-1]
            frame = coded(flat * cv2.resize(gain, size, interpolation=cv2.INTER_LINEAR))
        return light.mirrored_by(display.showing(frame), glass, roughness), display.surround

    return shown


def _gain(falling: Field) -> Field:
    """Returns the light on a card in a screen's light, as a multiple of the mean: what a program tints a picture by."""
    lit = 1 + falling
    return np.asarray(lit / lit.mean(), dtype=np.float32)


def _tinted(pixels: RGBImage, view: View, imitated: ScreenLight, kind: LitKind) -> RGBImage:
    """Returns a picture that a program tinted: wholly by one colour, or the card as a screen would light it."""
    gain = _gain(imitated.on(view.document))
    if kind is LitKind.TINTED_PICTURE:
        tint: NDArray[np.float32] = np.broadcast_to(gain.mean(axis=(0, 1)), pixels.shape)
    else:
        cover = warp(card_outline(view.document), view)[..., None]
        tint = warp(gain, view)
        scale = (pixels.shape[1], pixels.shape[0])
        tint, cover = (cv2.resize(each, scale) for each in (tint, cover))
        tint = 1 + (tint - 1) * cover.reshape(*cover.shape[:2], 1)
    light = np.power(pixels.astype(np.float32) / 255, 2.2) * tint
    return np.asarray(np.power(light.clip(0, 1), 1 / 2.2) * 255 + 0.5, dtype=np.uint8)


def _small(session: Session) -> Session:
    """Returns the session with captures as large as a film needs."""
    if isinstance(session, AnalyticSession):
        return session.reduced(_RENDERED_PX)
    if isinstance(session, CompositedSession):
        views = {name: view.resized(_TELEPHONE_PX) for name, view in session.views.items()}
        size = next(iter(views.values())).size
        telephone = replace(session.telephone, size=size, rendered=_RENDERED_PX)
        return replace(session, views=views, telephone=telephone)
    return session


def _at_distance(session: Session, distance_mm: float) -> Session:
    """Returns the session through a narrower lens, so that the card is as large from further away."""
    if not isinstance(session, AnalyticSession | CompositedSession):
        return session
    views = {}
    for name, view in session.views.items():
        focal = distance_mm * view.pose.share * view.size[0] / view.document.width_mm
        views[name] = replace(view, lens=Lens(focal, view.lens.principal))
    return replace(session, views=views)


def _adapted(session: Session, level: NDArray[np.float64], follows: float) -> Session:
    """Returns the session with the exposure, and partly the white balance, of a light; telephones measure it."""
    if not isinstance(session, AnalyticSession):
        return session
    camera = session.camera
    red, blue = (float((level[1] / level[i]) ** follows) for i in (0, 2))
    white = (camera.white[0] * red, camera.white[1], camera.white[2] * blue)
    return replace(session, camera=replace(camera, exposure=camera.exposure / float(level[1]), white=white))
