"""What the fields say about themselves."""

from collections.abc import Mapping

from idproof.models.types import LineReader, RGBImage
from idproof.pipeline.config import Policy
from idproof.pipeline.documents import DocumentType
from idproof.pipeline.fields import hkid
from idproof.pipeline.fields.read import crop, has_form, normalise
from idproof.pipeline.types import CheckResult, FieldReading, Outcome, Status

NUMBER = "number"


def readable(fields: Mapping[str, FieldReading], document: DocumentType) -> CheckResult:
    """`fields_readable`: the share of fields read with certainty; any uncertain one is in doubt."""
    certain = [fields[spec.name].certain for spec in document.fields]
    share = sum(certain) / len(certain)
    passed = all(certain)
    return CheckResult(
        name="fields_readable",
        status=Status.ASSESSED,
        outcome=Outcome.PASS if passed else Outcome.DOUBT,
        value=round(share, 4),
        unit="share",
        score=share,
        reason=None if passed else "field_unreadable",
        limit=1.0,
    )


def check_digit(fields: Mapping[str, FieldReading]) -> CheckResult:
    """`number_check_digit`: fails with `number_check_digit_wrong`; not assessed when the number is uncertain."""
    name = "number_check_digit"
    number = fields.get(NUMBER)
    if number is None or not number.certain:
        return CheckResult.not_assessed(name, "number_unreadable")
    valid = hkid.is_valid(number.text)
    return _yes_or_no(name, valid, Outcome.FAIL, "number_check_digit_wrong")


def second_reading(
    image: RGBImage,
    fields: Mapping[str, FieldReading],
    document: DocumentType,
    reader: LineReader,
    policy: Policy,
) -> CheckResult:
    """`number_second_reading`: an independent engine reads the number once more, in the front capture.

    Another well-formed number with a valid check digit is a contradiction and in doubt (`number_readings_differ`).
    A reading that is no number at all is that engine's weakness, not a witness against the card; the check then
    passes on the first engine's reading only if that was certain in its own right (`policy.field_confidence`).
    """
    name = "number_second_reading"
    number = fields.get(NUMBER)
    if number is None or not number.certain:
        return CheckResult.not_assessed(name, "number_unreadable")
    spec = document.field(NUMBER)
    other = normalise(reader.read([crop(image, spec, document)])[0].text, spec)
    if other == number.text:
        return _yes_or_no(name, True, Outcome.DOUBT, "number_readings_differ")
    if has_form(other, spec) and hkid.is_valid(other):
        return _yes_or_no(name, False, Outcome.DOUBT, "number_readings_differ")
    confident = number.confidence >= policy.field_confidence
    return _yes_or_no(name, confident, Outcome.DOUBT, "number_read_once")


def _yes_or_no(name: str, yes: bool, otherwise: Outcome, reason: str) -> CheckResult:
    return CheckResult(
        name=name,
        status=Status.ASSESSED,
        outcome=Outcome.PASS if yes else otherwise,
        value=float(yes),
        unit="agreement",
        score=float(yes),
        reason=None if yes else reason,
        limit=1.0,
    )
