"""Commands that wait for a server: one that is slow is no dead one, and what is wrong is said as it is."""

import socket
from collections.abc import Callable, Iterator
from contextlib import suppress
from threading import Thread

import pytest

from clockifyrag_cli import server, up

NOT_READY = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
READY = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
CUT = b""
NEVER = None

Serve = Callable[..., str]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """serve(*answers): the address of a server that gives them in turn, and then has ended.

    CUT: the connection is closed. NEVER: nothing is answered until the client has closed it.
    """
    with socket.create_server(("127.0.0.1", 0)) as listener:
        threads: list[Thread] = []

        def answer_in_turn(answers: tuple[bytes | None, ...]) -> None:
            for answer in answers:
                try:
                    connection, _ = listener.accept()
                except OSError:  # the test has ended
                    return
                with connection:
                    connection.recv(65536)
                    if answer is NEVER:
                        connection.recv(1)
                    else:
                        connection.sendall(answer)
            listener.close()

        def start(*answers: bytes | None) -> str:
            url = f"http://127.0.0.1:{listener.getsockname()[1]}"
            threads.append(Thread(target=answer_in_turn, args=(answers,), daemon=True))
            threads[-1].start()
            return url

        yield start
        with suppress(OSError):  # it is closed already
            listener.shutdown(socket.SHUT_RDWR)
        for thread in threads:
            thread.join(10)
            assert not thread.is_alive(), "somebody is still connected"


def test_the_address_is_told_once_it_is_ready(serve: Serve, capsys: pytest.CaptureFixture[str]) -> None:
    url = serve(NOT_READY, NOT_READY, READY)

    up.tell_when_ready(url, hint="; log: here")

    assert f"Ask your questions at {url}   (Ctrl-C ends; log: here)\n" == capsys.readouterr().out


@pytest.mark.parametrize("answer", [NEVER, CUT], ids=["that takes too long", "that is cut"])
def test_an_answer_that_does_not_come_is_asked_for_again(
    answer: bytes | None, serve: Serve, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(up, "READY_ANSWER_SECONDS", 0.2)
    url = serve(answer, NOT_READY, answer, *[READY] * 100)  # many: where this machine is slow, one is too late as well

    up.tell_when_ready(url)

    assert f"Ask your questions at {url} " in capsys.readouterr().out


def test_no_proxy_is_asked_for_this_machine(
    serve: Serve, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")
    url = serve(READY)

    up.tell_when_ready(url)

    assert url in capsys.readouterr().out


def test_nothing_is_told_of_a_server_that_ended(serve: Serve, capsys: pytest.CaptureFixture[str]) -> None:
    up.tell_when_ready(serve(NOT_READY))

    assert "" == capsys.readouterr().out


def test_a_server_that_is_slow_is_not_called_a_dead_one(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "TIMEOUT_SECONDS", 0.2)

    with pytest.raises(server.ServerError, match=r"did not answer within 0\.2 s; perhaps it has much to do"):
        server.ask(serve(NEVER), "/status", {})
