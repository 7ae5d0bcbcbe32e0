"""What pods say of themselves, asked over HTTP at their own addresses."""

import asyncio
import json
from typing import Any

import pytest
from aiohttp import web
from tests.unit.loop.served import beside

from clockifyrag_operator import names, pods
from clockifyrag_operator.observed import PodReport
from clockifyrag_operator.pods import Pods


def pod(name: str, component: str, address: str = "127.0.0.1", phase: str = "Running") -> dict[str, Any]:
    return {
        "kind": "Pod",
        "metadata": {"name": name, "uid": name, "resourceVersion": "1", "labels": names.labels("help", component)},
        "status": {"phase": phase, "podIP": address},
    }


@pytest.fixture
def ask(monkeypatch: pytest.MonkeyPatch) -> Any:
    """ask(answer, pods): their reports, with `answer` at the address of each."""

    def asking(answer: Any, *running: dict[str, Any], times: int = 1) -> dict[str, PodReport]:
        async def deed(_host: str, port: int) -> dict[str, PodReport]:
            for component, (_, path) in list(pods.ASKED.items()):
                monkeypatch.setitem(pods.ASKED, component, (port, path))
            one = Pods(0.3)
            try:
                for _ in range(times - 1):
                    await one.reports(running)
                return await one.reports(running)
            finally:
                await one.close()

        return beside(answer, deed)

    return asking


def test_each_component_is_asked_where_it_tells_its_state(ask: Any) -> None:
    async def answer(request: web.Request) -> web.Response:
        if request.path == "/api/tags":
            return web.json_response({"models": [{"name": "all-minilm:latest", "digest": "abc"}]})
        return web.json_response({"path": request.path})

    told = ask(answer, pod("s", names.SEARCH), pod("b", names.BUILD), pod("o", names.OLLAMA), pod("x", names.STORE))

    assert {"path": "/status"} == told["s"].values == told["b"].values
    assert {"all-minilm:latest": "abc"} == told["o"].values
    assert "x" not in told  # a store has nothing to tell


SILENT: dict[str, Any] = {
    "an error": web.Response(status=503),
    "no JSON": web.Response(text="hello"),
    "no object": web.Response(text="[1]"),
    "a redirection elsewhere": web.Response(status=302, headers={"Location": "http://127.0.0.1:1/"}),
    "too much": web.Response(text=json.dumps({"x": "y" * pods.ANSWER_BYTES_MAX})),
    "an answer that never comes": None,
}


@pytest.mark.parametrize("case", SILENT)
def test_a_pod_that_does_not_tell_its_state_is_left_out(ask: Any, case: str) -> None:
    prepared = SILENT[case]

    async def answer(_: web.Request) -> web.Response:
        if prepared is None:
            await asyncio.sleep(60)
        return web.Response(text=prepared.text, status=prepared.status, headers=prepared.headers)

    assert {} == ask(answer, pod("s", names.SEARCH))


def test_an_answer_is_read_to_its_end_however_many_parts_it_comes_in(ask: Any) -> None:
    models = [{"name": f"model-{number}:latest", "digest": "abc"} for number in range(100)]
    whole = json.dumps({"models": models}).encode()
    all_told = asyncio.Event()

    async def answer(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        for begin in range(0, len(whole), 1000):
            await response.write(whole[begin : begin + 1000])
            await asyncio.sleep(0)  # the other side reads what is there
        await response.write_eof()
        all_told.set()
        return response

    told = ask(answer, pod("o", names.OLLAMA))

    assert 100 == len(told["o"].values)


def test_what_a_pod_says_can_be_written_on(ask: Any) -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(text='{"problem": "caf\\udce9.md", "done": Infinity, "total": 1e20}')

    told = ask(answer, pod("b", names.BUILD))

    assert {"problem": "caf?.md", "done": None, "total": None} == told["b"].values


def test_a_pod_that_does_not_run_is_not_asked(ask: Any) -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.json_response({})

    assert {} == ask(answer, pod("s", names.SEARCH, phase="Pending"), pod("b", names.BUILD, address=""))


def test_a_burst_of_events_asks_a_pod_once(ask: Any) -> None:
    asked = []

    async def answer(_: web.Request) -> web.Response:
        asked.append(1)
        return web.json_response({})

    ask(answer, pod("s", names.SEARCH), times=5)

    assert 1 == len(asked)


@pytest.mark.parametrize(
    ("component", "version_then", "last_word_seconds", "told"),
    [
        (names.SEARCH, "1", 60.0, ["s"]),
        (names.SEARCH, "2", 60.0, []),  # it changed meanwhile: its container may be another
        (names.SEARCH, "1", 0.0, []),  # it said that long ago
        (names.OLLAMA, "1", 60.0, []),  # a model server that is silent does not answer questions either
    ],
)
def test_a_search_pod_that_misses_one_question_is_taken_at_its_last_word(
    monkeypatch: pytest.MonkeyPatch, component: str, version_then: str, last_word_seconds: float, told: list[str]
) -> None:
    asked: list[int] = []

    async def answer(_: web.Request) -> web.Response:
        asked.append(1)
        return web.json_response({"models": []}) if len(asked) == 1 else web.Response(status=503)

    async def deed(_host: str, port: int) -> tuple[list[str], list[str]]:
        monkeypatch.setitem(pods.ASKED, component, (port, pods.ASKED[component][1]))
        monkeypatch.setattr(pods, "FRESH_SECONDS", 0.0)
        monkeypatch.setattr(pods, "LAST_WORD_SECONDS", last_word_seconds)
        one, pod_then = Pods(0.3), pod("s", component)
        pod_then["metadata"]["resourceVersion"] = version_then
        try:
            return list(await one.reports([pod("s", component)])), list(await one.reports([pod_then]))
        finally:
            await one.close()

    assert (["s"], told) == beside(answer, deed)
