"""Rates in words: counts first, and never more than the counts allow."""

import math

from idproof.benchmarks.harness.output import CAPTURED, INVENTED, PHOTOGRAPHS, RENDERED
from idproof.benchmarks.metrics import Rate

DATA = {
    RENDERED: "rendered specimens",
    PHOTOGRAPHS: "published photographs",
    CAPTURED: "captures that are no specimens",
    INVENTED: "invented numbers",
    "": "data not recorded",
}
_DIGITS = 2
_PER_CENT = "\N{NO-BREAK SPACE}%"


def percent(value: float) -> str:
    """Two digits that matter, or a whole number of tenths from 10 % on.

    Example:
        >>> print(percent(0.0), percent(0.01197), percent(0.1391), percent(0.00003))
        0 % 1.2 % 13.9 % 0.003 %
    """
    return f"{_rounded(value, 0)}{_PER_CENT}"


def at_most(value: float) -> str:
    """Rounded up: a bound is never told tighter than it is.

    Example:
        >>> print(at_most(0.0561))
        at most 5.7 %
    """
    return f"at most {_rounded(value, 1)}{_PER_CENT}"


def events(rate: Rate) -> int | None:
    """Returns the number of events of the rate; None when it is not a count, such as a weighted mean."""
    count = rate.value * rate.n
    return round(count) if abs(count - round(count)) < 1e-3 else None


def interval(rate: Rate) -> str:
    """The 95 % interval, its bounds rounded outwards.

    Example:
        >>> print(interval(Rate(0.0, 0.0, 0.00994, 300)))
        at most 1 %
    """
    if rate.value <= 0:
        return at_most(rate.high)
    if rate.value >= 1:
        return f"at least {_rounded(rate.low, -1)}{_PER_CENT}"
    return f"{_rounded(rate.low, -1)} to {_rounded(rate.high, 1)}{_PER_CENT}"


def count(rate: Rate) -> str:
    """Events of attempts.

    Example:
        >>> count(Rate(0.0, 0.0, 0.1, 52)), count(Rate(0.25, 0.1, 0.5, 1200))
        ('none of 52', '300 of 1,200')
    """
    found = events(rate)
    if found is None:
        return f"{percent(rate.value)} of {rate.n:,}"
    return f"{'none' if found == 0 else f'{found:,}'} of {rate.n:,}"


def plainly(rate: Rate) -> str:
    """Count, share and interval in one phrase.

    Example:
        >>> print(plainly(Rate(0.0, 0.0, 0.0559, 52)))
        none of 52, which bounds the rate at 5.6 %
        >>> print(plainly(Rate(0.25, 0.07, 0.53, 12)))
        3 of 12 (25 %; the true rate may be anything from 7 to 53 %)
    """
    if rate.value <= 0:
        return f"{count(rate)}, which bounds the rate at {_rounded(rate.high, 1)}{_PER_CENT}"
    return f"{count(rate)} ({percent(rate.value)}; the true rate may be anything from {interval(rate)})"


def kind(name: str) -> str:
    """A kind's or species' name without its underscores."""
    return name.replace("_", " ")


def _rounded(share: float, direction: int) -> str:
    """Per cent with two digits that matter; rounded down, to the nearest, or up."""
    value = share * 100
    if value <= 0:
        return "0"
    decimals = 1 if value >= 10 else max(1, _DIGITS - 1 - math.floor(math.log10(value)))
    scaled = value * 10**decimals
    # What the computer's own rounding adds to a whole number must not count as a digit.
    whole = {-1: math.floor(scaled + 1e-9), 0: round(scaled), 1: math.ceil(scaled - 1e-9)}[direction]
    text = f"{min(whole / 10**decimals, 100.0):,.{decimals}f}"
    return text.rstrip("0").rstrip(".")
