"""The flat layers of an artwork, for those who photograph or render specimens their own way."""

import json
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from idproof.datasets.specimen import artwork
from idproof.pipeline.documents import Box, DocumentType, load_builtin
from idproof.pipeline.errors import InvalidSpecimen


def write_art(out: Path, seed: int) -> list[Path]:
    """Write base artwork, static template, masks of the variable regions, and every box as JSON.

    Args:
        out: folder, made when it is not there.
        seed: of the artwork's background.

    Returns:
        The files written: `artwork.png` (with the static print), `background.png`, `template.png`,
        `mask_REGION.png` and `layout.json` (millimetres and pixels).

    Raises:
        InvalidSpecimen: the folder cannot be written.
    """
    document = load_builtin()
    drawn = artwork.draw(document, seed)
    pictures = {
        "artwork.png": drawn.flat(),
        "background.png": drawn.background,
        "template.png": artwork.template(document),
        **{f"mask_{r.name}.png": artwork.region_mask(document, r.box) for r in document.regions},
    }
    try:
        out.mkdir(parents=True, exist_ok=True)
        for name, picture in pictures.items():
            (out / name).write_bytes(_png(picture))
        layout = json.dumps(_layout(document, seed), ensure_ascii=False, indent=1)
        (out / "layout.json").write_text(layout + "\n", encoding="utf-8")
    except OSError as error:
        raise InvalidSpecimen(f"{out.name} cannot be written: {error.strerror}.") from None
    return [out / name for name in (*pictures, "layout.json")]


def _png(picture: NDArray[np.uint8]) -> bytes:
    ordered = cv2.cvtColor(picture, cv2.COLOR_RGB2BGR) if picture.ndim == 3 else picture
    return cv2.imencode(".png", ordered)[1].tobytes()


def _layout(document: DocumentType, seed: int) -> dict[str, object]:
    def both(box: Box) -> dict[str, list[float]]:
        return {
            "mm": [box.x, box.y, box.width, box.height],
            "px": [float(v) for v in box.pixels(artwork.SCALE)],
        }

    return {
        "document": document.name,
        "seed": seed,
        "px_per_mm": artwork.SCALE,
        "template_px_per_mm": document.px_per_mm,
        "size_mm": [document.width_mm, document.height_mm],
        "corner_radius_mm": document.corner_radius_mm,
        "portrait": both(document.portrait),
        "ghost": both(document.ghost) if document.ghost else None,
        # The text that may be printed in each field, for those who print it themselves.
        "fields": {
            spec.name: both(spec.box) | {"pattern": spec.pattern, "texts": list(spec.texts), "required": spec.required}
            for spec in document.fields
        },
        "regions": {region.name: both(region.box) | {"kind": region.kind} for region in document.regions},
    }
