"""Stores the state of a long comparison in a file, so that it can be stopped and resumed: counts, never templates."""

import time
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import numpy as np

from idproof.benchmarks.engine.tally import Tally

_EVERY_S = 20.0  # between two saves: little work is lost, and saving takes a small share. Chosen by hand.


class CheckpointInvalid(ValueError):
    """The file is not a checkpoint, or is one of other templates or settings."""


@dataclass
class Checkpoint:
    """The finished rows and their counts.

    Attributes:
        file: where the state is saved; None saves nothing.
        fingerprint: of templates, labels and settings.
        done: numbers of finished rows.
        tallies: by groups.
    """

    file: Path | None
    fingerprint: str
    done: set[int] = field(default_factory=set)
    tallies: dict[tuple[int, int], Tally] = field(default_factory=dict)
    saved_at: float = field(default_factory=time.monotonic)

    @classmethod
    def open(cls, file: Path | None, fingerprint: str) -> Self:
        """Reads the file, or starts empty without one; raises `CheckpointInvalid`."""
        if file is None or not file.exists():
            return cls(file, fingerprint)
        try:
            with np.load(file, allow_pickle=False) as saved:
                arrays = dict(saved)
            tallies = {
                (one, other): Tally(exact_from, arrays[f"bins{i}"], arrays[f"values{i}"], arrays[f"counts{i}"])
                for i, (one, other, exact_from) in enumerate(arrays["pairs"].tolist())
            }
            found = cls(file, str(arrays["fingerprint"]), set(arrays["done"].tolist()), tallies)
        except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile) as error:
            raise CheckpointInvalid(f"{file.name} is not a checkpoint.") from error
        if found.fingerprint != fingerprint:
            raise CheckpointInvalid("The checkpoint is of other templates or settings.")
        return found

    def add(self, row: int, found: Mapping[tuple[int, int], Tally]) -> None:
        """Adds one row, and saves from time to time."""
        for pair, tally in found.items():
            self.tallies.setdefault(pair, Tally(tally.exact_from)).merge(tally)
        self.done.add(row)
        if self.file is not None and time.monotonic() - self.saved_at >= _EVERY_S:
            self.save()

    def save(self) -> None:
        """Saves everything, completely or not at all."""
        if self.file is None:
            return
        arrays: dict[str, Any] = {}
        for i, tally in enumerate(self.tallies.values()):
            arrays[f"bins{i}"] = tally.bins
            arrays[f"values{i}"], arrays[f"counts{i}"] = tally.highest()
        pairs = [(one, other, tally.exact_from) for (one, other), tally in self.tallies.items()]
        beside = self.file.with_name(self.file.name + ".part")
        with beside.open("wb") as stream:
            np.savez(
                stream, fingerprint=self.fingerprint, done=np.array(sorted(self.done)), pairs=np.array(pairs), **arrays
            )
        beside.replace(self.file)
        self.saved_at = time.monotonic()

    def remove(self) -> None:
        """Removes the file when the work is done."""
        if self.file is not None:
            self.file.unlink(missing_ok=True)
