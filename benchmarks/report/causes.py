"""Reasons for which registrations were not accepted, per kind, from any benchmark that records them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from idproof.benchmarks.harness.output import BONA_FIDE
from idproof.benchmarks.report.read import ReadRun

_MOST = 22  # columns that fit the page


@dataclass(frozen=True)
class Reasons:
    """Reasons given, and the number of registrations per kind.

    Attributes:
        kinds: kind to its number of registrations, bona fide first.
        codes: the most frequent reasons, the most frequent first.
        given: kind to reason to registrations.
        left_out: number of reasons too rare for `codes`.
    """

    kinds: Mapping[str, int]
    codes: tuple[str, ...]
    given: Mapping[str, Mapping[str, int]]
    left_out: int


def reasons(run: ReadRun) -> Reasons | None:
    """Returns the reasons of a run; None when it has none."""
    given, sizes = _read(run)
    given = {kind: {code: count for code, count in row.items() if count} for kind, row in given.items()}
    order = sorted(given, key=lambda kind: (kind != BONA_FIDE, kind))
    shares: dict[str, float] = {}
    for kind, row in given.items():
        for code, count in row.items():
            shares[code] = shares.get(code, 0.0) + count / max(1, sizes.get(kind, 1))
    if not shares:
        return None
    ranked = sorted(shares, key=lambda code: -shares[code])
    # Reasons given to bona fide people are always shown, however rare.
    to_bona_fide = [code for code in ranked if code in given.get(BONA_FIDE, {})]
    chosen = set((to_bona_fide + [code for code in ranked if code not in to_bona_fide])[:_MOST])
    codes = tuple(code for code in ranked if code in chosen)
    return Reasons({kind: sizes.get(kind, 0) for kind in order}, codes, given, len(ranked) - len(codes))


def _read(run: ReadRun) -> tuple[dict[str, dict[str, int]], dict[str, int]]:
    counts = run.get("counts")
    if "reasons" in run.json:
        sizes = {
            kind: sum(v for v in results.values() if isinstance(v, int))
            for kind, results in counts.items()
            if isinstance(results, dict)
        }
        return {kind: dict(row) for kind, row in run.get("reasons").items()}, sizes
    if run.bench == "liveness":
        return {kind: dict(row) for kind, row in counts.get("objections", {}).items()}, dict(counts.get("clips", {}))
    if run.bench == "fields":
        kinds = (BONA_FIDE, "field_edit")
        rows = {kind: dict(counts.get(f"objections_to_{kind}", {})) for kind in kinds}
        return rows, {kind: _whole(counts.get(kind)) for kind in kinds}
    entries = {kind: entry for kind, entry in counts.items() if isinstance(entry, dict) and "objections" in entry}
    return (
        {kind: dict(entry["objections"]) for kind, entry in entries.items()},
        {kind: _whole(entry.get("sets")) for kind, entry in entries.items()},
    )


def _whole(value: Any) -> int:
    return value if isinstance(value, int) else 0
