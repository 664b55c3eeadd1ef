"""Copies for people are made of a refer alone, while the captures are still held, and the receipt counts them."""

from dataclasses import replace
from typing import Any

import pytest

from idproof.pipeline import Decision, Policy, Role, Vault
from idproof.pipeline.config import Limits
from idproof.pipeline.documents import load_builtin
from idproof.pipeline.errors import FaceNotFound
from idproof.pipeline.face import quality
from idproof.pipeline.findings import Findings
from idproof.pipeline.types import CheckResult, Outcome, Status
from idproof.pipeline.vault import VaultSession
from idproof.pipeline.verdict import from_json, to_json
from idproof.pipeline.verify import Rules, verify

POLICY = replace(Policy.for_uploads(), required=("face_comparison",), not_performed=())


class Canned:
    """An executor that has examined already."""

    weights: dict[str, str] = {}  # noqa: RUF012
    face_detector = None

    def __init__(self, outcome: Outcome | None) -> None:
        self.outcome = outcome

    def examine(self, session: VaultSession, _answer: Any) -> Findings:
        if self.outcome is None:
            raise FaceNotFound("No face.", capture="selfie")
        reason = None if self.outcome is Outcome.PASS else "face_mismatch"
        passed = [
            CheckResult(name, Status.ASSESSED, Outcome.PASS)
            for name in (*load_builtin().checks, "selfie_copy", *quality.NAMES)
            if name != "face_comparison"
        ]
        return Findings(
            (CheckResult("face_comparison", Status.ASSESSED, self.outcome, reason=reason), *passed), {}, {}, {}
        )


@pytest.mark.parametrize(
    ("outcome", "decision", "made"),
    [
        (Outcome.PASS, Decision.ACCEPT, 0),
        (Outcome.DOUBT, Decision.REFER, 4),
        (Outcome.FAIL, Decision.REJECT, 0),
    ],
)
def test_only_a_refer_makes_copies(outcome: Outcome, decision: Decision, made: int) -> None:
    seen: list[bytes] = []

    def copier(session: VaultSession) -> int:
        for role in Role:
            with session.upload(role) as data:
                seen.append(bytes(data))
        return len(seen)

    rules = Rules(load_builtin(), POLICY, Limits(), "open", (), False)
    with Vault(Limits()).open() as session:
        for role in Role:
            session.receive(role).write(role.encode())
        session.copy_with(copier)
        verdict = verify(session, rules, Canned(outcome))  # type: ignore[arg-type]
        assert session.outstanding == 0
    assert (verdict.decision, len(seen)) == (decision, made), verdict.reasons
    assert seen == [role.encode() for role in Role][: len(seen)], "the captures were still there"
    assert verdict.deletion.sealed_copies == made
    assert from_json(to_json(verdict)).deletion == verdict.deletion


@pytest.mark.parametrize(("outcome", "made"), [(Outcome.PASS, 1), (Outcome.DOUBT, 0), (Outcome.FAIL, 0)])
def test_only_an_accept_protects_a_template(outcome: Outcome, made: int) -> None:
    rules = Rules(load_builtin(), POLICY, Limits(), "open", (), False)
    with Vault(Limits()).open() as session:
        for role in Role:
            session.receive(role).write(role.encode())
        session.protect_with(lambda held: held.ensure_open() or 1)
        verdict = verify(session, rules, Canned(outcome))  # type: ignore[arg-type]
    assert verdict.deletion.protected_templates == made
    assert from_json(to_json(verdict)).deletion == verdict.deletion


def test_a_verification_that_fails_makes_none() -> None:
    rules = Rules(load_builtin(), POLICY, Limits(), "open", (), False)
    with Vault(Limits()).open() as session:
        session.copy_with(lambda _: pytest.fail("nothing was decided"))
        session.protect_with(lambda _: pytest.fail("nothing was decided"))
        with pytest.raises(FaceNotFound):
            verify(session, rules, Canned(None))  # type: ignore[arg-type]
        assert session.wipe().sealed_copies == 0
