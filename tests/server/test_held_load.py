"""The load of the tests on a cluster, and its judge, without one: what they count as failed, and what as wrong."""

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest
from tests.cluster.load import Answer, History, Load, held, history
from tests.cluster.load.client import Manner, main
from tests.server.conftest import ARTICLES, NEW_ARTICLE, START_SECONDS, Publish, Serve, Server

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


@pytest.fixture
def outside(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Load is asked from here: there is no node."""
    monkeypatch.setattr(held, "in_namespace", lambda command: list(map(str, command)))
    monkeypatch.setattr(held, "HISTORIES", tmp_path)
    monkeypatch.setattr(held, "STEADY_SECONDS", 0.5)


@pytest.mark.usefixtures("outside")
def test_a_load_that_is_left_has_a_line_for_each_question(server: Server) -> None:
    with Load(server.url, "whole", rate=RATE, after=0.5) as load:
        pass

    numbers = [one.number for one in load.history.answers]
    assert [*range(len(numbers))] == sorted(numbers)
    assert len(numbers) >= RATE
    assert [] == load.history.failures


@pytest.mark.usefixtures("outside")
@pytest.mark.parametrize("after", [0, 0.5])
def test_a_load_that_dies_fails_its_test(server: Server, after: float) -> None:
    with (
        pytest.raises(AssertionError, match="the load has"),
        Load(server.url, "killed", rate=RATE, after=after) as load,
    ):
        load._process.kill()
        load._process.wait()


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory, publish: Publish) -> tuple[Path, list[str]]:
    """A volume with two generations whose answers differ, the older one first."""
    root = tmp_path_factory.mktemp("judged")
    return root, [publish(root, ARTICLES[:5]), publish(root, (*ARTICLES, NEW_ARTICLE))]


@pytest.fixture
def asked(judged: tuple[Path, list[str]], serve: Serve, tmp_path: Path) -> History:
    """Load on a server that changes from the first generation to the second meanwhile, until it has told of both."""
    root, (first, second) = judged
    wanted, file = tmp_path / "wanted", tmp_path / "history.jsonl"
    wanted.write_text(first)
    server = serve(root, GENERATION_FILE=wanted, PROFILE="production")

    async def answered_from(generation: str) -> None:
        while not file.exists() or generation not in History.read(file).generations:
            await asyncio.sleep(0.1)

    async def changed_over() -> None:
        try:
            async with asyncio.timeout(START_SECONDS):
                await answered_from(first)
                await asyncio.sleep(0.5)
                wanted.write_text(second)
                await answered_from(second)
                await asyncio.sleep(0.5)
        finally:
            os.kill(os.getpid(), signal.SIGTERM)

    async def held() -> None:
        changing = asyncio.create_task(changed_over())
        await main(server.url, RATE, file, Manner())
        await changing

    asyncio.run(held())
    return History.read(file)


WRONG: dict[str, tuple[Callable[[History, list[str]], History], str]] = {
    "a failure": (lambda asked, _: changed(asked, status=0, error="Unanswered"), "1 failed"),
    "a poorer answer": (lambda asked, _: changed(asked, degraded=["embedder"]), "1 are degraded"),
    "of nobody's": (lambda asked, _: changed(asked, generation="gen-000000000000"), "answers from"),
    "of the other one": (
        lambda asked, published: changed(asked, at=asked.good[-1].at, generation=published[1]),
        "answers are not those of",
    ),
    "of both": (lambda asked, _: changed(asked, fingerprint="0" * 16), "answers are not those of"),
    "an old one again": (lambda asked, _: changed(asked, at=asked.good[-1].at + 9), "older than what their pod told"),
}


def changed(asked: History, **other: object) -> History:
    """The history with its first answer otherwise."""
    return History([replace(asked.answers[0], **other), *asked.answers[1:]])  # type: ignore[arg-type]


def test_the_judge_finds_each_wrong_answer_and_none_where_all_are_right(
    asked: History, judged: tuple[Path, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given what a server told while its generation changed, then nothing is wrong with it; given one answer that is
    otherwise, then that is found.
    """
    root, published = judged
    replays = {one: history.replay(root, one, {}) for one in published}
    monkeypatch.setattr(history, "replay", lambda _, generation, __: replays[generation])

    right = asked.problems(root, published)
    found = {name: wrong(asked, published).problems(root, published) for name, (wrong, _) in WRONG.items()}

    assert set(published) == asked.generations
    assert [] == right
    assert dict.fromkeys(WRONG, 1) == {name: len(one) for name, one in found.items()}
    assert [] == [name for name, (_, words) in WRONG.items() if words not in found[name][0]]


ORDERS = {  # answers of a pod: when they were asked, when they were there, of which generation; which are out of turn
    "one after the other": ([(0, 1, "a"), (2, 3, "b"), (4, 5, "b")], ()),
    "asked before the newer one was there": ([(0, 9, "b"), (1, 10, "a")], ()),
    "asked after it": ([(0, 1, "b"), (2, 3, "a")], (1,)),
    "returned to": ([(0, 1, "a"), (2, 3, "b"), (4, 5, "c"), (6, 7, "b"), (8, 9, "c")], ()),
    "more often than it was returned to": ([(0, 1, "c"), (2, 3, "b"), (4, 5, "c"), (6, 7, "b")], (3,)),
    "of one that was never published": ([(0, 1, "x")], ()),
}


@pytest.mark.parametrize("name", ORDERS)
def test_an_answer_older_than_one_that_its_pod_told_before_it_was_asked_is_out_of_turn(name: str) -> None:
    told, late = ORDERS[name]
    answers = [Answer(n, 0, at, end - at, 200, generation=one, pod="p") for n, (at, end, one) in enumerate(told)]
    others = [replace(one, number=one.number + len(answers), pod=f"p{one.number}") for one in answers]

    found = History([*answers, *others]).out_of_turn(["a", "b", "c", "b", "c"])

    assert [answers[place] for place in late] == found
