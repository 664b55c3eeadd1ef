"""The Chinese name, settled with the help of the commercial codes under it.

A reader may write 黄 for the 黃 that is printed: one character in two forms, told apart by the code. And of several
characters that the readers were torn between, the code may name one. What no reader saw is never taken from the
code: then the name and the codes contradict each other, which is for the checks to say.
"""

from idproof.pipeline.documents import commercial_codes
from idproof.pipeline.fields.fuse import Fused, Votes
from idproof.pipeline.types import Correction, FieldReading

_SEEN = 0.04  # share of the votes from which a character counts as seen


def settle_name(fused: Fused, reading: FieldReading, codes: str) -> FieldReading:
    """The name with each place held against its code; unchanged when their numbers differ.

    Args:
        fused: the votes for the name.
        reading: the name as settled by its own form.
        codes: the printed codes, separated by spaces.
    """
    printed = codes.split()
    if len(printed) != len(fused.votes) or len(reading.text) != len(fused.votes):
        return reading
    taken = [_take(votes, seen, code) for votes, seen, code in zip(fused.votes, reading.text, printed, strict=True)]
    corrections = tuple(
        Correction(i, before, after, "code")
        for i, (before, after) in enumerate(zip(reading.text, taken, strict=True))
        if before != after
    )
    settled = all(map(commercial_codes.agrees, taken, printed))
    return FieldReading(
        text="".join(taken),
        confidence=reading.confidence,
        # Each code is a second witness to its character.
        certain=reading.certain or settled,
        corrections=reading.corrections + corrections,
        alternatives=reading.alternatives,
    )


def _take(votes: Votes, seen: str, code: str) -> str:
    named = commercial_codes.characters(code)
    # Cards print the full form; a reader that knows the simplified one better may write that.
    for form in commercial_codes.fuller(seen):
        if form in named:
            return form
    if commercial_codes.agrees(seen, code):
        return seen
    best = max(named, key=lambda character: _share(votes, character), default=seen)
    return best if best in named and _share(votes, best) >= _SEEN else seen


def _share(votes: Votes, character: str) -> float:
    """Votes for a character in any of its forms."""
    return sum(votes.get(form, 0.0) for form in {character, *commercial_codes.variants(character)})
