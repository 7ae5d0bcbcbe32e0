"""A new generation is taken into service while questions are answered; a bad one is not; nothing fails."""

import asyncio
import io
import os
from pathlib import Path

import httpx
import pytest
from tests.server.conftest import ARTICLES, NEW_ARTICLE, Publish, Serve, Server, until
from tests.unit.plan.world import World

from clockifyrag_index.generations import publish as move_current
from clockifyrag_service.app import bare_app
from clockifyrag_service.embedding import EmbedderChoice
from clockifyrag_service.front import Front
from clockifyrag_service.loading import GlossaryFile, opened
from clockifyrag_service.parts import assembled
from clockifyrag_service.routes.chat import chat_routes
from clockifyrag_service.settings import Settings

SWAPS = 10
CLIENTS = 64
LOAD_SECONDS = 60.0


def generation(server: Server) -> str:
    return str(server.get("/health").json()["index"]["generation"])


def test_a_published_generation_answers_without_a_restart_and_old_answers_are_not_reused(
    serve: Serve, publish: Publish, tmp_path: Path
) -> None:
    root = tmp_path / "index"
    publish(root)
    server = serve(root)
    question = {"q": "flux capacitors"}
    before = [server.get("/search", params=question).json() for _ in range(2)][-1]

    second = publish(root, (*ARTICLES, NEW_ARTICLE))
    until(lambda: generation(server) == second, "the new generation is served", server.explain)
    after = server.get("/search", params=question).json()

    assert (True, "help/new") == (before["metadata"]["from_cache"], after["results"][0]["id"])
    assert second == after["metadata"]["index_generation"]
    assert "help/new" not in [result["id"] for result in before["results"]]


def test_follow_ups_come_from_the_generation_that_answered_though_the_next_one_took_over_meanwhile(
    publish: Publish, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = Settings(_env_file=None, index_root=tmp_path)  # type: ignore[call-arg]
    more = [("help", "help/projects", "Projects", f"Task number {n}", f"A task of a project, {n}.") for n in range(3)]
    articles = [*ARTICLES, *more]
    renamed = [(*article[:3], f"{article[3]} anew" if article[3] else "", article[4]) for article in articles]
    glossary, choice = GlossaryFile(None), EmbedderChoice(settings)
    first, second = (
        opened(tmp_path / "generations" / publish(tmp_path, each), settings, glossary, choice)
        for each in (articles, renamed)
    )
    parts = assembled(settings, io.StringIO())
    app = bare_app(None)
    app.include_router(chat_routes(parts))
    parts.serving.adopt(first)
    monkeypatch.setattr(parts.searching, "count", lambda *_: parts.serving.adopt(second))

    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(Front(app, parts))
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            return await client.post("/search/chat", json={"query": "what is a project", "k": 1})

    answer = asyncio.run(ask()).json()
    parts.searching.close()

    assert first.id == answer["metadata"]["index_generation"]
    assert answer["followup_suggestions"]
    assert [] == [heading for heading in answer["followup_suggestions"] if heading.endswith("anew")]
    assert second is parts.serving.current
    assert [first] == parts.serving.to_close
    for served in (first, second):
        served.generation.close()


def test_what_the_new_generation_cannot_answer_is_not_answered_from_the_old_one(
    serve: Serve, publish: Publish, tmp_path: Path
) -> None:
    root = tmp_path / "index"
    publish(root)
    server = serve(root)
    question = {"q": "clock in with a PIN", "namespace": "internal"}
    before = [server.get("/search", params=question).json() for _ in range(2)][-1]

    second = publish(root, [article for article in ARTICLES if article[0] != "internal"])
    until(lambda: generation(server) == second, "the new generation is served", server.explain)
    after = server.get("/search", params=question)

    assert (True, "internal/kiosk") == (before["metadata"]["from_cache"], before["results"][0]["id"])
    assert (404, "UNKNOWN_NAMESPACE") == (after.status_code, after.json()["error"]["code"])


def test_the_most_frequent_questions_are_answered_before_the_new_generation_serves(
    serve: Serve, publish: Publish, tmp_path: Path
) -> None:
    root = tmp_path / "index"
    publish(root)
    server = serve(root)
    for _ in range(3):
        server.get("/search", params={"q": "how to send an invoice"})

    second = publish(root, (*ARTICLES, NEW_ARTICLE))
    until(lambda: generation(server) == second, "the new generation is served", server.explain)
    first_answer = server.get("/search", params={"q": "how to send an invoice"}).json()

    assert (True, second) == (first_answer["metadata"]["from_cache"], first_answer["metadata"]["index_generation"])


SUBJECTS = ("the timer", "an invoice", "the kiosk", "a budget", "vacation")
QUESTIONS = tuple(f"flux capacitors and {subject}" for subject in SUBJECTS)  # each finds the new article by its words


async def ask_until(stop: asyncio.Event, session: httpx.AsyncClient, first: int) -> list[tuple[int, str, bool]]:
    """Status, generation, and whether the new article was found, of every answer; one question after the other."""
    answers = []
    asked = first
    while not stop.is_set():
        asked += 1
        fresh = "false" if asked % 3 else "true"  # cached answers must not outlive their generation either
        parameters = {"q": QUESTIONS[asked % len(QUESTIONS)], "k": 20, "cache": fresh}
        answer = await session.get("/search", params=parameters)
        document = answer.json()
        found_new = any(result["id"] == NEW_ARTICLE[1] for result in document.get("results", []))
        answers.append((answer.status_code, document["metadata"]["index_generation"], found_new))
    return answers


@pytest.mark.slow
def test_no_request_fails_while_generations_change_under_load(serve: Serve, publish: Publish, tmp_path: Path) -> None:
    root = tmp_path / "index"
    with_new, without = ids = [publish(root, (*ARTICLES, NEW_ARTICLE), current=False), publish(root)]
    server = serve(root)

    def swap_to(wanted: str) -> None:
        move_current(root, wanted)
        until(lambda: generation(server) == wanted, f"{wanted} is served", server.explain)

    async def swap_under_load() -> list[tuple[int, str, bool]]:
        stop, loop = asyncio.Event(), asyncio.get_running_loop()
        limits = httpx.Limits(max_connections=CLIENTS)
        async with httpx.AsyncClient(base_url=server.url, timeout=30, limits=limits) as session:
            clients = [asyncio.create_task(ask_until(stop, session, number)) for number in range(CLIENTS)]
            begin = loop.time()
            for swap in range(SWAPS):
                await asyncio.sleep(max(0.0, begin + swap * LOAD_SECONDS / SWAPS - loop.time()))  # the pace of the load
                await asyncio.to_thread(swap_to, ids[swap % 2])
            await asyncio.sleep(max(0.0, begin + LOAD_SECONDS - loop.time()))
            stop.set()
            return [answer for answers in await asyncio.gather(*clients) for answer in answers]

    answers = asyncio.run(swap_under_load())

    assert {(200, with_new, True), (200, without, False)} == set(answers)
    assert len(answers) > 10 * CLIENTS


def test_a_damaged_generation_is_refused_and_the_old_one_goes_on(
    serve: Serve, publish: Publish, tmp_path: Path
) -> None:
    root = tmp_path / "index"
    first = publish(root)
    server = serve(root)
    second = publish(root, (*ARTICLES, NEW_ARTICLE), current=False)
    chunks = root / "generations" / second / "chunks.jsonl"
    content = bytearray(chunks.read_bytes())
    content[len(content) // 2] ^= 1
    chunks.write_bytes(bytes(content))

    (root / "next").write_text(second + "\n")
    (root / "next").rename(root / "CURRENT")  # at once: the server looks at any moment
    until(lambda: server.get("/status").json()["problem"] is not None, "the refusal is told", server.explain)
    status, health = server.get("/status").json(), server.get("/health").json()

    assert (first, ["index"], "degraded") == (status["generation"], health["degraded"], health["status"])
    assert "chunks.jsonl" in status["problem"]
    assert status["damaged"]
    assert str(tmp_path) not in status["problem"]
    assert 200 == server.get("/search?q=timer").status_code == server.get("/ready").status_code


def test_the_operator_takes_the_word_of_a_pod_that_its_index_is_damaged(
    serve: Serve, publish: Publish, tmp_path: Path
) -> None:
    """What /status says, given to the plan of the operator."""
    root = tmp_path / "index"
    first = publish(root)
    os.truncate(root / "generations" / first / "chunks.jsonl", 100)
    server = serve(root, ready=False)
    until(lambda: server.get("/status").json()["damaged"], "the damage is told", server.explain)
    world = World()
    world.settle()
    pod = next(name for name, report in world.reports.items() if "problem" in report)

    world.reports[pod] = server.get("/status").json()
    world.work()

    assert ("True", "IndexCorrupt") == world.condition("Degraded")


def test_files_cut_under_a_running_server_are_told_and_opened_anew_once_they_are_right(
    serve: Serve, publish: Publish, tmp_path: Path
) -> None:
    root = tmp_path / "index"
    chunks = root / "generations" / publish(root) / "chunks.jsonl"
    server, right = serve(root), chunks.read_bytes()

    os.truncate(chunks, 100)
    failed = server.get("/search?q=invoice+timer&k=20").status_code
    until(lambda: server.get("/status").json()["damaged"], "the damage is told", server.explain)
    told = server.get("/status").json()
    chunks.write_bytes(right)
    until(lambda: not server.get("/status").json()["damaged"], "it is opened anew", server.explain)

    assert 500 == failed
    assert "chunks.jsonl" in told["problem"]
    assert str(tmp_path) not in told["problem"]
    assert server.get("/search?q=invoice+timer&k=20").json()["results"]
    assert server.get("/status").json()["problem"] is None


def test_a_server_told_its_generation_never_reads_current(serve: Serve, publish: Publish, tmp_path: Path) -> None:
    root = tmp_path / "index"
    first = publish(root)
    publish(root, (*ARTICLES, NEW_ARTICLE))

    server = serve(root, GENERATION=first)

    assert first == generation(server)


def test_a_server_follows_its_generation_file_and_not_current(serve: Serve, publish: Publish, tmp_path: Path) -> None:
    root, pointer = tmp_path / "index", tmp_path / "current"
    second = publish(root, (*ARTICLES, NEW_ARTICLE))
    first = publish(root)
    pointer.write_text(second)
    server = serve(root, GENERATION_FILE=pointer)
    served_first = generation(server)

    (tmp_path / "next").write_text(first + "\n")
    (tmp_path / "next").replace(pointer)
    until(lambda: generation(server) == first, "the file is followed", server.explain)

    assert second == served_first


def test_the_two_files_of_the_deployment_guide_name_a_generation(
    serve: Serve, publish: Publish, tmp_path: Path
) -> None:
    root = tmp_path / "index"
    first = publish(root)
    folder = root / "generations" / first

    server = serve(
        tmp_path / "nothing", FAISS_INDEX_PATH=folder / "index.bin", FAISS_METADATA_PATH=folder / "meta.json"
    )

    assert first == generation(server)


def test_a_changed_glossary_is_in_use_at_once_and_a_broken_one_leaves_the_last(
    serve: Serve, publish: Publish, tmp_path: Path
) -> None:
    root, glossary = tmp_path / "index", tmp_path / "glossary.csv"
    publish(root)
    glossary.write_text("term,aliases,type,notes\ninvoice,bill,term,\n")
    server = serve(root, GLOSSARY_PATH=glossary)

    def expanded(query: str) -> bool:
        answer = server.get("/search", params={"q": query, "cache": "false"}).json()
        return bool(answer["metadata"]["expansion_applied"])

    before = expanded("bill"), expanded("PTO")
    glossary.write_text("term,aliases,type,notes\nvacation,PTO,term,\n")
    until(lambda: (expanded("bill"), expanded("PTO")) == (False, True), "the new glossary is in use", server.explain)
    glossary.write_text("no glossary at all")
    until(lambda: "glossary" in server.get("/health").json()["degraded"], "the broken one is told", server.explain)

    assert (True, False) == before
    assert expanded("PTO")
