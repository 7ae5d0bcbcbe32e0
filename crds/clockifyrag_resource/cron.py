"""Cron lines: five fields, or one of @hourly … @yearly, read into the sets of times they name.

Grammar: crontab(5) and the schedule of a Kubernetes CronJob.
"""

import re
from dataclasses import dataclass

_MONTHS = {name: number for number, name in enumerate("jan feb mar apr may jun jul aug sep oct nov dec".split(), 1)}
_WEEKDAYS = {name: number for number, name in enumerate("sun mon tue wed thu fri sat".split())}
_FIELDS: tuple[tuple[str, int, int, dict[str, int]], ...] = (
    ("minute", 0, 59, {}),
    ("hour", 0, 23, {}),
    ("day of the month", 1, 31, {}),
    ("month", 1, 12, _MONTHS),
    ("day of the week", 0, 7, _WEEKDAYS),  # 0 and 7 are both Sunday
)
_MACROS = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
}
_LONGEST_MONTHS = {2: 29, 4: 30, 6: 30, 9: 30, 11: 30}
_ITEM = re.compile(r"(\*|\w{1,9}(?:-\w{1,9})?)(?:/(\d{1,4}))?", re.ASCII)


def _field_pattern(numbers: str, names: dict[str, int]) -> str:
    value = "(" + "|".join([f"0*({numbers})", *names]) + ")"
    item = rf"(\*|{value}(-{value})?)(/0*[1-9][0-9]{{0,3}})?"
    return f"{item}(,{item})*"


PATTERN = (
    r"^(?i)\s*("
    + "|".join(_MACROS)
    + "|"
    + r"\s+".join(
        _field_pattern(numbers, names)
        for numbers, (_, _, _, names) in zip(
            ("[0-5]?[0-9]", "1?[0-9]|2[0-3]", "[1-9]|[12][0-9]|3[01]", "[1-9]|1[0-2]", "[0-7]"), _FIELDS, strict=True
        )
    )
    + r")\s*$"
)
"""What every cron line matches (RE2). A few that match are none: 5-3 for a minute, the 30th of February."""


@dataclass(frozen=True, slots=True)
class Cron:
    """The times a line names; a day counts when both days do, or either if neither is `*` (crontab(5))."""

    minutes: frozenset[int]
    hours: frozenset[int]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]  # 0 is Sunday
    any_day: bool  # the day of the month is `*`
    any_weekday: bool


def cron(line: str) -> Cron:
    """The times `line` names; ValueError names the field that is wrong.

    >>> sorted(cron("*/20 3 * * mon-fri").minutes)
    [0, 20, 40]
    """
    fields = _MACROS.get(line.strip().lower(), line).split()
    if len(fields) != len(_FIELDS):
        raise ValueError(f"{len(fields)} fields instead of 5 (minute hour day month weekday)")
    minutes, hours, days, months, weekdays = (
        _values(text, *description) for text, description in zip(fields, _FIELDS, strict=True)
    )
    any_day, any_weekday = fields[2].startswith("*"), fields[4].startswith("*")
    if any_weekday and all(min(days) > _LONGEST_MONTHS.get(month, 31) for month in months):
        raise ValueError(f"day {min(days)} never comes in the months it names")
    return Cron(minutes, hours, days, months, frozenset(day % 7 for day in weekdays), any_day, any_weekday)


def _values(text: str, field: str, low: int, high: int, names: dict[str, int]) -> frozenset[int]:
    values: set[int] = set()
    for item in text.split(","):
        matched = _ITEM.fullmatch(item)
        if matched is None:
            raise ValueError(f"{item[:20]!r} is no {field}")
        span, step = matched.group(1), int(matched.group(2) or 1)
        first, last = (low, high) if span == "*" else _ends(span, field, names)
        if matched.group(2) and span != "*" and "-" not in span:
            last = high  # "5/15" runs from 5 to the end
        if not (low <= first <= last <= high and step >= 1):
            raise ValueError(f"{item[:20]!r} is no {field} ({low} to {high})")
        values.update(range(first, last + 1, step))
    return frozenset(values)


def _ends(span: str, field: str, names: dict[str, int]) -> tuple[int, int]:
    numbers = []
    for end in span.split("-"):
        if not end.isdecimal() and end.lower() not in names:
            raise ValueError(f"{end!r} is no {field}")
        numbers.append(int(end) if end.isdecimal() else names[end.lower()])
    return numbers[0], numbers[-1]
