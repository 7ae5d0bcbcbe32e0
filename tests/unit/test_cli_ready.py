"""`clockifyrag up` tells the address once questions are answered there, however long that takes."""

import socket
from collections.abc import Callable, Iterator
from contextlib import suppress
from threading import Thread

import pytest

from clockifyrag_cli import up

NOT_READY = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
READY = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
NEVER = None

Serve = Callable[..., str]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """serve(*answers): the address of a server that gives them in turn, and then has ended.

    NEVER: nothing is answered; the next one is given once the client has closed the connection.
    """
    listener = socket.create_server(("127.0.0.1", 0))
    threads: list[Thread] = []

    def answer_in_turn(answers: tuple[bytes | None, ...]) -> None:
        with listener, suppress(OSError):  # the test has ended, or the client waits no more
            for answer in answers:
                with listener.accept()[0] as connection:
                    connection.recv(65536)
                    if answer is NEVER:
                        connection.recv(1)
                    else:
                        connection.sendall(answer)

    def start(*answers: bytes | None) -> str:
        threads.append(Thread(target=answer_in_turn, args=(answers,)))
        threads[-1].start()
        return f"http://127.0.0.1:{listener.getsockname()[1]}"

    yield start
    with suppress(OSError):  # it is closed already
        listener.shutdown(socket.SHUT_RDWR)
    for thread in threads:
        thread.join()


def test_the_address_is_told_once_it_is_ready(serve: Serve, capsys: pytest.CaptureFixture[str]) -> None:
    url = serve(NOT_READY, NOT_READY, READY)

    up.tell_when_ready(url, more="; log: here")

    assert f"Ask your questions at {url}   (Ctrl-C ends; log: here)\n" == capsys.readouterr().out


def test_an_answer_that_takes_too_long_is_asked_for_again(
    serve: Serve, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(up, "READY_ANSWER_SECONDS", 0.2)
    url = serve(NEVER, NOT_READY, NEVER, *[READY] * 100)  # however often that is too late as well

    up.tell_when_ready(url)

    assert f"Ask your questions at {url} " in capsys.readouterr().out


def test_nothing_is_told_of_a_server_that_ended(serve: Serve, capsys: pytest.CaptureFixture[str]) -> None:
    up.tell_when_ready(serve(NOT_READY))

    assert "" == capsys.readouterr().out
