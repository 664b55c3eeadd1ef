"""From comparison scores to log-likelihood ratios: fitted on some people, judged on others.

Logistic regression with both classes weighing the same (Brümmer and du Preez, "Application-independent evaluation of
speaker detection", 2006): its log-odds are then log-likelihood ratios. In the fit every person's genuine comparisons
together weigh the same, so that the few people with very many photographs do not settle it.
"""

from importlib.metadata import version
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression

from idproof.benchmarks.bootstrap import Pairs
from idproof.benchmarks.metrics import Scores, fmr_at
from idproof.benchmarks.output import figure, plain
from idproof.models.reports import ScoreCalibration

_IMPOSTORS = 500_000  # of tens of millions: drawn evenly, they settle two numbers
_ODDS = (1e2, 1e3, 1e4)


def record(impostors: Scores, genuines: Pairs, *, profile: str, recipe: str, seed: int = 0) -> dict[str, Any]:
    """The calibration as `models/operating_points/PROFILE_face_calibration.json` holds it.

    Args:
        impostors: scores of the people it is fitted on.
        genuines: the same.
        profile: the model profile.
        recipe: how the pictures came about.
        seed: of the impostor comparisons drawn when there are very many.
    """
    calibration = fit(impostors, genuines, seed)
    return {
        "slope": calibration.slope,
        "offset": calibration.offset,
        "source": {
            "profile": profile,
            "recipe": recipe,
            "version": version("idproof"),
            "people": int(np.unique(genuines.one).size),
            "genuine_comparisons": int(genuines.scores.size),
            "impostor_comparisons": int(impostors.size),
        },
    }


def figures(calibration: ScoreCalibration, impostors: Scores, genuines: Pairs) -> dict[str, dict[str, Any]]:
    """What a calibration is worth on people who had no part in it.

    `face.calibration.fmr@oddsX` is the share of impostors said to be X times likelier one person than two: of
    calibrated ratios at most 1/X.
    """
    of_impostors, of_genuines = calibration.ratios(impostors), calibration.ratios(genuines.scores)
    weights, n = person_weights(genuines), impostors.size + genuines.scores.size
    found = {
        "face.calibration.cllr": plain(cllr(of_impostors, of_genuines, weights), n, "bit"),
        "face.calibration.least_cllr": plain(least_cllr(of_impostors, of_genuines, weights), n, "bit"),
    }
    for odds in _ODDS:
        name = f"face.calibration.fmr@odds{odds:.0e}".replace("e+0", "e")
        found[name] = figure(fmr_at(of_impostors, float(np.log(odds))))
    return found


def fit(impostors: Scores, genuines: Pairs, seed: int = 0) -> ScoreCalibration:
    """The slope and offset; raises ValueError without comparisons of both kinds."""
    if not impostors.size or not genuines.scores.size:
        raise ValueError("a calibration needs comparisons of both kinds")
    drawn = np.random.default_rng(seed).choice(impostors, min(_IMPOSTORS, impostors.size), replace=False)
    scores = np.concatenate([drawn, genuines.scores]).astype(np.float64)
    same = np.concatenate([np.zeros(drawn.size), np.ones(genuines.scores.size)])
    weights = np.concatenate([np.full(drawn.size, 1 / drawn.size), person_weights(genuines)])
    model = LogisticRegression(C=np.inf, max_iter=1000, tol=1e-8)
    model.fit(scores[:, None], same, sample_weight=weights * scores.size / 2)
    return ScoreCalibration(slope=float(model.coef_[0, 0]), offset=float(model.intercept_[0]))


def person_weights(genuines: Pairs) -> NDArray[np.float64]:
    """A weight for every genuine comparison; those of one person add up to the same for everybody, all to 1."""
    _, whose, counts = np.unique(genuines.one, return_inverse=True, return_counts=True)
    return np.asarray(1.0 / counts[whose] / counts.size)


def cllr(impostors: Scores, genuines: Scores, weights: NDArray[np.float64]) -> float:
    """Cost of log-likelihood ratios in bits: 0 is perfect, 1 says nothing (Brümmer and du Preez, 2006).

    Args:
        impostors: log-likelihood ratios, natural logarithm.
        genuines: the same.
        weights: of the genuine ones, adding up to 1.

    Example:
        >>> round(cllr(np.zeros(5), np.zeros(4), np.full(4, 0.25)), 6)
        1.0
    """
    false_match = np.logaddexp(0, impostors).mean()
    false_non_match = (np.logaddexp(0, -genuines) * weights).sum()
    return float((false_match + false_non_match) / 2 / np.log(2))


def least_cllr(impostors: Scores, genuines: Scores, weights: NDArray[np.float64]) -> float:
    """What the best monotonic calibration of these very scores would cost: pool adjacent violators."""
    scores = np.concatenate([impostors, genuines])
    same = np.concatenate([np.zeros(impostors.size), np.ones(genuines.size)])
    shares = np.concatenate([np.full(impostors.size, 1 / impostors.size), weights])
    probability = IsotonicRegression(y_min=0, y_max=1).fit_transform(scores, same, sample_weight=shares)
    with np.errstate(divide="ignore"):
        ratios = np.log(probability) - np.log1p(-probability)
    return cllr(ratios[: impostors.size], ratios[impostors.size :], weights)
