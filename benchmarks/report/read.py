"""Reads run files for the report."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from jsonschema_rs import Draft202012Validator

from idproof.benchmarks.harness.output import INVENTED, PHOTOGRAPHS, RENDERED, SCHEMA
from idproof.benchmarks.metrics import Rate
from idproof.models.errors import IdproofError

_DATA = {"card": RENDERED, "fields": RENDERED, "system": RENDERED, "latency": RENDERED, "liveness": RENDERED}


@dataclass(frozen=True)
class ReadRun:
    """One run file.

    Attributes:
        name: the file's name without its ending.
        bench: name of the benchmark.
        json: the whole object.
        figures: as in the file.
    """

    name: str
    bench: str
    json: Mapping[str, Any] = field(repr=False)
    figures: Mapping[str, Mapping[str, Any]] = field(repr=False)

    def get(self, member: str) -> Mapping[str, Any]:
        """Returns a member that is an object; an empty one when the run lacks it."""
        return dict(self.json.get(member) or {})

    def rate(self, figure: str) -> Rate | None:
        """Returns a figure that is a rate with its interval, else None."""
        return rate_of(self.figures.get(figure))

    def data(self, figure: str = "") -> str:
        """Returns the kind of data of a figure; by default that of its benchmark."""
        if figure.startswith("face.") and not figure.startswith(("face.portrait.", "face.calibration.")):
            return PHOTOGRAPHS
        if figure.startswith(("face.portrait.", "face.calibration.")):
            return str(self.get("curves").get("face.portrait", {}).get("data", RENDERED))
        known = {"face": PHOTOGRAPHS, "far-engine": INVENTED, **_DATA}
        return str(self.json.get("data", known.get(self.bench, "")))


def rate_of(figure: Mapping[str, Any] | None) -> Rate | None:
    """Returns the figure as a rate; None when it has no interval, no attempts, or is not a share."""
    if figure is None or figure["unit"] != "share" or figure["n"] == 0:
        return None
    if figure["value"] is None or figure["low"] is None or figure["high"] is None:
        return None
    return Rate(figure["value"], figure["low"], figure["high"], figure["n"])


def read(file: Path) -> ReadRun:
    """Reads one run; raises `IdproofError` when the file is not a run."""
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except OSError:
        raise IdproofError(f"The run {file.name} cannot be read.") from None
    except ValueError:
        raise IdproofError(f"The run {file.name} is not JSON: write it with `idproof bench NAME --out FILE`.") from None
    wrong = next(iter(_validator().iter_errors(found)), None)
    if wrong is not None:
        where = ".".join(str(step) for step in wrong.instance_path) or "the whole"
        raise IdproofError(f"The file {file.name} is not a run of a benchmark: {where}: {wrong.message[:160]}.")
    return ReadRun(file.stem, found["bench"], found, found["figures"])


@lru_cache(maxsize=1)
def _validator() -> Draft202012Validator:
    return Draft202012Validator(json.loads(SCHEMA.read_text(encoding="utf-8")))
