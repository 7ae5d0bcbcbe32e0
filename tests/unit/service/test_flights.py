"""One computation for equal questions that are asked at the same time."""

import asyncio

import pytest

from clockifyrag_service.flights import SingleFlight


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
