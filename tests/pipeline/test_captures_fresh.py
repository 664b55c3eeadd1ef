"""Captures that were used before never lead to an accept, and the library says that it does not look for them."""

import pytest

from idproof.pipeline import Decision, captures_fresh
from idproof.pipeline.config import Limits
from idproof.pipeline.decide import decide
from idproof.pipeline.types import CheckResult, Outcome, Status
from idproof.pipeline.vault import Vault

PASSED = CheckResult("face_comparison", Status.ASSESSED, Outcome.PASS)


@pytest.mark.parametrize(
    ("used_before", "decision", "reasons"),
    [
        (0, Decision.ACCEPT, ()),
        (1, Decision.REFER, ("captures_used_before",)),
        (4, Decision.REFER, ("captures_used_before",)),
        (None, Decision.REFER, ("captures_use_unknown",)),
    ],
)
def test_only_captures_that_nobody_used_accept(
    used_before: int | None, decision: Decision, reasons: tuple[str, ...]
) -> None:
    found = captures_fresh.check(used_before, 4)
    assert decide([PASSED, found], [captures_fresh.NAME]) == (decision, reasons)


def test_the_check_reports_how_many_were_used() -> None:
    some = captures_fresh.check(1, 4)
    assert (some.value, some.score, some.limit, some.status) == (1.0, 0.75, 0.0, Status.ASSESSED)
    assert captures_fresh.check(None, 4).status is Status.COULD_NOT_ASSESS


def test_without_the_check_a_service_that_requires_it_does_not_accept() -> None:
    assert decide([PASSED], [captures_fresh.NAME]) == (Decision.REFER, ("captures_fresh_missing",))


def test_the_vault_names_the_uploads_that_hold_bytes() -> None:
    with Vault(Limits()).open() as session:
        session.receive("card_front").write(b"picture")
        session.receive("selfie")
        assert session.upload_names == ("card_front",)
        session.wipe()
        assert session.upload_names == ()
