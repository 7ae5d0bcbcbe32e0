"""Lanes: several jobs at once, and calls that stay short while questions wait."""

import threading
from itertools import count

import pytest

from clockifyrag_builder.lanes import Pace, answered


@pytest.mark.parametrize("in_flight", [1, 2, 5])
def test_every_job_is_answered_once(in_flight: int) -> None:
    answers = list(answered(lambda job: job * job, iter(range(20)), in_flight))

    assert [(number, number * number) for number in range(20)] == sorted(answers)


def test_as_many_are_answered_at_once_as_are_told() -> None:
    together = threading.Barrier(3)  # is passed by three at a time only

    answers = list(answered(lambda job: together.wait(10) is not None, iter(range(6)), in_flight=3))

    assert [True] * 6 == [answer for _, answer in answers]


def test_the_first_error_ends_it_while_others_hang() -> None:
    released = threading.Event()

    def answer(job: int) -> int:
        if job == 1:
            raise ValueError("job 1")
        released.wait(30)
        return job

    with pytest.raises(ValueError, match="job 1"):
        list(answered(answer, count(), in_flight=2))
    released.set()


def test_jobs_are_taken_no_earlier_than_they_can_be_answered() -> None:
    taken = count()

    first = next(answered(lambda job: job, taken, in_flight=2))

    assert first[0] in (0, 1)
    assert next(taken) <= 3


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
