"""Small pictures of specimens that were decided wrongly; pictures of people are never shown."""

import io
from base64 import b64encode
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from PIL import Image

from idproof.benchmarks.harness.output import BONA_FIDE, attempt_id, selfie_id
from idproof.benchmarks.report.read import ReadRun
from idproof.datasets.sets import RegistrationSet
from idproof.pipeline.errors import InvalidSpecimen

_WIDTH = 200  # pixels
_MOST = 24
_ACCEPT = "accept"


@dataclass(frozen=True)
class Failure:
    """One registration with a wrong decision.

    Attributes:
        kind: `bona_fide` or the attack's.
        decision: the wrong decision.
        reasons: of the decision.
        pictures: front, tilted and selfie, as data URLs.
    """

    kind: str
    decision: str
    reasons: tuple[str, ...]
    pictures: tuple[str, ...]


def failures(run: ReadRun, sets: Sequence[RegistrationSet]) -> list[Failure]:
    """Returns the failures of a run among these specimens, accepted attacks first, at most two dozen.

    Raises:
        InvalidSpecimen: a registration is not a specimen; a report never shows pictures of people.
    """
    for entry in sets:
        if not entry.specimen:
            raise InvalidSpecimen(f"{entry.folder.name} is no specimen; a report shows pictures of specimens alone.")
    cards = {attempt_id(entry): entry for entry in sets}
    selfies = {selfie_id(entry): entry for entry in sets}
    shown = []
    for kind, name, result in sorted(_wrong(run), key=lambda row: (row[0] == BONA_FIDE, row[0])):
        card, _, selfie = name.partition("+")
        if card in cards:
            shown.append(_failure(kind, result, cards[card], selfies.get(selfie)))
        if len(shown) == _MOST:
            break
    return shown


def _wrong(run: ReadRun) -> Iterator[tuple[str, str, dict[str, object]]]:
    for kind, attempts in run.get("outcomes").items():
        for name, result in attempts.items():
            if (result["decision"] == _ACCEPT) == (kind != BONA_FIDE):
                yield kind, name, result


def _failure(kind: str, result: dict[str, object], card: RegistrationSet, selfie: RegistrationSet | None) -> Failure:
    reasons = result["reasons"]
    pictures = tuple(_small(data) for data in card.parts(selfie_of=selfie).values())
    return Failure(
        kind, str(result["decision"]), tuple(map(str, reasons if isinstance(reasons, list) else ())), pictures
    )


def _small(data: bytes) -> str:
    with Image.open(io.BytesIO(data)) as image:
        image.draft("RGB", (_WIDTH * 2, _WIDTH * 2))
        small = image.convert("RGB")
    small.thumbnail((_WIDTH, _WIDTH))
    out = io.BytesIO()
    small.save(out, format="JPEG", quality=72)  # a fresh file: none of the original's metadata
    return "data:image/jpeg;base64," + b64encode(out.getvalue()).decode()
