"""Reads the costs of one registration from a run of `idproof bench scale`."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any, Self

import numpy as np

from idproof.benchmarks.errors import RunUnusable


@dataclass(frozen=True)
class Costs:
    """Costs of one registration, as measured on one machine.

    Attributes:
        service_ms: time in a replica, one value per registration, with one replica at work.
        driver_ms: time in the server that sends it, one value per registration.
        contention: factor by which a registration takes longer when every core of the machine is at work.
        machine: facts about it.
        commit: of the measured code.
        profile: of the networks.
    """

    service_ms: Sequence[float]
    driver_ms: Sequence[float]
    contention: float
    machine: Mapping[str, Any]
    commit: str | None
    profile: str

    @classmethod
    def of(cls, run: Mapping[str, Any]) -> Self:
        """Reads a run of `bench scale`; raises `RunUnusable`."""
        try:
            return cls(
                service_ms=tuple(float(value) for value in run["service_ms"]),
                driver_ms=tuple(float(value) for value in run["driver_ms"]),
                contention=float(run["figures"]["scale.contention"]["value"]),
                machine=run["machine"],
                commit=run["commit"],
                profile=run["profile"],
            )
        except (KeyError, TypeError, ValueError):
            raise RunUnusable("This is not a run of `idproof bench scale`.") from None

    @classmethod
    def read(cls, file: Path | None = None) -> Self:
        """Reads a run's file, or the shipped run; raises `RunUnusable`."""
        source = files("idproof.benchmarks.capacity") / "measured.json" if file is None else file
        try:
            return cls.of(json.loads(source.read_text(encoding="utf-8")))
        except (OSError, ValueError):
            raise RunUnusable(f"The run {Path(str(source)).name} cannot be read.") from None

    @property
    def busy_ms(self) -> float:
        """Mean time in a replica when every core of its machine is at work."""
        return float(np.mean(self.service_ms)) * self.contention

    @property
    def variation(self) -> float:
        """Squared coefficient of variation of the time in a replica."""
        return float(np.var(self.service_ms) / np.mean(self.service_ms) ** 2)
