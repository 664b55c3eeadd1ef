"""Examination of a clip: every liveness check, and one fused score.

Each check is judged by the values of bona fide clips (`Calibration`). No attack takes part in any limit, so no kind of
attack is favoured because somebody thought of it. The fused score is Fisher's: the mean of -log(score) over all
assessed checks, judged in turn by the values of bona fide clips (Fisher, "Statistical methods for research workers",
1932). It finds a clip that is slightly unusual in every check and beyond the limit in none.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path

import numpy as np

from idproof.models.types import Embeddings, FaceDetector, FaceEmbedder, FaceLandmarker, PassiveEnsemble, RGBImage
from idproof.pipeline.calibration import Calibration
from idproof.pipeline.liveness import eyes_mouth, gaze, injection, motion, passive, screen_light, selfie_scene
from idproof.pipeline.liveness.challenge import Challenge
from idproof.pipeline.liveness.face_tracking import TrackedClip, TrackedFrame, track_faces
from idproof.pipeline.liveness.frames import Clip
from idproof.pipeline.types import CheckResult, Outcome, Status

NAME = "liveness"
CALIBRATION_FILE = Path(__file__).with_name("calibration.json")
STANDING_CALIBRATION_FILE = Path(__file__).with_name("calibration_standing.json")
_NOT_FUSED = frozenset(
    {motion.SELFIE, selfie_scene.NAME, injection.PORTRAIT, passive.ENSEMBLE, gaze.NAME, eyes_mouth.NAME}
)
"""Checks of identity, of the networks against print and display, of the eyes and the mouth: they have thresholds of
their own."""

_COMPARED_FRAMES = 4  # frames with a template; each costs as much as detection in five. Chosen by hand for the time
_STRAIGHT_DEG = 8.0
"""Turn from the first frame, by landmarks, below which a frame is compared with the card: turned heads match less.
Chosen by hand on rendered tuning people; no outside source."""
_MIN_SCORE = 1e-3  # so that no single check decides the fused score; chosen by hand, no outside source


@lru_cache(maxsize=1)
def shipped_calibration() -> Calibration:
    """Returns the calibration by rendered bona fide clips at arm's length; raises `CalibrationInvalid`."""
    return Calibration.load(CALIBRATION_FILE)


@lru_cache(maxsize=1)
def standing_calibration() -> Calibration:
    """Returns the calibration for people standing before a kiosk, for `Policy(liveness_calibration=…)`."""
    return Calibration.load(STANDING_CALIBRATION_FILE)


@dataclass(frozen=True)
class Claim:
    """The person whom the frames should show.

    Attributes:
        selfie: (1, dimensions), template of the selfie.
        portrait: (112, 112, 3), the aligned face on the card; None where there is no picture of it to copy.
        accept, refer: thresholds of the face comparison, as in `idproof.pipeline.face.compare`.
        surroundings: of the selfie's head (`selfie_scene.cut`).
        lend_straight: is given the template (1, dimensions) of each compared frame in which the head is as straight as
            in the first one, for the length of the call.
        give_eyes: is given the opening of the person's eyes before the first action, where it is measured.
    """

    selfie: Embeddings = field(repr=False)
    portrait: RGBImage | None = field(repr=False)
    accept: float
    refer: float
    surroundings: selfie_scene.Surroundings = field(repr=False)
    lend_straight: Callable[[Embeddings], None] | None = field(default=None, repr=False)
    give_eyes: Callable[[float], None] | None = field(default=None, repr=False)


@dataclass(frozen=True)
class FaceSamples:
    """Faces of a few frames and their templates, for comparisons.

    Attributes:
        faces: aligned faces (112, 112, 3).
        templates: one row per face.
        straight: of each face, whether the head is as straight as in the first.
    """

    faces: list[RGBImage] = field(repr=False)
    templates: Embeddings = field(repr=False)
    straight: tuple[bool, ...] = ()


@dataclass(frozen=True)
class LivenessExaminer:
    """Examines clips; safe to use from several threads.

    Attributes:
        detector, embedder: the networks that find and compare faces.
        calibration: values of bona fide clips.
        ensemble: the networks against print and display, where the profile has them.
        landmarker: finds eyelids and lips, where the profile has its networks.
        gaze_required: whether eyes that do not stay on the screen refer (`gaze`); without it they are not looked at.
    """

    detector: FaceDetector
    embedder: FaceEmbedder
    calibration: Calibration = field(default_factory=shipped_calibration)
    ensemble: PassiveEnsemble | None = None
    landmarker: FaceLandmarker | None = None
    gaze_required: bool = False

    def examine(self, clip: Clip, challenge: Challenge, claim: Claim | None = None) -> list[CheckResult]:
        """Returns every check of a clip, the fused one last.

        Args:
            clip: the frames.
            challenge: the one they respond to, drawn again from its nonce.
            claim: the person it should be; without it the frames are judged alone.
        """
        with track_faces(clip, self.detector) as tracked, self._face_samples(tracked) as samples:
            results = self._checks(tracked, samples, challenge, None if claim is None else claim.give_eyes)
            if claim is not None:
                results.append(motion.same_as_selfie(samples.templates, claim.selfie, claim.accept, claim.refer))
                results.append(selfie_scene.check(tracked, claim.surroundings))
                if claim.portrait is not None:
                    results.append(injection.copies_portrait(samples.faces, claim.portrait))
                _lend_straight(samples, claim)
        return [*results, fuse_scores([r for r in results if r.name not in _NOT_FUSED], self.calibration)]

    def check_frames(self, clip: Clip, challenge: Challenge) -> list[CheckResult]:
        """Returns the checks of the frames alone, without the fused one."""
        with track_faces(clip, self.detector) as tracked, self._face_samples(tracked) as samples:
            return self._checks(tracked, samples, challenge)

    def _checks(
        self,
        tracked: TrackedClip,
        samples: FaceSamples,
        challenge: Challenge,
        give_eyes: Callable[[float], None] | None = None,
    ) -> list[CheckResult]:
        clip = tracked.clip
        # With fewer actions than usual, passive checks use the range of bona fide clips without the margin beyond it.
        passive_limits = replace(self.calibration, margin=0.0) if challenge.strict else self.calibration
        results = [
            injection.timing(clip),
            injection.repeats(clip, self.calibration),
            injection.noise(clip, passive_limits),
            injection.camera(clip),
            motion.continuity(tracked, self.calibration),
            motion.same_person(samples.templates, self.calibration),
            *passive.check(tracked, passive_limits),
            *screen_light.check(tracked, challenge, self.calibration),
        ]
        if self.ensemble is not None:
            results.append(passive.check_ensemble(tracked, self.ensemble))
        features = eyes_mouth.check(tracked, challenge, self.landmarker, give_eyes)
        if features is not None:
            results.append(features)
        response = motion.measure_response(tracked, challenge)
        if challenge.head_steps:
            results.append(motion.actions(response, challenge, self.calibration))
        of_turns = [motion.depth(response, challenge, self.calibration)]
        if self.gaze_required:
            of_turns.append(gaze.check(tracked, challenge, response))
        return [*results, *(result for result in of_turns if result is not None)]

    @contextmanager
    def _face_samples(self, tracked: TrackedClip) -> Iterator[FaceSamples]:
        """Yields faces of a few frames and overwrites them afterwards."""
        frames = _spread(tracked.with_face)
        faces = [
            self.embedder.align(tracked.pixels(frame.index), frame.face.landmarks)
            for frame in frames
            if frame.face is not None
        ]
        try:
            templates = self.embedder.embed(faces)
            try:
                yield FaceSamples(faces, templates, _are_straight(frames))
            finally:
                templates.fill(0)
        finally:
            for face in faces:
                face.fill(0)


def fuse_scores(results: list[CheckResult], calibration: Calibration) -> CheckResult:
    """`liveness`: Fisher's mean over the checks' scores; fails with `not_live`.

    Could not be assessed when any check could not: a check without a result is no sign of life.
    """
    if any(result.status is not Status.ASSESSED for result in results):
        return CheckResult.not_assessed(NAME, "liveness_incomplete")
    fused = calibration.at_most(NAME, mean_negative_log_score(results), unit="mean log score", reason="not_live")
    if any(result.outcome is Outcome.FAIL for result in results) and fused.outcome is Outcome.PASS:
        return replace(fused, outcome=Outcome.DOUBT, reason="not_live")
    return fused


def mean_negative_log_score(results: list[CheckResult]) -> float:
    """Returns the mean of -log(score), each score at least 0.001."""
    scores = [max(result.score, _MIN_SCORE) for result in results if result.score is not None]
    return float(-np.log(scores).mean())


def _are_straight(frames: list[TrackedFrame]) -> tuple[bool, ...]:
    """Returns, of frames with a face, whether each head is as straight as in the first, before any action is asked."""
    yaws = [frame.pose.yaw for frame in frames if frame.pose is not None]
    return tuple(abs(yaw - yaws[0]) < _STRAIGHT_DEG for yaw in yaws)


def _lend_straight(samples: FaceSamples, claim: Claim) -> None:
    if claim.lend_straight is not None:
        for place in np.flatnonzero(samples.straight):
            claim.lend_straight(samples.templates[place : place + 1])  # a view: no copy of a template is left behind


def _spread(frames: list[TrackedFrame]) -> list[TrackedFrame]:
    places = np.linspace(0, len(frames) - 1, min(_COMPARED_FRAMES, len(frames))).round().astype(int)
    return [frames[place] for place in places] if frames else []
