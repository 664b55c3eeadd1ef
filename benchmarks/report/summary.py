"""Writes what a run allows to be claimed, in sentences that anybody can check against its counts."""

from collections.abc import Mapping, Sequence

from idproof.benchmarks.harness.output import RENDERED
from idproof.benchmarks.metrics import Rate
from idproof.benchmarks.report import words
from idproof.benchmarks.report.read import ReadRun
from idproof.benchmarks.report.species import Table, table

_BONA_FIDE_NAMES = {"card": "cards", "liveness": "people's clips", "system": "registrations"}
_ATTACKS = {
    "card": "forged cards",
    "liveness": "attacks on liveness",
    "system": "registrations with a forged or altered card",
}
RULE = (
    "No number of attempts shows a rate of zero. 30 attempts without a success bound a rate at 10 %, 300 at 1 %, "
    "3,000 at 0.1 %: three divided by the number of attempts (the rule of three). Attempts that share a person or a "
    "card count for less than their number."
)
_IMPOSTOR_NAMES = {
    "impostor_selfie": "A card with the selfie of somebody else, taken at random",
    "lookalike_selfie": "A card with the selfie of the most similar other person at hand",
}


def sentences(run: ReadRun) -> list[str]:
    """Returns the summary of a run; empty when it has no rates."""
    found = []
    attacks = table(run)
    if attacks is not None:
        found += _about_attacks(run, attacks)
    elif run.bench == "face":
        found += _about_faces(run)
    elif run.bench == "fields":
        found += _about_fields(run)
    elif run.bench == "latency":
        found += _about_time(run)
    elif run.bench == "deletion":
        found += _about_deletion(run)
    return found


def _about_attacks(run: ReadRun, attacks: Table) -> list[str]:
    found = []
    what = _ATTACKS[run.bench]
    if attacks.headline is not None:
        species, rate = attacks.headline
        found.append(
            f"Of {len(attacks.rows)} species of {what} none was accepted once; tried at least {rate.n} times, each may "
            f"still be accepted in {words.at_most(rate.high)}."
            if rate.value == 0
            else f"The worst of {len(attacks.rows)} species of {what} is “{words.kind(species)}”: accepted were "
            f"{words.plainly(rate)}."
        )
    for kind, rate in attacks.impostors.items():
        found.append(f"{_IMPOSTOR_NAMES[kind]}: accepted were {words.plainly(rate)}.")
    if attacks.bona_fide is not None:
        found.append(
            f"Of the bona fide {_BONA_FIDE_NAMES[run.bench]}, {words.plainly(attacks.bona_fide)} were not accepted."
        )
    if attacks.rows:
        found.append(_smallest_claim(attacks.rows))
    return found


def _smallest_claim(rows: Mapping[str, Rate]) -> str:
    fewest, bound = min(rate.n for rate in rows.values()), max(rate.high for rate in rows.values())
    return (
        f"Each species was tried at least {fewest} times. For every one of them the rate is {words.at_most(bound)}; no "
        f"smaller figure may be claimed for all. The species are not added up: an attacker uses the best of them."
    )


def _about_faces(run: ReadRun) -> list[str]:
    found = []
    portrait = {fmr: run.rate(f"face.portrait.fnmr@fmr{fmr}") for fmr in ("1e-3", "1e-4")}
    others = {fmr: run.rate(f"face.portrait.measured_fmr@fmr{fmr}") for fmr in portrait}
    alone = run.rate("face.fnmr@fmr1e-4")
    rendered = " on rendered specimens" if run.data("face.portrait.fnmr") == RENDERED else ""
    if alone is not None:
        found.append(
            "Photograph against photograph, at the threshold that let 1 in 10,000 of these impostor comparisons "
            "through: "
            f"{words.percent(alone.value)} of {alone.n:,} comparisons of one person did not match "
            f"({words.interval(alone)})."
        )
    for fmr, name in (("1e-4", "1 in 10,000"), ("1e-3", "1 in 1,000")):
        own, other = portrait[fmr], others[fmr]
        if own is not None and other is not None:
            found.append(
                f"Card portrait against selfie{rendered}, at the profile's threshold for {name}: the holder's own "
                f"selfie did not match in {words.plainly(own)}; other people's matched in {words.plainly(other)}."
            )
    return found


def _about_fields(run: ReadRun) -> list[str]:
    found = []
    if (wrong := run.rate("fields.undetected_wrong")) is not None:
        found.append(f"A field that is certain, wrong and unnoticed: {words.plainly(wrong)}.")
    if (caught := run.rate("fields.caught.field_edit")) is not None:
        found.append(
            f"Edits that contradict something printed were noticed by the fields alone: {words.count(caught)} "
            f"({words.interval(caught)}). Edits that leave the card consistent were not tried."
        )
    return found


def _about_time(run: ReadRun) -> list[str]:
    total, late = (run.figures.get(f"latency.total.{end}") for end in ("p50_ms", "p95_ms"))
    if total is None or late is None:
        return []
    return [
        f"Half of {total['n']} registrations took less than {total['value'] / 1000:.1f} seconds, one in twenty more "
        f"than {late['value'] / 1000:.1f}, one after the other on the machine named below."
    ]


def _about_deletion(run: ReadRun) -> list[str]:
    found, control = (run.figures.get(name) for name in ("deletion.found", "deletion.control_found"))
    if found is None or control is None:
        return []
    return [
        f"Of {found['n']:,} pieces of the posted pictures that were looked for, {found['value']:,.0f} were found after "
        "all scenarios. A server that keeps everything on purpose was searched the same way: "
        f"{control['value']:,.0f} were found there, so the search does find what is left."
    ]


def overall(runs: Sequence[ReadRun]) -> list[tuple[ReadRun, str]]:
    """The page's summary: the first sentence of each run; of a whole registration, who got in and who did not."""
    return [(run, " ".join(told[: 4 if run.bench == "system" else 1])) for run in runs if (told := sentences(run))]
