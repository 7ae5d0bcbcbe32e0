"""Connections that bring no request: nobody can keep the server's sockets by saying nothing."""

import asyncio
from contextlib import suppress

import pytest
from starlette.types import Receive, Scope, Send

from clockifyrag_service.heads import HEAD_BYTES_MAX
from clockifyrag_service.server import Server, configured, listening
from clockifyrag_service.settings import Settings

Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]

REQUEST = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"


async def answer(connection: Connection, request: bytes) -> bytes:
    """The head of the answer; there is no more."""
    reader, writer = connection
    writer.write(request)
    return await reader.readuntil(b"\r\n\r\n")


@pytest.mark.parametrize(
    ("asked_before", "sent"),
    [
        pytest.param(False, b"", id="nothing"),
        pytest.param(False, REQUEST[:20], id="half-a-request"),
        pytest.param(True, REQUEST[:20], id="half-a-second-request"),
    ],
)
def test_a_connection_without_a_whole_request_is_cut_and_others_stay(asked_before: bool, sent: bytes) -> None:
    async def scene() -> tuple[bytes, bytes]:
        may_answer = asyncio.Event()

        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["path"] == "/slow":
                await may_answer.wait()
            await send({"type": "http.response.start", "status": 204, "headers": []})
            await send({"type": "http.response.body", "body": b""})

        async def connected() -> Connection:
            return await asyncio.open_connection(*bound.getsockname())

        with listening("127.0.0.1", 0, "API_PORT") as bound:
            config = configured(app, Settings(_env_file=None), tls=False, lifespan="off")  # type: ignore[call-arg]
            server = Server(config, request_seconds=0.2, silent_seconds=0.4)
            serving = asyncio.create_task(server.serve([bound]))
            idle, slow, cut = [await connected() for _ in range(3)]
            await answer(idle, REQUEST)  # from here on it may keep alive
            slow[1].write(REQUEST.replace(b"/ ", b"/slow "))
            if asked_before:
                await answer(cut, REQUEST)
            cut[1].write(sent)

            with suppress(ConnectionResetError):
                await asyncio.wait_for(cut[0].read(), 10)
            may_answer.set()
            answers = await answer(slow, b""), await answer(idle, REQUEST)
            server.should_exit = True
            for _, writer in (idle, slow, cut):
                writer.close()
            await serving
        return answers

    answers = asyncio.run(scene())

    assert [b"HTTP/1.1 204 No Content"] * 2 == [one.partition(b"\r\n")[0] for one in answers]


@pytest.mark.parametrize(
    ("begun", "filling", "answered"),
    [
        pytest.param(b"GET / HTTP/1.1\r\nHost: x\r\nX-Long: ", b"a", b"HTTP/1.1 431", id="a-header"),
        pytest.param(b"GET / HTTP/1.1\r\n", b"a: b\r\n", b"HTTP/1.1 431", id="headers"),
        pytest.param(
            b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1;long=", b"a", b"", id="before-a-chunk"
        ),
    ],
)
def test_a_head_without_end_is_refused_before_it_keeps_the_server_from_others(
    begun: bytes, filling: bytes, answered: bytes
) -> None:
    async def scene() -> tuple[bytes, bytes]:
        head_is_heard = asyncio.Event()

        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            head_is_heard.set()
            while (await receive()).get("more_body"):
                pass
            await send({"type": "http.response.start", "status": 204, "headers": []})
            await send({"type": "http.response.body", "body": b""})

        with listening("127.0.0.1", 0, "API_PORT") as bound:
            server = Server(configured(app, Settings(_env_file=None), tls=False, lifespan="off"))  # type: ignore[call-arg]
            serving = asyncio.create_task(server.serve([bound]))
            reader, writer = await asyncio.open_connection(*bound.getsockname())
            writer.write(begun)
            if b"chunked" in begun:
                await head_is_heard.wait()
            writer.write(filling * (HEAD_BYTES_MAX // len(filling) + 1))
            refused = await asyncio.wait_for(reader.read(len(b"HTTP/1.1 431")), 10)
            other = await asyncio.open_connection(*bound.getsockname())
            long = await answer(other, REQUEST[:-2] + b"X-Long: " + b"a" * (HEAD_BYTES_MAX - 100) + b"\r\n\r\n")
            server.should_exit = True
            for one in (writer, other[1]):
                one.close()
            await serving
        return refused, long

    refused, long = asyncio.run(scene())

    assert (answered, b"HTTP/1.1 204") == (refused, long[:12])
