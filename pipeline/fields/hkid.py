"""The number of a Hong Kong identity card.

One or two letters, six digits and a check digit in brackets. Letters count A = 10 … Z = 35, a missing first letter
counts as a space = 36; the eight places are weighted 9 … 2 and the check digit 1, and the sum is a multiple of 11.
A check digit of ten is written A.
"""

import re

_FORM = re.compile(r"([A-Z]{1,2})([0-9]{6})\(([0-9A])\)")
_SPACE = 36
_MODULUS = 11


def check_digit(prefix: str, digits: str) -> str:
    """Returns the check digit, `0`-`9` or `A`; raises ValueError for anything but one or two letters and six digits.

    Example:
        >>> check_digit("A", "123456")
        '3'
    """
    if not (re.fullmatch("[A-Z]{1,2}", prefix) and re.fullmatch("[0-9]{6}", digits)):
        raise ValueError("a number has one or two letters and six digits")
    values = [_SPACE] * (2 - len(prefix)) + [int(character, 36) for character in prefix + digits]
    total = sum(weight * value for weight, value in zip(range(9, 1, -1), values, strict=True))
    return "0123456789A"[-total % _MODULUS]


def is_valid(number: str) -> bool:
    """Returns whether a printed number, such as `A123456(3)`, has the right form and check digit.

    Example:
        >>> is_valid("A123456(3)"), is_valid("A123456(4)")
        (True, False)
    """
    match = _FORM.fullmatch(number)
    return match is not None and check_digit(match[1], match[2]) == match[3]
