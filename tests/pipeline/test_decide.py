"""Only a full set of passes accepts: shown over every small combination of outcomes."""

from hypothesis import given
from hypothesis import strategies as st

from idproof.pipeline.decide import decide
from idproof.pipeline.types import CheckResult, Decision, Outcome, Status

REQUIRED = ("one", "two", "three")


def result(name: str, outcome: Outcome | None) -> CheckResult:
    if outcome is None:
        return CheckResult.not_assessed(name, f"{name}_not_assessed")
    reason = None if outcome is Outcome.PASS else f"{name}_{outcome}"
    return CheckResult(name, Status.ASSESSED, outcome, reason=reason)


outcomes = st.dictionaries(st.sampled_from([*REQUIRED, "extra"]), st.sampled_from([*Outcome, None]), max_size=4)


@given(outcomes)
def test_the_rule(found: dict[str, Outcome | None]) -> None:
    decision, reasons = decide([result(name, outcome) for name, outcome in found.items()], REQUIRED)
    if Outcome.FAIL in found.values():
        assert decision is Decision.REJECT
    elif all(outcome is Outcome.PASS for outcome in found.values()) and found.keys() >= set(REQUIRED):
        assert decision is Decision.ACCEPT
    else:
        assert decision is Decision.REFER
    assert (reasons == ()) == (decision is Decision.ACCEPT)


@given(outcomes)
def test_every_check_that_did_not_pass_is_a_reason_and_failures_come_first(
    found: dict[str, Outcome | None],
) -> None:
    _, reasons = decide([result(name, outcome) for name, outcome in found.items()], REQUIRED)
    for name, outcome in found.items():
        if outcome is not Outcome.PASS:
            assert f"{name}_{outcome or 'not_assessed'}" in reasons
    failed = [i for i, reason in enumerate(reasons) if reason.endswith("_fail")]
    assert failed == list(range(len(failed)))


def test_a_missing_required_check_refers_and_says_which() -> None:
    found = [result("one", Outcome.PASS), result("two", Outcome.PASS)]
    assert decide(found, REQUIRED) == (Decision.REFER, ("three_missing",))


def test_whatever_could_not_be_assessed_refers_though_nobody_requires_it() -> None:
    passed = [result("one", Outcome.PASS), result("two", Outcome.PASS), result("three", Outcome.PASS)]
    assert decide(passed, REQUIRED) == (Decision.ACCEPT, ())
    assert decide([*passed, result("fine", None)], REQUIRED) == (Decision.REFER, ("fine_not_assessed",))
