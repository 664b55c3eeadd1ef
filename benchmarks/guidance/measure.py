"""Plays films of captures that go wrong to the guidance, and hands what it calls good to the verification.

Each registration is played once, with a fault in one of its captures of the card or in all three, or with none. A film
shows the fault from its first picture on, or after two pictures without it. A device sends a still whenever guidance
calls a preview good; a still that is good becomes the capture. The verification's checks of card and fields then say
whether these captures are accepted; the face is no matter of the card.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from idproof.benchmarks.errors import BenchmarkFailed
from idproof.benchmarks.guidance.faults import FAULTS, Fault
from idproof.benchmarks.harness.output import Run, data_of, figure, plain
from idproof.benchmarks.harness.resume import ResumeFile
from idproof.benchmarks.metrics import rate
from idproof.benchmarks.system.cached_card import CARD, FIELDS, CachedCardExecutor
from idproof.datasets.sets import RegistrationSet
from idproof.models.types import RGBImage
from idproof.pipeline import BadInput, Captures, Verifier
from idproof.pipeline.capture import decode
from idproof.pipeline.card.plan.types import CardPose
from idproof.pipeline.card.view import corners
from idproof.pipeline.config import Limits, Policy
from idproof.pipeline.executors.task_runner import SEQUENTIAL, TaskRunner
from idproof.pipeline.guidance import Guidance, GuidanceMemory, Guide, Hint
from idproof.pipeline.opening import open_tools, rules_for_tools
from idproof.pipeline.types import CARD_ROLES, Outcome, Role

NONE = "none"
"""A registration without a fault."""

_INTERVAL_MS = 100  # ten pictures per second, as the kiosk's page sends them
_MOST_PICTURES = 24  # of a film
_CLEAN_PICTURES = 2  # before the fault, in half of the films
_PREVIEW_PX, _PREVIEW_QUALITY, _STILL_QUALITY = 480, 80, 92  # as the kiosk's page makes them
_ANY_POSE = CardPose(0.0, 0.0, 0.55)


@dataclass(frozen=True)
class Played:
    """The result of one registration; only names and numbers leave the worker.

    Attributes:
        fault: its name, or `NONE`.
        captures: number of captures that show it.
        good: guidance took a still of all three captures.
        accepted: no check of card or fields objects to the captures, whoever took them.
        reasons: of the checks that do, or the code of a capture that cannot be used.
        hint: the first hint other than good in a film with the fault, or in the first film that shows another hint.
        right_after_ms: time from the fault's first picture to the first hint that names it; None where none does.
    """

    fault: str
    captures: int
    good: bool
    accepted: bool
    reasons: tuple[str, ...]
    hint: str | None
    right_after_ms: int | None


@dataclass(frozen=True)
class _Film:
    """Hints of guidance to one capture's film, and the still that it took."""

    still: bytes | None
    hints: tuple[Hint, ...]
    before: int

    def right_after_ms(self, fault: Fault) -> int | None:
        """Time from the fault's first picture to the end of the picture whose hint names it."""
        places = (place for place, hint in enumerate(self.hints[self.before :]) if hint in fault.hints)
        first = next(places, None)
        return None if first is None else (first + 1) * _INTERVAL_MS


def measure_guidance(
    sets: Sequence[RegistrationSet],
    *,
    faults: Sequence[str] = (NONE, *FAULTS),
    profile: str = "open",
    seed: int = 0,
    runner: TaskRunner = SEQUENTIAL,
    resume: Path | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Run:
    """Plays every bona fide registration once, with the faults in turn.

    Args:
        sets: registrations in the `set.json` format; attacks are left out.
        faults: names of `FAULTS`, and `NONE`.
        profile: of the networks.
        seed: of everything drawn.
        runner: place where the films are played.
        resume: file to stop and resume by.
        progress: called with registrations done and in total.

    Raises:
        BenchmarkFailed: an unknown fault, or no bona fide registration.
    """
    if unknown := [name for name in faults if name not in (NONE, *FAULTS)]:
        raise BenchmarkFailed(f"There is no fault {unknown[0]}; known are {', '.join((NONE, *FAULTS))}.")
    genuine = [entry for entry in sets if entry.truth.bona_fide]
    if not genuine:
        raise BenchmarkFailed("There is no bona fide registration.")
    tasks = [(entry, faults[place % len(faults)], place) for place, entry in enumerate(genuine)]
    weights = _opened(profile)[0].weights
    file: ResumeFile[Played] = ResumeFile(
        resume,
        [len(genuine), [fault for _, fault, _ in tasks], seed, *weights.values(), Policy.for_uploads().version],
        "registrations, faults, seed, weights or policy",
        encode=asdict,
        decode=lambda entry: Played(**entry | {"reasons": tuple(entry["reasons"])}),
    )
    played = file.run(runner, _play, tasks, seed, profile, after_each=lambda: progress(len(file.done), len(tasks)))
    return Run(
        bench="guidance",
        profile=profile,
        weights=weights,
        seed=seed,
        counts=counts(played),
        figures=figures(played),
        extra={"data": data_of(genuine), "policy": Policy.for_uploads().version},
    )


def counts(played: Sequence[Played]) -> dict[str, dict[str, Any]]:
    """Returns, per fault, how often guidance and verification said what, and the first hints."""
    found: dict[str, dict[str, Any]] = {}
    for each in played:
        of_fault = found.setdefault(each.fault, {"played": 0, "good_accepted": 0, "good_refused": 0})
        for name in ("hinted_accepted", "hinted_refused"):
            of_fault.setdefault(name, 0)
        of_fault["played"] += 1
        of_fault[f"{'good' if each.good else 'hinted'}_{'accepted' if each.accepted else 'refused'}"] += 1
        hints = of_fault.setdefault("first_hints", {})
        hints[str(each.hint)] = hints.get(str(each.hint), 0) + 1
        if each.good and not each.accepted:
            for reason in each.reasons:
                reasons = of_fault.setdefault("good_refused_reasons", {})
                reasons[reason] = reasons.get(reason, 0) + 1
    return found


def figures(played: Sequence[Played]) -> dict[str, dict[str, Any]]:
    """Returns the figures.

    `guidance.good_agrees`: of the registrations whose three stills guidance took, the share that the verification
    accepts. `guidance.needless`: of those for which it took none, the share that the verification would accept.
    `guidance.clean_good`: without a fault, the share whose stills it took. `guidance.hint.KIND`: of the films with a
    fault that matters (guidance did not take it, or the verification refuses it), the share in which a hint named it.
    `guidance.first_hint_ms.p95`: the time to that hint; a film without one counts with its whole length.
    """
    taken = [each for each in played if each.good]
    left = [each for each in played if not each.good]
    clean = [each for each in played if each.fault == NONE]
    found = {
        "guidance.good_agrees": figure(rate(sum(each.accepted for each in taken), len(taken))),
        "guidance.needless": figure(rate(sum(each.accepted for each in left), len(left))),
        "guidance.clean_good": figure(rate(sum(each.good for each in clean), len(clean))),
    }
    matter = [each for each in played if each.fault != NONE and not (each.good and each.accepted)]
    times = [_MOST_PICTURES * _INTERVAL_MS if e.right_after_ms is None else e.right_after_ms for e in matter]
    if times:
        worst = float(np.percentile(times, 95, method="higher"))
        found["guidance.first_hint_ms.p95"] = plain(worst, len(times), "ms")
    for fault in dict.fromkeys(each.fault for each in matter):
        own = [each for each in matter if each.fault == fault]
        named = sum(each.right_after_ms is not None for each in own)
        found[f"guidance.hint.{fault}"] = figure(rate(named, len(own)))
    return found


@lru_cache(maxsize=1)
def _opened(profile: str) -> tuple[Verifier, CachedCardExecutor, Guide]:
    tools = open_tools(profile, "hkid-2018", Policy.for_uploads(), Limits(), 1)
    executor = CachedCardExecutor(tools)
    return (
        Verifier(rules_for_tools(tools, None), executor),
        executor,
        Guide.open(tools.locator.document, executor.face_detector),
    )


def _play(task: tuple[RegistrationSet, str, int], seed: int, profile: str) -> Played:
    entry, name, place = task
    _, executor, guide = _opened(profile)
    rng = np.random.default_rng((seed, place))
    parts, fault = dict(entry.parts()), FAULTS.get(name)
    spoilt = _spoilt_roles(rng) if fault is not None else ()
    films: dict[Role, _Film] = {}
    for role in CARD_ROLES:
        image = decode(memoryview(parts[role]), role, Limits())
        view = executor.tools.locator.locate(image, role, Policy.for_uploads())
        shown = image
        if fault is not None and role in spoilt:
            shown = fault.spoil(image, corners(view, executor.tools.locator.document), rng)
        before = _CLEAN_PICTURES if role in spoilt and rng.random() < 1 / 2 else 0
        films[role] = _show(guide, image, shown, before)
        if role in spoilt:
            parts[role] = _jpeg(shown, _STILL_QUALITY)
        if (still := films[role].still) is not None:
            parts[role] = still
    accepted, reasons = _judge(parts, profile)
    first = [hint for role in (spoilt or CARD_ROLES) for hint in films[role].hints if hint is not Hint.GOOD]
    right = [films[role].right_after_ms(fault) for role in spoilt] if fault is not None else []
    return Played(
        name,
        len(spoilt),
        all(film.still is not None for film in films.values()),
        accepted,
        reasons,
        first[0].value if first else None,
        min((ms for ms in right if ms is not None), default=None),
    )


def _spoilt_roles(rng: np.random.Generator) -> tuple[Role, ...]:
    """One capture, or all of them: a hand slips once, a lens stays dirty."""
    return CARD_ROLES if rng.random() < 1 / 2 else (CARD_ROLES[int(rng.integers(len(CARD_ROLES)))],)


def _show(guide: Guide, clean: RGBImage, shown: RGBImage, before: int) -> _Film:
    """Plays previews and stills until a still is good or the film is over.

    The wanted pose is the one that the capture has: which pose guidance asks for is measured elsewhere.
    """
    small = memoryview(_jpeg(_preview(clean), _PREVIEW_QUALITY))
    pose = guide.card(small, _ANY_POSE, GuidanceMemory(), 0.0).pose or _ANY_POSE
    previews = [small] * before + [memoryview(_jpeg(_preview(shown), _PREVIEW_QUALITY))] * _MOST_PICTURES
    still, memory = _jpeg(shown, _STILL_QUALITY), GuidanceMemory()
    said: list[Hint] = []
    for place, preview in enumerate(previews):
        asked = place > before and said[-1] is Hint.GOOD
        found: Guidance = guide.card(
            memoryview(still) if asked else preview, pose, memory, place * _INTERVAL_MS / 1000, still=asked
        )
        said.append(found.hint)
        if asked and found.good:
            return _Film(still, tuple(said), before)
    return _Film(None, tuple(said), before)


def _judge(parts: Mapping[str, bytes], profile: str) -> tuple[bool, tuple[str, ...]]:
    """Returns whether no check of card or fields objects, and the reasons of those that do."""
    verifier, executor, _ = _opened(profile)
    try:
        verdict = verifier.verify(Captures.from_parts(parts))
    except BadInput as error:
        return False, (error.code,)
    of_card = {name for name, stage in executor.stage_of.items() if stage in (CARD, FIELDS)}
    against = [check for check in verdict.checks if check.name in of_card and check.outcome is not Outcome.PASS]
    return not against, tuple(check.reason or check.name for check in against)


def _preview(image: RGBImage) -> RGBImage:
    size = (_PREVIEW_PX, round(_PREVIEW_PX * image.shape[0] / image.shape[1]))
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)


def _jpeg(image: NDArray[Any], quality: int) -> bytes:
    return cv2.imencode(".jpg", cv2.cvtColor(image, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, quality])[
        1
    ].tobytes()
