"""The scores of one system, one row per attempt."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from idproof.benchmarks.errors import ScoresInvalid
from idproof.benchmarks.metrics import Scores
from idproof.benchmarks.metrics.resample import Comparisons

Column = NDArray[Any]
Text = NDArray[np.str_]

COLUMNS = ("score", "label", "system", "species", "group", "other_group", "person", "other_person")
"""Columns that are read; others are ignored."""
_TEXTS = COLUMNS[3:]
_POSITIVE = frozenset({"genuine", "mated", "same", "bona_fide", "bona fide", "bonafide", "1", "true"})
_NEGATIVE = frozenset({"impostor", "imposter", "non_mated", "non-mated", "different", "attack", "0", "false"})
_OF_ATTACK_DETECTION = frozenset({"bona_fide", "bona fide", "bonafide", "attack"})
_OF_NUMBERS = frozenset({"0", "1", "true", "false"})
UNNAMED_SPECIES = "attack"
"""Species of attacks whose row names none."""


class Task(StrEnum):
    """The question that the scores answer."""

    COMPARISON = "comparison"
    ATTACK_DETECTION = "attack_detection"


@dataclass(frozen=True)
class SystemScores:
    """The scores of one system; a higher score speaks for the same person, or for a bona fide presentation.

    Attributes:
        system: its name.
        task: comparison of people, or detection of presentation attacks.
        scores: (n,); NaN for an attempt that got no score.
        positive: (n,) genuine comparisons, or bona fide presentations.
        texts: `species`, `group`, `other_group`, `person`, `other_person`, each (n,); an empty text is no value.
            Columns that the file lacks are left out.
    """

    system: str
    task: Task
    scores: Scores = field(repr=False)
    positive: NDArray[np.bool_] = field(repr=False)
    texts: Mapping[str, Text] = field(default_factory=dict, repr=False)

    def text(self, column: str) -> Text:
        """Returns a column of texts; empty texts when the file lacks it."""
        return self.texts.get(column, np.zeros(self.scores.size, dtype="<U1"))

    @property
    def scored(self) -> NDArray[np.bool_]:
        """(n,) attempts with a score."""
        return ~np.isnan(self.scores)

    @property
    def positives(self) -> NDArray[np.bool_]:
        """(n,) genuine comparisons, or bona fide presentations, with a score."""
        return self.scored & self.positive

    @property
    def impostors(self) -> NDArray[np.bool_]:
        """(n,) comparisons of different people with a score, without those that name a species of attack."""
        return np.asarray(self.scored & ~self.positive & (self.text("species") == ""), dtype=np.bool_)

    def species(self) -> dict[str, NDArray[np.bool_]]:
        """Returns the attacks with a score, by species; of comparisons only those that name a species."""
        named = np.where(self.positive, "", self.text("species"))
        if self.task is Task.ATTACK_DETECTION:
            named = np.where(~self.positive & (named == ""), UNNAMED_SPECIES, named)
        return {str(name): self.scored & (named == name) for name in np.unique(named) if name}

    def group_pairs(self) -> tuple[Text, Text]:
        """Returns the groups of both people; a row with one group has two people of that group."""
        group = self.text("group")
        other = self.text("other_group")
        return group, np.where(other == "", group, other)

    @cached_property
    def people(self) -> tuple[NDArray[np.intp], NDArray[np.intp]] | None:
        """Numbers of both people of each attempt, from 0; None unless every attempt names its person."""
        if "person" not in self.texts or (self.texts["person"] == "").any():
            return None
        person, other = self.texts["person"], self.text("other_person")
        both = np.concatenate([person, np.where(other == "", person, other)])
        numbers = np.unique(both, return_inverse=True)[1]
        return numbers[: person.size], numbers[person.size :]

    def comparisons(self, rows: NDArray[np.bool_]) -> Comparisons | None:
        """Returns some attempts with their people; None when the people are not known."""
        if self.people is None:
            return None
        person, other = self.people
        return Comparisons(self.scores[rows], person[rows], other[rows])


def systems_of(columns: Mapping[str, Column], default: str) -> Iterator[SystemScores]:
    """Yields the scores of each system of a table, in the order of their names.

    Args:
        columns: by name, see `COLUMNS`; `score` and `label` are needed.
        default: name of the system where the table names none.

    Raises:
        ScoresInvalid: a column is missing, a label is unknown, or a score is infinite or not a number.
    """
    missing = [name for name in COLUMNS[:2] if name not in columns]
    if missing:
        raise ScoresInvalid(
            f"{default}: the column {' and '.join(missing)} is missing; known are {', '.join(COLUMNS)}."
        )
    scores = _numbers(columns["score"], default)
    positive, words = _labels(columns["label"], default)
    texts = {name: _text(columns[name]) for name in _TEXTS if name in columns}
    names = _text(columns["system"]) if "system" in columns else np.full(scores.size, default)
    names = np.where(names == "", default, names)
    for name in np.unique(names):
        rows = names == name
        kept = {column: values[rows] for column, values in texts.items()}
        yield SystemScores(str(name), _task(words, kept.get("species")), scores[rows], positive[rows], kept)


def _task(words: frozenset[str], species: Text | None) -> Task:
    """Returns the task that the labels name; labels 0 and 1 with a species are of attack detection."""
    if words & _OF_ATTACK_DETECTION or (words <= _OF_NUMBERS and species is not None and (species != "").any()):
        return Task.ATTACK_DETECTION
    return Task.COMPARISON


def _numbers(column: Column, name: str) -> Scores:
    try:
        if column.dtype.kind in "biuf":
            scores = np.asarray(column, dtype=np.float64)
        else:
            text = _text(column)
            scores = np.where(text == "", "nan", text).astype(np.float64)
    except ValueError:
        raise ScoresInvalid(f"{name}: a score is not a number. Leave it empty where an attempt got none.") from None
    if np.isinf(scores).any():
        raise ScoresInvalid(f"{name}: a score is infinite. Leave it empty where an attempt got none.")
    return scores


def _labels(column: Column, name: str) -> tuple[NDArray[np.bool_], frozenset[str]]:
    values, places = np.unique(column if column.dtype.kind in "biuf" else _text(column), return_inverse=True)
    words = [_label(value) for value in values]
    unknown = next((word for word in words if word not in _POSITIVE | _NEGATIVE), None)
    if unknown is not None:
        raise ScoresInvalid(
            f"{name}: the label {unknown[:40]!r} is unknown. Known are genuine and impostor, bona_fide and attack, "
            "1 and 0."
        )
    if set(words) & _OF_ATTACK_DETECTION and set(words) - _OF_ATTACK_DETECTION - _OF_NUMBERS:
        raise ScoresInvalid(
            f"{name}: labels of comparisons and of attack detection stand in one file. A comparison with an attack is "
            "an impostor that names its species."
        )
    known = np.array([word in _POSITIVE for word in words], dtype=bool)
    return known[places], frozenset(words)


def _label(value: object) -> str:
    if isinstance(value, float | np.floating) and float(value).is_integer():
        return str(int(value))
    return str(value).strip().lower()


def _text(column: Column) -> Text:
    if column.dtype.kind == "U":
        return np.char.strip(column)
    if column.dtype.kind == "S":
        return np.char.strip(np.char.decode(column, "utf-8"))
    return np.array(["" if value is None else str(value).strip() for value in column.tolist()], dtype=np.str_)
