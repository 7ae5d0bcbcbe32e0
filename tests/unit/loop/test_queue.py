"""The work queue: one look at a key at a time, however often it is asked for, and waits that grow."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from clockifyrag_operator.queue import WorkQueue

T = TypeVar("T")


def run(deed: Coroutine[Any, Any, T]) -> T:
    async def bounded() -> T:
        async with asyncio.timeout(10):
            return await deed

    return asyncio.run(bounded())


def queue(first: float = 0.02, longest: float = 0.08) -> WorkQueue[str]:
    return WorkQueue(first, longest)


async def is_taken(one: WorkQueue[str], seconds: float) -> bool:
    """Whether a key is handed out within that time."""
    try:
        async with asyncio.timeout(seconds):
            await one.take()
    except TimeoutError:
        return False
    return True


def test_a_key_that_is_asked_for_often_is_looked_at_once() -> None:
    async def look() -> None:
        one = queue()
        for _ in range(100):
            one.add("a")
        one.add("b")

        taken = [await one.take(), await one.take()]

        assert ["a", "b"] == taken
        assert 0 == one.depth

    run(look())


def test_what_happens_during_a_look_is_looked_at_after_it_and_not_beside_it() -> None:
    async def look() -> None:
        one = queue()
        one.add("a")
        key = await one.take()
        one.add("a")
        beside = await is_taken(one, 0.02)

        one.done(key)

        assert not beside
        assert "a" == await one.take()

    run(look())


def test_a_key_asks_to_be_looked_at_later_and_the_earliest_wish_counts() -> None:
    async def look() -> None:
        one = queue()
        started = asyncio.get_running_loop().time()
        one.add_after("a", 5.0)
        one.add_after("a", 0.05)
        one.add_after("a", 3.0)

        await one.take()

        assert 0.05 <= asyncio.get_running_loop().time() - started < 2.0
        one.done("a")
        assert not await is_taken(one, 0.02)  # the other wishes were for the same look

    run(look())


def test_waits_after_failures_double_up_to_the_longest_and_end_with_a_success() -> None:
    async def look() -> None:
        one = queue()
        waits = []
        for _ in range(4):
            one.add("a")
            await one.take()
            waits.append(one.failed("a"))
        await one.take()
        one.done("a")
        one.add("a")
        await one.take()

        again = one.failed("a")

        for base, wait in zip((0.02, 0.04, 0.08, 0.08), waits, strict=True):
            assert 0.8 * base <= wait <= 1.2 * base
        assert again <= 1.2 * 0.02

    run(look())


def test_an_event_does_not_shorten_the_wait_after_a_failure_but_an_edit_does() -> None:
    async def look() -> None:
        one = queue(first=5.0, longest=5.0)
        one.add("a")
        await one.take()
        one.failed("a")
        one.add("a")
        after_event = await is_taken(one, 0.05)

        one.add("a", urgent=True)

        assert not after_event
        assert "a" == await one.take()

    run(look())


def test_the_server_is_not_asked_again_before_the_time_it_named() -> None:
    async def look() -> None:
        one = queue()
        one.add("a")
        await one.take()

        wait = one.failed("a", at_least=7.0, first_at_once=True)

        assert 7.0 == wait

    run(look())


def test_a_conflict_is_repeated_at_once_and_the_next_one_is_not() -> None:
    async def look() -> None:
        one = queue()
        one.add("a")
        await one.take()

        first = one.failed("a", first_at_once=True)
        await one.take()
        second = one.failed("a", first_at_once=True)

        assert (0.0, True) == (first, second > 0.0)

    run(look())


def test_wishes_that_came_to_nothing_are_forgotten() -> None:
    async def many_looks() -> int:
        one = queue()
        one.add_after("b", 1800.0)  # due before all that follow
        for _ in range(2000):
            one.add_after("a", 3600.0)
            one.add("a")
            one.done(await one.take())
        return len(one._later)

    assert run(many_looks()) < 100


def test_a_key_that_is_forgotten_is_never_looked_at_again() -> None:
    async def look() -> None:
        one = queue()
        one.add_after("a", 0.02)
        one.add("a")
        await one.take()

        one.forget("a")

        assert not await is_taken(one, 0.1)

    run(look())
