"""The applicant's next step after a verdict: read from `applicant_messages/next_steps.toml`, by reason code.

The strictest step of a verdict's reasons counts. New pictures do not undo a decision of an authority. Asking the
records again does not replace a person's look at the case.
"""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib.resources import files
from typing import Any

from idproof.service.applicant_messages import texts


class NextStep(StrEnum):
    """The applicant's next step, from the mildest to the strictest."""

    NOTHING = "nothing"
    RECORDS = "records"
    CAPTURE = "capture"
    COUNTER = "counter"
    REFUSE = "refuse"


CAPTURES = ("card", "selfie", "liveness")
"""Groups of captures that may have to be taken again, in the order in which they are taken."""
_STRICTNESS = list(NextStep)
_GUARDIAN = "bring_guardian"


@dataclass(frozen=True, slots=True)
class Instructions:
    """Instructions for the applicant: the next step, with the captures and the advice that belong to it.

    Attributes:
        step: a key of the table `steps`.
        captures: groups of captures to take again, of `CAPTURES`.
        advice: codes of what to change, worst reason first.
        first: nothing was captured yet, so that the sentence asks for pictures and not for new ones.
    """

    step: str
    captures: tuple[str, ...] = ()
    advice: tuple[str, ...] = ()
    first: bool = False

    def to_json(self, language: str) -> dict[str, Any]:
        """Returns them with their sentences in a language."""
        table = _table()
        step = "first_capture" if self.first else self.step
        sentences = [table["steps"][step][language], *(table["advice"][code][language] for code in self.advice)]
        shown: dict[str, Any] = {"step": self.step, "captures": list(self.captures), "advice": list(self.advice)}
        return shown | {"text": " ".join(sentences) if language == texts.ENGLISH else "".join(sentences)}


def next_step(decision: str, reasons: Sequence[str]) -> NextStep:
    """Returns the strictest step of a verdict's reasons; a decision without a reason in the table goes to a counter.

    Example:
        >>> next_step("refer", ["selfie_blurred", "face_mismatch"])
        <NextStep.COUNTER: 'counter'>
    """
    if decision == "accept":
        return NextStep.NOTHING
    steps = [NextStep(_entry(code)["step"]) for code in reasons]
    return max(steps, key=_STRICTNESS.index, default=NextStep.COUNTER)


def instructions(step: NextStep, reasons: Sequence[str]) -> Instructions:
    """Returns what an applicant does next after a verdict with this step and these reasons."""
    if step is not NextStep.CAPTURE:
        # Without a guardian no officer at a counter can accept either.
        brings = step is NextStep.COUNTER and any(_entry(code).get("advice") == _GUARDIAN for code in reasons)
        return Instructions(step, advice=(_GUARDIAN,) if brings else ())
    entries = [entry for code in reasons if (entry := _entry(code))["step"] == NextStep.CAPTURE]
    wanted = {name for entry in entries for name in entry["captures"]}
    advice = tuple(dict.fromkeys(entry["advice"] for entry in entries))
    if any(_entry(code)["step"] == NextStep.RECORDS for code in reasons):
        advice = (*advice, "try_later")
    return Instructions(step, tuple(name for name in CAPTURES if name in wanted or not wanted), advice)


def _entry(code: str) -> Mapping[str, Any]:
    reasons = _table()["reasons"]
    entry: Mapping[str, Any] = reasons[texts.entry_of(code, reasons)]
    return entry


@cache
def _table() -> Mapping[str, Any]:
    return tomllib.loads((files(texts.__package__) / "next_steps.toml").read_text(encoding="utf-8"))
