"""Cards in rooms whose light is path-traced by Mitsuba 3, printed and developed at full resolution (deferred shading).

Shares with the other formations only the flat layers, the geometry and the telephone. Traced at low resolution: the
light on a white card, with shadows and the light of hand, table and walls, and what a rough, wavy laminate mirrors.
Worked out at full resolution: print, gratings under the room's lamps, scratches, grease, table top and skin. All ranges
are chosen by hand.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Self

import numpy as np
from numpy.typing import NDArray

from idproof.datasets.specimen.draws import Draws
from idproof.datasets.specimen.formations.protocol import Formation, Surround, Turns
from idproof.datasets.specimen.formations.session import Exposure, TelephoneSession
from idproof.datasets.specimen.formations.telephone import Movement, Telephone
from idproof.datasets.specimen.formations.traced import layers, tabletops
from idproof.datasets.specimen.formations.traced.hand import Hand
from idproof.datasets.specimen.formations.traced.layers import Tracing
from idproof.datasets.specimen.formations.traced.rooms import Room
from idproof.datasets.specimen.formations.traced.surface import Surface
from idproof.datasets.specimen.light import Lamp
from idproof.datasets.specimen.material import Linear, Material
from idproof.datasets.specimen.view import Lens, Pose, View
from idproof.pipeline.documents import DocumentType

_MOST_GLARE = 0.06  # share of the card in any capture. Chosen by hand.
_TRIES = 20


@dataclass(frozen=True)
class Moment(Exposure):
    """One capture's own circumstances.

    Attributes:
        hand: that holds the card, or None.
        sway: (2,), angles by which the room has turned about the camera since the first capture, radians.
        lamps: lamps that an attacker brings; positions in the camera's frame.
        seed: of the tracer's samples.
    """

    hand: Hand | None
    sway: tuple[float, float]
    seed: int
    lamps: tuple[Lamp, ...]


@dataclass(frozen=True)
class TracedSession(TelephoneSession[Moment]):
    """One telephone in one room; implements `Session`.

    Attributes:
        room: around the card.
        yaw: of the card's place in the room, radians.
        pitch: angle by which the camera looks down on a card that is held up, radians.
        table: linear albedo of a table top under the card, or None for a card that is held up.
        surface: the card's own laminate.
        aperture_mm: radius of the lens's opening.
        clothes: albedo of the one who takes the picture.
        seen: layers that were traced already, by capture and roughness.
    """

    room: Room = field(repr=False)
    yaw: float
    pitch: float
    table: NDArray[np.float32] | None = field(repr=False)
    surface: Surface
    aperture_mm: float
    clothes: tuple[float, float, float]
    seen: dict[object, Tracing] = field(default_factory=dict, repr=False, compare=False)

    def posed(self, poses: Mapping[str, Pose]) -> Self:
        """Returns the session with the card in other poses, which are traced anew."""
        return replace(super().posed(poses), seen={})

    def without_hands(self) -> Self:
        """Returns the session without a hand."""
        moments = {name: replace(moment, hand=None) for name, moment in self.moments.items()}
        return replace(self, moments=moments, seen={})

    def with_lamp(self, name: str, lamp: Lamp) -> Self:
        """Returns the session with one more lamp in one capture."""
        return self._with(name, replace(self.moments[name], lamps=(*self.moments[name].lamps, lamp)))

    def _scanned(self, material: Material, view: View, draws: Draws) -> Linear:
        """Returns the card in even light and that of a lamp."""
        room = Room.draw(draws)
        turned = layers.room_frame(view, held=True, yaw=0.0, pitch=0.3, sway=(0.0, 0.0))
        return layers.flat(material, view, room.lights, turned, self.surface)

    def _lit(
        self, name: str, material: Material, surround: Surround | None
    ) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
        moment = self.moments[name]
        tracing = self._traced(name, tuple(sorted({round(coat.roughness, 2) for coat in material.coats})))
        brought = moment.lamps, moment.pattern, surround
        return layers.composed(tracing, self._rendered(name), material, self.surface, *brought), tracing.illuminant()

    def _traced(self, name: str, roughness: tuple[float, ...]) -> Tracing:
        key = (name, roughness)
        if key not in self.seen:
            moment, view = self.moments[name], self._rendered(name)
            frame = layers.room_frame(
                self.views[name], held=self.table is None, yaw=self.yaw, pitch=self.pitch, sway=moment.sway
            )
            place = layers.Place(view, self.room, frame, self.table, moment.hand, self.aperture_mm, self.clothes)
            self.seen[key] = layers.trace(place, self.surface, roughness, moment.seed)
        return self.seen[key]


class PathTraced:
    """Implements `Formation`."""

    def begin(self, document: DocumentType, draws: Draws, turns: Turns) -> TracedSession:
        """Draws a telephone, a room, the views, a table or a hand."""
        layers.require()
        telephone, rng = Telephone.draw(draws), draws.rng
        lens = Lens(telephone.size[0] * telephone.focal)
        views = {name: View.draw(draws, document, lens, turn, telephone.size) for name, turn in turns.items()}
        held = bool(rng.uniform() < 0.5)
        table = None if held else tabletops.draw(draws.spawn().rng)
        hand = Hand.draw(draws, document)
        room, yaw, pitch = _without_glare(draws, views, held)
        moments = {}
        for name in views:
            holds = held or rng.uniform() < 0.15
            # The grip changes a little from one capture to the next.
            shifted = replace(hand, along=hand.along + rng.normal(0, 1.5), slant=hand.slant + rng.normal(0, 0.05))
            sway = float(rng.normal(0, 0.06)), float(rng.normal(0, 0.06))
            moments[name] = Moment(
                moved=Movement.draw(draws),
                pattern=None,
                hand=shifted if holds else None,
                sway=sway,
                seed=int(rng.integers(2**31)),
                lamps=(),
            )
        cloth = rng.uniform(0.03, 0.5)
        return TracedSession(
            telephone=telephone,
            views=views,
            moments=moments,
            room=room,
            yaw=yaw,
            pitch=pitch,
            table=table,
            surface=Surface.draw(draws),
            aperture_mm=draws.uniform(0.5, 1.6),
            clothes=(cloth * rng.uniform(0.7, 1.2), cloth, cloth * rng.uniform(0.7, 1.2)),
        )


def _without_glare(draws: Draws, views: Mapping[str, View], held: bool) -> tuple[Room, float, float]:
    """Draws rooms until no capture has much glare, as guidance on a screen requires; the last one is taken as it is."""
    for _ in range(_TRIES):
        room, yaw, pitch = Room.draw(draws), float(draws.rng.uniform(-np.pi, np.pi)), draws.uniform(-0.2, 0.9)
        frames = {
            name: layers.room_frame(view, held=held, yaw=yaw, pitch=pitch, sway=(0.0, 0.0))
            for name, view in views.items()
        }
        if max(layers.glaring(view, room, frames[name]) for name, view in views.items()) <= _MOST_GLARE:
            break
    return room, yaw, pitch


FORMATION: Formation = PathTraced()
