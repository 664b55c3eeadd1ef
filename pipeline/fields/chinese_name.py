"""The Chinese name, resolved with the help of the commercial codes under it.

One reader reads Chinese, and it names a character that it knows even where another is printed. A name is therefore
certain only when its codes, which two readers read, confirm every character and how many there are.

Where the readers disagree, the code may decide between the characters that they saw. A character that no reader saw is
never taken from the code; then name and codes contradict each other, and the checks report it.

Forms of one character, such as 黃 and 黄, often share a code. Readers trained on running text prefer the simplified and
the common form, whatever is printed. A form outside of the issuer's character set is therefore replaced by the form
in it, and a simplified form by the full one, unless nearly all votes are for it. Between two forms of which neither is
simplified the code cannot decide: unless one has a clear majority, the name is uncertain.

Since 2004 Hong Kong's character set has got forms beside the usual ones, such as 悦 beside 悅, which readers do not
know equally well. Between these only nearly all votes count, except where renderings of both forms were compared.
"""

from dataclasses import replace

from idproof.pipeline.documents import FieldSpec, character_sets, commercial_codes
from idproof.pipeline.fields.fuse import FusedReading, Votes
from idproof.pipeline.types import Correction, FieldReading

# Chosen by hand on renderings; no outside source.
_SEEN_SHARE = 0.02  # of the votes, from which a character counts as seen
_CLEAR_SHARE = 0.9  # among two forms; a misread 朶 gave 朵 0.88
_SIMPLIFIED_SHARE = 0.98  # of a simplified form that is printed as such; a misread 黃 gave 黄 0.94

_ADDED_SHARE = 0.995  # among two forms of which one was added to the character set of 2004
# The same for forms that were compared: 8 renderings of each form, split tuning. The first four pairs were always told
# apart; the least clear form had 0.77 of the votes. 説, 鋭 and 閲 are read as the usual form, with at most 0.95, 0.993
# and 0.92 of the votes.
_COMPARED_SHARE = {
    **{pair: 0.7 for one, other in ("悦悅", "税稅", "脱脫", "兑兌") for pair in ((one, other), (other, one))},
    ("說", "説"): 0.98,
    ("銳", "鋭"): 0.997,
    ("閱", "閲"): 0.95,
}


def resolve_name(fused: FusedReading, reading: FieldReading, codes: str, spec: FieldSpec) -> FieldReading:
    """Compares each character of the name with its code; a name with another number of characters is uncertain.

    Args:
        fused: the votes for the name.
        reading: the name as resolved by its own form.
        codes: the printed codes, separated by spaces.
        spec: the name's field, which lists the characters that may be printed.
    """
    printed = codes.split()
    if len(printed) != len(fused.votes) or len(reading.text) != len(fused.votes):
        return replace(reading, certain=False)
    positions = list(zip(fused.votes, reading.text, printed, strict=True))
    taken = [_take(votes, seen, code, spec) for votes, seen, code in positions]
    corrections = tuple(
        Correction(i, before, after, "code")
        for i, (before, after) in enumerate(zip(reading.text, taken, strict=True))
        if before != after
    )
    return FieldReading(
        text="".join(taken),
        confidence=reading.confidence,
        # Each code confirms its character, but not its form.
        certain=all(map(commercial_codes.agrees, taken, printed))
        and all(_is_clear(votes, after, code, spec) for (votes, _, code), after in zip(positions, taken, strict=True)),
        corrections=reading.corrections + corrections,
        alternatives=reading.alternatives,
    )


def _take(votes: Votes, seen: str, code: str, spec: FieldSpec) -> str:
    named = _printed(code, spec)
    for form in commercial_codes.traditional_forms(seen):
        needed = _share_needed(seen, form, spec, _SIMPLIFIED_SHARE)
        if form in named and not (spec.prints(seen) and _has_share(votes, seen, form, needed)):
            return form
    if commercial_codes.agrees(seen, code):
        return seen if spec.prints(seen) or len(named) != 1 else named[0]
    best = max(named, key=lambda character: _share(votes, character), default=seen)
    return best if best in named and _share(votes, best) >= _SEEN_SHARE else seen


def _is_clear(votes: Votes, taken: str, code: str, spec: FieldSpec) -> bool:
    """Returns whether a character may be printed and is clear of the other forms of its code."""
    named = _printed(code, spec)
    rivals = {form for form in named if form != taken and taken not in commercial_codes.traditional_forms(form)}
    if taken not in named:
        rivals = set()
    added = {*character_sets.added_forms(taken), *(other for one, other in _COMPARED_SHARE if one == taken)}
    return spec.prints(taken) and all(
        _has_share(votes, taken, form, _share_needed(taken, form, spec, _CLEAR_SHARE))
        for form in rivals | set(filter(spec.prints, added))
    )


def _share_needed(taken: str, form: str, spec: FieldSpec, otherwise: float) -> float:
    """Returns the share of the votes for both that one form needs over another."""
    if (taken, form) in _COMPARED_SHARE:
        return _COMPARED_SHARE[taken, form]
    return _ADDED_SHARE if spec.prints(form) and form in character_sets.added_forms(taken) else otherwise


def _has_share(votes: Votes, one: str, other: str, share: float) -> bool:
    """Returns whether one of two characters has at least this share of the votes for both."""
    return votes.get(one, 0.0) >= share * (votes.get(one, 0.0) + votes.get(other, 0.0))


def _printed(code: str, spec: FieldSpec) -> tuple[str, ...]:
    return tuple(filter(spec.prints, commercial_codes.characters(code)))


def _share(votes: Votes, character: str) -> float:
    """Returns the votes for a character in any of its forms."""
    return sum(votes.get(form, 0.0) for form in {character, *commercial_codes.variants(character)})
