"""The Chinese name, settled with the help of the commercial codes under it.

Of several characters that the readers were torn between, the code may name one. What no reader saw is never taken
from the code: then the name and the codes contradict each other, which is for the checks to say.

Forms of one character, such as 黃 and 黄, often share a code, and readers trained on running text lean towards the
simplified and the common form, whatever is printed. So a form outside of the issuer's character set gives way to the
one that is in it, and a simplified form to the full one, unless it is unmistakable. Between forms of which neither is
simplified only eyes decide: a reading that is not plainly for one of them leaves the name uncertain.
"""

from idproof.pipeline.documents import FieldSpec, commercial_codes
from idproof.pipeline.fields.fuse import FusedReading, Votes
from idproof.pipeline.types import Correction, FieldReading

_SEEN = 0.02  # share of the votes from which a character counts as seen
_PLAIN = 0.9  # share among two forms that leaves no doubt; a misread 朶 gave 朵 0.88
_UNMISTAKABLE = 0.98  # share of a simplified form that is printed as such; a misread 黃 gave 黄 0.94


def resolve_name(fused: FusedReading, reading: FieldReading, codes: str, spec: FieldSpec) -> FieldReading:
    """The name with each place held against its code; unchanged when their numbers differ.

    Args:
        fused: the votes for the name.
        reading: the name as settled by its own form.
        codes: the printed codes, separated by spaces.
        spec: the name's field, which says what may be printed.
    """
    printed = codes.split()
    if len(printed) != len(fused.votes) or len(reading.text) != len(fused.votes):
        return reading
    places = list(zip(fused.votes, reading.text, printed, strict=True))
    taken = [_take(votes, seen, code, spec) for votes, seen, code in places]
    corrections = tuple(
        Correction(i, before, after, "code")
        for i, (before, after) in enumerate(zip(reading.text, taken, strict=True))
        if before != after
    )
    # Each code is a second witness to its character, but not to its form.
    settled = reading.certain or all(map(commercial_codes.agrees, taken, printed))
    return FieldReading(
        text="".join(taken),
        confidence=reading.confidence,
        certain=settled
        and all(_plain(votes, after, code, spec) for (votes, _, code), after in zip(places, taken, strict=True)),
        corrections=reading.corrections + corrections,
        alternatives=reading.alternatives,
    )


def _take(votes: Votes, seen: str, code: str, spec: FieldSpec) -> str:
    named = _printed(code, spec)
    for form in commercial_codes.fuller(seen):
        if form in named and not (spec.prints(seen) and _over(votes, seen, form, _UNMISTAKABLE)):
            return form
    if commercial_codes.agrees(seen, code):
        return seen if spec.prints(seen) or len(named) != 1 else named[0]
    best = max(named, key=lambda character: _share(votes, character), default=seen)
    return best if best in named and _share(votes, best) >= _SEEN else seen


def _plain(votes: Votes, taken: str, code: str, spec: FieldSpec) -> bool:
    """Whether a character may be printed, and the readings leave no doubt between it and other forms of its code."""
    named = _printed(code, spec)
    rivals = [form for form in named if form != taken and taken not in commercial_codes.fuller(form)]
    return spec.prints(taken) and (taken not in named or all(_over(votes, taken, form, _PLAIN) for form in rivals))


def _over(votes: Votes, one: str, other: str, share: float) -> bool:
    """Whether one of two characters has such a share of what was given to both."""
    return votes.get(one, 0.0) >= share * (votes.get(one, 0.0) + votes.get(other, 0.0))


def _printed(code: str, spec: FieldSpec) -> tuple[str, ...]:
    return tuple(filter(spec.prints, commercial_codes.characters(code)))


def _share(votes: Votes, character: str) -> float:
    """Votes for a character in any of its forms."""
    return sum(votes.get(form, 0.0) for form in {character, *commercial_codes.variants(character)})
