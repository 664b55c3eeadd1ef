"""The check digit agrees with published examples and its own arithmetic."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idproof.pipeline.fields.hkid import check_digit, is_valid

prefixes = st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ", min_size=1, max_size=2)
six_digits = st.text("0123456789", min_size=6, max_size=6)


@pytest.mark.parametrize("number", ["A123456(3)", "C123456(9)", "AB987654(3)", "G123456(A)"])
def test_published_numbers_are_valid(number: str) -> None:
    assert is_valid(number)


@given(prefixes, six_digits, st.integers(0, 5), st.sampled_from("0123456789"))
def test_any_single_wrong_digit_is_caught(prefix: str, digits: str, place: int, other: str) -> None:
    changed = digits[:place] + other + digits[place + 1 :]
    number = f"{prefix}{changed}({check_digit(prefix, digits)})"
    assert is_valid(number) == (changed == digits)


@given(st.text())
def test_any_other_text_is_invalid_without_an_exception(text: str) -> None:
    if is_valid(text):
        assert text.isascii()
        assert text.endswith(")")


@pytest.mark.parametrize(
    ("prefix", "digits"), [("", "123456"), ("ABC", "123456"), ("A", "12345"), ("A", "１２３４５６")]
)
def test_a_check_digit_needs_letters_and_six_digits(prefix: str, digits: str) -> None:
    with pytest.raises(ValueError, match="letters and six digits"):
        check_digit(prefix, digits)
