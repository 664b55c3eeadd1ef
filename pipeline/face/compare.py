"""Is the person in the selfie the person on the card?"""

from collections.abc import Mapping

import numpy as np

from idproof.models.types import Embeddings
from idproof.pipeline.config import Policy
from idproof.pipeline.types import CheckResult, Outcome, Status

NAME = "face_comparison"


def check(portrait: Embeddings, selfie: Embeddings, thresholds: Mapping[float, float], policy: Policy) -> CheckResult:
    """Comparison score of two templates against the operating points.

    Args:
        portrait: (1, dimensions), unit length.
        selfie: (1, dimensions), unit length.
        thresholds: false match rate to the score that promises at most this rate, from the profile's report.
        policy: names the operating points.

    Returns:
        `face_comparison`: value is the cosine, -1..1. Passes at `accept_fmr`, fails below `refer_fmr`
        (`face_mismatch`), is in doubt between (`face_similarity_low`).
    """
    cosine = float((portrait @ selfie.T).item())
    accept, refer = thresholds[policy.accept_fmr], thresholds[policy.refer_fmr]
    outcome, reason = Outcome.PASS, None
    if cosine < refer:
        outcome, reason = Outcome.FAIL, "face_mismatch"
    elif cosine < accept:
        outcome, reason = Outcome.DOUBT, "face_similarity_low"
    return CheckResult(
        name=NAME,
        status=Status.ASSESSED,
        outcome=outcome,
        value=round(cosine, 4),
        unit="cosine",
        score=float(np.clip((cosine + 1) / 2, 0, 1)),
        reason=reason,
        limit=accept,
    )
