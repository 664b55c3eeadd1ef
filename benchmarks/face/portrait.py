"""Compares the card's portrait with a selfie that is another photograph, as the verification does.

Several ways to a template of the portrait are measured side by side on the same captures; `pipeline.flow` uses the one
that this benchmark showed to be best on tuning sets.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from idproof.benchmarks.face import calibration as score_calibration
from idproof.benchmarks.face import curves
from idproof.benchmarks.face.poor_selfies import SPOILERS, make_poor
from idproof.benchmarks.harness.cards import locate_card, read_selfie
from idproof.benchmarks.harness.output import Run, data_of, figure, plain
from idproof.benchmarks.metrics import fmr_at, fnmr_at, rate
from idproof.benchmarks.metrics.curve import d_prime
from idproof.benchmarks.metrics.resample import Comparisons
from idproof.benchmarks.scores import files
from idproof.datasets.rendered_people.camera import decoded
from idproof.datasets.sets import RegistrationSet
from idproof.models.score_reports import ScoreCalibration, portrait_calibration, portrait_thresholds
from idproof.models.types import DetectedFace, Embeddings, Engines, RGBImage
from idproof.pipeline import Policy
from idproof.pipeline.card.locating.locator import CardLocator
from idproof.pipeline.documents import load_builtin
from idproof.pipeline.errors import BadInput
from idproof.pipeline.face import compare, detection
from idproof.pipeline.face.quality import certain_score
from idproof.pipeline.types import CARD_ROLES, Role

IN_FORCE, COLOURED = "averaged", "coloured"
STANDING_PX = (80, 120)
"""Face width of people who stand at a kiosk, 0.9 to 1.5 m from its camera."""
_STANDING = "standing"
_STANDING_QUALITY = 85  # of JPEG


def denoised(crop: RGBImage) -> RGBImage:
    """Smooths within edges (Tomasi and Manduchi, 1998), which removes print grain and keeps features."""
    return np.asarray(cv2.bilateralFilter(crop, 5, 18, 3), dtype=np.uint8)


def local_contrast(crop: RGBImage) -> RGBImage:
    """Applies contrast-limited adaptive histogram equalisation (Zuiderveld, 1994) to the lightness."""
    lab = cv2.cvtColor(crop, cv2.COLOR_RGB2LAB)
    lab[..., 0] = cv2.createCLAHE(1.5, (4, 4)).apply(lab[..., 0])
    return np.asarray(cv2.cvtColor(lab, cv2.COLOR_LAB2RGB), dtype=np.uint8)


ENHANCEMENTS: Mapping[str, Callable[[RGBImage], RGBImage]] = {"denoised": denoised, "local_contrast": local_contrast}


@dataclass(frozen=True)
class RegistrationTemplates:
    """The templates of one registration.

    Attributes:
        person: holder of the card.
        portraits: method to template, unit length.
        selfie: unit length; the templates of the picture and of its grey version, fused.
        standing: of the selfie as a kiosk takes it; None when no face is found.
        coloured: of the coloured selfie alone.
        poor: kind of spoiling (`poor_selfies`) to the template of the selfie made poor in that way.
    """

    person: str
    portraits: Mapping[str, Embeddings]
    selfie: Embeddings
    standing: Embeddings | None = None
    coloured: Embeddings | None = None
    poor: Mapping[str, Embeddings] = field(default_factory=dict)


@dataclass(frozen=True)
class PortraitComparisons:
    """Every portrait with every selfie; only selfies of the same registration are genuine."""

    impostors: Comparisons
    genuines: Comparisons


def as_standing(selfie: RGBImage, face: DetectedFace, width_px: float) -> RGBImage:
    """Returns the selfie as a camera farther away takes it: the face this many pixels wide, and encoded again."""
    scale = min(1.0, width_px / max(face.box[2], 1.0))
    small = cv2.resize(selfie, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    _, packed = cv2.imencode(".jpg", small[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, _STANDING_QUALITY])
    return decoded(packed)


def make_templates(
    sets: Sequence[RegistrationSet],
    engines: Engines,
    progress: Callable[[int, int], None] = lambda done, total: None,
    *,
    poor: bool = False,
) -> tuple[list[RegistrationTemplates], int]:
    """Returns the templates of all bona fide registrations, and the number of registrations that could not be used.

    With `poor` they contain those of the selfies made poor, which take as long as everything else.
    """
    bona_fide = [entry for entry in sets if entry.truth.bona_fide and entry.truth.same_person]
    locator, policy = CardLocator.open(load_builtin()), Policy()
    found = []
    widths = np.linspace(*STANDING_PX, len(bona_fide)) if bona_fide else ()
    for done, (entry, width) in enumerate(zip(bona_fide, widths, strict=True), start=1):
        with suppress(BadInput):  # counted as not usable
            found.append(_templates(entry, engines, locator, policy, float(width), poor=poor))
        progress(done, len(bona_fide))
    return found, len(bona_fide) - len(found)


def compare_all(compared: Sequence[RegistrationTemplates], way: str) -> PortraitComparisons:
    """Compares all; two registrations of one person are not compared with each other."""
    people = np.unique([entry.person for entry in compared], return_inverse=True)[1]
    portraits = np.stack([entry.portraits[way] for entry in compared])
    selfies = np.stack([entry.selfie for entry in compared])
    scores = portraits @ selfies.T
    one, other = np.nonzero(people[:, None] != people[None])
    own = np.arange(len(compared))
    return PortraitComparisons(
        Comparisons(scores[one, other], people[one], people[other]),
        Comparisons(scores[own, own], people, people),
    )


def measure_portraits(
    sets: Sequence[RegistrationSet],
    engines: Engines,
    *,
    seed: int = 0,
    after: Run | None = None,
    scores: Path | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Run:
    """Measures how often the holder's own selfie does not match the portrait, with every way to make a template.

    `face.portrait.fnmr@fmrX` is at the operating point in force; `face.portrait.measured_fmr@fmrX` checks its false
    match rate on these portraits and selfies.

    Args:
        sets: registrations; attacks among them are left out.
        engines: the profile.
        seed: recorded with the run; nothing here is random.
        scores: file for the score of every portrait with every selfie, see `scores.files`.
        after: an earlier part of the same benchmark, whose figures are kept.
        progress: called with registrations done and in total.
    """
    files.check_name(scores)
    compared, unusable = make_templates(sets, engines, progress, poor=True)
    if scores is not None and compared:
        _write_scores(scores, compare_all(compared, IN_FORCE))
    figures: dict[str, Mapping[str, Any]] = {
        "face.portrait.not_found": figure(rate(unusable, unusable + len(compared)))
    }
    if compared:
        figures |= _figures(compared, engines.profile)
    counts = {"portrait_registrations": len(compared), "portrait_unusable": unusable}
    data = data_of(sets)
    curves = _curves(compared, data)
    if after is None:
        return Run("face", engines.profile, engines.weights, seed, counts, figures, {"data": data, "curves": curves})
    return replace(
        after,
        figures={**after.figures, **figures},
        counts={**after.counts, **counts},
        extra={**after.extra, "curves": {**after.extra.get("curves", {}), **curves}},
    )


def _write_scores(file: Path, pairs: PortraitComparisons) -> None:
    kinds = (pairs.genuines, pairs.impostors)
    columns = {
        "score": np.concatenate([kind.scores for kind in kinds]),
        "label": np.repeat(np.array(["genuine", "impostor"]), [kind.scores.size for kind in kinds]),
        "person": np.concatenate([kind.first for kind in kinds]),
        "other_person": np.concatenate([kind.second for kind in kinds]),
    }
    files.write(file, columns)


def _curves(compared: Sequence[RegistrationTemplates], data: str) -> dict[str, Any]:
    if len({entry.person for entry in compared}) < 2:
        return {}
    pairs = compare_all(compared, IN_FORCE)
    return {"face.portrait": curves.curve(pairs.impostors.scores, pairs.genuines, data=data)}


def _figures(compared: Sequence[RegistrationTemplates], profile: str) -> dict[str, Mapping[str, Any]]:
    thresholds = portrait_thresholds(profile)
    figures: dict[str, Mapping[str, Any]] = {}
    for way in compared[0].portraits:
        pairs = compare_all(compared, way)
        middle = "" if way == IN_FORCE else f"{way}."
        apart = d_prime(pairs.impostors.scores, pairs.genuines.scores)
        figures[f"face.portrait.{middle}d_prime"] = plain(apart, len(compared), "deviations")
        for fmr in sorted(thresholds, reverse=True):
            end = f"@fmr{fmr:.0e}".replace("e-0", "e-")
            figures[f"face.portrait.{middle}fnmr{end}"] = figure(fnmr_at(pairs.genuines.scores, thresholds[fmr]))
            figures[f"face.portrait.{middle}measured_fmr{end}"] = figure(
                fmr_at(pairs.impostors.scores, thresholds[fmr])
            )
    figures |= _against(compared, thresholds, COLOURED)
    figures |= _against(compared, thresholds, _STANDING)
    figures |= _poor(compared, thresholds, portrait_calibration(profile))
    in_force = compare_all(compared, IN_FORCE)
    calibration = portrait_calibration(profile)
    return figures | score_calibration.figures(calibration, in_force.impostors.scores, in_force.genuines)


def _against(
    compared: Sequence[RegistrationTemplates], thresholds: Mapping[float, float], name: str
) -> dict[str, Mapping[str, Any]]:
    """Compares the portraits in force with other templates of the selfies: in colour alone, or from farther away."""
    seen = [replace(entry, selfie=other) for entry in compared if (other := getattr(entry, name)) is not None]
    missing = rate(len(compared) - len(seen), len(compared))
    figures: dict[str, Mapping[str, Any]] = {f"face.portrait.{name}.not_found": figure(missing)}
    if not seen:
        return figures
    pairs = compare_all(seen, IN_FORCE)
    for fmr in sorted(thresholds, reverse=True):
        end = f"@fmr{fmr:.0e}".replace("e-0", "e-")
        figures[f"face.portrait.{name}.fnmr{end}"] = figure(fnmr_at(pairs.genuines.scores, thresholds[fmr]))
        figures[f"face.portrait.{name}.measured_fmr{end}"] = figure(fmr_at(pairs.impostors.scores, thresholds[fmr]))
    apart = d_prime(pairs.impostors.scores, pairs.genuines.scores)
    return figures | {f"face.portrait.{name}.d_prime": plain(apart, len(seen), "deviations")}


def _poor(
    compared: Sequence[RegistrationTemplates], thresholds: Mapping[float, float], calibration: ScoreCalibration
) -> dict[str, Mapping[str, Any]]:
    """Compares the portraits in force with selfies made poor, at the score of an accept and where quality settles."""
    accept = thresholds[Policy().accept_fmr]
    certain = certain_score(accept, calibration)
    people = np.unique([entry.person for entry in compared], return_inverse=True)[1]
    portraits = np.stack([entry.portraits[IN_FORCE] for entry in compared])
    figures: dict[str, Mapping[str, Any]] = {}
    for kind in SPOILERS:
        seen = [place for place, entry in enumerate(compared) if kind in entry.poor]
        if not seen:
            continue
        scores = portraits @ np.stack([compared[place].poor[kind] for place in seen]).T
        impostors = scores[people[:, None] != people[seen][None]]
        genuines = scores[seen, range(len(seen))]
        for name, score in (("", accept), ("certain_", certain)):
            figures[f"face.portrait.poor.{kind}.{name}fmr"] = figure(fmr_at(impostors, score))
            figures[f"face.portrait.poor.{kind}.{name}fnmr"] = figure(fnmr_at(genuines, score))
    return figures


def calibrate_portraits(
    sets: Sequence[RegistrationSet],
    engines: Engines,
    *,
    recipe: str,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> dict[str, Any]:
    """Returns operating points and calibration of comparisons between portrait and selfie, see `calibration.record`."""
    pairs = compare_all(make_templates(sets, engines, progress)[0], IN_FORCE)
    return score_calibration.record(pairs.impostors.scores, pairs.genuines, profile=engines.profile, recipe=recipe)


def _templates(
    entry: RegistrationSet, engines: Engines, locator: CardLocator, policy: Policy, width_px: float, *, poor: bool
) -> RegistrationTemplates:
    card = locate_card(entry, locator, policy)
    crops = {role: detection.crop_portrait(card.rectified[role], locator.document) for role in CARD_ROLES}
    found = detection.find_portrait_faces(crops, engines.detector)
    faces = {str(role): engines.embedder.align(crops[role], face.landmarks) for role, face in found.items()}
    front = Role.CARD_FRONT
    for name, enhance in ENHANCEMENTS.items():
        faces[name] = engines.embedder.align(enhance(crops[front]), found[front].landmarks)
    selfie = read_selfie(entry)
    face = detection.find_selfie_face(selfie, engines.detector)
    faces[Role.SELFIE] = engines.embedder.align(selfie, face.landmarks)
    with suppress(BadInput):  # counted as not usable
        far = as_standing(selfie, face, width_px)
        faces[_STANDING] = engines.embedder.align(far, detection.find_selfie_face(far, engines.detector).landmarks)
    faces |= {_without(name): compare.remove_colour(faces[name]) for name in (Role.SELFIE, _STANDING) if name in faces}
    rows = dict(zip(faces, engines.embedder.embed([*faces.values()]), strict=True))
    fused = {
        name: compare.fuse(np.stack([rows[name], rows[_without(name)]]))[0]
        for name in (Role.SELFIE, _STANDING)
        if name in rows
    }
    ways = {"front": rows[front], **{name: rows[name] for name in ENHANCEMENTS}}
    portraits = {IN_FORCE: compare.fuse(np.stack([rows[role] for role in found]))[0], **ways}
    person = entry.truth.person or entry.folder.name
    spoilt = _poor_templates(selfie, face, engines) if poor else {}
    return RegistrationTemplates(person, portraits, fused[Role.SELFIE], fused.get(_STANDING), rows[Role.SELFIE], spoilt)


def _poor_templates(selfie: RGBImage, face: DetectedFace, engines: Engines) -> dict[str, Embeddings]:
    made = make_poor(selfie, face, engines)
    grey = [compare.remove_colour(aligned) for aligned in made.values()]
    rows = engines.embedder.embed([*made.values(), *grey])
    pairs = zip(rows[: len(made)], rows[len(made) :], strict=True)
    return {kind: compare.fuse(np.stack(pair))[0] for kind, pair in zip(made, pairs, strict=True)}


def _without(name: str) -> str:
    return f"{name} without colours"
