"""Check that the selfie was taken where the clip was: the same hair, clothes, background and light around the face.

Selfie and clip are two moments of one sitting before one camera. Head and surroundings are brought to one size by the
face's landmarks, and what lies around the face is compared coarsely, so that a step aside or another expression does
not count, and without its mean colour, which a camera's white balance sets.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from idproof.models.types import DetectedFace, RGBImage
from idproof.pipeline.liveness.face_tracking import TrackedClip, TrackedFrame
from idproof.pipeline.types import CheckResult, Outcome, Status

NAME = "liveness_selfie_scene"
MIN_LIKENESS = 0.6
"""Chosen by hand on 40 rendered sittings of the split tuning, half of them before a kiosk, without a command: 39 of the
selfies of the sitting are at 0.61 or above (median 0.94), 36 of 40 from another photograph of the person at 0.58 or
below (median 0.32)."""

Surroundings = NDArray[np.uint8]
"""(64, 64, 4), of `cut`."""

# Chosen by hand on rendered people of the split tuning; no outside source.
_SIDE = 64
_EYES_PX, _EYES_Y = 10.0, 26.0  # distance and height of the eyes in the small picture: 6 eye distances to each side
_BLUR_PX, _MIN_BLUR_PX = 2.0, 0.3
_LEFT_BLUR_PX = 2.0  # deviation that is left to blur in a smaller picture, enough to interpolate in
_FACE_AXES_PX = (14, 19)  # of the ellipse that is left out, about the middle of the face
_MIN_SEEN = 0.05  # share of the small picture, outside the face, that both pictures must show
_FRAMES = 6  # compared at most


def cut(image: RGBImage, face: DetectedFace) -> Surroundings:
    """Returns head and surroundings, scaled by the eyes and the mouth, (64, 64, 4): RGB, and 255 where it counts.

    What lies outside the picture and the face itself do not count.
    """
    matrix = _to_small(face)
    soft, to_image = _soften(image, max(_MIN_BLUR_PX, 0.5 / float(np.hypot(matrix[0, 0], matrix[1, 0]))))
    small = cv2.warpAffine(
        soft, (matrix @ to_image), (_SIDE, _SIDE), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    inside = np.full(image.shape[:2], 255, np.uint8)
    soft.fill(0)
    counts = cv2.warpAffine(inside, matrix, (_SIDE, _SIDE), flags=cv2.INTER_NEAREST)
    cv2.ellipse(counts, (_SIDE // 2, round(_EYES_Y + _EYES_PX / 2)), _FACE_AXES_PX, 0, 0, 360, 0, -1)
    return np.asarray(np.dstack([small, counts]), dtype=np.uint8)


def _soften(image: RGBImage, sigma_px: float) -> tuple[RGBImage, NDArray[np.float64]]:
    """Blurs against aliasing; returns the picture, and (3, 3) from its pixels to those of `image`.

    A wide blur is made in a smaller picture: means of squares, whose own blur is taken off the deviation that is left.
    """
    factor = max(1, int(sigma_px / _LEFT_BLUR_PX))
    height, width = (max(1, side // factor) for side in image.shape[:2])
    small = cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)
    left = np.sqrt(sigma_px**2 - (factor**2 - 1) / 12) / factor  # by the variance of an even distribution
    soft = cv2.GaussianBlur(small, (0, 0), float(left))
    small.fill(0)
    across, down = image.shape[1] / width, image.shape[0] / height
    to_image = np.array([[across, 0, across / 2 - 0.5], [0, down, down / 2 - 0.5], [0, 0, 1]])
    return np.asarray(soft, dtype=np.uint8), to_image


def likeness(one: Surroundings, other: Surroundings) -> float | None:
    """Returns the correlation, -1..1, of the colours that count in both; None when they are too few."""
    both = (one[..., 3] > 0) & (other[..., 3] > 0)
    if both.mean() < _MIN_SEEN:
        return None
    first, second = (_colours(entry)[both] for entry in (one, other))
    first, second = first - first.mean(axis=0), second - second.mean(axis=0)
    power = float(np.sqrt((first**2).sum() * (second**2).sum()))
    return float((first * second).sum()) / power if power > 0 else 0.0


def _colours(cut_out: Surroundings) -> NDArray[np.float32]:
    """Returns (64, 64, 3), blurred CIE L*a*b*."""
    colours = cv2.cvtColor(cut_out[..., :3].astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
    return np.asarray(cv2.GaussianBlur(colours, (0, 0), _BLUR_PX), dtype=np.float32)


def check(tracked: TrackedClip, selfie: Surroundings) -> CheckResult:
    """`liveness_selfie_scene`: the best likeness of the selfie's surroundings, also mirrored, to those of a few frames.

    In doubt, with `selfie_not_of_clip`, below `MIN_LIKENESS`. Could not be assessed without a face in the frames, nor,
    with `selfie_not_of_clip`, when hardly anything is seen around the face.
    """
    mirrored = selfie[:, ::-1].copy()  # as some front cameras deliver their stills, and not their clips
    views: list[Surroundings] = []
    try:
        views += (cut(tracked.pixels(frame.index), frame.face) for frame in _few(tracked) if frame.face is not None)
        compared = [likeness(view, seen) for view in views for seen in (selfie, mirrored)]
    finally:
        for picture in (mirrored, *views):
            picture.fill(0)
    found = [value for value in compared if value is not None]
    if not found:
        return CheckResult.not_assessed(NAME, "selfie_not_of_clip" if views else "face_not_seen_throughout")
    best = max(found)
    passed = best >= MIN_LIKENESS
    return CheckResult(
        name=NAME,
        status=Status.ASSESSED,
        outcome=Outcome.PASS if passed else Outcome.DOUBT,
        value=round(best, 4),
        unit="correlation",
        score=float(np.clip((best + 1) / 2, 0, 1)),
        reason=None if passed else "selfie_not_of_clip",
        limit=MIN_LIKENESS,
    )


def _few(tracked: TrackedClip) -> list[TrackedFrame]:
    frames = tracked.with_face
    places = np.linspace(0, len(frames) - 1, min(_FRAMES, len(frames))).round().astype(int)
    return [frames[place] for place in places] if frames else []


def _to_small(face: DetectedFace) -> NDArray[np.float64]:
    """Returns (2, 3), the similarity that puts the eyes and the mouth at their places in the small picture."""
    eyes, mouth = face.landmarks[:2].mean(axis=0), face.landmarks[3:].mean(axis=0)
    down = mouth - eyes
    # From eyes to mouth is about as far as from eye to eye, and hardly shrinks when the head turns aside.
    scale = _EYES_PX / max(float(np.hypot(*down)), face.inter_eye_distance, 1.0)
    length = max(float(np.hypot(*down)), 1e-6)
    sine, cosine = float(down[0]) / length, float(down[1]) / length
    turn = scale * np.array([[cosine, -sine], [sine, cosine]])
    shift = np.array([_SIDE / 2, _EYES_Y]) - turn @ eyes
    return np.column_stack([turn, shift])
