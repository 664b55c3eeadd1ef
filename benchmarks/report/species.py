"""Attack rates per species, the worst first; attempts of different species are never added up."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from idproof.benchmarks.metrics import Rate
from idproof.benchmarks.metrics.attack import worst
from idproof.benchmarks.report.read import ReadRun

IMPOSTORS = frozenset({"impostor_selfie", "lookalike_selfie"})
"""Kinds of a system run without an artefact: an unaltered capture of the wrong person."""
_MAIN = re.compile(r"^(card|liveness)\.apcer\.([a-z_0-9]+)$|^(system)\.far\.([a-z_0-9]+)$")
_OTHER = re.compile(
    r"^(card|liveness)\.((?:leave_one_out|supervised|baseline|supervised\.leave_one_out))\.apcer\.(.+)$"
)
_WAYS = {
    "leave_one_out": "species left out",
    "supervised": "supervised",
    "supervised.leave_one_out": "supervised, species left out",
    "baseline": "published baseline",
}


@dataclass(frozen=True)
class Table:
    """The attacks of one run.

    Attributes:
        figure: prefix of the figures' names.
        rows: species to rate, the worst first.
        impostors: the same for impostors without an artefact.
        bona_fide: rate of bona fide attempts not accepted, or None.
        others: name of another method to species to rate.
    """

    figure: str
    rows: Mapping[str, Rate]
    impostors: Mapping[str, Rate]
    bona_fide: Rate | None
    others: Mapping[str, Mapping[str, Rate]]

    @property
    def headline(self) -> tuple[str, Rate] | None:
        """The worst species; None without attempts with an artefact."""
        return worst(self.rows) if self.rows else None


def table(run: ReadRun) -> Table | None:
    """Returns the attacks of a run; None when it measured none."""
    rows: dict[str, Rate] = {}
    others: dict[str, dict[str, Rate]] = {}
    start = ""
    for name in run.figures:
        found = run.rate(name)
        if found is None:
            continue
        if main := _MAIN.match(name):
            start = "system.far" if main[3] else f"{main[1]}.apcer"
            rows[main[2] or main[4]] = found
        elif other := _OTHER.match(name):
            others.setdefault(_WAYS[other[2]], {})[other[3]] = found
    if not rows:
        return None
    ordered = dict(sorted(rows.items(), key=lambda row: (-row[1].value, -row[1].high, row[0])))
    return Table(
        figure=start,
        rows={name: found for name, found in ordered.items() if name not in IMPOSTORS},
        impostors={name: found for name, found in ordered.items() if name in IMPOSTORS},
        bona_fide=run.rate(_BONA_FIDE[run.bench]) if run.bench in _BONA_FIDE else None,
        others={way: found for way, found in others.items() if found != rows},
    )


_BONA_FIDE = {"card": "card.bpcer", "liveness": "liveness.bpcer", "system": "system.frr"}
