"""What a field's printed form allows, and the substitutions that it supports.

A form is a picture of the text: `A` a letter, `9` a digit, `C` a check digit (0-9 or A), anything else itself. A
character that the form does not allow is replaced only by one that it allows and that the readers saw as well, or
that looks the same in print; every replacement is recorded.
"""

import re
import unicodedata
from collections.abc import Sequence

from rapidfuzz.distance import Levenshtein

from idproof.pipeline.documents import FieldSpec
from idproof.pipeline.fields.fuse import FusedReading, Votes
from idproof.pipeline.types import Correction

# Look-alikes of each other in the card's typefaces.
_ALIKE = ("0OQD", "1Il|!", "2Zz", "5Ss", "6Gb", "8B", "9gq", "4A", "7T", "UV", "(C[{", ")]}", "-—–_~", "*×x+", ".,")
_CONFUSED = {c: frozenset(group) - {c} for group in _ALIKE for c in group}
_ALIKE_SHARE = 0.5  # of a character's votes that its look-alike may claim
_MIN_SHARE = 0.02
# What readers write for the same ink.
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
        "：": ":",
        "∪": "U",
    }
)
_UPRIGHT = frozenset("l|1")  # between capitals, the same stroke as an I
_BETWEEN_SCRIPTS = re.compile(r"(?<=[\u3400-\u9fff])(?=[A-Za-z])|(?<=[A-Za-z])(?=[\u3400-\u9fff])")
_CLASSES = {"A": "ABCDEFGHIJKLMNOPQRSTUVWXYZ", "9": "0123456789", "C": "0123456789A"}


def plain(text: str) -> str:
    """NFC, and one form for every bracket, dash and star; as long as the text in NFC.

    Example:
        >>> plain("A123456（3）")
        'A123456(3)'
    """
    return unicodedata.normalize("NFC", text).translate(_SAME_INK)


def upright_in_capitals(text: str) -> tuple[bool, ...]:
    """For each character, whether it stands among capitals, where a lone upright stroke is an I.

    Example:
        >>> upright_in_capitals("CHOl, Sil")
        (False, False, False, True, False, False, False, False, False)
    """

    def among(i: int) -> bool:
        before, after = text[max(0, i - 1) : i], text[i + 1 : i + 2]
        beside = before + after
        return text[i] in _UPRIGHT | {"I"} and beside.isupper() and not any(map(str.isdigit, beside))

    return tuple(among(i) for i in range(len(text)))


def as_capital(character: str) -> str:
    """An I for what looks like one.

    Example:
        >>> as_capital("l"), as_capital("L")
        ('I', 'L')
    """
    return "I" if character in _UPRIGHT else character


def correct(fused: FusedReading, spec: FieldSpec) -> tuple[str, tuple[Correction, ...], float]:
    """The text (without spaces) that the field's form and the votes support best.

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


def printed(text: str, fused: FusedReading, spec: FieldSpec) -> str:
    """The text with its spaces as the card prints them."""
    if spec.group:
        return " ".join(text[i : i + spec.group] for i in range(0, len(text), spec.group))
    if spec.script in ("digits", "symbols") or (spec.forms and spec.script == "latin"):
        return text
    if spec.script == "chinese":
        return _BETWEEN_SCRIPTS.sub(" ", text)
    spaced = fused.spaced(text) if len(text) == len(fused.votes) else text
    return re.sub(r"\s*,\s*", ", ", spaced).strip()


def has_form(text: str, spec: FieldSpec) -> bool:
    """Whether the text has the printed form; a field that need not be there may be empty."""
    return (not spec.required and text == "") or re.fullmatch(spec.pattern, text) is not None


def likeness(read: str, text: str) -> float:
    """How alike two texts are but for spaces and the letters' case, 0..1 (normalised edit similarity)."""
    one, other = (t.replace(" ", "").casefold() for t in (read, text))
    return float(Levenshtein.normalized_similarity(one, other))


def _fit(votes: Sequence[Votes], form: str) -> list[tuple[str, float]]:
    """For each place the allowed character with most votes, its own and its look-alikes', and their share."""
    return [_best(place, _CLASSES.get(symbol, symbol)) for place, symbol in zip(votes, form, strict=True)]


def _best(place: Votes, allowed: str) -> tuple[str, float]:
    def share(character: str) -> float:
        alike = sum(place.get(other, 0.0) for other in _CONFUSED.get(character, ()))
        return place.get(character, 0.0) + _ALIKE_SHARE * alike

    winner = max(allowed, key=share)
    if share(winner) >= _MIN_SHARE:
        return winner, min(1.0, share(winner))
    return max(place, key=place.__getitem__), 0.0  # nothing allowed was seen: as it was read, and uncertain


def _likelihood(taken: Sequence[tuple[str, float]]) -> float:
    return sum(share for _, share in taken)
