"""Tells what lies over the card, such as a finger that holds it, from what is part of it.

A finger comes from outside: it hides the print from the card's edge inwards without a gap, and the edge as well. What
is glued or printed on a card ends at the edge, and the edge is seen.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from idproof.pipeline.card.outline import OutlineEvidence, OutlineFinder


def covered_cells(
    shown: NDArray[np.bool_], used: NDArray[np.bool_], finder: OutlineFinder, capture: OutlineEvidence
) -> NDArray[np.bool_]:
    """(rows, columns): cells of one capture that are hidden without a gap from a cell that is hidden with the edge.

    Args:
        shown: (rows, columns), true where a cell shows its print.
        used: (rows, columns), true for cells that have print; what is hidden goes on through them alone.
        finder: of the card's outline.
        capture: evidence of the outline in the capture.
    """
    hidden = used & ~shown
    _, labels = cv2.connectedComponents(hidden.astype(np.uint8), connectivity=8)
    rows, columns = hidden.shape
    width, height = finder.document.width_mm, finder.document.height_mm
    entered = set()
    for x, y in finder.hidden(capture):
        cell = min(int(y / height * rows), rows - 1), min(int(x / width * columns), columns - 1)
        if hidden[cell]:
            entered.add(int(labels[cell]))
    return np.isin(labels, list(entered))
