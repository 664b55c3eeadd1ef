"""Measures the card stage on public sets (`idproof bench card --dataset NAME --root DIR`), as their papers do.

MIDV-Holo: the published baseline, and any other score of a clip, decide between originals and forgeries, with
thresholds from documents that are not tested (`public_protocol`). MIDV-DynAttack: the share of each attack that is
found where a chosen share of originals is refused (`refused_share`).

No document of the other sets has a hologram, so each clip in which the baseline finds one is an error of the baseline.
DLC-2021's copies are judged like MIDV-Holo's when a score is given. The position of the document is measured when a
document type with the name of the set's class is given.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import cv2
import numpy as np
from numpy.typing import NDArray

from idproof.benchmarks.card import midv_holo_baseline as baseline
from idproof.benchmarks.card.public_protocol import Figures, Scores, false_holograms, judge
from idproof.benchmarks.card.refused_share import judge_at_refused_share
from idproof.benchmarks.harness.output import PHOTOGRAPHS, Run, figure, plain
from idproof.benchmarks.metrics import rate
from idproof.datasets.public import READERS, Clip, midv_dynattack, midv_holo
from idproof.datasets.public.common import Quadrangle
from idproof.models.types import RGBImage
from idproof.pipeline.card.locating.locator import CardLocator
from idproof.pipeline.card.view import corners
from idproof.pipeline.config import Policy
from idproof.pipeline.documents import DocumentType
from idproof.pipeline.errors import BadInput, DatasetInvalid
from idproof.pipeline.types import Role

Scorer = Callable[[Sequence[RGBImage]], float]
"""Turns the rectified frames of one clip, `midv_holo_baseline.SIZE`, into a score; higher is more genuine."""

LOCATED_IOU = 0.9
"""Overlap from which a document counts as located. Chosen by hand; no outside source."""
CHANGES = (0.1, 0.15, 0.2, 0.3, 0.4)
"""Thresholds of chromatic change from which the calibration chooses. Chosen by hand around `CHANGE`."""

_Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Localiser:
    """Locates documents of one class of a set.

    Attributes:
        document_class: the set's name of the class, such as `alb_id`.
        locate: a frame to (4, 2) corners in pixels, or None when nothing was found.
    """

    document_class: str
    locate: Callable[[RGBImage], Quadrangle | None]

    @classmethod
    def of(cls, document: DocumentType, policy: Policy | None = None) -> Self:
        """Returns the pipeline's own locator, for a type with the name of the set's class."""
        locator, rules = CardLocator.open(document), policy or Policy()

        def locate(picture: RGBImage) -> Quadrangle | None:
            try:
                return corners(locator.locate(picture, Role.CARD_FRONT, rules), document)
            except BadInput:
                return None

        return cls(document.name, locate)


@dataclass
class _Findings:
    """Measurements of the clips, in their order."""

    scores: dict[str, list[Scores | None]] = field(default_factory=dict)
    overlaps: list[float] = field(default_factory=list)
    frames: Counter[str] = field(default_factory=Counter)


def measure_public_set(
    dataset: str,
    root: Path,
    *,
    profile: str = "open",
    seed: int = 0,
    progress: Callable[[int, int], None] = lambda done, total: None,
    scorer: Scorer | None = None,
    localiser: Localiser | None = None,
) -> Run:
    """Measures on one public set.

    Args:
        dataset: a name of `datasets.public.READERS`.
        root: its folder, in the published layout.
        profile: recorded with the run; no network is used here.
        seed: of the folds, when the set has none.
        progress: called with clips done and in total.
        scorer: our own score of a clip, reported as `ours` beside the baseline.
        localiser: locates the documents of one class, or None.

    Raises:
        DatasetInvalid: the set is unknown, not in its layout, or too small for the protocol.
    """
    if dataset not in READERS:
        raise DatasetInvalid(f"{dataset} is no set that is known: {', '.join(READERS)} are.")
    clips = READERS[dataset](root)
    masks = _masks(clips, root) if dataset == "midv-holo" else {}
    found = _measure(clips, masks, scorer, localiser, progress)
    figures, notes = _located(found, dataset, localiser)
    if dataset == "midv-holo":
        judged, protocol = judge(clips, found.scores, seed)
    elif dataset == "midv-dynattack":
        judged, protocol = judge_at_refused_share(clips, found.scores, seed, usual=CHANGES.index(baseline.CHANGE))
        notes += _notes_of_dynattack(clips, root, scorer)
    else:
        judged = false_holograms(clips, found.scores["baseline"], CHANGES.index(baseline.CHANGE), baseline.SHARE)
        protocol = "constants of the baseline as written"
        if scorer is None or dataset != "dlc-2021":
            notes.append(_NOT_JUDGED[dataset])
        else:
            ours, protocol_of_ours = judge(clips, {"ours": found.scores["ours"]}, seed)
            judged, protocol = judged | ours, f"{protocol}; ours: {protocol_of_ours}"
    return Run(
        bench="card",
        profile=profile,
        weights={},
        seed=seed,
        counts={
            "clips": dict(Counter(clip.published_class for clip in clips)),
            "clips_not_scored": sum(score is None for score in found.scores["baseline"]),
            "frames": dict(found.frames),
        },
        figures=judged | figures,
        extra={
            "dataset": dataset,
            "protocol": protocol,
            "attacks": {clip.published_class: clip.attack for clip in clips},
            "data": PHOTOGRAPHS,
            "notes": notes,
        },
    )


_NOT_JUDGED: Mapping[str, str] = {
    "midv-500": "MIDV-500 has no attacks, so no attack was judged.",
    "midv-2020": "MIDV-2020 has no attacks, so no attack was judged.",
    "dlc-2021": "DLC-2021's copies were not judged: the baseline looks for holograms, which none of its documents has.",
}


def _notes_of_dynattack(clips: Sequence[Clip], root: Path, scorer: Scorer | None) -> list[str]:
    missing = sorted(midv_dynattack.HOLO_ATTACKS.keys() - {clip.published_class for clip in clips})
    part, short = midv_dynattack.part_of(root), midv_dynattack.count_short(root)
    return [
        f"Measured on the pictures of {part}/, put straight by the publishers, every {midv_dynattack.EVERY}rd of them.",
        f"Left out, as in the publication: {short} clips of {midv_dynattack.MORE_THAN} pictures or fewer.",
        "The published row reached this project without its publication; the two hand-cut foils are pooled in it.",
        *([f"Not beside it, so not measured: MIDV-Holo's {', '.join(missing)}."] if missing else []),
        *([] if scorer else ["No score of our own is measured: no document type of ours is in the set."]),
    ]


def overlap(one: Quadrangle, other: Quadrangle) -> float:
    """Returns the intersection over union of two convex quadrangles, 0..1.

    Example:
        >>> square = np.array([[0, 0], [2, 0], [2, 2], [0, 2]], dtype=float)
        >>> round(overlap(square, square + [1, 0]), 3)
        0.333
    """
    a, b = one.astype(np.float32), other.astype(np.float32)
    shared = float(cv2.intersectConvexConvex(a, b)[0])
    union = float(cv2.contourArea(a)) + float(cv2.contourArea(b)) - shared
    return shared / union if union > 0 else 0.0


def _measure(
    clips: Sequence[Clip],
    masks: Mapping[str, _Mask],
    scorer: Scorer | None,
    localiser: Localiser | None,
    progress: Callable[[int, int], None],
) -> _Findings:
    found = _Findings()
    for done, clip in enumerate(clips, start=1):
        mask = masks[midv_holo.kind_of(clip)] if masks else None
        rectified = _rectified(clip, found, localiser)
        for name, score in _scores(rectified, mask, scorer).items():
            found.scores.setdefault(name, []).append(score)
        progress(done, len(clips))
    return found


def _rectified(clip: Clip, found: _Findings, localiser: Localiser | None) -> list[RGBImage]:
    """Returns the documents of a clip as rectangles; counts the frames and locates the document where possible."""
    frames = list(clip.frames())
    known = [(frame, frame.quadrangle) for frame in frames if frame.quadrangle is not None]
    found.frames.update(all=len(frames), without_quadrangle=len(frames) - len(known))
    sought = localiser is not None and clip.document_class == localiser.document_class
    if len(known) < 2 and not sought:  # a still shows no change, and is large
        return []
    rectified = []
    for frame, quadrangle in known:
        picture = frame.read()
        rectified.append(baseline.rectify(picture, quadrangle))
        size = np.array([picture.shape[1], picture.shape[0]])
        if localiser is not None and sought and bool(((quadrangle >= 0) & (quadrangle < size)).all()):
            answer = localiser.locate(picture)
            found.overlaps.append(0.0 if answer is None else overlap(answer, quadrangle))
    return rectified


def _scores(frames: list[RGBImage], mask: _Mask | None, scorer: Scorer | None) -> dict[str, Scores | None]:
    """Returns method to its scores of one clip, one per setting; None with fewer than two frames."""
    names = ["baseline", *(["baseline_masked"] if mask is not None else []), *(["ours"] if scorer else [])]
    if len(frames) < 2:
        return dict.fromkeys(names)
    change = baseline.chromatic_change(frames)
    found: dict[str, Scores | None] = {"baseline": _shares(change, None)}
    if mask is not None:
        found["baseline_masked"] = _shares(change, mask)
    if scorer is not None:
        found["ours"] = np.array([scorer(frames)])
    return found


def _shares(change: NDArray[np.float32], mask: _Mask | None) -> Scores:
    return np.array([baseline.hologram_share(change, mask, threshold=threshold) for threshold in CHANGES])


def _masks(clips: Sequence[Clip], root: Path) -> dict[str, _Mask]:
    """Returns the masks of all kinds of document at the frames' size, or none: rates over some kinds do not compare."""
    masks = midv_holo.hologram_masks(root)
    if {midv_holo.kind_of(clip) for clip in clips} - masks.keys():
        return {}
    return {
        kind: np.asarray(cv2.resize(mask.astype(np.uint8), baseline.SIZE, interpolation=cv2.INTER_NEAREST) > 0)
        for kind, mask in masks.items()
    }


def _located(found: _Findings, dataset: str, localiser: Localiser | None) -> tuple[Figures, list[str]]:
    if localiser is None:
        return {}, [
            f"Where the document is was not measured: no document type of ours is in {dataset}. Its quadrangles "
            "rectify the frames."
        ]
    n = len(found.overlaps)
    if n == 0:
        return {}, [f"{dataset} holds no whole document of the class {localiser.document_class}: none was located."]
    hits = sum(value >= LOCATED_IOU for value in found.overlaps)
    return {
        "card.iou.mean": plain(float(np.mean(found.overlaps)), n, "iou"),
        "card.not_found": figure(rate(sum(value == 0 for value in found.overlaps), n)),
        f"card.iou.at_least_{LOCATED_IOU}": figure(rate(hits, n)),
    }, []
