"""Measures how holograms look in photographs, real and rendered alike, to see whether the renderings enclose reality.

    python -m idproof.benchmarks.card.hologram_appearance --real CROPS --sets NAME=DIR --out FIGURE

`CROPS` holds figures of the publication of MIDV-Holo's crops (left half of each: the photograph). A stray figure has no
coordinates, so the hologram's place and everything that is measured is relative to the region's side. No error rate
can come from a few crops, and none is made.
"""

import argparse
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import astuple, dataclass, fields
from pathlib import Path

import cv2
import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from idproof.datasets.sets import read_sets
from idproof.models.types import RGBImage
from idproof.pipeline.documents import DocumentType, load_builtin

SIDE_PX = 120
"""Side of the square that a region is brought to before it is measured."""

_HOLOGRAMS = {
    "img_0011": (163, 176, 62),
    "img_0033": (168, 172, 62),
    "img_0037": (161, 172, 62),
    "img_0038": (170, 169, 62),
    "0": (167, 199, 55),
    "1": (161, 197, 58),
    "3": (141, 168, 55),
    "5": (88, 96, 62),
    "7": (160, 157, 58),
    "8": (158, 157, 55),
    "9": (170, 186, 45),
}
"""Photograph to the middle (x, y) and half the side of its hologram, in pixels of the crop, by eye. The five other
photographs show none: nothing of it answers in four, and glare hides it in `img_0042`."""
_FIGURE_PHOTOGRAPH = (100, 515, 12, 398)  # top, bottom, left, right in a figure of 800 × 600 pixels
_LIGHTER, _COLOURED = 7.0, 10.0  # CIELAB units above the surroundings that count as an answer. Chosen by hand.
_WIDE = 0.25  # of the side: what is broader than this is print or glare, not a hologram's figure. Chosen by hand.


@dataclass(frozen=True)
class Appearance:
    """Look of one hologram in one photograph.

    Attributes:
        share: of the region that answers: lighter or more coloured than its surroundings.
        saturation: 95th percentile of CIELAB chroma where it answers, 0 where nothing does.
        hue_spread: circular standard deviation of the hues there, radians, at most 2.
        line_width: median breadth of what answers, as a share of the region's side.
        contrast: 90th percentile of the lightness above the print beside it, CIELAB.
    """

    share: float
    saturation: float
    hue_spread: float
    line_width: float
    contrast: float


NAMES = tuple(field.name for field in fields(Appearance))


def measure(region: RGBImage) -> Appearance:
    """Measures one region, RGB (h, w, 3), a square of `SIDE_PX` or brought to it."""
    square = cv2.resize(region, (SIDE_PX, SIDE_PX), interpolation=cv2.INTER_AREA)
    lab = cv2.cvtColor(square.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * round(_WIDE * SIDE_PX / 2) + 1,) * 2)
    soft = cv2.GaussianBlur(lab, (0, 0), 0.8)
    lighter = cv2.morphologyEx(soft[..., 0], cv2.MORPH_TOPHAT, kernel)
    # A median over twice that breadth, so that a face beside the hologram is no answer in colour either.
    codes = np.asarray(lab[..., 1:] + 128, dtype=np.uint8)
    usual = np.stack([cv2.medianBlur(plane, 4 * round(_WIDE * SIDE_PX / 2) + 1) for plane in cv2.split(codes)], axis=-1)
    excess = soft[..., 1:] - (usual.astype(np.float32) - 128)
    coloured = np.hypot(excess[..., 0], excess[..., 1])
    answers = (lighter > _LIGHTER) | (coloured > _COLOURED)
    if not answers.any():
        return Appearance(0.0, 0.0, 0.0, 0.0, 0.0)
    strong = answers & (coloured > _COLOURED / 2)
    hues = np.arctan2(excess[..., 1], excess[..., 0])[strong]
    resultant = float(np.abs(np.exp(1j * hues).mean())) if strong.any() else 1.0
    distance = cv2.distanceTransform(answers.astype(np.uint8), cv2.DIST_L2, 5)
    ridge = answers & (distance >= cv2.dilate(distance, np.ones((3, 3))) - 1e-3)
    return Appearance(
        share=float(answers.mean()),
        saturation=float(np.percentile(coloured[answers], 95)),
        hue_spread=float(min(np.sqrt(-2 * np.log(np.clip(resultant, 1e-9, 1.0))), 2.0)),
        line_width=float(2 * np.median(distance[ridge]) / SIDE_PX),
        contrast=float(np.percentile(lighter[answers], 90)),
    )


def real_regions(folder: Path) -> Iterator[RGBImage]:
    """Yields the hologram of each photograph that shows one; figures of one photograph differ in their maps alone."""
    seen: set[str] = set()
    for path in sorted(folder.glob("*.jpg")):
        photograph = path.stem.removeprefix("imagenet_").removeprefix("wsl_")
        if photograph in seen or photograph not in _HOLOGRAMS:
            continue
        seen.add(photograph)
        picture = np.asarray(cv2.imread(str(path), cv2.IMREAD_COLOR_RGB), dtype=np.uint8)
        top, bottom, left, right = _FIGURE_PHOTOGRAPH
        crop = picture[top:bottom, left:right]
        x, y, half = _HOLOGRAMS[photograph]
        yield crop[y - half : y + half, x - half : x + half]


def rendered_regions(root: Path, document: DocumentType) -> Iterator[RGBImage]:
    """Yields the middle square of the hologram in every capture below a folder of registrations, put straight."""
    box = next(region.box for region in document.regions if region.kind == "diffractive")
    middle, half = (box.x + box.width / 2, box.y + box.height / 2), min(box.width, box.height) / 2
    square = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * half + middle
    width, height = document.width_mm, document.height_mm
    card = np.array([[0, 0], [width, 0], [width, height], [0, height]], dtype=np.float32)
    target = np.array([[0, 0], [1, 0], [1, 1], [0, 1]], dtype=np.float32) * SIDE_PX * 2 - 0.5
    for entry in read_sets(root):
        for name, corners in entry.truth.corners.items():
            data = np.fromfile(entry.folder / entry.captures[name], dtype=np.uint8)
            picture = np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR_RGB), dtype=np.uint8)
            to_picture = cv2.getPerspectiveTransform(card, np.array(corners, dtype=np.float32))
            place = cv2.perspectiveTransform(square[None].astype(np.float32), to_picture)[0]
            move = cv2.getPerspectiveTransform(place, target.astype(np.float32))
            yield np.asarray(cv2.warpPerspective(picture, move, (2 * SIDE_PX, 2 * SIDE_PX)), dtype=np.uint8)


def table(real: Sequence[Appearance], rendered: Mapping[str, Sequence[Appearance]]) -> str:
    """Returns a Markdown table: the range of each figure in reality and in each formation."""
    head = ["figure", f"real ({len(real)})", *(f"`{name}` ({len(found)})" for name, found in rendered.items())]
    lines = [f"| {' | '.join(head)} |", f"|{' --- |' * len(head)}"]
    for index, name in enumerate(NAMES):
        low, high = _range(real, index)
        cells = [f"{low:.2f} to {high:.2f}"]
        for found in rendered.values():
            one, other = _range(found, index)
            inside = np.mean([one <= astuple(each)[index] <= other for each in real])
            cells.append(f"{one:.2f} to {other:.2f}; encloses {inside:.0%}")
        lines.append(f"| {name.replace('_', ' ')} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def draw(real: Sequence[Appearance], rendered: Mapping[str, Sequence[Appearance]], out: Path) -> None:
    """Draws every figure of every photograph as a dot, a row a source."""
    groups = {"real": real, **rendered}
    figure = Figure(figsize=(11.0, 0.6 + 0.45 * len(groups)), layout="constrained")
    rng = np.random.default_rng(0)
    for index, name in enumerate(NAMES):
        axes = figure.add_subplot(1, len(NAMES), index + 1)
        for row, found in enumerate(groups.values()):
            values = np.array([astuple(each)[index] for each in found])
            axes.plot(values, -row + rng.uniform(-0.25, 0.25, len(values)), ".", markersize=3, alpha=0.6)
        axes.set_title(name.replace("_", " "), fontsize=8)
        axes.set_yticks([-row for row in range(len(groups))], list(groups) if index == 0 else [""] * len(groups))
        axes.tick_params(labelsize=7)
    figure.savefig(out, dpi=110)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measures, prints the table and draws the figure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--real", type=Path, required=True, help="folder of the figures")
    parser.add_argument(
        "--sets", action="append", default=[], metavar="NAME=DIR", help="registrations of one formation"
    )
    parser.add_argument("--out", type=Path, required=True, help="picture to write")
    given = parser.parse_args(arguments)
    real = [measure(region) for region in real_regions(given.real)]
    document = load_builtin()
    rendered: dict[str, list[Appearance]] = {}
    for pair in given.sets:
        name, _, folder = pair.partition("=")
        rendered.setdefault(name, []).extend(measure(region) for region in rendered_regions(Path(folder), document))
    sys.stdout.write(table(real, rendered))
    draw(real, rendered, given.out)


def _range(found: Sequence[Appearance], index: int) -> tuple[float, float]:
    values: NDArray[np.float64] = np.array([astuple(each)[index] for each in found])
    return float(values.min()), float(values.max())


if __name__ == "__main__":
    main()
