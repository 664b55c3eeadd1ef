"""The symbols under the date of birth, the title and the sex.

`***` 18 and over, `*` 11 to 17 (eligible for a re-entry permit); A right of abode, C stay limited, R right to land,
U unlimited; Z born in Hong Kong, X in the Mainland, W in Macao, O elsewhere; B birth date or place changed, N name
changed; L with a digit, how often a card was lost.
"""

import re

from idproof.pipeline.fields.checks import dates
from idproof.pipeline.fields.checks.facts import Facts, answer, unread
from idproof.pipeline.types import CheckResult

_FORM = re.compile(r"(?P<stars>\*{3}|\*)?(?P<residence>[ACRU])(?P<birthplace>[ZXWO])(?P<changes>B?N?)(?P<lost>L\d)?")
_ADULT, _CHILD = 18, 11
_ENGLISH = {"男": "M", "女": "F"}


def form(facts: Facts) -> CheckResult:
    """`symbols_form`: exactly one of A, C, R, U and exactly one of Z, X, W, O, with what may stand around them."""
    name = "symbols_form"
    text = facts.text("symbols")
    return unread(name) if text is None else answer(name, _FORM.fullmatch(text) is not None, "symbols_malformed")


def age(facts: Facts) -> CheckResult:
    """`symbols_age`: three stars only from 18 years at issue, one star only from 11 to 17."""
    name = "symbols_age"
    text = facts.text("symbols")
    match = _FORM.fullmatch(text) if text is not None else None
    try:
        known = dates.read(facts)
    except ValueError:
        known = None
    if match is None or known is None:
        return unread(name)
    years = dates.age(known.birth, known.issue)
    allowed = {"***": years >= _ADULT, "*": _CHILD <= years < _ADULT, None: True}
    return answer(name, allowed[match["stars"]], "symbols_contradict_age")


def title(facts: Facts) -> CheckResult:
    """`symbols_title`: A if and only if the title says that the card is a permanent one."""
    name = "symbols_title"
    texts = facts.texts("title", "symbols")
    if texts is None:
        return unread(name)
    permanent = "永久" in texts[0] or "PERMANENT" in texts[0].upper()
    return answer(name, permanent == ("A" in texts[1]), "symbols_contradict_title")


def sex(facts: Facts) -> CheckResult:
    """`sex_scripts`: the same in both scripts."""
    name = "sex_scripts"
    text = facts.text("sex")
    if text is None:
        return unread(name)
    chinese, _, english = text.partition(" ")
    return answer(name, _ENGLISH.get(chinese) == english, "sex_scripts_differ")
