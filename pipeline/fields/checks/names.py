"""The name in two scripts and the commercial codes under it."""

from idproof.pipeline.documents import commercial_codes
from idproof.pipeline.fields import romanisation as spelling
from idproof.pipeline.fields.checks.facts import Facts, not_read, yes_no
from idproof.pipeline.types import CheckResult, Outcome, Status


def complete(facts: Facts) -> CheckResult:
    """`name_complete`: Chinese name and codes are both present, as many codes as characters, or both absent.

    A different number of codes is in doubt and does not fail: only one reader reads Chinese, and it alone rejects
    nobody. The numbers are compared for a name that its codes do not confirm, too, when it was seen clearly.
    """
    name = "name_complete"
    chinese, printed = facts.text_as_seen("chinese_name"), facts.text("chinese_codes")
    if chinese is None or printed is None or (facts.text("chinese_name") is None and not (chinese and printed)):
        return not_read(name)
    if bool(chinese) != bool(printed):
        return yes_no(name, False, "name_without_codes" if chinese else "codes_without_name")
    return yes_no(name, len(chinese) == len(printed.split()), "name_code_count", otherwise=Outcome.DOUBT)


def codes(facts: Facts) -> CheckResult:
    """`name_codes`: each code is one of its character's codes, Taiwan's or the Mainland's (Unihan).

    A different code is in doubt and does not fail, as in `complete`; it leaves the name uncertain, so that the name is
    compared as it was seen. Could not be assessed for a character that the published table does not list
    (`name_code_unlisted`) or another number of codes (`name_code_count`).
    """
    name = "name_codes"
    chinese, printed = facts.text_as_seen("chinese_name"), facts.text("chinese_codes")
    if chinese is None or printed is None:
        return not_read(name)
    if len(chinese) != len(printed.split()):
        return CheckResult.not_assessed(name, "name_code_count")
    pairs = list(zip(chinese, printed.split(), strict=True))
    wrong = [c for c, code in pairs if commercial_codes.has_code(c) and not commercial_codes.agrees(c, code)]
    if wrong:
        return yes_no(name, False, "name_codes_differ", otherwise=Outcome.DOUBT)
    if any(not commercial_codes.has_code(character) for character, _ in pairs):
        return CheckResult.not_assessed(name, "name_code_unlisted")
    return yes_no(name, True, "name_codes_differ")


def romanisation(facts: Facts) -> CheckResult:
    """`name_romanisation`: the surname stands first and is not another surname's reading.

    A surname that may be a reading of its character, in Cantonese or Mandarin, passes. So does one that says nothing:
    foreign surnames, a husband's, and spellings of other languages are usual. In doubt, for a person to decide, is a
    Cantonese surname that cannot be a reading of its character, in a name that is otherwise the reading of the
    characters: the given names are theirs, or the surname's own reading stands elsewhere in the name.

    Value: the share of compared syllables that may be readings. Given names are compared only when there are as many
    syllables as characters.
    """
    name = "name_romanisation"
    texts = facts.texts("chinese_name", "english_name")
    if texts is None:
        return not_read(name)
    chinese, english = texts
    surname, _, given = english.partition(", ")
    pairs = _syllables(chinese, surname.split(), given.split())
    plausible = [spelling.may_begin(character, syllable) for character, syllable in pairs]
    share = sum(plausible) / len(plausible) if plausible else 1.0
    passed = not chinese or not _contradicts(chinese, surname.split(), given.split())
    return CheckResult(
        name=name,
        status=Status.ASSESSED,
        outcome=Outcome.PASS if passed else Outcome.DOUBT,
        value=round(share, 4),
        unit="share",
        score=share,
        reason=None if passed else "name_romanisation_implausible",
        limit=None,
    )


def _syllables(chinese: str, surname: list[str], given: list[str]) -> list[tuple[str, str]]:
    """Pairs characters with their syllables, the surname first."""
    if not chinese:
        return []
    together = surname + given
    if len(together) == len(chinese):
        return list(zip(chinese, together, strict=True))
    return [(chinese[0], surname[0])] if surname else []


def _contradicts(chinese: str, surname: list[str], given: list[str]) -> bool:
    """Returns whether the surname is another one's, in a name that is otherwise the reading of its characters."""
    if any(spelling.may_begin(chinese[0], word) for word in surname) or not all(map(spelling.is_cantonese, surname)):
        return False
    own = [spelling.is_spelling(character, word) for character, word in zip(chinese[1:], given, strict=False)]
    same_given = len(given) == len(chinese) - 1 and bool(own) and all(own)
    return same_given or any(spelling.is_spelling(chinese[0], word) for word in given)
