"""LoopThread: work in a loop of its own, which ends when it is told to."""

import asyncio

from clockifyrag_operator.loop_thread import LoopThread

SECONDS = 5.0


def test_work_that_is_stopped_before_it_has_begun_ends() -> None:
    async def watched() -> None:
        thread = LoopThread("tested", lambda told_to_end: told_to_end.wait())
        thread.stop()
        await asyncio.wait_for(thread.ended(), SECONDS)

    asyncio.run(watched())
