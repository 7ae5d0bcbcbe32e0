"""The service with a task that wants to run every 5 ms: how late it does is how long the event loop was busy.

python -m bench.ticking RESULT.json      the service's environment; the result is written when the server ends
"""

import asyncio
import json
import socket
import sys
from pathlib import Path

TICK_SECONDS = 0.005
LATE_SECONDS_MAX = 0.01


async def tick(late: list[float]) -> None:
    """Notes by how many seconds each tick came late."""
    loop = asyncio.get_running_loop()
    while True:
        due = loop.time() + TICK_SECONDS
        await asyncio.sleep(TICK_SECONDS)
        late.append(loop.time() - due)


def main() -> int:
    from clockifyrag_service.process import announce, serve
    from clockifyrag_service.settings import Settings
    from clockifyrag_service.threads import limit_library_threads

    settings = Settings()
    limit_library_threads(settings.max_workers)
    from clockifyrag_service import server
    from clockifyrag_service.parts import Parts

    late: list[float] = []
    untimed = server.serve

    async def timed(parts: Parts, api_socket: socket.socket) -> None:
        ticking = asyncio.create_task(tick(late))
        try:
            await untimed(parts, api_socket)
        finally:
            ticking.cancel()

    server.serve = timed
    code = serve(settings, announce)
    late.sort()
    in_time = sum(one <= LATE_SECONDS_MAX for one in late) / len(late)
    Path(sys.argv[1]).write_text(json.dumps({"in time": in_time, "p99": 1000 * late[int(0.99 * len(late))]}))
    return code


if __name__ == "__main__":
    sys.exit(main())
