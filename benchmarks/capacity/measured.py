"""What one registration costs, from runs of other benchmarks."""

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
    """Of one registration, as measured on one machine.

    Attributes:
        service_ms: in a replica, one value a registration, one replica at work.
        driver_ms: in the server that sends it there, one value a registration.
        contention: how much longer a registration takes on a machine of which every core is at work.
        machine: that was measured.
        commit: of the code that was measured.
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
        """From a run of `bench scale`; raises `RunUnusable`."""
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
            raise RunUnusable("This is no run of `idproof bench scale`.") from None

    @classmethod
    def read(cls, file: Path | None = None) -> Self:
        """From a run's file, or what was measured for this version; raises `RunUnusable`."""
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
