"""LoopThread: a coroutine in an event loop and a thread of its own, watched from another loop."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable


class LoopThread:
    """Runs `work` from now on; made, waited for and stopped in the loop that watches it.

    The thread does not hold up the end of the process.
    """

    def __init__(self, name: str, work: Callable[[asyncio.Event], Awaitable[None]]) -> None:
        """work: is given the event that tells it to end."""
        self._work = work
        self._watching = asyncio.get_running_loop()
        self._ended: asyncio.Future[None] = self._watching.create_future()
        self._running: tuple[asyncio.AbstractEventLoop, asyncio.Event] | None = None  # None: it has not begun
        self._stopped = False
        threading.Thread(target=self._run, name=name, daemon=True).start()

    async def ended(self) -> None:
        """Returns when the work has ended; raises what it failed of."""
        await asyncio.shield(self._ended)

    def stop(self) -> None:
        """Tells the work to end, also where it has not begun, and does not wait for it."""
        self._stopped = True
        if self._running is not None:
            loop, told_to_end = self._running
            if not loop.is_closed():
                loop.call_soon_threadsafe(told_to_end.set)

    def tell(self, failure: BaseException | None) -> None:
        """The work counts as ended, by this failure or without one, however long it takes. For its own thread."""
        if not self._watching.is_closed():
            self._watching.call_soon_threadsafe(self._end, failure)

    def _run(self) -> None:
        failure: BaseException | None = None
        try:
            asyncio.run(self._run_work())
        except BaseException as error:  # handed over, whatever it is
            failure = error
        self.tell(failure)

    async def _run_work(self) -> None:
        told_to_end = asyncio.Event()
        self._running = (asyncio.get_running_loop(), told_to_end)
        if self._stopped:  # before anybody could be told
            told_to_end.set()
        await self._work(told_to_end)

    def _end(self, failure: BaseException | None) -> None:
        if self._ended.done():
            return
        if failure is None:
            self._ended.set_result(None)
        else:
            self._ended.set_exception(failure if isinstance(failure, Exception) else RuntimeError(repr(failure)))
            self._ended.exception()  # seen, even if the one who waited was cancelled
