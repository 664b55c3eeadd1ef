"""Several registrations on one sheet, to be looked at."""

import io
from collections.abc import Sequence
from pathlib import Path

from PIL import Image, ImageDraw

from idproof.datasets.sets import RegistrationSet
from idproof.datasets.specimen import artwork

_CARD, _SELFIE, _GAP, _HEAD = (400, 225), (169, 225), 8, 26


def contact_sheet(sets: Sequence[RegistrationSet], out: Path) -> None:
    """One row a registration: front, tilted left, tilted right, selfie; labelled with its truth."""
    columns = ("card_front", "card_tilt_left", "card_tilt_right", "selfie")
    width = 3 * _CARD[0] + _SELFIE[0] + 5 * _GAP
    sheet = Image.new("RGB", (width, len(sets) * (_CARD[1] + _HEAD + _GAP) + _GAP), "white")
    pen = ImageDraw.Draw(sheet)
    for row, entry in enumerate(sets):
        top = _GAP + row * (_CARD[1] + _HEAD + _GAP)
        label = "bona fide" if entry.truth.bona_fide else f"attack: {entry.truth.attack}"
        left = _GAP
        for name, data in entry.parts().items():
            size = _SELFIE if name == columns[-1] else _CARD
            title = name.removeprefix("card_").replace("_", " ")
            title = f"{title} · {label}" if name == columns[0] else title
            pen.text((left, top), title, font=artwork.font(False, 0.8), fill="black")
            sheet.paste(Image.open(io.BytesIO(data)).resize(size, Image.Resampling.LANCZOS), (left, top + _HEAD))
            left += size[0] + _GAP
    sheet.save(out, quality=85)
