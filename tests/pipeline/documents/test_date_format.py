"""Printed forms of dates: every day is read back, and nothing else is."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idproof.pipeline.documents import DateFormat

FORMS = ["DD-MM-YYYY", "YYYY-MM-DD", "MM/DD/YYYY", "DD.MM.YYYY", "DD MMM YYYY", "YYYY年MM月DD日", "DDMMYYYY"]
TODAY = date(2026, 1, 1)


@pytest.mark.parametrize("form", FORMS)
@given(st.dates(date(1000, 1, 1), date(9999, 12, 31)))
def test_every_day_of_the_calendar_is_read_back(form: str, day: date) -> None:
    read = DateFormat(form)
    assert read.parse(read.print(day), TODAY) == day
    assert read.iso(day) == day.isoformat()


@given(st.dates(date(2000, 1, 1), date(2099, 12, 31)))
def test_a_two_digit_year_belongs_to_the_century_that_the_format_names(day: date) -> None:
    assert DateFormat("DD-MM-YY", 2000).parse(day.strftime("%d-%m-%y"), TODAY) == day


@given(st.dates(date(1926, 1, 2), TODAY))
def test_without_a_century_a_two_digit_year_is_the_latest_that_is_not_after_the_given_day(day: date) -> None:
    assert DateFormat("DD-MM-YY").parse(day.strftime("%d-%m-%y"), TODAY) == day


@given(st.dates(date(1926, 2, 1), TODAY))
def test_a_month_is_its_first_day(day: date) -> None:
    read = DateFormat("(MM-YY)")
    assert read.parse(day.strftime("(%m-%y)"), TODAY) == day.replace(day=1)
    assert read.iso(day) == day.strftime("%Y-%m")


@given(st.integers(0, 99), st.integers(0, 99), st.integers(0, 9999))
def test_impossible_days_are_refused(day: int, month: int, year: int) -> None:
    try:
        read = DateFormat("DD-MM-YYYY").parse(f"{day:02d}-{month:02d}-{year:04d}", TODAY)
    except ValueError:
        return
    assert (read.day, read.month, read.year) == (day, month, year)


@pytest.mark.parametrize("text", ["1-01-1990", "01/01/1990", "01-01-90", "０1-01-1990", "", "01-01-1990 "])
def test_dates_in_another_form_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a printed date"):
        DateFormat("DD-MM-YYYY").parse(text, TODAY)


@pytest.mark.parametrize(
    ("form", "century"),
    [("DD-MM", 0), ("YYYY", 0), ("DD-DD-YYYY", 0), ("MM MMM YYYY", 0), ("DD-MM-YYYY", 1900), ("DD-MM-YY", 1950)],
)
def test_a_form_that_says_no_date_or_two_is_refused(form: str, century: int) -> None:
    with pytest.raises(ValueError, match=r"date format|century"):
        DateFormat(form, century)
