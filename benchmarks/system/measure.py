"""Measures the whole verification: how many bona fide registrations, impostors and attacks are accepted.

Bona fide sets are verified as they are, with the selfies of other people of the folder (zero-effort impostors), and
with those of the people who resemble the holder most (look-alikes). Sets that are attacks are counted per kind. A
capture that cannot be used counts as a registration that was not accepted, because to the applicant it is the same; it
is also counted separately, as failure to acquire.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from functools import lru_cache
from pathlib import Path
from typing import Any

from idproof.benchmarks.harness.output import BAD_INPUT, BONA_FIDE, Run, attempt_id, data_of, figure
from idproof.benchmarks.harness.resume import ResumeFile
from idproof.benchmarks.metrics import rate
from idproof.benchmarks.system import causes
from idproof.benchmarks.system.attempts import Attempt, Trial, holders, person_of, trials
from idproof.benchmarks.system.cached_card import CachedCardExecutor
from idproof.benchmarks.system.causes import AttemptResult
from idproof.benchmarks.system.groups import labels_of
from idproof.datasets.sets import RegistrationSet
from idproof.models.types import Embeddings
from idproof.pipeline import BadInput, Captures, Decision, Verifier
from idproof.pipeline.capture import decode
from idproof.pipeline.config import Limits, Policy
from idproof.pipeline.executors.task_runner import SEQUENTIAL, TaskRunner
from idproof.pipeline.face import detection
from idproof.pipeline.opening import open_tools, rules_for_tools
from idproof.pipeline.types import Role


def measure_system(
    sets: Sequence[RegistrationSet],
    *,
    others: int = 1,
    lookalikes: int = 1,
    profile: str = "open",
    threads: int = 1,
    runner: TaskRunner = SEQUENTIAL,
    seed: int = 0,
    resume: Path | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Run:
    """Verifies every set and every pairing of a card with an impostor's selfie.

    Args:
        sets: registrations in the `set.json` format.
        others: zero-effort impostors per bona fide card.
        lookalikes: look-alikes per bona fide card.
        profile: of the networks.
        threads: per network call.
        runner: where the registrations are verified.
        seed: recorded with the run; nothing here is random.
        resume: file to stop and resume by; it holds names and numbers only.
        progress: called with attempts done and in total.
    """
    lent = holders(sets)
    selfies = list(runner(_template, lent if lookalikes else [], profile, threads))
    tasks = trials(sets, others=others, lookalikes=lookalikes, selfies=selfies)
    weights = _opened(profile, threads)[0].weights
    file = resume_file(resume, tasks, weights)
    total = sum(len(task.attempts) for task in tasks)
    per_card = file.run(
        runner,
        _attempt_all,
        tasks,
        profile,
        threads,
        after_each=lambda: progress(sum(map(len, file.done.values())), total),
    )
    results = [result for results_of_card in per_card for result in results_of_card]
    outcomes = _counted(results)
    return Run(
        bench="system",
        profile=profile,
        weights=weights,
        seed=seed,
        counts={kind: dict(_filled(counter)) for kind, counter in outcomes.items()}
        | {"bona_fide_people": len({person_of(entry) for entry in sets if entry.truth.bona_fide})},
        figures=figures(outcomes) | causes.figures(results),
        extra={
            "data": data_of(sets),
            "policy": Policy.for_uploads().version,
            "reasons": causes.reasons(results),
            "causes": causes.table(results),
            "groups": causes.groups(results),
            "outcomes": causes.outcomes(results),
        },
    )


def figures(outcomes: Mapping[str, Counter[str]]) -> dict[str, dict[str, object]]:
    """Returns the false reject rate, the false accept rates over all and per kind, and the decisions on bona fide sets.

    `system.fta` is the share of bona fide registrations with a capture that could not be used; `system.frr` includes
    it.
    """
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
    result["system.fta"] = figure(rate(bona_fide[BAD_INPUT], n))
    return result


def resume_file(
    file: Path | None, tasks: Sequence[Trial], weights: Mapping[str, str]
) -> ResumeFile[list[AttemptResult]]:
    """Opens the results of an earlier part of the same run; raises `RunNotResumable` for a file of another run."""
    attempts = [[attempt_id(t.card, each.selfie) + each.kind for each in t.attempts] for t in tasks] if file else []
    return ResumeFile(
        file,
        [*attempts, *weights.values(), Policy.for_uploads().version],
        "registrations, attempts, weights or policy",
        encode=lambda results: [asdict(result) for result in results],
        decode=lambda entries: [_result_from_json(entry) for entry in entries],
    )


def _result_from_json(entry: Mapping[str, Any]) -> AttemptResult:
    objections = {stage: tuple(names) for stage, names in entry["objections"].items()}
    reasons, labels = tuple(entry["reasons"]), tuple(entry["labels"])
    return AttemptResult(entry["kind"], entry["attempt"], entry["decision"], reasons, objections, labels)


def _counted(results: Sequence[AttemptResult]) -> dict[str, Counter[str]]:
    outcomes: dict[str, Counter[str]] = {}
    for each in results:
        outcomes.setdefault(each.kind, Counter())[each.decision] += 1
    return outcomes


@lru_cache(maxsize=1)
def _opened(profile: str, threads: int) -> tuple[Verifier, CachedCardExecutor]:
    """Opens a verifier whose executor examines a card once; otherwise it is the ordinary one."""
    tools = open_tools(profile, "hkid-2018", Policy.for_uploads(), Limits(), threads)
    executor = CachedCardExecutor(tools)
    return Verifier(rules_for_tools(tools, None), executor), executor


def _template(entry: RegistrationSet, profile: str, threads: int) -> Embeddings | None:
    """Returns the selfie's template as the verification makes it; None when the selfie cannot be used."""
    engines = _opened(profile, threads)[1].tools.engines
    try:
        picture = decode(memoryview(entry.parts()[Role.SELFIE]), Role.SELFIE, Limits())
        face = detection.find_selfie_face(picture, engines.detector)
    except BadInput:
        return None
    return engines.embedder.embed([engines.embedder.align(picture, face.landmarks)])


def _attempt_all(trial: Trial, profile: str, threads: int) -> list[AttemptResult]:
    return [_attempt(trial.card, attempt, *_opened(profile, threads)) for attempt in trial.attempts]


def _attempt(
    card: RegistrationSet, attempt: Attempt, verifier: Verifier, executor: CachedCardExecutor
) -> AttemptResult:
    name, labels = attempt_id(card, attempt.selfie), labels_of(card)
    try:
        verdict = verifier.verify(Captures.from_parts(card.parts(selfie_of=attempt.selfie)))
    except BadInput as error:
        return AttemptResult(attempt.kind, name, BAD_INPUT, (error.code,), {causes.CAPTURE: (error.code,)}, labels)
    objections = causes.objections(verdict.checks, verdict.reasons, executor.stage_of)
    return AttemptResult(attempt.kind, name, verdict.decision.value, verdict.reasons, objections, labels)


def _filled(counter: Counter[str]) -> Counter[str]:
    keys = [*(decision.value for decision in Decision), BAD_INPUT]
    return Counter({key: counter[key] for key in keys})
