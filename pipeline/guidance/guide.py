"""Examines one small picture with the tools of card, face and liveness, and decides which hint the camera's user gets.

Besides `verify` and `examine` the only file that knows these stages together; it asks them for facts, never for an
outcome.
"""

from dataclasses import dataclass, replace
from typing import Self

import cv2
import numpy as np
from numpy.typing import NDArray

from idproof.models.types import DetectedFace, FaceDetector, RGBImage
from idproof.pipeline.applicant_face import ApplicantFace, choose_applicant
from idproof.pipeline.card import turns
from idproof.pipeline.card.imaging import Grey
from idproof.pipeline.card.locating.locator import CardLocator
from idproof.pipeline.card.locating.tracker import WIDTH_PX, CardTracker
from idproof.pipeline.card.plan.types import GUIDED, CardPose
from idproof.pipeline.card.screen_light import LightMeter, LightTrack
from idproof.pipeline.card.turning import TurnFrame, TurnMeter, TurnTrack
from idproof.pipeline.card.turning.track import LEAST_SAME
from idproof.pipeline.card.view import CardView, card_corners_mm, project
from idproof.pipeline.documents import DocumentType
from idproof.pipeline.guidance import downscaled_jpeg, hints, measures
from idproof.pipeline.guidance.hints import CardFacts, FaceFacts, Guidance, Hint
from idproof.pipeline.guidance.memory import GuidanceMemory
from idproof.pipeline.guidance.misplaced import CardSearch, MisplacedCard
from idproof.pipeline.guidance.still import WIDTH_PX as STILL_PX
from idproof.pipeline.guidance.still import StillMeter
from idproof.pipeline.liveness.challenge import FEATURE_ACTIONS, NEUTRAL_MS, Challenge
from idproof.pipeline.liveness.head_pose import estimate_pose
from idproof.pipeline.liveness.motion import action_progress

# All constants of this file were chosen by hand on rendered tuning films; no outside source.
FACE_PX = 320
"""Longer side of the picture in which faces are detected."""
_SEARCH_INTERVAL = 3  # pictures without a card per search of a whole picture
_TURN_BIN_DEG = 4.0  # views whose turns differ by less replace each other
_MIN_TURN_DEG = 10.0  # turn from which on a view determines the focal length
_FOCAL_RANGE = (0.6, 1.5)  # in longer sides of the picture: cameras of telephones, tablets and kiosks
_MAX_NEUTRAL_POSES = 5
_EDGE_SHARE = 0.005  # a corner this near to the picture's edge counts as outside
_ASKING_S = 1.5  # for which an applicant reads why a picture was not taken, before the hints go on
_MIN_ELAPSED_S = 0.02  # between two pictures, so that a clock that stands still yields no infinite motion
_MOTION_INTERVAL_S = 0.1  # motion is per tenth of a second
_MIN_FACE_PX = 8  # width and height below which a face's sharpness is not measured
_FULL_FACE_SHARE = 0.4  # the same of a face, as a share of the picture's shorter side
_NO_GLARE_SHARE = 0.06  # overexposed share of the card at which the quality of glare is 0
_EVEN_OVERLAP = 0.6  # overlap of the face's halves at which light counts as even
_NO_POSE_DEG = 45.0  # turn to the side at which the quality of the pose is 0
_DARKEST, _BRIGHTEST, _LIGHT_SLOPE = 20.0, 250.0, 60.0  # grey levels where light's quality is 0, and to reach 1


@dataclass(frozen=True)
class Guide:
    """Gives guidance on small pictures. Made once, used from any thread; a `GuidanceMemory` belongs to one session."""

    search: CardSearch
    detector: FaceDetector
    meter: TurnMeter
    light_meter: LightMeter
    still_meter: StillMeter

    @classmethod
    def open(cls, document: DocumentType, detector: FaceDetector) -> Self:
        """Prepare for one document type; raises `DocumentTypeInvalid`."""
        meters = TurnMeter.open(document), LightMeter.open(document), StillMeter.open(document)
        return cls(CardSearch(CardTracker.open(document), CardLocator.open(document)), detector, *meters)

    @property
    def tracker(self) -> CardTracker:
        """Follows the card from picture to picture."""
        return self.search.tracker

    def card(
        self,
        data: memoryview,
        wanted: CardPose,
        memory: GuidanceMemory,
        at_s: float,
        portrait: Grey | None = None,
        unlit: RGBImage | None = None,
        *,
        lit: bool = False,
        still: bool = False,
    ) -> Guidance:
        """Examine a JPEG of the card.

        Args:
            data: preview or still.
            wanted: the pose that the card is to be brought to.
            memory: of the session; changed.
            at_s: time of the picture, by the device.
            portrait: of the card in an earlier capture, by `portrait`; frames of another card count as without one.
            unlit: the card before the screen lights it, by `straightened`.
            lit: the screen lights the card before this capture's stills (`card.screen_light`).
            still: the picture has full resolution and may become a capture: it is measured at that resolution, too.

        Raises:
            BadInput: it cannot be decoded.
        """
        image = downscaled_jpeg.decode(data, WIDTH_PX)
        try:
            guidance = self._card(image, wanted, memory, at_s, portrait, unlit, lit=lit)
            if memory.view is None:
                return guidance
            if still and guidance.hint is Hint.GOOD:
                hint = self._hint_for_still(data, image, memory.view)
                memory.refused = None if hint is Hint.GOOD else (hint, at_s)
                guidance = guidance if hint is Hint.GOOD else replace(guidance, hint=hint, score=0.0)
            scale = max(downscaled_jpeg.read_size(data)) / max(memory.view.size)
            return replace(guidance, px_per_mm=memory.view.px_per_mm * scale)
        finally:
            image.fill(0)

    def _hint_for_still(self, data: memoryview, small: RGBImage, view: CardView) -> Hint:
        """Choose the hint for a still whose small picture is good."""
        if self._another_card(small, view):
            return Hint.ONE_CARD
        whole = downscaled_jpeg.decode(data, STILL_PX)
        try:
            return hints.for_still(self.still_meter.measure(whole, view))
        finally:
            whole.fill(0)

    def _another_card(self, image: RGBImage, view: CardView) -> bool:
        """Return whether a second card of the type lies beside the one that was found."""
        outline = project(view.homography, card_corners_mm(self.tracker.document)).round().astype(np.int32)
        beside = image.copy()
        cv2.fillConvexPoly(beside, outline, tuple(image.reshape(-1, 3).mean(axis=0)))
        try:
            return self.tracker.find(beside) is not None
        finally:
            beside.fill(0)

    def portrait(self, data: memoryview, memory: GuidanceMemory) -> Grey | None:
        """Returns the card's portrait in the picture that was examined last, small and grey; it belongs in the vault.

        None when no card was found in it. Errors as `card`.
        """
        if memory.view is None:
            return None
        image = downscaled_jpeg.decode(data, WIDTH_PX)
        try:
            return self.meter.portrait(image, memory.view)
        finally:
            image.fill(0)

    def straightened(self, data: memoryview, memory: GuidanceMemory) -> RGBImage | None:
        """Returns the card of the picture that was examined last, put straight and small; it belongs in the vault.

        None when no card was found in it. Errors as `card`.
        """
        if memory.view is None:
            return None
        image = downscaled_jpeg.decode(data, WIDTH_PX)
        try:
            return self.light_meter.straightened(image, memory.view)
        finally:
            image.fill(0)

    def face(self, data: memoryview, memory: GuidanceMemory, at_s: float) -> Guidance:
        """Examine a JPEG of the applicant's face; arguments and errors as `card`."""
        image = downscaled_jpeg.decode(data, FACE_PX)
        try:
            return self._face(image, memory, at_s)
        finally:
            image.fill(0)

    def action(self, data: memoryview, challenge: Challenge, captured_ms: float, memory: GuidanceMemory) -> Guidance:
        """Examine a JPEG taken `captured_ms` after the start of a running challenge; errors as `card`."""
        image = downscaled_jpeg.decode(data, FACE_PX)
        try:
            return self._action(image, challenge, captured_ms, memory)
        finally:
            image.fill(0)

    def _card(
        self,
        image: RGBImage,
        wanted: CardPose,
        memory: GuidanceMemory,
        at_s: float,
        portrait: Grey | None,
        unlit: RGBImage | None,
        *,
        lit: bool,
    ) -> Guidance:
        if memory.turning is None:
            memory.turning = TurnTrack(self.meter)
        turning = memory.turning
        before, elapsed = memory.view, max(at_s - memory.at_s, _MIN_ELAPSED_S)
        view = self.tracker.follow(image, before)
        if view is None and memory.missed % _SEARCH_INTERVAL == 0:
            view = self.tracker.find(image)
        memory.view, memory.at_s = view, at_s
        memory.missed = 0 if view is not None else memory.missed + 1
        memory.misplaced = MisplacedCard() if view is not None else memory.misplaced
        if view is None:
            turning.miss(at_s)
            memory.light.miss(at_s)
            return Guidance(self._hint_without_card(image, wanted, memory), wanted=turning.wanted(wanted))
        corners = self._corners(view)
        facts, spots = self._card_facts(image, view, corners, memory)
        if before is not None:
            moved = float(np.abs(corners - self._corners(before)).max())
            facts = replace(facts, motion=moved * _MOTION_INTERVAL_S / elapsed)
        frame = self.meter.measure(image, view, at_s, portrait)
        if memory.light.running:
            turning.rest(at_s)
            hint = self._follow_light(image, frame, memory.light, unlit)
        else:
            turning.add(frame, facts.pose)
            memory.light.see(at_s) if _same_card(frame) else memory.light.miss(at_s)
            hint = hints.for_card(facts, turning.wanted(wanted))
            unseen = hint is Hint.GOOD and not turning.require_seen(at_s, memory.views_by_turn.values())
            if unseen or (turning.asked_at_s is not None and at_s - turning.asked_at_s < _ASKING_S):
                hint = Hint.TURN_AGAIN
            hint = memory.refusal(at_s, _ASKING_S) or hint if hint is Hint.GOOD else hint
            if lit and hint is Hint.GOOD and not memory.light.done:
                hint = Hint.HOLD_FOR_COLOURS
        wanted = turning.wanted(wanted)
        return Guidance(
            hint=hint,
            score=_card_score(facts, wanted) if hint is Hint.GOOD else 0.0,
            corners=tuple((float(x), float(y)) for x, y in corners),
            pose=facts.pose,
            wanted=wanted,
            quality={
                "size": float(np.clip(facts.pose.share / wanted.share, 0, 1)),
                "sharpness": round(facts.sharpness, 3),
                "glare": round(float(np.clip(1 - facts.glare / _NO_GLARE_SHARE, 0, 1)), 3),
                "light": round(_light_quality(facts.light), 3),
            },
            glare=tuple(measures.box_in_picture(spot, view, self._from_shares(view)) for spot in spots),
        )

    def _hint_without_card(self, image: RGBImage, wanted: CardPose, memory: GuidanceMemory) -> Hint:
        dark = measures.is_dark(image)
        misplaced = None if dark else memory.misplaced.look(image, self.search)
        memory.view = memory.misplaced.place  # followed from the next picture on
        return misplaced or hints.for_card(None, wanted, dark=dark)

    def _follow_light(self, image: RGBImage, frame: TurnFrame, light: LightTrack, unlit: RGBImage | None) -> Hint:
        """Take a frame of a card that the screen lights, or is about to."""
        if unlit is None or not _same_card(frame):
            light.miss(frame.at_s)
        else:
            light.add(self.light_meter.measure(image, frame.view, frame.at_s * 1000, unlit))
        return Hint.HOLD_FOR_COLOURS

    def _card_facts(
        self, image: RGBImage, view: CardView, corners: NDArray[np.float64], memory: GuidanceMemory
    ) -> tuple[CardFacts, list[hints.Box]]:
        rectified = self.tracker.rectified(image, view)
        glare, spots = measures.measure_glare(rectified)
        pose = turns.measure_pose(view, _focal_length(memory, view), self.tracker.document)
        inside = bool((corners > _EDGE_SHARE).all() and (corners < 1 - _EDGE_SHARE).all())
        light, sharpness = float(rectified.mean()), measures.measure_sharpness(rectified)
        rectified.fill(0)
        # A small or cut card determines the focal length badly, and its view would stay; newer views replace older.
        if inside and pose.share >= hints.MIN_CARD_SHARE:
            memory.views_by_turn[round(turns.turn_deg(view, turns.FOCAL_GUESS) / _TURN_BIN_DEG)] = view
        return CardFacts(inside, pose, 0.0, light, glare, sharpness), spots

    def _corners(self, view: CardView) -> NDArray[np.float64]:
        """(4, 2): the card's corners as shares of the picture."""
        corners: NDArray[np.float64] = project(view.homography, card_corners_mm(self.tracker.document))
        return corners / np.array(view.size, dtype=np.float64)

    def _from_shares(self, view: CardView) -> NDArray[np.float64]:
        """(3, 3): the homography from shares of the card to pixels."""
        document = self.tracker.document
        return np.asarray(view.homography @ np.diag([document.width_mm, document.height_mm, 1.0]))

    def _face(self, image: RGBImage, memory: GuidanceMemory, at_s: float) -> Guidance:
        applicant = choose_applicant(image, self.detector.detect(image))
        if applicant.face is None:
            memory.face = None
            return Guidance(_without_face(image, applicant))
        face, (height, width) = applicant.face, image.shape[:2]
        box = _box_in_shares(face, width, height)
        facts = self._face_facts(image, face, box, memory, at_s)
        hint = hints.for_face(facts)
        return Guidance(
            hint=hint,
            score=_face_score(facts) if hint is Hint.GOOD else 0.0,
            box=box,
            quality={
                "size": float(np.clip(facts.share / _FULL_FACE_SHARE, 0, 1)),
                "sharpness": round(facts.sharpness, 3),
                "light": round(min(_light_quality(facts.light), facts.even / _EVEN_OVERLAP, 1.0), 3),
                "pose": round(float(np.clip(1 - facts.yaw_deg / _NO_POSE_DEG, 0, 1)), 3),
            },
        )

    def _face_facts(
        self, image: RGBImage, face: DetectedFace, box: hints.Box, memory: GuidanceMemory, at_s: float
    ) -> FaceFacts:
        height, width = image.shape[:2]
        shorter = min(height, width)
        light, even, yaw = measures.measure_face(image, face)
        middle = (box[0] + box[2] / 2, box[1] + box[3] / 2)
        before, memory.face = memory.face, (*middle, at_s)
        motion = 0.0
        if before is not None:
            moved = max(abs(middle[0] - before[0]), abs(middle[1] - before[1]))
            motion = moved * _MOTION_INTERVAL_S / max(at_s - before[2], _MIN_ELAPSED_S)
        offset = max(abs(middle[0] - 0.5) * width, abs(middle[1] - 0.5) * height) / shorter
        x, y, w, h = (max(0, round(value)) for value in face.box)
        measurable = w > _MIN_FACE_PX and h > _MIN_FACE_PX
        sharpness = measures.measure_sharpness(image[y : y + h, x : x + w]) if measurable else 0.0
        return FaceFacts(face.box[2] / shorter, offset, motion, light, even, yaw, sharpness)

    def _action(self, image: RGBImage, challenge: Challenge, captured_ms: float, memory: GuidanceMemory) -> Guidance:
        step = next((step for step in challenge.steps if step.start_ms <= captured_ms < step.end_ms), None)
        lit = any(light.start_ms <= captured_ms < light.end_ms for light in challenge.lights)
        hint = hints.for_action(step.action if step is not None else None, lit)
        applicant = choose_applicant(image, self.detector.detect(image))
        if applicant.face is None:
            return Guidance(_without_face(image, applicant))
        face = applicant.face
        box, head = _box_in_shares(face, image.shape[1], image.shape[0]), estimate_pose(face.landmarks)
        if captured_ms < NEUTRAL_MS and len(memory.neutral) < _MAX_NEUTRAL_POSES:
            memory.neutral.append(head)
        done = None
        # Small pictures show neither lids nor lips well enough to measure them.
        if step is not None and step.action not in FEATURE_ACTIONS and memory.neutral:
            done = round(float(np.clip(action_progress(step.action, head, memory.neutral), 0, 1)), 3)
        return Guidance(hint, box=box, done=done)


def _same_card(frame: TurnFrame) -> bool:
    return frame.same is None or frame.same >= LEAST_SAME


def _without_face(image: RGBImage, applicant: ApplicantFace) -> Hint:
    return hints.for_face(None, several=applicant.ambiguous, dark=measures.is_dark(image))


def _focal_length(memory: GuidanceMemory, view: CardView) -> float:
    """Estimate the focal length once a turned card was seen; from cards nearly face on it would be noise."""
    turned = abs(turns.turn_deg(view, turns.FOCAL_GUESS)) >= _MIN_TURN_DEG
    if not turned and all(abs(turn) * _TURN_BIN_DEG < _MIN_TURN_DEG for turn in memory.views_by_turn):
        return turns.FOCAL_GUESS
    return float(np.clip(turns.focal_length([*memory.views_by_turn.values(), view]), *_FOCAL_RANGE))


def _box_in_shares(face: DetectedFace, width: int, height: int) -> hints.Box:
    x, y, w, h = face.box
    return (x / width, y / height, w / width, h / height)


def _light_quality(grey: float) -> float:
    """1 for middle grey levels, 0 where the picture is too dark or too bright to show anything."""
    return float(np.clip(min(grey - _DARKEST, _BRIGHTEST - grey) / _LIGHT_SLOPE, 0, 1))


def _card_score(facts: CardFacts, wanted: CardPose) -> float:
    """Weigh the facts of a good picture, to keep the best of several; weights chosen by hand."""
    near = 1 - GUIDED.distance(facts.pose, wanted)
    return float(0.4 * facts.sharpness + 0.4 * near + 0.2 * (1 - facts.glare / _NO_GLARE_SHARE))


def _face_score(facts: FaceFacts) -> float:
    """Weigh the facts of a good picture, to keep the best of several; weights chosen by hand."""
    return 0.5 * facts.even + 0.3 * facts.sharpness + 0.2 * _light_quality(facts.light)
