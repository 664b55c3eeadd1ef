"""Measures whether protected templates of one person can be linked, renewed, and opened without a change."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from idproof.benchmarks.face import templates as face_templates
from idproof.benchmarks.harness.output import PHOTOGRAPHS, Run, figure, plain
from idproof.benchmarks.metrics import rate
from idproof.benchmarks.metrics.resample import interval
from idproof.benchmarks.metrics.unlinkability import d_sys
from idproof.benchmarks.template import linkage
from idproof.benchmarks.template.protection import Form, Holder, Service, Stored, opened, protect, rows
from idproof.datasets.lfw import LabelledFaces
from idproof.models.types import Embeddings, Engines
from idproof.pipeline.errors import DatasetInvalid

_OTHERS = 5
"""Non-mated pairs for each mated one."""
_DRAWS = 400
"""Draws of people for an interval, and permutations of labels: enough for percentiles to 1 %. Chosen by hand."""
_LEAST_PEOPLE = 20


@dataclass(frozen=True)
class _Pairs:
    """Pairs of stored forms.

    Attributes:
        one, other: (n, bytes).
        first, second: (n,) people of each pair; equal for mated ones.
    """

    one: Stored
    other: Stored
    first: NDArray[np.intp]
    second: NDArray[np.intp]

    @property
    def mated(self) -> NDArray[np.bool_]:
        """Shape (n,); true where a pair is of one person."""
        return np.asarray(self.first == self.second, dtype=np.bool_)


def measure_template(
    faces: LabelledFaces,
    engines: Engines,
    *,
    dataset: str,
    seed: int = 0,
    forms: int = 4,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Run:
    """Protects two pictures of each person as two enrolments, and compares the stored forms as an attacker would.

    Args:
        faces: labelled pictures; of each person with two or more the first two are used.
        engines: the profile whose templates are protected.
        dataset: `lfw` or `lfw-112`, see `face.templates.make`.
        seed: of the pairs, of the resampling of people and of the permuted labels. Keys are never seeded.
        forms: stored forms of each enrolment.
        progress: called with pictures done and in total.

    Raises:
        DatasetInvalid: fewer than 20 people have two pictures with a face.
    """
    made = face_templates.make(_two_each(faces), dataset, engines, progress)
    enrolled = _first_two(made.people)
    if len(enrolled) < _LEAST_PEOPLE:
        raise DatasetInvalid(f"Fewer than {_LEAST_PEOPLE} people have two pictures with a face.")
    rng = np.random.default_rng(seed)
    first, second = (made.in_force[enrolled[:, place]] for place in (0, 1))
    home, elsewhere = Service.new(engines.embedder_sha256), Service.new(engines.embedder_sha256)
    holders, others = ([Holder.new() for _ in enrolled] for _ in range(2))
    stored = _protected(first, home, holders, forms)
    again = _protected(first, home, holders, forms)
    kept_keys = _protected(second, home, holders, forms)
    other_keys = _protected(second, elsewhere, others, forms)
    conditions = {"": (stored, kept_keys), "elsewhere.": (stored, other_keys), "renewed.": (stored, again)}
    figures: dict[str, Mapping[str, Any]] = {}
    for name, (one, other) in conditions.items():
        figures |= _linkability(f"template.{name}", _pairs(rows(one), rows(other), forms, rng), seed)
    figures |= _unprotected(first, second, rng, seed)
    figures["template.changed"] = figure(_changed(first, stored, home, holders, forms))
    figures["template.stored_bytes"] = plain(float(len(stored[0].layers)), len(stored), "bytes")
    lengths = {len(form.layers) for form in stored + kept_keys + other_keys}
    figures["template.lengths"] = plain(float(len(lengths)), len(stored), "lengths")
    return Run(
        bench="template",
        profile=engines.profile,
        weights=engines.weights,
        seed=seed,
        counts={"people": len(enrolled), "stored_forms": sum(map(len, (stored, again, kept_keys, other_keys)))},
        figures=figures,
        extra={
            "data": PHOTOGRAPHS,
            "dataset": dataset,
            "intervals": "plain templates: bootstrap by person; chance: 95 % of permutations",
        },
    )


def _two_each(faces: LabelledFaces) -> LabelledFaces:
    """Returns the first two pictures of everybody who has them; the others are not looked at."""
    count: dict[str, int] = Counter(faces.names)
    seen: dict[str, int] = Counter()
    kept = []
    for place, name in enumerate(faces.names):
        seen[name] += 1
        if count[name] > 1 and seen[name] <= 2:
            kept.append(place)
    return LabelledFaces(faces.root, tuple(faces.paths[i] for i in kept), tuple(faces.names[i] for i in kept))


def _first_two(people: NDArray[np.intp]) -> NDArray[np.intp]:
    """Returns (n, 2): rows of the first two pictures of everybody who has them."""
    mine = (np.flatnonzero(people == person)[:2] for person in np.unique(people))
    return np.array([places for places in mine if places.size == 2], dtype=np.intp).reshape(-1, 2)


def _protected(templates: Embeddings, service: Service, holders: Sequence[Holder], forms: int) -> list[Form]:
    """Returns the stored forms, those of one person next to each other."""
    return [
        form
        for row, holder in zip(templates, holders, strict=True)
        for form in protect(row[None], service, holder, forms)
    ]


def _pairs(one: Stored, other: Stored, forms: int, rng: np.random.Generator) -> _Pairs:
    """Pairs each stored form with one of the same person, and with `_OTHERS` of other people."""
    people = np.repeat(np.arange(len(one) // forms), forms)
    strangers = rng.integers(1, people.max() + 1, size=(_OTHERS, people.size))
    theirs = (people + strangers) % (people.max() + 1) * forms + rng.integers(0, forms, size=strangers.shape)
    left = np.concatenate([np.arange(people.size), np.tile(np.arange(people.size), _OTHERS)])
    right = np.concatenate([np.arange(people.size), theirs.ravel()])
    return _Pairs(one[left], other[right], people[left], people[right])


def _linkability(prefix: str, pairs: _Pairs, seed: int) -> dict[str, Mapping[str, Any]]:
    """Returns D_sys of every score, of the worst one, and what permuted labels give the worst one."""
    scored = {name: score(pairs.one, pairs.other) for name, score in linkage.SCORES.items()}
    everything = np.ones(len(pairs.first), dtype=np.bool_)
    kept = dict.fromkeys(scored, everything)
    # Learned from half of the people, tried on pairs of the others alone.
    training = (pairs.first % 2 == 0) & (pairs.second % 2 == 0)
    fresh = (pairs.first % 2 == 1) & (pairs.second % 2 == 1)
    balanced = training & (pairs.mated | (np.cumsum(training & ~pairs.mated) % _OTHERS == 1))
    learned = linkage.learned(pairs.one, pairs.other, pairs.mated, balanced)
    scored["learned"], kept["learned"] = learned(pairs.one, pairs.other), fresh
    found = {name: _figure(scored[name][kept[name]], pairs.mated[kept[name]]) for name in scored}
    worst = max(found.values(), key=lambda entry: float(entry["value"]))
    chance = _by_chance([(scored[name][kept[name]], pairs.mated[kept[name]]) for name in scored], seed)
    figures: dict[str, Mapping[str, Any]] = {f"{prefix}dsys.{name}": entry for name, entry in found.items()}
    return {f"{prefix}dsys": worst, f"{prefix}dsys_by_chance": chance, **figures}


def _figure(scores: linkage.Scores, mated: NDArray[np.bool_]) -> dict[str, Any]:
    """Returns D_sys without an interval: where nothing links, resampling would only add noise, which it counts."""
    return plain(d_sys(scores[mated], scores[~mated]), int(mated.sum()), "D_sys")


def _interval_of(scores: linkage.Scores, pairs: _Pairs, seed: int) -> dict[str, Any]:
    """Returns D_sys with its interval by person."""
    mated, first, second = pairs.mated, pairs.first, pairs.second

    def statistic(weights: NDArray[np.float64]) -> float:
        counted = np.where(mated, weights[first], weights[first] * weights[second])
        return d_sys(scores[mated], scores[~mated], counted[mated], counted[~mated])

    low, high = interval(statistic, int(first.max()) + 1, draws=_DRAWS, seed=seed)
    return _figure(scores, mated) | {"low": low, "high": high}


def _by_chance(scored: Sequence[tuple[linkage.Scores, NDArray[np.bool_]]], seed: int) -> dict[str, Any]:
    """Returns the D_sys of the worst score where labels say nothing: mean of permuted labels, and 95 % of them."""
    rng = np.random.default_rng([seed, 1])
    found = []
    for _ in range(_DRAWS):
        permuted = [(scores, rng.permutation(mated)) for scores, mated in scored]
        found.append(max(d_sys(scores[drawn], scores[~drawn]) for scores, drawn in permuted))
    low, high = (float(edge) for edge in np.quantile(found, (0.025, 0.975)))
    mated_pairs = max(int(mated.sum()) for _, mated in scored)
    return {"value": float(np.mean(found)), "low": low, "high": high, "n": mated_pairs, "unit": "D_sys"}


def _unprotected(first: Embeddings, second: Embeddings, rng: np.random.Generator, seed: int) -> dict[str, Any]:
    """Returns D_sys of the plain templates: by their cosine, and by the scores of bytes."""
    one_row, other_row = (np.ascontiguousarray(each).view(np.uint8).reshape(len(each), -1) for each in (first, second))
    pairs = _pairs(one_row, other_row, 1, rng)
    one, other = (np.ascontiguousarray(side).view(np.float32) for side in (pairs.one, pairs.other))
    cosine = np.asarray((one * other).sum(axis=1), dtype=np.float64)
    figures = {"template.dsys_unprotected": _interval_of(cosine, pairs, seed)}
    for name, score in linkage.SCORES.items():
        figures[f"template.dsys_unprotected.{name}"] = _interval_of(score(pairs.one, pairs.other), pairs, seed)
    return figures


def _changed(
    templates: Embeddings, stored: Sequence[Form], service: Service, holders: Sequence[Holder], forms: int
) -> Any:
    """Returns the rate of templates that do not come back bit by bit."""
    wrong = 0
    for person, holder in enumerate(holders):
        found = opened(stored[person * forms], service, holder)
        wrong += found.tobytes() != templates[person].tobytes()
    return rate(wrong, len(holders))
