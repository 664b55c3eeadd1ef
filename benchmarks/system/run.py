"""End to end: how many bona fide registrations are accepted, and does any impostor or attack get through?

Bona fide sets are verified as they are, with the selfies of other people of the folder (zero-effort impostors), and
with those of the people who resemble the holder most (look-alikes). Sets that are attacks are counted by kind. A
capture that cannot be used counts as a registration that was not accepted: to the applicant it is the same; it is also
counted apart, as failure to acquire.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path

from idproof.benchmarks.harness.output import BAD_INPUT, BONA_FIDE, Run, attempt_id, data_of, figure
from idproof.benchmarks.metrics import rate
from idproof.benchmarks.system import causes
from idproof.benchmarks.system.attempts import Attempt, Trial, holders, person_of, trials
from idproof.benchmarks.system.causes import Ended
from idproof.benchmarks.system.groups import labels_of
from idproof.benchmarks.system.kept import Kept
from idproof.benchmarks.system.once import OnceACard
from idproof.datasets.sets import RegistrationSet
from idproof.models.types import Embeddings
from idproof.pipeline import BadInput, Captures, Decision, Verifier
from idproof.pipeline.capture import decode
from idproof.pipeline.config import Limits, Policy
from idproof.pipeline.executors.task_runner import SEQUENTIAL, TaskRunner
from idproof.pipeline.face import detection
from idproof.pipeline.opening import open_tools, rules_for_tools
from idproof.pipeline.types import Role


def run(
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
    """Verify every set and every impostor pairing.

    Args:
        sets: registrations in the `set.json` format.
        others: zero-effort impostors for each bona fide card.
        lookalikes: look-alikes for each bona fide card.
        profile: of the networks.
        threads: for each network call.
        runner: where.
        seed: recorded with the run; nothing here is random.
        resume: a file to stop and resume by; names and numbers only.
        progress: called with attempts done and in total.
    """
    lent = holders(sets)
    selfies = list(runner(_template, lent if lookalikes else [], profile, threads))
    tasks = trials(sets, others=others, lookalikes=lookalikes, selfies=selfies)
    weights = _opened(profile, threads)[0].weights
    kept = Kept(resume, tasks, [*weights.values(), Policy().version])
    todo = [place for place in range(len(tasks)) if place not in kept.done]
    total = sum(len(task.attempts) for task in tasks)
    for place, several in zip(todo, runner(_tried, [tasks[i] for i in todo], profile, threads), strict=True):
        kept.add(place, several)
        progress(sum(map(len, kept.done.values())), total)
    ended = [each for place in sorted(kept.done) for each in kept.done[place]]
    outcomes = _counted(ended)
    return Run(
        bench="system",
        profile=profile,
        weights=weights,
        seed=seed,
        counts={kind: dict(_filled(counter)) for kind, counter in outcomes.items()}
        | {"bona_fide_people": len({person_of(entry) for entry in sets if entry.truth.bona_fide})},
        figures=figures(outcomes) | causes.figures(ended),
        extra={
            "data": data_of(sets),
            "policy": Policy().version,
            "reasons": causes.reasons(ended),
            "causes": causes.table(ended),
            "groups": causes.groups(ended),
            "outcomes": causes.outcomes(ended),
        },
    )


def figures(outcomes: Mapping[str, Counter[str]]) -> dict[str, dict[str, object]]:
    """False reject rate, false accept rate over all kinds and by kind, and how bona fide sets ended.

    `system.fta` is the share of bona fide registrations of which a capture could not be used; it is part of
    `system.frr`.
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


def _counted(ended: Sequence[Ended]) -> dict[str, Counter[str]]:
    outcomes: dict[str, Counter[str]] = {}
    for each in ended:
        outcomes.setdefault(each.kind, Counter())[each.decision] += 1
    return outcomes


@lru_cache(maxsize=1)
def _opened(profile: str, threads: int) -> tuple[Verifier, OnceACard]:
    """Verifies as everybody's does, but for the executor, which examines a card once."""
    tools = open_tools(profile, "hkid-2018", Policy(), Limits(), threads)
    executor = OnceACard(tools)
    return Verifier(rules_for_tools(tools, None), executor), executor


def _template(entry: RegistrationSet, profile: str, threads: int) -> Embeddings | None:
    """What the verification makes of a selfie; None when it cannot be used."""
    engines = _opened(profile, threads)[1].tools.engines
    try:
        picture = decode(memoryview(entry.parts()[Role.SELFIE]), Role.SELFIE, Limits())
        face = detection.find_selfie_face(picture, engines.detector)
    except BadInput:
        return None
    return engines.embedder.embed([engines.embedder.align(picture, face.landmarks)])


def _tried(trial: Trial, profile: str, threads: int) -> list[Ended]:
    return [_ended(trial.card, attempt, *_opened(profile, threads)) for attempt in trial.attempts]


def _ended(card: RegistrationSet, attempt: Attempt, verifier: Verifier, executor: OnceACard) -> Ended:
    name, labels = attempt_id(card, attempt.selfie), labels_of(card)
    try:
        verdict = verifier.verify(Captures.from_parts(card.parts(selfie_of=attempt.selfie)))
    except BadInput as error:
        return Ended(attempt.kind, name, BAD_INPUT, (error.code,), {causes.CAPTURE: (error.code,)}, labels)
    objections = causes.objections(verdict.checks, verdict.reasons, executor.stage_of)
    return Ended(attempt.kind, name, verdict.decision.value, verdict.reasons, objections, labels)


def _filled(counter: Counter[str]) -> Counter[str]:
    keys = [*(decision.value for decision in Decision), BAD_INPUT]
    return Counter({key: counter[key] for key in keys})
