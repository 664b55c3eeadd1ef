"""A verification whose session ends while its pictures are examined asks nobody about the applicant."""

from typing import Any

import pytest

from idproof.pipeline import Limits, Policy, Vault, VaultSession
from idproof.pipeline.documents import load_builtin
from idproof.pipeline.errors import SessionExpired
from idproof.pipeline.fields.records import RecordAnswer, RecordStatus
from idproof.pipeline.findings import Findings
from idproof.pipeline.types import FieldReading
from idproof.pipeline.verify import Rules, verify

DOCUMENT = load_builtin()
FIELDS = {spec.name: FieldReading("", 0.0, certain=False) for spec in DOCUMENT.fields}


class Department:
    """Records that remember whom they were asked about."""

    def __init__(self) -> None:
        self.asked: list[Any] = []

    def look_up(self, card: Any) -> RecordAnswer:
        self.asked.append(card)
        return RecordAnswer(RecordStatus.UNAVAILABLE)


class Executor:
    """Reads the card; the applicant may stop when nothing of the pictures is needed any more."""

    weights: dict[str, str] = {}  # noqa: RUF012
    face_detector = None

    def __init__(self, *, stopped: bool) -> None:
        self.stopped = stopped

    def examine(self, session: VaultSession, _answer: Any) -> Findings:
        if self.stopped:
            session.wipe()
        return Findings((), FIELDS, {}, {})


def run(department: Department, *, stopped: bool) -> None:
    rules = Rules(DOCUMENT, Policy(), Limits(), "open", (), optically_variable=False, records=department)  # type: ignore[arg-type]
    with Vault(Limits()).open() as session:
        verify(session, rules, Executor(stopped=stopped))  # type: ignore[arg-type]


def test_the_department_is_not_asked_about_an_applicant_who_stopped() -> None:
    department = Department()
    run(department, stopped=False)
    assert len(department.asked) == 1
    with pytest.raises(SessionExpired):
        run(department, stopped=True)
    assert len(department.asked) == 1
