"""Checks of the symbols under the date of birth, the title and the sex.

`***` 18 and over, `*` 11 to 17 (eligible for a re-entry permit); A right of abode, C stay limited, R right to land,
U unlimited; Z born in Hong Kong, X in the Mainland, W in Macao, O elsewhere; B birth date or place changed, N name
changed; L with a digit, the number of lost cards.
"""

import re

from idproof.pipeline.fields.checks import dates
from idproof.pipeline.fields.checks.facts import Facts, not_read, yes_no
from idproof.pipeline.types import CheckResult

_FORM = re.compile(r"(?P<stars>\*{3}|\*)?(?P<residence>[ACRU])(?P<birthplace>[ZXWO])(?P<changes>B?N?)(?P<lost>L\d)?")
_ADULT_AGE, _CHILD_AGE = 18, 11  # years, as in the list above
_ENGLISH = {"男": "M", "女": "F"}


def form(facts: Facts) -> CheckResult:
    """`symbols_form`: exactly one of A, C, R, U and one of Z, X, W, O, with the optional symbols around them."""
    name = "symbols_form"
    text = facts.text("symbols")
    return not_read(name) if text is None else yes_no(name, _FORM.fullmatch(text) is not None, "symbols_malformed")


def age(facts: Facts) -> CheckResult:
    """`symbols_age`: three stars only from 18 years at issue, one star only from 11 to 17."""
    name = "symbols_age"
    text = facts.text("symbols")
    match = _FORM.fullmatch(text) if text is not None else None
    try:
        known = dates.read(facts)
    except ValueError:
        known = None
    if match is None or known is None or known.birth is None or known.issue is None:
        return not_read(name)
    years = dates.age(known.birth, known.issue)
    allowed = {"***": years >= _ADULT_AGE, "*": _CHILD_AGE <= years < _ADULT_AGE, None: True}
    return yes_no(name, allowed[match["stars"]], "symbols_contradict_age")


def title(facts: Facts) -> CheckResult:
    """`symbols_title`: A if and only if the title says that the card is a permanent one."""
    name = "symbols_title"
    texts = facts.texts("title", "symbols")
    if texts is None:
        return not_read(name)
    permanent = "永久" in texts[0] or "PERMANENT" in texts[0].upper()
    return yes_no(name, permanent == ("A" in texts[1]), "symbols_contradict_title")


def sex(facts: Facts) -> CheckResult:
    """`sex_scripts`: the sex is the same in both scripts."""
    name = "sex_scripts"
    text = facts.text("sex")
    if text is None:
        return not_read(name)
    chinese, _, english = text.partition(" ")
    return yes_no(name, _ENGLISH.get(chinese) == english, "sex_scripts_differ")
