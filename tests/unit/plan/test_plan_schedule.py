"""Schedules: how often a build is due, over clock changes, restarts, outages and edits."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clockifyrag_operator.ledger import Ledger
from clockifyrag_operator.schedule import due_tick, next_tick, tick_before, with_schedule
from clockifyrag_resource.build import Schedule

HALF_PAST_TWO = "30 2 * * *"


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def runs(schedule: Schedule, first: datetime, last: datetime, *, every: timedelta = timedelta(minutes=1)) -> list[str]:
    """When builds begin, with an operator that looks that often and knows only what the ledger says."""
    ledger, now, begun = with_schedule(Ledger(), schedule, first), first, []
    while now <= last:
        if tick := due_tick(ledger, schedule, now):
            begun.append(now.isoformat(timespec="minutes")[:16])
            ledger = replace(ledger, scheduled=tick.isoformat())
        now += every
    return begun


@pytest.mark.parametrize(
    ("zone", "first", "last", "expected"),
    [
        pytest.param(
            "Europe/Berlin", "2026-03-27T12:00", "2026-03-30T12:00",
            ["2026-03-28T01:30", "2026-03-29T01:00", "2026-03-30T00:30"],
            id="spring: 2:30 does not exist and is due at 3:00",
        ),
        pytest.param(
            "Europe/Berlin", "2026-10-24T12:00", "2026-10-26T12:00",
            ["2026-10-25T00:30", "2026-10-26T01:30"],
            id="autumn: 2:30 comes twice and is due the first time",
        ),
        pytest.param(
            "America/New_York", "2026-03-07T12:00", "2026-03-09T12:00",
            ["2026-03-08T07:00", "2026-03-09T06:30"],
            id="spring in New York",
        ),
        pytest.param(
            "America/New_York", "2026-11-01T00:00", "2026-11-02T12:00",
            ["2026-11-01T07:30", "2026-11-02T07:30"],
            id="autumn in New York: 2:30 comes once, as the clock goes back at 2:00",
        ),
        pytest.param("Etc/UTC", "2026-03-28T12:00", "2026-03-29T12:00", ["2026-03-29T02:30"], id="no clock changes"),
    ],
)  # fmt: skip
def test_on_nights_when_clocks_change_a_daily_build_runs_once(
    zone: str, first: str, last: str, expected: list[str]
) -> None:
    begun = runs(Schedule(cron=HALF_PAST_TWO, time_zone=zone), at(first), at(last))

    assert expected == begun


def test_an_operator_that_restarts_within_the_minute_does_not_build_again() -> None:
    schedule = Schedule(cron=HALF_PAST_TWO, time_zone="Etc/UTC")

    begun = runs(schedule, at("2026-05-01T02:00"), at("2026-05-01T02:40"), every=timedelta(seconds=7))

    assert 1 == len(begun)


def test_after_a_long_outage_there_is_one_build_for_all_that_was_missed() -> None:
    schedule = Schedule(cron="@hourly", time_zone="Etc/UTC")
    ledger = with_schedule(Ledger(), schedule, at("2026-01-01T00:30"))

    tick = due_tick(ledger, schedule, at("2026-03-01T00:10"))
    after = replace(ledger, scheduled=tick.isoformat() if tick else "")

    assert at("2026-03-01T00:00") == tick
    assert due_tick(after, schedule, at("2026-03-01T00:11")) is None


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param(None, Schedule(cron="0 9 * * *"), id="a first schedule"),
        pytest.param(Schedule(cron="0 3 * * *"), Schedule(cron="0 9 * * *"), id="another line"),
        pytest.param(
            Schedule(cron="0 9 * * *"), Schedule(cron="0 9 * * *", time_zone="Europe/London"), id="another time zone"
        ),
        pytest.param(
            Schedule(cron="0 9 * * *", suspend=True), Schedule(cron="0 9 * * *"), id="one suspended until now"
        ),
    ],
)
def test_a_schedule_that_is_new_does_not_run_for_the_time_before_it(before: Schedule | None, after: Schedule) -> None:
    ledger = with_schedule(Ledger(), before, at("2026-05-01T00:00"))

    ledger = with_schedule(ledger, after, at("2026-05-01T12:00"))

    assert due_tick(ledger, after, at("2026-05-01T12:01")) is None
    assert due_tick(ledger, after, at("2026-05-02T09:01")) is not None


def test_a_schedule_goes_on_after_a_clock_was_ahead() -> None:
    schedule = Schedule(cron="@hourly", time_zone="Etc/UTC")
    ledger = with_schedule(Ledger(), schedule, at("2036-01-01T00:30"))

    ledger = with_schedule(ledger, schedule, at("2026-01-01T00:30"))

    assert at("2026-01-01T01:00") == due_tick(ledger, schedule, at("2026-01-01T01:00"))
    assert ledger == with_schedule(ledger, schedule, at("2025-12-31T23:30")), "clocks that lie an hour apart"


def test_a_suspended_schedule_is_never_due_and_has_no_next_time() -> None:
    schedule = Schedule(cron="* * * * *", suspend=True)
    ledger = with_schedule(Ledger(), schedule, at("2026-05-01T00:00"))

    assert due_tick(ledger, schedule, at("2026-06-01T00:00")) is None
    assert next_tick(schedule, at("2026-06-01T00:00")) is None


@pytest.mark.parametrize(
    ("cron", "now", "expected"),
    [
        ("0 0 29 2 *", "2097-01-01T00:00", "2104-02-29T00:00"),
        ("0 0 13 * 5", "2026-02-13T00:00", "2026-02-20T00:00"),  # the 13th, or any Friday
        ("0 0 * * 0", "2026-11-24T10:00", "2026-11-29T00:00"),
        ("@yearly", "2026-01-01T00:00", "2027-01-01T00:00"),
    ],
)
def test_the_next_time_follows_the_line(cron: str, now: str, expected: str) -> None:
    assert at(expected) == next_tick(Schedule(cron=cron), at(now))


def test_where_clocks_skip_half_an_hour_the_build_comes_right_after_it() -> None:
    schedule = Schedule(cron="15 2 4 10 *", time_zone="Australia/Lord_Howe")  # 2:00 becomes 2:30, 15:30 in UTC

    assert at("2026-10-03T15:30") == next_tick(schedule, at("2026-10-01T00:00"))


@given(
    line=st.sampled_from(["*/7 * * * *", "30 2 * * *", "0 0 * * *", "15,45 1-3 * * sun", "0 0 1 * *"]),
    zone=st.sampled_from(["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "Etc/UTC"]),
    now=st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1), timezones=st.just(UTC)),
)
def test_the_last_tick_is_never_later_than_now_and_the_next_never_earlier(line: str, zone: str, now: datetime) -> None:
    schedule = Schedule(cron=line, time_zone=zone)

    before, after = tick_before(schedule, now), next_tick(schedule, now)

    assert before is not None
    assert after is not None
    assert before <= now < after
    assert before == tick_before(schedule, before)
    assert after == next_tick(schedule, after - timedelta(seconds=1))
