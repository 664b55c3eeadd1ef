"""Looks at one small picture with the tools of card, face and liveness, and says what to change.

The only file that knows these stages together besides `verify` and `examine`; it asks them for facts,
never for an outcome.
"""

from dataclasses import dataclass, field, replace
from typing import Self

import numpy as np
from numpy.typing import NDArray

from idproof.models.types import DetectedFace, FaceDetector, RGBImage
from idproof.pipeline.card import turns
from idproof.pipeline.card.locating.tracker import WIDTH_PX, CardTracker
from idproof.pipeline.card.view import CardView, card_corners_mm, project
from idproof.pipeline.documents import DocumentType
from idproof.pipeline.guidance import hints, look, small_picture
from idproof.pipeline.guidance.hints import CardFacts, FaceFacts, Guidance, Hint
from idproof.pipeline.liveness.challenge import NEUTRAL_MS, Challenge
from idproof.pipeline.liveness.head_pose import HeadPose, estimate_pose
from idproof.pipeline.liveness.motion import action_progress
from idproof.pipeline.types import Role

FACE_PX = 320
"""Longer side of the picture that faces are looked for in."""
_SEARCH_EVERY = 3  # of pictures without a card, one is searched all over
_BIN_DEG, _TELLS_DEG = 4.0, 10.0
_FOCAL_RANGE = (0.6, 1.5)  # of the longer side: cameras of telephones, tablets and kiosks
_NEUTRAL_POSES = 5
_EDGE = 0.005


@dataclass
class Notes:
    """What is remembered from one picture of a session to the next: where things were, and never a picture.

    Attributes:
        view: of the card, or None.
        at_s: when that was, by the device.
        missed: pictures since a card was seen.
        turns: one view of the card a few degrees of turn: together they tell the focal length.
        face: middle of the face, in shares, and when.
        neutral: poses of the head before the first action.
    """

    view: CardView | None = None
    at_s: float = 0.0
    missed: int = 0
    turns: dict[int, CardView] = field(default_factory=dict)
    face: tuple[float, float, float] | None = None
    neutral: list[HeadPose] = field(default_factory=list)

    def begin(self) -> None:
        """Another stage begins: the lens stays, the rest is forgotten."""
        self.view, self.missed, self.face = None, 0, None
        self.neutral.clear()


@dataclass(frozen=True)
class Guide:
    """Made once, used from any thread; `Notes` belong to one session."""

    tracker: CardTracker
    detector: FaceDetector

    @classmethod
    def open(cls, document: DocumentType, detector: FaceDetector) -> Self:
        """For one document type; raises `DocumentTypeInvalid`."""
        return cls(CardTracker.open(document), detector)

    def card(self, data: memoryview, role: Role, notes: Notes, at_s: float) -> Guidance:
        """What a JPEG shows of the card.

        Args:
            data: preview or still.
            role: the angle that is wanted.
            notes: of the session; changed.
            at_s: when it was taken, by the device.

        Raises:
            BadInput: it cannot be decoded.
        """
        image = small_picture.decode(data, WIDTH_PX)
        try:
            found = self._card(image, role, notes, at_s)
            if notes.view is None:
                return found
            larger = max(small_picture.size_of(data)) / max(notes.view.size)
            return replace(found, px_per_mm=notes.view.px_per_mm * larger)
        finally:
            image.fill(0)

    def face(self, data: memoryview, notes: Notes, at_s: float) -> Guidance:
        """What a JPEG shows of the applicant's face; arguments and errors as `card`."""
        image = small_picture.decode(data, FACE_PX)
        try:
            return self._face(image, notes, at_s)
        finally:
            image.fill(0)

    def action(self, data: memoryview, challenge: Challenge, captured_ms: float, notes: Notes) -> Guidance:
        """What a JPEG shows of the challenge that runs; `captured_ms` from its start. Errors as `card`."""
        image = small_picture.decode(data, FACE_PX)
        try:
            return self._action(image, challenge, captured_ms, notes)
        finally:
            image.fill(0)

    def _card(self, image: RGBImage, role: Role, notes: Notes, at_s: float) -> Guidance:
        before, elapsed = notes.view, max(at_s - notes.at_s, 0.02)
        view = self.tracker.follow(image, before)
        if view is None and notes.missed % _SEARCH_EVERY == 0:
            view = self.tracker.find(image)
        notes.view, notes.at_s = view, at_s
        notes.missed = 0 if view is not None else notes.missed + 1
        if view is None:
            return Guidance(hints.for_card(None, role), target=hints.TARGETS[role])
        corners = project(view.homography, card_corners_mm(self.tracker.document)) / np.array(view.size)
        facts, spots = self._card_facts(image, view, corners, notes)
        if before is not None:
            was = project(before.homography, card_corners_mm(self.tracker.document)) / np.array(view.size)
            motion = float(np.abs(corners - was).max()) * 0.1 / elapsed
            facts = replace(facts, motion=motion)
        hint = hints.for_card(facts, role)
        return Guidance(
            hint=hint,
            score=_card_score(facts, role) if hint is Hint.GOOD else 0.0,
            corners=tuple((float(x), float(y)) for x, y in corners),
            turn_deg=round(facts.turn_deg, 1),
            target=hints.TARGETS[role],
            quality={
                "size": float(np.clip(facts.share / 0.6, 0, 1)),
                "sharpness": round(facts.sharpness, 3),
                "glare": round(float(np.clip(1 - facts.glare / 0.06, 0, 1)), 3),
                "light": round(_light(facts.light), 3),
            },
            glare=tuple(look.in_picture(spot, view, self._from_shares(view)) for spot in spots),
        )

    def _card_facts(
        self, image: RGBImage, view: CardView, corners: NDArray[np.float64], notes: Notes
    ) -> tuple[CardFacts, list[hints.Box]]:
        rectified = self.tracker.rectified(image, view)
        white, spots = look.glare(rectified)
        focal = _focal(notes, view)
        turn = turns.turn_deg(view, focal)
        top, bottom = (np.linalg.norm(corners[a] - corners[b]) for a, b in ((0, 1), (3, 2)))
        inside = bool((corners > _EDGE).all() and (corners < 1 - _EDGE).all())
        light, sharp = float(rectified.mean()), look.sharpness(rectified)
        rectified.fill(0)
        # A turned card is as near as it is high: its width is what it would be face on.
        share = float((top + bottom) / 2) / max(float(np.cos(np.radians(turn))), 0.5)
        # A small or cut card tells little of the lens, and that little would stay; a newer view replaces an older one.
        told = turns.turn_deg(view, turns.FOCAL_GUESS)
        if inside and share >= hints.LEAST_SHARE:
            notes.turns[round(told / _BIN_DEG)] = view
        return CardFacts(inside, share, 0.0, turn, light, white, sharp), spots

    def _from_shares(self, view: CardView) -> NDArray[np.float64]:
        document = self.tracker.document
        return np.asarray(view.homography @ np.diag([document.width_mm, document.height_mm, 1.0]))

    def _face(self, image: RGBImage, notes: Notes, at_s: float) -> Guidance:
        faces = self.detector.detect(image)
        alone = look.people(faces) if faces else 0
        if alone != 1:
            notes.face = None
            return Guidance(hints.for_face(None, alone))
        face, (height, width) = faces[0], image.shape[:2]
        box = _shares(face, width, height)
        facts = self._face_facts(image, face, box, notes, at_s)
        hint = hints.for_face(facts, 1)
        return Guidance(
            hint=hint,
            score=(0.5 * facts.even + 0.3 * facts.sharpness + 0.2 * _light(facts.light)) if hint is Hint.GOOD else 0.0,
            box=box,
            quality={
                "size": float(np.clip(facts.share / 0.4, 0, 1)),
                "sharpness": round(facts.sharpness, 3),
                "light": round(min(_light(facts.light), facts.even / 0.6, 1.0), 3),
                "pose": round(float(np.clip(1 - facts.yaw_deg / 45, 0, 1)), 3),
            },
        )

    def _face_facts(self, image: RGBImage, face: DetectedFace, box: hints.Box, notes: Notes, at_s: float) -> FaceFacts:
        height, width = image.shape[:2]
        shorter = min(height, width)
        light, even, yaw = look.face_measures(image, face)
        middle = (box[0] + box[2] / 2, box[1] + box[3] / 2)
        before, notes.face = notes.face, (*middle, at_s)
        motion = 0.0
        if before is not None:
            moved = max(abs(middle[0] - before[0]), abs(middle[1] - before[1]))
            motion = moved * 0.1 / max(at_s - before[2], 0.02)
        offset = max(abs(middle[0] - 0.5) * width, abs(middle[1] - 0.5) * height) / shorter
        x, y, w, h = (max(0, round(value)) for value in face.box)
        sharp = look.sharpness(image[y : y + h, x : x + w]) if w > 8 and h > 8 else 0.0
        return FaceFacts(face.box[2] / shorter, offset, motion, light, even, yaw, sharp)

    def _action(self, image: RGBImage, challenge: Challenge, captured_ms: float, notes: Notes) -> Guidance:
        step = next((step for step in challenge.steps if step.start_ms <= captured_ms < step.end_ms), None)
        lit = any(light.start_ms <= captured_ms < light.end_ms for light in challenge.lights)
        hint = hints.for_action(step.action if step is not None else None, lit)
        faces = self.detector.detect(image)
        alone = look.people(faces) if faces else 0
        if alone != 1:
            return Guidance(Hint.ONE_PERSON if alone > 1 else Hint.SHOW_FACE)
        box, head = _shares(faces[0], image.shape[1], image.shape[0]), estimate_pose(faces[0].landmarks)
        if captured_ms < NEUTRAL_MS and len(notes.neutral) < _NEUTRAL_POSES:
            notes.neutral.append(head)
        done = None
        if step is not None and notes.neutral:
            done = round(float(np.clip(action_progress(step.action, head, notes.neutral), 0, 1)), 3)
        return Guidance(hint, box=box, done=done)


def _focal(notes: Notes, view: CardView) -> float:
    """The lens, once a turned card told of it; cards that are nearly face on alone tell nothing but noise."""
    turned = abs(turns.turn_deg(view, turns.FOCAL_GUESS)) >= _TELLS_DEG
    if not turned and all(abs(place) * _BIN_DEG < _TELLS_DEG for place in notes.turns):
        return turns.FOCAL_GUESS
    return float(np.clip(turns.focal_length([*notes.turns.values(), view]), *_FOCAL_RANGE))


def _shares(face: DetectedFace, width: int, height: int) -> hints.Box:
    x, y, w, h = face.box
    return (x / width, y / height, w / width, h / height)


def _light(grey: float) -> float:
    """1 in the middle greys, 0 where nothing can be told any more."""
    return float(np.clip(min(grey - 20, 250 - grey) / 60, 0, 1))


def _card_score(facts: CardFacts, role: Role) -> float:
    low, high = hints.TARGETS[role]
    centred = 1 - abs(facts.turn_deg - (low + high) / 2) / (high - low)
    return float(
        0.4 * facts.sharpness + 0.3 * centred + 0.2 * (1 - facts.glare / 0.06) + 0.1 * min(facts.share / 0.6, 1)
    )
