"""Draws one picture per kind of attack: the card from three angles, where it changed, and the decision."""

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from idproof.benchmarks.harness.cards import locate_card, read_captures
from idproof.benchmarks.harness.output import BONA_FIDE
from idproof.datasets.sets import RegistrationSet
from idproof.models.types import RGBImage
from idproof.pipeline import Policy
from idproof.pipeline.card.examiner import CardExaminer
from idproof.pipeline.card.locating.locator import CardLocator
from idproof.pipeline.decide import decide
from idproof.pipeline.documents import Box, DocumentType, load_builtin
from idproof.pipeline.errors import BadInput

_FLOOR = 0.01  # of linear light, so that black has a logarithm. Chosen by hand.
_STRONGEST = 0.9  # natural logarithm of light at which the map is white. Chosen by hand.
_TITLES = ("front", "left edge nearer", "right edge nearer", "what changed")


def draw(sets: Sequence[RegistrationSet], out: Path) -> list[Path]:
    """Draws the first registration of each kind as `KIND.jpg` in `out`; returns the files.

    Raises:
        OSError: the folder cannot be written.
    """
    document, written = load_builtin(), []
    locator, examiner = CardLocator.open(document), CardExaminer.open(document)
    firsts = {entry.truth.attack or BONA_FIDE: entry for entry in reversed(sets)}
    out.mkdir(parents=True, exist_ok=True)
    for kind, entry in sorted(firsts.items()):
        figure = _figure(kind, entry, locator, examiner)
        figure.savefig(out / f"{kind}.jpg", dpi=110, pil_kwargs={"quality": 82})
        written.append(out / f"{kind}.jpg")
    return written


def change(rectified: Sequence[RGBImage]) -> NDArray[np.float64]:
    """Returns (h, w): the difference of the light of each place between captures, natural logarithms.

    What varies smoothly over the whole card comes from the lamps and is removed from each capture first.
    """
    maps = []
    for image in rectified:
        log = np.log((cv2.GaussianBlur(image, (0, 0), 2.0) / 255.0) ** 2.2 + _FLOOR)
        rows, columns = log.shape[:2]
        y, x = (axis.ravel() for axis in np.mgrid[-1 : 1 : rows * 1j, -1 : 1 : columns * 1j])
        basis = np.column_stack([np.ones_like(x), x, y, x * y, x * x, y * y])
        flat = log.reshape(-1, 3)
        coefficients, *_ = np.linalg.lstsq(basis[::37], flat[::37], rcond=None)
        maps.append((flat - basis @ coefficients).reshape(log.shape))
    return np.asarray(np.ptp(np.stack(maps), axis=0).max(axis=2))


def _figure(kind: str, entry: RegistrationSet, locator: CardLocator, examiner: CardExaminer) -> Figure:
    policy = Policy()
    figure = Figure(figsize=(12.0, 2.5), layout="constrained")
    panels = figure.subplots(1, 4)
    try:
        card = locate_card(entry, locator, policy)
    except BadInput as error:
        _panels(panels, list(read_captures(entry).values()))
        panels[3].set_axis_off()
        figure.suptitle(f"{kind}: refused, {error.code}", fontsize=11)
        return figure
    results = examiner.examine(card.images, card.rectified, card.views, policy)
    decision, reasons = decide(results, examiner.required)
    _panels(panels, list(card.rectified.values()))
    panels[3].imshow(change(list(card.rectified.values())), cmap="magma", vmin=0, vmax=_STRONGEST)
    _outlines(panels[3], locator.document)
    text = ", ".join(reasons) if reasons else "no objection to the card"
    figure.suptitle(f"{kind}: {decision.value} ({text})", fontsize=11)
    return figure


def _panels(panels: NDArray[np.object_], pictures: Sequence[RGBImage]) -> None:
    for panel, title in zip(panels, _TITLES, strict=True):
        panel.set_title(title, fontsize=9)
        panel.set_xticks([])
        panel.set_yticks([])
    for panel, picture in zip(panels, pictures, strict=False):
        panel.imshow(cv2.resize(picture, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA))


def _outlines(panel: Axes, document: DocumentType) -> None:
    boxes: list[tuple[Box, str]] = [(document.portrait, "white")]
    boxes += [(region.box, "cyan") for region in document.regions if region.kind != "window"]
    for box, colour in boxes:
        left, top, right, bottom = box.pixels(document.px_per_mm)
        panel.add_patch(Rectangle((left, top), right - left, bottom - top, fill=False, edgecolor=colour, linewidth=0.8))
