"""Schedule: when a cron line is due, in its own time zone.

A local time that a clock skips (spring) is due at the first minute after the gap, once; one that a clock shows twice
(autumn) is due the first time only. Ticks that were missed, for however long, are one tick: the newest.
"""

import functools
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from clockifyrag_operator.ledger import Ledger, moment
from clockifyrag_resource.build import Schedule
from clockifyrag_resource.cron import Cron, cron

_MINUTE = timedelta(minutes=1)
_AHEAD_MAX = timedelta(days=1)
_DAYS_LOOKED_AT = 366 * 8 + 2  # the 29th of February may be eight years away (1896, 1904; 2096, 2104)


def with_schedule(ledger: Ledger, schedule: Schedule | None, now: datetime) -> Ledger:
    """The ledger that knows the schedule; one that is new, changed or no longer suspended begins now.

    So does one of which a clock that was ahead noted a time to come: nothing would be due until then.
    """
    name = "" if schedule is None or schedule.suspend else f"{schedule.cron} {schedule.time_zone}"
    ahead = ledger.scheduled and moment(ledger.scheduled) - now > _AHEAD_MAX
    if name == ledger.schedule and not ahead:
        return ledger
    return replace(ledger, schedule=name, scheduled=now.astimezone(UTC).isoformat(timespec="seconds") if name else "")


def due_tick(ledger: Ledger, schedule: Schedule | None, now: datetime) -> datetime | None:
    """The newest tick up to now that no build was made for; None when there is none."""
    if schedule is None or schedule.suspend or not ledger.scheduled:
        return None
    last = tick_before(schedule, now)
    return last if last is not None and last > moment(ledger.scheduled) else None


def next_tick(schedule: Schedule | None, now: datetime) -> datetime | None:
    """The first tick after now; None without a schedule, or while it is suspended."""
    if schedule is None or schedule.suspend:
        return None
    zone = ZoneInfo(schedule.time_zone)
    today = now.astimezone(zone).date()
    line = cron(schedule.cron)
    days = (today + timedelta(days=offset) for offset in range(-1, _DAYS_LOOKED_AT))
    return next((tick for day in days for tick in _ticks(line, zone, day) if tick > now), None)


def tick_before(schedule: Schedule, now: datetime) -> datetime | None:
    """The last tick up to and including now."""
    zone = ZoneInfo(schedule.time_zone)
    today = now.astimezone(zone).date()
    line = cron(schedule.cron)
    days = (today - timedelta(days=offset) for offset in range(-1, _DAYS_LOOKED_AT))
    return next((tick for day in days for tick in reversed(_ticks(line, zone, day)) if tick <= now), None)


@functools.lru_cache(maxsize=1024)
def _ticks(line: Cron, zone: ZoneInfo, day: date) -> tuple[datetime, ...]:
    """The ticks of one local day, in UTC, in order, each once."""
    if not _counts(line, day):
        return ()
    times = (datetime(day.year, day.month, day.day, h, m) for h in line.hours for m in line.minutes)
    return tuple(sorted({_instant(time, zone) for time in times}))


def _counts(line: Cron, day: date) -> bool:
    by_day, by_weekday = day.day in line.days, day.isoweekday() % 7 in line.weekdays
    either = not line.any_day and not line.any_weekday
    return day.month in line.months and (by_day or by_weekday if either else by_day and by_weekday)


def _instant(local: datetime, zone: ZoneInfo) -> datetime:
    """When the zone's clocks show this local time first; where they skip it, the first minute after the gap.

    In a gap the time read by the offset before it lies after the gap, and read by the one after it before (PEP 495).
    """
    instant = local.replace(tzinfo=zone, fold=0).astimezone(UTC)
    if _shown(instant, zone) == local:
        return instant
    before, after = local.replace(tzinfo=zone, fold=1).astimezone(UTC), instant
    offset = after.astimezone(zone).utcoffset()
    while after - before > _MINUTE:
        middle = before + (after - before) // _MINUTE // 2 * _MINUTE
        if middle.astimezone(zone).utcoffset() == offset:
            after = middle
        else:
            before = middle
    return after


def _shown(instant: datetime, zone: ZoneInfo) -> datetime:
    return instant.astimezone(zone).replace(tzinfo=None)
