"""The cache of answers: what is kept, for how long, within which bounds; and one computation for equal questions."""

import asyncio
from dataclasses import dataclass

import pytest

from clockifyrag_service.cache import ENTRY_OVERHEAD_BYTES, AnswerCache, SingleFlight


@dataclass(frozen=True)
class Stored:
    text: str
    size_bytes: int = 10


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def cache(entries: int = 3, size: int = 100_000, ttl: float = 60, clock: Clock | None = None) -> AnswerCache[Stored]:
    return AnswerCache(entries, size, ttl, clock or Clock())


def test_when_an_answer_was_put_it_is_found_and_counted() -> None:
    answers = cache()
    answers.put(b"key", Stored("a"))

    found, missing = answers.get(b"key"), answers.get(b"other")

    assert (Stored("a"), None) == (found, missing)
    assert (1, 1, 0.5) == (answers.hits, answers.misses, answers.hit_rate)


def test_when_the_cache_is_full_the_least_recently_used_answer_leaves() -> None:
    answers = cache(entries=2)
    answers.put(b"1", Stored("one"))
    answers.put(b"2", Stored("two"))

    answers.get(b"1")
    answers.put(b"3", Stored("three"))

    assert [Stored("one"), None, Stored("three")] == [answers.get(key) for key in (b"1", b"2", b"3")]


def test_when_an_answer_is_older_than_its_time_it_is_gone() -> None:
    clock = Clock()
    answers = cache(ttl=60, clock=clock)
    answers.put(b"key", Stored("a"))
    answers.name(b"key", b"alias")

    clock.now = 60.0

    assert None is answers.get_by_alias(b"alias")
    assert None is answers.get(b"key")
    assert (0, 0) == (len(answers), answers.size_bytes)


def test_when_bytes_run_out_the_oldest_answers_leave_and_the_sum_stays_right() -> None:
    each = ENTRY_OVERHEAD_BYTES + 1 + 1000
    answers = cache(entries=100, size=3 * each)

    for number in range(5):
        answers.put(b"%d" % number, Stored(str(number), 1000))

    assert 3 == len(answers)
    assert 3 * each == answers.size_bytes
    assert None is answers.get(b"1")


def test_when_one_answer_is_larger_than_the_cache_it_is_not_kept() -> None:
    answers = cache(size=1000)
    answers.put(b"key", Stored("small", 10))

    answers.put(b"key", Stored("large", 2000))

    assert None is answers.get(b"key")
    assert 0 == answers.size_bytes


def test_when_the_size_is_zero_nothing_is_kept() -> None:
    answers = cache(entries=0)

    answers.put(b"key", Stored("a"))

    assert None is answers.get(b"key")


def test_when_a_key_is_put_again_the_new_answer_replaces_the_old() -> None:
    answers = cache()
    answers.put(b"key", Stored("old"))
    answers.name(b"key", b"alias")

    answers.put(b"key", Stored("new"))

    assert Stored("new") == answers.get(b"key")
    assert None is answers.get_by_alias(b"alias")


def test_an_alias_finds_the_answer_until_that_leaves() -> None:
    answers = cache(entries=1)
    answers.put(b"1", Stored("one"))
    answers.name(b"1", b"q=1")

    before = answers.get_by_alias(b"q=1")
    answers.put(b"2", Stored("two"))

    assert Stored("one") == before
    assert None is answers.get_by_alias(b"q=1")


def test_aliases_of_one_answer_are_bounded() -> None:
    answers = cache()
    answers.put(b"key", Stored("a"))

    for number in range(1000):
        answers.name(b"key", b"alias %d" % number)

    assert 4 == sum(answers.get_by_alias(b"alias %d" % number) is not None for number in range(1000))


def test_the_most_used_answers_come_first() -> None:
    answers = cache()
    for name, hits in (("rare", 1), ("often", 3), ("never", 0)):
        answers.put(name.encode(), Stored(name))
        for _ in range(hits):
            answers.get(name.encode())

    ranked = answers.most_used(2)

    assert ["often", "rare"] == [answer.text for answer in ranked]


def test_when_a_hundred_ask_the_same_at_once_it_is_computed_once() -> None:
    calls = 0

    async def ask_all() -> list[int]:
        flights: SingleFlight[int] = SingleFlight()

        async def compute() -> int:
            nonlocal calls
            calls += 1
            await asyncio.sleep(0)
            return 42

        return await asyncio.gather(*(flights.do(b"key", compute) for _ in range(100)))

    answers = asyncio.run(ask_all())

    assert [42] * 100 == answers
    assert 1 == calls


def test_when_the_computation_fails_all_get_the_error_and_the_next_computes_again() -> None:
    calls = 0

    async def compute() -> int:
        nonlocal calls
        calls += 1
        await asyncio.sleep(0)
        if calls == 1:
            raise LookupError("first")
        return 7

    async def ask() -> tuple[list[int | BaseException], int]:
        flights: SingleFlight[int] = SingleFlight()
        together = await asyncio.gather(*(flights.do(b"key", compute) for _ in range(3)), return_exceptions=True)
        return list(together), await flights.do(b"key", compute)

    failed, after = asyncio.run(ask())

    assert ["first"] * 3 == [str(error) for error in failed]
    assert (7, 2) == (after, calls)


def test_when_the_first_caller_goes_away_the_others_still_get_the_answer() -> None:
    async def ask() -> int:
        flights: SingleFlight[int] = SingleFlight()
        gate = asyncio.Event()

        async def compute() -> int:
            await gate.wait()
            return 5

        first = asyncio.ensure_future(flights.do(b"key", compute))
        second = asyncio.ensure_future(flights.do(b"key", compute))
        await asyncio.sleep(0)
        first.cancel()
        await asyncio.sleep(0)
        gate.set()
        with pytest.raises(asyncio.CancelledError):
            await first
        return await second

    assert 5 == asyncio.run(ask())
