"""Cron lines: which times they name, and which field is wrong."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clockifyrag_resource.cron import Cron, cron

EVERY_MINUTE, EVERY_HOUR = frozenset(range(60)), frozenset(range(24))
EVERY_DAY, EVERY_MONTH, EVERY_WEEKDAY = frozenset(range(1, 32)), frozenset(range(1, 13)), frozenset(range(7))


def test_stars_name_every_time() -> None:
    expected = Cron(EVERY_MINUTE, EVERY_HOUR, EVERY_DAY, EVERY_MONTH, EVERY_WEEKDAY, any_day=True, any_weekday=True)

    assert expected == cron("* * * * *")


@pytest.mark.parametrize(
    ("line", "minutes", "hours"),
    [
        pytest.param("30 3 * * *", frozenset({30}), frozenset({3}), id="numbers"),
        pytest.param("0,15 1-3 * * *", frozenset({0, 15}), frozenset({1, 2, 3}), id="lists and spans"),
        pytest.param("*/20 0-12/6 * * *", frozenset({0, 20, 40}), frozenset({0, 6, 12}), id="steps"),
        pytest.param("50/5 22/1 * * *", frozenset({50, 55}), frozenset({22, 23}), id="steps from a start"),
        pytest.param("@daily", frozenset({0}), frozenset({0}), id="a word"),
        pytest.param("  0  4  *  *  * ", frozenset({0}), frozenset({4}), id="blanks"),
    ],
)
def test_minutes_and_hours_are_those_of_the_line(line: str, minutes: frozenset[int], hours: frozenset[int]) -> None:
    read = cron(line)

    assert (minutes, hours) == (read.minutes, read.hours)


def test_months_and_weekdays_have_names_and_sunday_two_numbers() -> None:
    read = cron("0 0 1 jan,DEC 5-7")

    assert (frozenset({1, 12}), frozenset({0, 5, 6}), False, False) == (
        read.months,
        read.weekdays,
        read.any_day,
        read.any_weekday,
    )


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("", "0 fields instead of 5"),
        ("* * * *", "4 fields instead of 5"),
        ("* * * * * *", "6 fields instead of 5"),
        ("@never", "1 fields instead of 5"),
        ("60 * * * *", "'60' is no minute \\(0 to 59\\)"),
        ("* 24 * * *", "'24' is no hour \\(0 to 23\\)"),
        ("* * 0 * *", "'0' is no day of the month \\(1 to 31\\)"),
        ("* * * 13 *", "'13' is no month \\(1 to 12\\)"),
        ("* * * * 8", "'8' is no day of the week \\(0 to 7\\)"),
        ("5-1 * * * *", "'5-1' is no minute"),
        ("*/0 * * * *", "'\\*/0' is no minute"),
        ("1,,2 * * * *", "'' is no minute"),
        ("mon * * * *", "'mon' is no minute"),
        ("* * * * jan", "'jan' is no day of the week"),
        ("² * * * *", "'²' is no minute"),
        ("0 0 31 2,4 *", "day 31 never comes in the months it names"),
    ],
)
def test_a_line_that_is_wrong_names_the_field(line: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        cron(line)


@given(st.text(alphabet="0123456789*/-,@ adfjmnos", max_size=30))
def test_any_text_is_a_line_or_a_value_error(line: str) -> None:
    try:
        read = cron(line)
    except ValueError:
        return

    assert read.minutes and read.hours and read.days and read.months and read.weekdays
