"""Corrections that a field's printed form supports.

A form is a pattern of the text: `A` a letter, `9` a digit, `C` a check digit (0-9 or A), any other character itself. A
character that the form does not allow is replaced only by an allowed one that the readers saw as well, or that looks
the same in print. Every replacement is recorded.
"""

import re
import unicodedata
from collections.abc import Sequence

from rapidfuzz.distance import Levenshtein

from idproof.pipeline.documents import FieldSpec
from idproof.pipeline.fields.fuse import FusedReading, Votes
from idproof.pipeline.types import Correction

# Characters that look alike in the card's typefaces. Chosen by hand; no outside source.
_LOOK_ALIKES = (
    "0OQD",
    "1Il|!",
    "2Zz",
    "5Ss$",
    "6Gb",
    "8B",
    "9gq",
    "4A",
    "£€E",
    "€C",
    "¥Y",
    "7T",
    "UV",
    "(C[{",
    ")]}",
    "-—–_~",
    "*×x+",
    ".,",
)
_CONFUSED = {
    c: frozenset().union(*(group for group in _LOOK_ALIKES if c in group)) - {c} for c in "".join(_LOOK_ALIKES)
}
# Chosen by hand on rendered tuning cards; no outside source.
_LOOK_ALIKE_SHARE = 0.5  # of a character's votes that its look-alike may claim
_MIN_SHARE = 0.02  # of the votes, from which an allowed character counts as seen
# Characters that readers write for the same ink.
_SAME_INK = str.maketrans(
    {
        "（": "(",
        "）": ")",
        "，": ",",
        "、": ",",
        "－": "-",
        "—": "-",
        "–": "-",
        "＊": "*",
        "×": "*",
        "’": "'",
        "‘": "'",
        "ʼ": "'",
        "＇": "'",
        "´": "'",
        "`": "'",
        "‐": "-",
        "‑": "-",
        "−": "-",
        "．": ".",
        "：": ":",
        "∪": "U",
    }
)
_BETWEEN_SCRIPTS = re.compile(r"(?<=[\u3400-\u9fff])(?=[A-Za-z])|(?<=[A-Za-z])(?=[\u3400-\u9fff])")
_CLASSES = {"A": "ABCDEFGHIJKLMNOPQRSTUVWXYZ", "9": "0123456789", "C": "0123456789A"}


def unify(text: str) -> str:
    """Returns the text in NFC with one form for every bracket, dash and star; its length is that of the text in NFC.

    Example:
        >>> unify("A123456（3）")
        'A123456(3)'
    """
    return unicodedata.normalize("NFC", text).translate(_SAME_INK)


def correct(fused: FusedReading, spec: FieldSpec) -> tuple[str, tuple[Correction, ...], float]:
    """Returns the text (without spaces) that the field's form and the votes support best.

    Returns:
        The text, the corrections made, and the smallest share of the votes behind any of its characters, 0..1.
    """
    fitting = [form for form in spec.forms if len(form) == len(fused.votes)]
    if not fitting:
        return fused.text, (), min((max(v.values()) for v in fused.votes), default=0.0)
    taken = max((_fit(fused.votes, form) for form in fitting), key=_likelihood)
    read = fused.text
    corrections = tuple(
        Correction(i, before, after, "form")
        for i, (before, (after, _)) in enumerate(zip(read, taken, strict=True))
        if before != after
    )
    return "".join(c for c, _ in taken), corrections, min(share for _, share in taken)


def read_twice(text: str) -> frozenset[int]:
    """Returns the places of currency signs beside the capital that they resemble; no card prints such a sign.

    Both are the ink of one letter: a reader writes `E£` for an E. A sign that stands alone is a letter misread.

    Example:
        >>> sorted(read_twice("E£627512(9)")), sorted(read_twice("£627512(9)")), sorted(read_twice("$599726(9)"))
        ([1], [], [])
    """

    def is_again(i: int) -> bool:
        beside = text[max(0, i - 1) : i] + text[i + 1 : i + 2]
        alike = _CONFUSED.get(text[i], ())
        return unicodedata.category(text[i]) == "Sc" and any(c.isalpha() and c in alike for c in beside.upper())

    return frozenset(i for i in range(len(text)) if is_again(i))


def engines_behind(text: str, fused: FusedReading, spec: FieldSpec) -> int:
    """Returns the smallest number of readers that saw any character of a text, which is as long as `fused.votes`.

    Where the field has a form, a reader's character that the form does not allow counts for its look-alike: `£` for E.
    """
    form = next((form for form in spec.forms if len(form) == len(text) and _fits(text, form)), None)

    def saw(position: int, character: str) -> bool:
        if character == text[position]:
            return True
        if form is None or character in _CLASSES.get(form[position], form[position]):
            return False
        return text[position] in _CONFUSED.get(character, ())

    return min(
        (len({f.reader for f in firsts if saw(i, f.character)}) for i, firsts in enumerate(fused.firsts)),
        default=0,
    )


def printed(text: str, fused: FusedReading, spec: FieldSpec) -> str:
    """Returns the text with its spaces as the card prints them."""
    if spec.group:
        return " ".join(text[i : i + spec.group] for i in range(0, len(text), spec.group))
    if spec.script in ("digits", "symbols") or (spec.forms and spec.script == "latin"):
        return text
    if spec.script == "chinese":
        return _BETWEEN_SCRIPTS.sub(" ", text)
    spaced = fused.spaced(text) if len(text) == len(fused.votes) else text
    return spaced_commas(spaced)


def spaced_commas(text: str) -> str:
    """Returns the text with one space after each comma, as names are printed; readers lose spaces."""
    return re.sub(r"\s*,\s*", ", ", text).strip()


def has_form(text: str, spec: FieldSpec) -> bool:
    """Returns whether the text has the printed form; an optional field may be empty."""
    return (not spec.required and text == "") or re.fullmatch(spec.pattern, text) is not None


def has_one_length(text: str, spec: FieldSpec) -> bool:
    """Returns whether the form refuses the text with any one character left out or written twice.

    Example:
        >>> from idproof.pipeline.documents import load_builtin
        >>> card = load_builtin()
        >>> has_one_length("01-02-1990", card.field("date_of_birth"))
        True
        >>> has_one_length("LI, Yi", card.field("english_name"))
        False
    """
    others = (text[:i] + more + text[i + 1 :] for i, c in enumerate(text) for more in ("", c + c))
    return not any(has_form(other, spec) for other in others if other)


def similarity(read: str, text: str) -> float:
    """Returns the similarity of two texts without spaces and letter case, 0..1 (normalised edit similarity)."""
    one, other = (t.replace(" ", "").casefold() for t in (read, text))
    return float(Levenshtein.normalized_similarity(one, other))


def _fit(votes: Sequence[Votes], form: str) -> list[tuple[str, float]]:
    """Returns for each position the allowed character with most votes (with its look-alikes') and its share."""
    return [_best(position, _CLASSES.get(symbol, symbol)) for position, symbol in zip(votes, form, strict=True)]


def _best(position: Votes, allowed: str) -> tuple[str, float]:
    def share(character: str) -> float:
        alike = sum(position.get(other, 0.0) for other in _CONFUSED.get(character, ()))
        return position.get(character, 0.0) + _LOOK_ALIKE_SHARE * alike

    winner = max(allowed, key=share)
    if share(winner) >= _MIN_SHARE:
        return winner, min(1.0, share(winner))
    return max(position, key=position.__getitem__), 0.0  # no allowed character was seen: as read, and uncertain


def _fits(text: str, form: str) -> bool:
    return all(character in _CLASSES.get(symbol, symbol) for character, symbol in zip(text, form, strict=True))


def _likelihood(taken: Sequence[tuple[str, float]]) -> float:
    return sum(share for _, share in taken)
