"""Counts why registrations were not accepted: per stage, check, reason and group of people."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from idproof.benchmarks.harness.output import BONA_FIDE, figure
from idproof.benchmarks.metrics import Rate, rate
from idproof.benchmarks.system.attempts import IMPOSTOR, LOOKALIKE
from idproof.benchmarks.system.cached_card import STAGES
from idproof.pipeline.types import CheckResult, Decision, Outcome

CAPTURE, MISSING = "capture", "missing"
"""Two causes beside the pipeline's stages: a capture that could not be used, and a required check without a result."""


@dataclass(frozen=True)
class AttemptResult:
    """The result of one attempt; only names and numbers leave the worker.

    Attributes:
        kind: `bona_fide`, an attack's, or an impostor's.
        attempt: its id (`output.attempt_id`).
        decision: a decision, or `bad_input`.
        reasons: of the decision; the error's code when a capture could not be used.
        objections: stage to its checks that failed, doubted or could not assess.
        labels: groups that the holder belongs to.
    """

    kind: str
    attempt: str
    decision: str
    reasons: tuple[str, ...]
    objections: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    labels: tuple[str, ...] = ()

    @property
    def card(self) -> str:
        """Id of the card that was presented."""
        return self.attempt.split("+")[0]

    @property
    def accepted(self) -> bool:
        """True if the registration was accepted."""
        return self.decision == Decision.ACCEPT


def objections(
    checks: Sequence[CheckResult], reasons: Sequence[str], stage_of: Mapping[str, str]
) -> dict[str, tuple[str, ...]]:
    """Returns stage to its checks that did not pass; required checks without a result are under `missing`."""
    found: dict[str, list[str]] = {}
    for check in checks:
        if check.outcome is not Outcome.PASS:
            found.setdefault(stage_of[check.name], []).append(check.name)
    known = {check.reason or check.name for check in checks}
    absent = [reason for reason in reasons if reason not in known]
    return {stage: tuple(names) for stage, names in found.items()} | ({MISSING: tuple(absent)} if absent else {})


def figures(results: Sequence[AttemptResult]) -> dict[str, dict[str, object]]:
    """Returns the rates per stage.

    `system.frr.STAGE` is the share of bona fide registrations that the stage objected to; these shares may add up to
    more than `system.frr`, since several stages may object to one registration. `system.far.KIND.STAGE` is the false
    accept rate if the stage alone decided, over the attempts whose captures could be used. `system.cards.KIND` is the
    share of cards with which any attempt was accepted.
    """
    found: dict[str, dict[str, object]] = {}
    for kind, attempts in _by_kind(results).items():
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


def table(results: Sequence[AttemptResult]) -> dict[str, dict[str, Any]]:
    """Returns, per kind, how often each stage objected, objected alone, and each check objected."""
    found = {}
    for kind, attempts in _by_kind(results).items():
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


def reasons(results: Sequence[AttemptResult]) -> dict[str, dict[str, int]]:
    """Returns kind to reason code to number of registrations."""
    return {
        kind: dict(Counter(reason for each in attempts for reason in each.reasons).most_common())
        for kind, attempts in _by_kind(results).items()
    }


def outcomes(results: Sequence[AttemptResult]) -> dict[str, dict[str, Any]]:
    """Returns kind to attempt to its result, so that two runs can be compared attempt by attempt."""
    return {
        kind: {each.attempt: {"decision": each.decision, "reasons": list(each.reasons)} for each in attempts}
        for kind, attempts in _by_kind(results).items()
    }


def groups(results: Sequence[AttemptResult]) -> dict[str, dict[str, Any]]:
    """Returns figure to group of holders to the same figure for the group alone (ISO/IEC 19795-10).

    The thresholds in force are the same for everybody. A group with all or none of the holders, and a figure without
    attempts, are left out.
    """
    by_kind = _by_kind(results)
    found: dict[str, dict[str, Any]] = {}
    for kind, name in ((BONA_FIDE, "system.frr"), *((kind, f"system.far.{kind}") for kind in (IMPOSTOR, LOOKALIKE))):
        attempts = by_kind.get(kind, [])
        members = {label: [each for each in attempts if label in each.labels] for label in _labels(attempts)}
        by_label = {label: figure(_rate(kind, own)) for label, own in members.items() if len(own) < len(attempts)}
        if by_label:
            found[name] = by_label
    return found


def _rate(kind: str, attempts: Sequence[AttemptResult]) -> Rate:
    accepted = sum(each.accepted for each in attempts)
    return rate(len(attempts) - accepted if kind == BONA_FIDE else accepted, len(attempts))


def _cards(attempts: Sequence[AttemptResult]) -> Rate:
    """Returns the share of cards with an accepted attempt: attempts with one card are not independent."""
    breached = {each.card for each in attempts if each.accepted}
    return rate(len(breached), len({each.card for each in attempts}))


def _labels(attempts: Iterable[AttemptResult]) -> list[str]:
    return sorted({label for each in attempts for label in each.labels})


def _by_kind(results: Sequence[AttemptResult]) -> dict[str, list[AttemptResult]]:
    found: dict[str, list[AttemptResult]] = {}
    for each in results:
        found.setdefault(each.kind, []).append(each)
    return found
