"""Lanes: several jobs at once, work beside other work, and calls that stay short while questions wait."""

import threading
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clockifyrag_builder.lanes import Beside, Lanes, Pace, share


def answers_of(answer: Callable[[int], object], jobs: int, in_flight: int) -> list[tuple[int, object]]:
    with Lanes(answer, in_flight) as lanes:
        for job in range(jobs):
            lanes.give(job)
        found: list[tuple[int, object]] = []
        while lanes.under_way:
            found += lanes.taken(wait=True)
    return found


@pytest.mark.parametrize("in_flight", [1, 2, 5])
def test_every_job_is_answered_once(in_flight: int) -> None:
    answers = answers_of(lambda job: job * job, 20, in_flight)

    assert [(number, number * number) for number in range(20)] == sorted(answers)


def test_as_many_are_answered_at_once_as_are_told() -> None:
    together = threading.Barrier(3)  # is passed by three at a time only

    answers = answers_of(lambda job: together.wait(10) is not None, 6, in_flight=3)

    assert [True] * 6 == [answer for _, answer in answers]


def test_the_first_error_ends_it_while_others_hang() -> None:
    released = threading.Event()

    def answer(job: int) -> int:
        if job == 1:
            raise ValueError("job 1")
        released.wait(30)
        return job

    with pytest.raises(ValueError, match="job 1"):
        answers_of(answer, 3, in_flight=2)
    released.set()


def test_what_is_not_answered_yet_is_not_waited_for() -> None:
    released = threading.Event()

    with Lanes(lambda job: released.wait(30), 1) as lanes:
        lanes.give(1)
        before = list(lanes.taken(wait=False))
        released.set()
        after = list(lanes.taken(wait=True))

    assert ([], [(1, True)]) == (before, after)


def test_work_beside_other_work_gives_its_result_or_its_error() -> None:
    begun = threading.Event()

    def fails() -> None:
        begun.set()
        raise ValueError("no result")

    failing, working = Beside(fails), Beside(lambda: "done")

    assert begun.wait(30)
    assert "done" == working.result()
    with pytest.raises(ValueError, match="no result"):
        failing.result()


@given(st.integers(1, 5000), st.integers(1, 256), st.integers(1, 8))
def test_shares_use_up_what_is_left_and_end_small_where_there_are_several_servers(
    texts: int, size: int, in_flight: int
) -> None:
    left, shares = texts, []
    while left:
        shares.append(share(left, size, in_flight))
        left -= shares[-1]

    assert all(1 <= one <= size for one in shares)
    assert sorted(shares, reverse=True) == shares
    if in_flight > 1:
        assert shares[-1] == 1


def test_the_pace_without_a_time_is_the_batch_size() -> None:
    pace = Pace(32)
    pace.took(32, 100.0)

    assert 32 == pace.size


def test_the_pace_begins_with_one_text_grows_by_doubling_and_shrinks_at_once() -> None:
    pace, sizes = Pace(32, 0.25), []
    for seconds_a_text in (0.001, 0.001, 0.001, 0.02, 0.02, 1.0, 0.1):
        sizes.append(pace.size)
        pace.took(pace.size, pace.size * seconds_a_text)

    assert [1, 2, 4, 8, 12, 12, 1] == sizes
    assert 2 == pace.size
