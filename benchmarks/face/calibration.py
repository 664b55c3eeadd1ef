"""Turns comparison scores into operating points and log-likelihood ratios; fitted on some people, judged on others.

Logistic regression with both classes weighing the same (Brümmer and du Preez, "Application-independent evaluation of
speaker detection", 2006): its log-odds are then log-likelihood ratios. In the fit the genuine comparisons of each
person together weigh the same, so that the few people with very many photographs do not dominate it.
"""

from importlib.metadata import version
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from idproof.benchmarks.harness.output import figure, operating_point, plain
from idproof.benchmarks.metrics import Scores, fmr_at, fnmr_at, threshold_at_fmr
from idproof.benchmarks.metrics.information import cllr, min_cllr
from idproof.benchmarks.metrics.resample import Comparisons
from idproof.models.score_reports import ScoreCalibration

_IMPOSTORS = 500_000  # drawn from tens of millions: enough to fit two numbers. Chosen by hand.
_ODDS = (1e2, 1e3, 1e4)
_FEWEST_IMPOSTORS = 10  # above an operating point. Chosen by hand; no outside source.
FMRS = (1e-2, 1e-3, 1e-4, 1e-5)
"""Of the operating points; NIST SP 800-63A-4 asks for at most 1e-4."""


def record(impostors: Scores, genuines: Comparisons, *, profile: str, recipe: str, seed: int = 0) -> dict[str, Any]:
    """Returns the report as `models/operating_points/PROFILE_portrait.json` holds it.

    An operating point with fewer than ten impostors above it is left out, because its rate was hardly observed.

    Args:
        impostors: impostor scores of the people it is fitted on.
        genuines: genuine comparisons of the same people.
        profile: the model profile.
        recipe: how the pictures were made.
        seed: of the impostor comparisons drawn when there are very many.
    """
    calibration = fit(impostors, genuines, seed)
    observed = [fmr for fmr in FMRS if fmr * impostors.size >= _FEWEST_IMPOSTORS]
    return {
        "slope": calibration.slope,
        "offset": calibration.offset,
        "operating_points": [_point(impostors, genuines.scores, fmr) for fmr in observed],
        "source": {
            "profile": profile,
            "recipe": recipe,
            "version": version("idproof"),
            "people": int(np.unique(genuines.first).size),
            "genuine_comparisons": int(genuines.scores.size),
            "impostor_comparisons": int(impostors.size),
        },
    }


def _point(impostors: Scores, genuines: Scores, fmr: float) -> dict[str, Any]:
    threshold = threshold_at_fmr(impostors, fmr)
    return operating_point(fmr, threshold, fmr_at(impostors, threshold), fnmr_at(genuines, threshold))


def figures(calibration: ScoreCalibration, impostors: Scores, genuines: Comparisons) -> dict[str, dict[str, Any]]:
    """Returns the figures of a calibration on people who had no part in it.

    `face.calibration.fmr@oddsX` is the share of impostors that are called X times likelier to be the same person: at
    most 1/X for calibrated ratios.
    """
    of_impostors = calibration.log_likelihood_ratios(impostors)
    of_genuines = calibration.log_likelihood_ratios(genuines.scores)
    n = impostors.size + genuines.scores.size
    found = {
        "face.calibration.cllr": plain(cllr(of_impostors, of_genuines), n, "bit"),
        "face.calibration.min_cllr": plain(min_cllr(of_impostors, of_genuines), n, "bit"),
    }
    for odds in _ODDS:
        name = f"face.calibration.fmr@odds{odds:.0e}".replace("e+0", "e")
        found[name] = figure(fmr_at(of_impostors, float(np.log(odds))))
    return found


def fit(impostors: Scores, genuines: Comparisons, seed: int = 0) -> ScoreCalibration:
    """Fits slope and offset; raises ValueError without comparisons of both kinds."""
    if not impostors.size or not genuines.scores.size:
        raise ValueError("a calibration needs comparisons of both kinds")
    drawn = np.random.default_rng(seed).choice(impostors, min(_IMPOSTORS, impostors.size), replace=False)
    scores = np.concatenate([drawn, genuines.scores]).astype(np.float64)
    same = np.concatenate([np.zeros(drawn.size), np.ones(genuines.scores.size)])
    weights = np.concatenate([np.full(drawn.size, 1 / drawn.size), person_weights(genuines)])
    model = LogisticRegression(C=np.inf, max_iter=1000, tol=1e-8)
    model.fit(scores[:, None], same, sample_weight=weights * scores.size / 2)
    return ScoreCalibration(slope=float(model.coef_[0, 0]), offset=float(model.intercept_[0]))


def person_weights(genuines: Comparisons) -> NDArray[np.float64]:
    """Returns a weight per genuine comparison: the same total for every person, and a total of 1."""
    _, whose, counts = np.unique(genuines.first, return_inverse=True, return_counts=True)
    return np.asarray(1.0 / counts[whose] / counts.size)
