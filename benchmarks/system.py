"""End to end: how many bona fide registrations are accepted, and does any impostor or attack get through?

Bona fide sets are verified as they are, and once more with the selfie of somebody else in the same folder
(zero-effort impostors). Sets that are attacks are counted by kind. A capture that cannot be used counts as a
registration that was not accepted: to the applicant it is the same.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from idproof.benchmarks.metrics import rate
from idproof.benchmarks.output import BONA_FIDE, Run, figure
from idproof.datasets.sets import RegistrationSet
from idproof.pipeline import BadInput, Captures, Decision, Verifier

IMPOSTOR = "impostor_selfie"
BAD_INPUT = "bad_input"


@dataclass(frozen=True)
class Attempt:
    """One registration as it will be tried: this set, with its own selfie or that of another."""

    kind: str
    card: RegistrationSet
    selfie: RegistrationSet | None = None


def run(
    sets: Sequence[RegistrationSet],
    verifier: Verifier,
    *,
    seed: int = 0,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Run:
    """Verify every set and every impostor pairing.

    Args:
        sets: registrations in the `set.json` format.
        verifier: opened with the profile to measure.
        seed: recorded with the run; nothing here is random.
        progress: called with attempts done and in total.
    """
    tasks = attempts(sets)
    outcomes: dict[str, Counter[str]] = {}
    reasons: dict[str, Counter[str]] = {}
    for done, attempt in enumerate(tasks, start=1):
        decision, why = _decide(verifier, Captures.from_parts(attempt.card.parts(selfie_of=attempt.selfie)))
        outcomes.setdefault(attempt.kind, Counter())[decision] += 1
        reasons.setdefault(attempt.kind, Counter()).update(why)
        progress(done, len(tasks))
    return Run(
        bench="system",
        profile=verifier.profile,
        weights=verifier.weights,
        seed=seed,
        counts={kind: dict(_filled(counter)) for kind, counter in outcomes.items()},
        figures=figures(outcomes),
        extra={
            "policy": verifier.policy.version,
            "reasons": {kind: dict(counter.most_common()) for kind, counter in reasons.items()},
        },
    )


def attempts(sets: Sequence[RegistrationSet]) -> list[Attempt]:
    """Every set, then every bona fide card with the selfie of the next set that is of another person."""
    bona_fide = [entry for entry in sets if entry.truth.bona_fide]
    tasks = [Attempt(_kind(entry), entry) for entry in sets]
    for i, card in enumerate(bona_fide):
        following = [*bona_fide[i + 1 :], *bona_fide[:i]]
        other = next((entry for entry in following if _different_people(card, entry)), None)
        if other is not None:
            tasks.append(Attempt(IMPOSTOR, card, other))
    return tasks


def figures(outcomes: dict[str, Counter[str]]) -> dict[str, dict[str, object]]:
    """False reject rate, false accept rate over all kinds and by kind, and how bona fide sets ended."""
    bona_fide = outcomes.get(BONA_FIDE, Counter())
    n = bona_fide.total()
    result = {"system.frr": figure(rate(n - bona_fide[Decision.ACCEPT], n))}
    hostile = {kind: counter for kind, counter in outcomes.items() if kind != BONA_FIDE}
    for kind, counter in hostile.items():
        result[f"system.far.{kind}"] = figure(rate(counter[Decision.ACCEPT], counter.total()))
    result["system.far"] = figure(
        rate(
            sum(counter[Decision.ACCEPT] for counter in hostile.values()),
            sum(counter.total() for counter in hostile.values()),
        )
    )
    for decision in Decision:
        result[f"system.{decision}"] = figure(rate(bona_fide[decision], n))
    return result


def _kind(entry: RegistrationSet) -> str:
    if entry.truth.bona_fide:
        return BONA_FIDE
    return entry.truth.attack or IMPOSTOR


def _different_people(one: RegistrationSet, other: RegistrationSet) -> bool:
    if one.truth.person is not None and other.truth.person is not None:
        return one.truth.person != other.truth.person
    return one.truth.fields.get("number") != other.truth.fields.get("number")


def _decide(verifier: Verifier, captures: Captures) -> tuple[str, tuple[str, ...]]:
    try:
        verdict = verifier.verify(captures)
    except BadInput as error:
        return BAD_INPUT, (error.code,)
    return verdict.decision.value, verdict.reasons


def _filled(counter: Counter[str]) -> Counter[str]:
    keys = [*(decision.value for decision in Decision), BAD_INPUT]
    return Counter({key: counter[key] for key in keys})
