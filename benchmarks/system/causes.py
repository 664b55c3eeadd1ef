"""Why registrations were not accepted: by stage, by check, by reason, and by group of people."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from idproof.benchmarks.harness.output import BONA_FIDE, figure
from idproof.benchmarks.metrics import Rate, rate
from idproof.benchmarks.system.attempts import IMPOSTOR, LOOKALIKE
from idproof.benchmarks.system.once import STAGES
from idproof.pipeline.types import CheckResult, Decision, Outcome

CAPTURE, MISSING = "capture", "missing"
"""Stages that are none of the pipeline's: a capture that could not be used, a required check that was not there."""


@dataclass(frozen=True)
class Ended:
    """How one attempt ended; only names and numbers leave the worker.

    Attributes:
        kind: `bona_fide`, an attack's, or an impostor's.
        attempt: its id (`output.attempt_id`).
        decision: a decision, or `bad_input`.
        reasons: of the decision; the error's code when a capture could not be used.
        objections: stage to its checks that failed, doubted or could not assess.
        labels: groups the holder belongs to.
    """

    kind: str
    attempt: str
    decision: str
    reasons: tuple[str, ...]
    objections: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    labels: tuple[str, ...] = ()

    @property
    def card(self) -> str:
        """Which card was presented."""
        return self.attempt.split("+")[0]

    @property
    def accepted(self) -> bool:
        """Whether it got through."""
        return self.decision == Decision.ACCEPT


def objections(
    checks: Sequence[CheckResult], reasons: Sequence[str], stage_of: Mapping[str, str]
) -> dict[str, tuple[str, ...]]:
    """Stage to its checks that did not pass; required checks that were not there under `missing`."""
    found: dict[str, list[str]] = {}
    for check in checks:
        if check.outcome is not Outcome.PASS:
            found.setdefault(stage_of[check.name], []).append(check.name)
    known = {check.reason or check.name for check in checks}
    absent = [reason for reason in reasons if reason not in known]
    return {stage: tuple(names) for stage, names in found.items()} | ({MISSING: tuple(absent)} if absent else {})


def figures(ended: Sequence[Ended]) -> dict[str, dict[str, object]]:
    """Of bona fide registrations what each stage objected to; of the others what each stage alone lets through.

    `system.frr.STAGE` may add up to more than `system.frr`: several stages may object to one registration.
    `system.far.KIND.STAGE` is what the false accept rate would be if that stage alone decided, over the attempts whose
    captures could be used. `system.cards.KIND` counts cards instead of attempts: those at which anybody got through.
    """
    found: dict[str, dict[str, object]] = {}
    for kind, attempts in _by_kind(ended).items():
        usable = [each for each in attempts if CAPTURE not in each.objections]
        for stage in STAGES:
            if kind == BONA_FIDE:
                refused = sum(stage in each.objections for each in attempts)
                found[f"system.frr.{stage}"] = figure(rate(refused, len(attempts)))
            else:
                passed = sum(stage not in each.objections for each in usable)
                found[f"system.far.{kind}.{stage}"] = figure(rate(passed, len(usable)))
        if kind in (IMPOSTOR, LOOKALIKE):
            found[f"system.cards.{kind}"] = figure(_cards(attempts))
    return found


def table(ended: Sequence[Ended]) -> dict[str, dict[str, Any]]:
    """Kind to what objected to it: by stage, by stage where it was the only one, and by check."""
    found = {}
    for kind, attempts in _by_kind(ended).items():
        objected = Counter(stage for each in attempts for stage in each.objections)
        alone = Counter(stage for each in attempts for stage in each.objections if len(each.objections) == 1)
        checks = Counter(name for each in attempts for names in each.objections.values() for name in set(names))
        found[kind] = {
            "attempts": len(attempts),
            "objected": dict(objected.most_common()),
            "alone": dict(alone.most_common()),
            "checks": dict(checks.most_common()),
        }
    return found


def reasons(ended: Sequence[Ended]) -> dict[str, dict[str, int]]:
    """Kind to reason code to registrations."""
    return {
        kind: dict(Counter(reason for each in attempts for reason in each.reasons).most_common())
        for kind, attempts in _by_kind(ended).items()
    }


def outcomes(ended: Sequence[Ended]) -> dict[str, dict[str, Any]]:
    """Kind to attempt to how it ended, so that two runs can be compared attempt by attempt."""
    return {
        kind: {each.attempt: {"decision": each.decision, "reasons": list(each.reasons)} for each in attempts}
        for kind, attempts in _by_kind(ended).items()
    }


def groups(ended: Sequence[Ended]) -> dict[str, dict[str, Any]]:
    """Figure to group of the holders to the same figure for the group alone (ISO/IEC 19795-10).

    At the thresholds in force, which are the same for everybody; a group in which everybody or nobody is, and a figure
    without attempts, are left out.
    """
    by_kind = _by_kind(ended)
    found: dict[str, dict[str, Any]] = {}
    for kind, name in ((BONA_FIDE, "system.frr"), *((kind, f"system.far.{kind}") for kind in (IMPOSTOR, LOOKALIKE))):
        attempts = by_kind.get(kind, [])
        members = {label: [each for each in attempts if label in each.labels] for label in _labels(attempts)}
        told = {label: figure(_rate(kind, own)) for label, own in members.items() if len(own) < len(attempts)}
        if told:
            found[name] = told
    return found


def _rate(kind: str, attempts: Sequence[Ended]) -> Rate:
    accepted = sum(each.accepted for each in attempts)
    return rate(len(attempts) - accepted if kind == BONA_FIDE else accepted, len(attempts))


def _cards(attempts: Sequence[Ended]) -> Rate:
    """Attempts at one card are not independent: the share of cards of which any attempt was accepted."""
    breached = {each.card for each in attempts if each.accepted}
    return rate(len(breached), len({each.card for each in attempts}))


def _labels(attempts: Iterable[Ended]) -> list[str]:
    return sorted({label for each in attempts for label in each.labels})


def _by_kind(ended: Sequence[Ended]) -> dict[str, list[Ended]]:
    found: dict[str, list[Ended]] = {}
    for each in ended:
        found.setdefault(each.kind, []).append(each)
    return found
