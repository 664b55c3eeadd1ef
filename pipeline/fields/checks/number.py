"""Check of the card's number."""

from idproof.pipeline.fields import hkid
from idproof.pipeline.fields.checks.facts import Facts, not_read, yes_no
from idproof.pipeline.types import CheckResult


def check_digit(facts: Facts) -> CheckResult:
    """`number_check_digit`: one or two letters, six digits and the check digit that belongs to them."""
    name = "number_check_digit"
    number = facts.text("number")
    return not_read(name) if number is None else yes_no(name, hkid.is_valid(number), "number_check_digit_wrong")
