"""Unlinkability of protected templates after Gomez-Barrero, Galbally, Rathgeb and Busch.

"General framework to evaluate unlinkability in biometric template protection systems" (IEEE TIFS 13(6), 2018), the
measure of ISO/IEC 30136 for the requirement of ISO/IEC 24745. A linkage score compares two protected templates; mated
ones are of one person under different keys. Where a score is more likely for mated than for non-mated templates, it
links them.
"""

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.floating]
_PER_BIN, _MOST_BINS = 10, 100
"""Mated scores per bin at least, and bins at most: those of the authors' published evaluation."""


def d_sys(
    mated: Values, non_mated: Values, mated_weights: Values | None = None, non_mated_weights: Values | None = None
) -> float:
    """Returns the global measure D_sys, 0 (unlinkable) to 1 (linkable); equal prior odds (ω = 1).

    Per bin of the scores, LR is the mated share by the non-mated share. Its local linkability is 2·LR/(1 + LR) - 1
    where LR > 1, else 0; D_sys is its mean over the mated scores. Where only mated scores fall it is 1. With few scores
    the noise of the shares makes it greater than 0 also where nothing links: compare it with permuted labels.

    Args:
        mated: (n,) linkage scores.
        non_mated: (m,) linkage scores.
        mated_weights: (n,) of the scores; None for equal ones.
        non_mated_weights: (m,) as `mated_weights`.

    Returns:
        The measure; NaN without scores, or without weight, of both kinds.

    Example:
        >>> same = np.linspace(0, 1, 5000)
        >>> d_sys(same, same), d_sys(same + 2, same)
        (0.0, 1.0)
    """
    if not (mated.size and non_mated.size):
        return float("nan")
    low = min(float(mated.min()), float(non_mated.min()))
    high = max(float(mated.max()), float(non_mated.max()))
    if low == high:
        return 0.0
    bins = int(np.clip(mated.size // _PER_BIN, 1, _MOST_BINS))
    shares = []
    for scores, weights in ((mated, mated_weights), (non_mated, non_mated_weights)):
        counted, _ = np.histogram(scores, bins=bins, range=(low, high), weights=weights)
        total = counted.sum()
        if total <= 0:
            return float("nan")
        shares.append(counted / total)
    of_mated, of_others = shares
    # 2·LR/(1 + LR) - 1 = (a - b)/(a + b), which holds where b is 0, too.
    both = np.maximum(of_mated + of_others, np.finfo(np.float64).tiny)
    return min(1.0, float((of_mated * np.maximum(of_mated - of_others, 0.0) / both).sum()))
