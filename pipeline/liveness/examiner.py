"""One liveness score from everything a clip shows, with the reasons beside it.

Each check is judged by what bona fide clips measured (`Calibration`): no attack has a part in any limit, so none is
favoured for having been thought of. The fused score is Fisher's: the mean of -log(score) over all assessed checks,
judged in its turn by what bona fide clips measured (Fisher, "Statistical methods for research workers", 1932). It finds
a clip that is a little odd everywhere and too odd nowhere.
"""

from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path

import numpy as np

from idproof.models.types import Embeddings, FaceDetector, FaceEmbedder, PassiveEnsemble, RGBImage
from idproof.pipeline.calibration import Calibration
from idproof.pipeline.liveness import injection, motion, passive, screen_light
from idproof.pipeline.liveness.challenge import Challenge
from idproof.pipeline.liveness.face_tracking import Seen, Watched, watch
from idproof.pipeline.liveness.frames import Clip
from idproof.pipeline.liveness.passive import SpoofNetwork
from idproof.pipeline.types import CheckResult, Outcome, Status

NAME = "liveness"
SHIPPED = Path(__file__).with_name("calibration.json")
STANDING = Path(__file__).with_name("calibration_standing.json")
_APART = frozenset({motion.SELFIE, injection.PORTRAIT, passive.ENSEMBLE})
_TEMPLATES = 4  # frames whose templates are compared: each costs as much as finding the face in five


@lru_cache(maxsize=1)
def shipped() -> Calibration:
    """What rendered bona fide clips measured at arm's length; raises `CalibrationInvalid`."""
    return Calibration.load(SHIPPED)


@lru_cache(maxsize=1)
def standing() -> Calibration:
    """The same of people who stand before a kiosk, for `Policy(liveness_calibration=standing())`."""
    return Calibration.load(STANDING)


@dataclass(frozen=True)
class Claim:
    """Who the frames should show.

    Attributes:
        selfie: (1, dimensions), its template.
        portrait: (112, 112, 3), the aligned face on the card.
        accept, refer: thresholds of the face comparison, as in `idproof.pipeline.face.compare`.
    """

    selfie: Embeddings = field(repr=False)
    portrait: RGBImage = field(repr=False)
    accept: float
    refer: float


@dataclass(frozen=True)
class Evidence:
    """Faces of a few frames, for comparisons.

    Attributes:
        faces: aligned faces (112, 112, 3) of a few frames.
        templates: one row each.
    """

    faces: list[RGBImage] = field(repr=False)
    templates: Embeddings = field(repr=False)

    def wipe(self) -> None:
        """Overwrite all of it with zeros."""
        self.templates.fill(0)
        for face in self.faces:
            face.fill(0)


@dataclass(frozen=True)
class LivenessExaminer:
    """Holds what every clip is examined with; safe to use from several threads."""

    detector: FaceDetector
    embedder: FaceEmbedder
    network: SpoofNetwork
    calibration: Calibration = field(default_factory=shipped)
    ensemble: PassiveEnsemble | None = None

    def examine(self, clip: Clip, challenge: Challenge, claim: Claim | None = None) -> list[CheckResult]:
        """Every check of a clip, the fused one last.

        Args:
            clip: the frames.
            challenge: what they answer, drawn again from its nonce.
            claim: who it should be; without it the frames are judged alone.
        """
        watched = watch(clip, self.detector)
        evidence = self._evidence(watched)
        try:
            results = self._judged(watched, evidence, challenge)
            if claim is not None:
                results.append(motion.same_as_selfie(evidence.templates, claim.selfie, claim.accept, claim.refer))
                results.append(injection.portrait_copy(evidence.faces, claim.portrait))
        finally:
            evidence.wipe()
        # Who it is, and what an operator's networks say, was judged above at thresholds of its own.
        return [*results, fused([r for r in results if r.name not in _APART], self.calibration)]

    def parts(self, clip: Clip, challenge: Challenge) -> list[CheckResult]:
        """What the frames alone show, nothing fused."""
        watched = watch(clip, self.detector)
        evidence = self._evidence(watched)
        try:
            return self._judged(watched, evidence, challenge)
        finally:
            evidence.wipe()

    def _judged(self, watched: Watched, evidence: Evidence, challenge: Challenge) -> list[CheckResult]:
        clip = watched.clip
        # Whoever is asked for less is held to what bona fide clips themselves measured, without a margin beyond it.
        strictness = replace(self.calibration, margin=0.0) if challenge.strict else self.calibration
        results = [
            injection.timing(clip),
            injection.repeats(clip, self.calibration),
            injection.noise(clip, strictness),
            injection.camera(clip),
            motion.continuity(watched, self.calibration),
            motion.same_person(evidence.templates, self.calibration),
            *passive.check(watched, self.network, strictness),
            *screen_light.check(watched, challenge, self.calibration),
        ]
        if self.ensemble is not None:
            results.append(passive.by_ensemble(watched, self.ensemble))
        answer = motion.answered(watched, challenge)
        if challenge.steps:
            results.append(motion.actions(answer, challenge, self.calibration))
        deep = motion.depth(answer, challenge, self.calibration)
        return [*results, deep] if deep is not None else results

    def _evidence(self, watched: Watched) -> Evidence:
        chosen = _spread(watched.found)
        faces = [
            self.embedder.align(watched.pixels(entry.place), entry.face.landmarks)
            for entry in chosen
            if entry.face is not None
        ]
        return Evidence(faces, self.embedder.embed(faces))


def fused(results: list[CheckResult], calibration: Calibration) -> CheckResult:
    """`liveness`: Fisher's mean over the checks' scores; fails with `not_live`.

    Could not be assessed when any check could not: what was not seen is no sign of life.
    """
    if any(result.status is not Status.ASSESSED for result in results):
        return CheckResult.not_assessed(NAME, "liveness_incomplete")
    verdict = calibration.at_most(NAME, evidence_against(results), unit="mean log score", reason="not_live")
    if any(result.outcome is Outcome.FAIL for result in results) and verdict.outcome is Outcome.PASS:
        return replace(verdict, outcome=Outcome.DOUBT, reason="not_live")
    return verdict


def evidence_against(results: list[CheckResult]) -> float:
    """Mean of -log(score), each score at least 0.001 so that no single check decides."""
    scores = [max(result.score, 1e-3) for result in results if result.score is not None]
    return float(-np.log(scores).mean())


def _spread(found: list[Seen]) -> list[Seen]:
    places = np.linspace(0, len(found) - 1, min(_TEMPLATES, len(found))).round().astype(int)
    return [found[place] for place in places] if found else []
