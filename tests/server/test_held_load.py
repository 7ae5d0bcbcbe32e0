"""The load of the tests on a cluster, and its judge, without one: what they count as failed, and what as wrong."""

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path

import pytest
from tests.cluster.load import History
from tests.cluster.load.client import Manner, main

RATE = 50.0
Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


async def told(handler: Handler, file: Path) -> History:
    """What the load kept of half a second of a server that does as `handler` does with each connection."""
    server = await asyncio.start_server(handler, "127.0.0.1", 0)
    async with server:
        asyncio.get_running_loop().call_later(0.5, os.kill, os.getpid(), signal.SIGTERM)
        await main(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", RATE, file, Manner())
    return History.read(file)


@pytest.mark.parametrize("reset", [False, True], ids=["closed", "reset"])
def test_a_question_whose_connection_ends_before_its_answer_has_failed_and_is_not_asked_again(
    tmp_path: Path, reset: bool
) -> None:
    """Given a server that takes a question and ends the connection, then each question failed, and was sent once."""
    sent = 0

    async def ends(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        with suppress(asyncio.IncompleteReadError):
            await reader.readuntil(b"\r\n\r\n")
            sent += 1
        writer.transport.abort() if reset else writer.close()

    history = asyncio.run(told(ends, tmp_path / "history.jsonl"))

    assert len(history.answers) > 5
    assert len(history.answers) == len(history.failures) == sent


@pytest.mark.parametrize("body", [b"{}", b"[]", b'{"results": null, "metadata": {}}', b"{"])
def test_an_answer_that_is_none_has_failed(tmp_path: Path, body: bytes) -> None:
    """Given a server whose 200 holds no answer, then each question has its line, and failed."""

    async def answers(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(asyncio.IncompleteReadError):
            await reader.readuntil(b"\r\n\r\n")
            head = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n"
            writer.write(head % len(body) + body)
        writer.close()

    history = asyncio.run(told(answers, tmp_path / "history.jsonl"))

    assert [*range(len(history.answers))] == sorted(one.number for one in history.answers)
    assert len(history.answers) == len(history.failures) > 5
