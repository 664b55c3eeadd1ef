"""Measures attacks by computed pictures at three levels, and what answering them costs.

At level `device` the pictures are handed in as an enrolled device's would be: in the poses of the session's plan, with
a challenge answered, under the default policy. At level `attested` the same device's key serves an attacker before an
operator who accepts from attested devices alone; the attacker has no attested hardware. At level `capture` they are
uploaded files of an operator who accepts files by a written exception; without it none are accepted. The decision is
the verification's own (`verify`).
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

from idproof.benchmarks.attack.executor import StoppingExecutor
from idproof.benchmarks.attack.kinds import ATTACKS, HONEST, RECIPES
from idproof.benchmarks.attack.tries import Try, TryMaker
from idproof.benchmarks.errors import BenchmarkFailed
from idproof.benchmarks.harness.output import BAD_INPUT, RENDERED, Run, figure
from idproof.benchmarks.harness.resume import ResumeFile
from idproof.benchmarks.metrics import rate
from idproof.pipeline import Policy, assurance
from idproof.pipeline.assurance import CaptureLevel
from idproof.pipeline.card import plan as capture_plan
from idproof.pipeline.card.checks.second_portrait import SECOND_PORTRAIT_UNCOVERS
from idproof.pipeline.card.checks.shared_grain import SHARED_GRAIN
from idproof.pipeline.card.evidence.hypotheses import Hypothesis
from idproof.pipeline.config import Limits
from idproof.pipeline.decide import decide
from idproof.pipeline.errors import BadInput
from idproof.pipeline.executors.task_runner import SEQUENTIAL, TaskRunner
from idproof.pipeline.face import compare, selfie_copy
from idproof.pipeline.face.quality import assess
from idproof.pipeline.liveness import eyes_mouth, injection, selfie_scene
from idproof.pipeline.opening import open_tools, rules_for_tools
from idproof.pipeline.origin import UPLOADED, CaptureOrigin
from idproof.pipeline.types import CheckResult, Decision, Outcome, Verdict
from idproof.pipeline.verifier import Verifier

DEVICE, ATTESTED, CAPTURE = "device", "attested", "capture"
LEVELS = (DEVICE, ATTESTED, CAPTURE)
ANSWERS = (
    *(SHARED_GRAIN.name, SECOND_PORTRAIT_UNCOVERS.name, str(Hypothesis.ONE_PICTURE)),
    *(capture_plan.NAME, assurance.NAME),
    *(selfie_copy.NAME, injection.PORTRAIT, selfie_scene.NAME, eyes_mouth.NAME),
)
"""Checks that answer an attacker with one picture and hardly anybody else; what they refuse of honest registrations is
the cost."""
OF_THE_FACE = (compare.NAME, *assess.NAMES)
"""Checks that look for no computed picture. A try that they alone keep from an accept says nothing of the others."""

Task = tuple[int, tuple[str, ...]]
"""An index, and the kinds that are tried at it."""


@dataclass(frozen=True)
class Outcomes:
    """The results of one try; only names and codes leave the worker.

    Attributes:
        kind: of the attack, or `bona_fide`.
        decisions: level to decision; `bad_input` when a capture could not be used.
        reasons: level to the codes that answered it.
        cost: level to whether only checks of `ANSWERS` kept it from an accept.
        face_alone: level to whether only checks of `OF_THE_FACE` did.
        same_photograph: the selfie's person had no photograph but the one on the card, which is found by itself.
    """

    kind: str
    decisions: Mapping[str, str]
    reasons: Mapping[str, tuple[str, ...]]
    cost: Mapping[str, bool]
    face_alone: Mapping[str, bool]
    same_photograph: bool


def measure_attack(
    *,
    portraits: Path | None = None,
    tries: int = 100,
    honest: int | None = None,
    kinds: Sequence[str] = ATTACKS,
    profile: str = "open",
    runner: TaskRunner = SEQUENTIAL,
    seed: int = 0,
    resume: Path | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Run:
    """Makes and verifies every try.

    The kinds of one index are one task: those that differ in neither card nor clip share them, as bytes.

    Args:
        portraits: photographs in LFW layout, or None for the bundled ones.
        tries: of every kind.
        honest: honest registrations; as many as `tries` when None.
        kinds: names of `kinds.ATTACKS`.
        profile: of the networks.
        runner: place where the tries are made and verified.
        seed: of everything drawn.
        resume: file of finished tasks, to which a stopped run of the same kinds, seed and code comes back; also one of
            fewer or more tries.
        progress: called with tasks done and in total.

    Raises:
        BenchmarkFailed: an unknown kind.
        InvalidSpecimen: the photographs are of too few people.
        RunNotResumable: the file is of another run.
    """
    if unknown := [kind for kind in kinds if kind not in ATTACKS]:
        raise BenchmarkFailed(f"There is no attack {unknown[0]}; known are {', '.join(ATTACKS)}.")
    tasks = _tasks(kinds, tries, tries if honest is None else honest)
    weights = _opened(profile)[DEVICE].weights
    kept = _resume_file(resume, kinds, seed, weights)
    for place in [p for p, found in kept.done.items() if p >= len(tasks) or _kinds_of(found) != tasks[p][1]]:
        del kept.done[place]  # of a run of more tries, or with an honest registration more or less
    done = kept.run(
        runner, _attempts, tasks, seed, portraits, profile, after_each=lambda: progress(len(kept.done), len(tasks))
    )
    results = [result for of_task in done for result in of_task]
    return Run(
        bench="attack",
        profile=profile,
        weights=weights,
        seed=seed,
        counts=_counts(results),
        figures=summarise(results),
        extra={"data": RENDERED, "policy": Policy().version},
    )


def _tasks(kinds: Sequence[str], tries: int, honest: int) -> list[Task]:
    """The kinds to try at each index: those of one card beside each other, and honest registrations last."""
    ordered = sorted(kinds, key=lambda kind: (RECIPES[kind].card or "", RECIPES[kind].other_plan))
    attacked = [(index, tuple(ordered) if index < tries else ()) for index in range(max(tries, honest))]
    return [(index, (*names, HONEST) if index < honest else names) for index, names in attacked]


def _resume_file(
    file: Path | None, kinds: Sequence[str], seed: int, weights: Mapping[str, str]
) -> ResumeFile[list[Outcomes]]:
    return ResumeFile(
        file,
        [sorted(kinds), seed, *weights.values(), Policy().version, version("idproof")],
        "kinds, seed, weights or policy",
        encode=lambda results: [asdict(result) for result in results],
        decode=lambda entries: [_outcomes_of(entry) for entry in entries],
    )


def _kinds_of(results: Sequence[Outcomes]) -> tuple[str, ...]:
    return tuple(result.kind for result in results)


def _outcomes_of(entry: Mapping[str, Any]) -> Outcomes:
    reasons = {level: tuple(codes) for level, codes in entry["reasons"].items()}
    return Outcomes(**{**entry, "reasons": reasons})


def _attempts(task: Task, seed: int, portraits: Path | None, profile: str) -> list[Outcomes]:
    index, kinds = task
    maker = _maker(seed, portraits, profile)
    return [_attempt(kind, maker.make(kind, index), profile) for kind in kinds]


def _attempt(kind: str, made: Try, profile: str) -> Outcomes:
    verifiers = _opened(profile)
    executor = verifiers[DEVICE].executor
    if not isinstance(executor, StoppingExecutor):
        raise TypeError("the benchmark's own executor is required")
    executor.complete = kind == HONEST
    decisions: dict[str, str] = {}
    reasons: dict[str, tuple[str, ...]] = {}
    cost: dict[str, bool] = {}
    face_alone: dict[str, bool] = {}
    for level in LEVELS:
        try:
            verdict = _verify(made, verifiers[level], level)
        except BadInput as error:
            decisions[level], reasons[level] = BAD_INPUT, (error.code,)
            cost[level] = face_alone[level] = False
        else:
            decisions[level], reasons[level] = verdict.decision.value, _answered(verdict)
            cost[level] = only_kept_by(ANSWERS, verdict.checks, verdict.required)
            face_alone[level] = only_kept_by(OF_THE_FACE, verdict.checks, verdict.required)
    return Outcomes(kind, decisions, reasons, cost, face_alone, made.same_photograph)


def _verify(made: Try, verifier: Verifier, level: str) -> Verdict:
    origin = UPLOADED if level == CAPTURE else CaptureOrigin(CaptureLevel.DEVICE, made.plan)
    with verifier.vault.open() as session:
        names = made.answer.names if made.answer is not None else []
        for name, data in (*made.parts.items(), *zip(names, made.frames, strict=True)):
            session.receive(name).write(data)
        return verifier.verify_session(session, made.answer, origin)


@lru_cache(maxsize=1)
def _maker(seed: int, portraits: Path | None, profile: str) -> TryMaker:
    """Makes tries, once per process."""
    return TryMaker(seed, portraits, _opened(profile)[DEVICE].document)


@lru_cache(maxsize=1)
def _opened(profile: str) -> dict[str, Verifier]:
    """Opens a verifier for each level, once per process; they share the networks and the findings."""
    tools = open_tools(profile, "hkid-2018", Policy(), Limits(), threads=1)
    executor, rules = StoppingExecutor(tools), rules_for_tools(tools, None)
    excepted = Policy.for_uploads()
    uploads = replace(
        rules.policy,
        version=excepted.version,
        accept_from=excepted.accept_from,
        liveness_required=excepted.liveness_required,
    )
    attested = replace(rules.policy, accept_from=CaptureLevel.ATTESTED)
    policies = {DEVICE: rules.policy, ATTESTED: attested, CAPTURE: uploads}
    return {level: Verifier(replace(rules, policy=policy), executor) for level, policy in policies.items()}


def _answered(verdict: Verdict) -> tuple[str, ...]:
    """The codes that answered: those of failed checks where there are any, since later stages were then left out."""
    failed = [check.reason or check.name for check in verdict.checks if check.outcome is Outcome.FAIL]
    return tuple(dict.fromkeys(failed)) or verdict.reasons


def only_kept_by(names: Sequence[str], checks: Sequence[CheckResult], required: Sequence[str]) -> bool:
    """Returns whether the decision is no accept, and would be one without the checks of these names."""
    others = [check for check in checks if check.name not in names]
    required_of_others = [name for name in required if name not in names]
    if decide(checks, required)[0] is Decision.ACCEPT:
        return False
    return decide(others, required_of_others)[0] is Decision.ACCEPT


def _counts(results: Sequence[Outcomes]) -> dict[str, object]:
    kinds = dict.fromkeys(result.kind for result in results)
    return {
        kind: {
            level: {
                "decisions": dict(Counter(r.decisions[level] for r in results if r.kind == kind)),
                "reasons": dict(
                    Counter(code for r in results if r.kind == kind for code in r.reasons[level]).most_common()
                ),
            }
            for level in LEVELS
        }
        | {"same_photograph": sum(r.same_photograph for r in results if r.kind == kind)}
        for kind in kinds
    }


def summarise(results: Sequence[Outcomes]) -> dict[str, dict[str, object]]:
    """Returns the shares per kind and level, and what the answers cost honest registrations.

    A try with a capture that could not be used was not decided. It is counted by itself, and no success of the checks.
    """
    figures = {}
    for kind in dict.fromkeys(result.kind for result in results if result.kind != HONEST):
        of_kind = [result for result in results if result.kind == kind]
        for level in LEVELS:
            decided = [result for result in of_kind if result.decisions[level] != BAD_INPUT]
            accepted = sum(result.decisions[level] == Decision.ACCEPT for result in decided)
            figures[f"attack.{level}.accepted.{kind}"] = figure(rate(accepted, len(decided)))
            stopped = sum(result.face_alone[level] for result in decided)
            figures[f"attack.{level}.face_alone.{kind}"] = figure(rate(stopped, len(decided)))
            figures[f"attack.{level}.bad_input.{kind}"] = figure(rate(len(of_kind) - len(decided), len(of_kind)))
    honest = [result for result in results if result.kind == HONEST]
    figures["attack.bpcer_cost"] = figure(rate(sum(result.cost[DEVICE] for result in honest), len(honest)))
    for level in LEVELS:
        refused = sum(result.decisions[level] != Decision.ACCEPT for result in honest)
        figures[f"attack.{level}.bpcer"] = figure(rate(refused, len(honest)))
    return figures
