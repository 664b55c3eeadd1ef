"""The registered portrait is compared with card and selfie in the vault; a missing one never accepts."""

import hashlib
import io
from collections.abc import Callable
from dataclasses import replace

import pytest
from PIL import Image

from idproof.datasets.specimen.make import Registration
from idproof.datasets.specimen.portraits import PortraitSource
from idproof.pipeline import Captures, Decision, Verifier
from idproof.pipeline.fields.card_data import CardData
from idproof.pipeline.fields.records import RecordAnswer, RecordStatus, Sink
from idproof.pipeline.types import Status

HOLDER, OTHER = "bundled/office-holder", "bundled/astronaut"
NAMES = {"registered_portrait_card", "registered_portrait_selfie"}


class Department:
    """Matches every card, and gives this portrait."""

    def __init__(self, picture: bytes | None, announced: bool = True) -> None:
        self._picture = picture
        self._announced = announced

    def look_up(self, form: CardData) -> RecordAnswer:
        assert form.number is not None
        return RecordAnswer(RecordStatus.MATCH, portrait=self._announced)

    def portrait(self, form: CardData, into: Sink) -> None:
        if self._picture is None:
            raise OSError(form.number)
        for start in range(0, len(self._picture), 1000):
            into.write(self._picture[start : start + 1000])


def photograph(label: str, number: int) -> bytes:
    picture = Image.fromarray(PortraitSource.open(None).person(label).photographs[number])
    picture.thumbnail((250, 250))
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=90)
    return buffer.getvalue()


@pytest.fixture
def held(other_card: Callable[[int], Registration]) -> Captures:
    """A registration of a person with further photographs."""
    wanted = hashlib.sha256(HOLDER.encode()).hexdigest()[:12]
    made = next(made for i in range(6) if (made := other_card(i)).description["truth"]["person"] == wanted)
    return Captures.from_parts(made.parts())


def asking(verifier: Verifier, department: Department) -> Verifier:
    return Verifier(replace(verifier.rules, records=department), verifier.executor)


def test_a_registered_portrait_of_the_holder_agrees_with_card_and_selfie(verifier: Verifier, held: Captures) -> None:
    verdict = asking(verifier, Department(photograph(HOLDER, 1))).verify(held)
    assert (verdict.decision, verdict.reasons) == (Decision.ACCEPT, ())
    assert {check.name for check in verdict.checks} >= NAMES
    wiped = {entry.kind: entry.roles for entry in verdict.deletion.wiped}
    assert "registered_portrait" in wiped["upload"]
    assert "registered_portrait" in wiped["template"]
    assert "records_check" not in verdict.not_performed
    assert verdict.timings_ms["records"] > 0


def test_a_card_with_another_persons_photograph_disagrees_with_the_record_although_its_selfie_matches(
    verifier: Verifier, held: Captures
) -> None:
    verdict = asking(verifier, Department(photograph(OTHER, 0))).verify(held)
    assert verdict.decision is Decision.REJECT
    assert verdict.reasons == ("registered_portrait_differs",)
    assert {check.name for check in verdict.checks if check.outcome == "fail"} == NAMES


@pytest.mark.parametrize("picture", [None, b"", b"no picture", photograph(HOLDER, 1)[:3000]])
def test_a_portrait_that_cannot_be_fetched_or_used_refers(
    verifier: Verifier, held: Captures, picture: bytes | None
) -> None:
    verdict = asking(verifier, Department(picture)).verify(held)
    assert (verdict.decision, verdict.reasons) == (Decision.REFER, ("registered_portrait_unavailable",))
    assert {c.name for c in verdict.checks if c.status is Status.COULD_NOT_ASSESS} == NAMES


def test_no_portrait_is_requested_when_the_record_offers_none(verifier: Verifier, held: Captures) -> None:
    verdict = asking(verifier, Department(None, announced=False)).verify(held)
    assert verdict.decision is Decision.ACCEPT
    assert not NAMES & {check.name for check in verdict.checks}
