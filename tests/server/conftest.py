"""A real server on a free port over a real index: `serve(...)` starts one, `publish(...)` builds and publishes."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest

from clockifyrag_index.chunk import Chunk
from clockifyrag_index.embedders import Embedder
from clockifyrag_index.embedders.canaries import CANARY_TEXTS
from clockifyrag_index.embedders.opening import open_embedder
from clockifyrag_index.generations import publish as move_current
from clockifyrag_index.manifest import IndexParameters, canary
from clockifyrag_index.statistics import write_statistics
from clockifyrag_index.writer import GenerationPlan, write_generation
from clockifyrag_resource.profiles import model_profile

START_SECONDS = 30.0

# (namespace, document, title, heading, content): two namespaces, two sections in some, hostile text in one.
ARTICLES: tuple[tuple[str, str, str, str, str], ...] = (
    ("help", "help/force-timer", "Force timer", "", "Force timer makes people track time with the timer only."),
    ("help", "help/force-timer", "Force timer", "Enable force timer", "Open workspace settings and switch it on."),
    ("help", "help/invoices", "Invoicing", "Create an invoice", "Create an invoice for a client from tracked hours."),
    ("help", "help/invoices", "Invoicing", "Send an invoice by e-mail", "Send the invoice as a PDF to the client."),
    ("help", "help/projects", "Projects", "What is a project", "A project groups tasks and time entries of a client."),
    ("help", "help/projects", "Projects", "Project budget", "Set a budget in hours or money and get alerts."),
    ("help", "help/reports", "Reports", "Detailed report", "Filter the report and export it to PDF, CSV or Excel."),
    ("help", "help/time-off", "Time off", "Request vacation", "Request days off; a manager approves or rejects them."),
    ("help", "help/track-time", "Track time", "Manual entry", "Add a time entry by hand: start, end, project, tag."),
    ("help", "help/track-time", "Track time", "Timer", "Press start, and stop the timer when the work is done."),
    ("help", "help/<script>", "<script>alert(1)</script>", "Bold & <b>", "A hostile title must never become markup."),
    ("internal", "internal/kiosk", "Kiosk", "PIN codes", "Employees clock in at a kiosk with a PIN code."),
)
NEW_ARTICLE = ("help", "help/new", "Brand new article", "", "Only the second index tells about flux capacitors.")


def chunks_of(articles: Sequence[tuple[str, str, str, str, str]]) -> list[Chunk]:
    """The chunks of articles, in row order; the addresses are those of documents without an own one."""
    ordered = sorted(articles, key=lambda article: article[:2])
    chunks: list[Chunk] = []
    for namespace, document, title, heading, content in ordered:
        position = sum(chunk.document_id == document for chunk in chunks)
        anchor = heading.lower().replace(" ", "-")
        chunks.append(
            Chunk(
                chunk_id=f"{len(chunks):016x}",
                document_id=document,
                namespace=namespace,
                position=position,
                title=title,
                headings=(heading,) if heading else (),
                content=content,
                url=f"/articles/{document.replace('<', '%3C').replace('>', '%3E')}" + (f"#{anchor}" if anchor else ""),
                category=document.rpartition("/")[0],
                parent=None,
                previous=None,
                next=None,
                also_at=(),
            )
        )
    return chunks


@pytest.fixture(scope="session")
def embedder() -> Iterator[Embedder]:
    """wordllama: fast, and in the process."""
    embedder = open_embedder("Local", model_profile("wordllama"))
    yield embedder
    embedder.close()


Publish = Callable[..., str]


@pytest.fixture(scope="session")
def publish(embedder: Embedder) -> Publish:
    """publish(root, articles=ARTICLES, current=True, embedder=wordllama) → id of the generation added to `root`."""
    wordllama = embedder

    def build(
        root: Path,
        articles: Sequence[tuple[str, str, str, str, str]] = ARTICLES,
        current: bool = True,
        embedder: Embedder = wordllama,
    ) -> str:
        chunks = chunks_of(articles)
        vectors = embedder.embed_documents([chunk.embedded_text for chunk in chunks])
        plan = GenerationPlan(
            chunks=chunks,
            vectors=vectors,
            embedder=embedder.identity,
            canaries=tuple(map(canary, CANARY_TEXTS, embedder.embed_documents(CANARY_TEXTS))),
            chunking={},
            index=IndexParameters(),
            build_key="test",
            source_digest="sha256:" + "0" * 64,
            reason="Test",
            builder="test",
        )
        outcome = write_generation(root, plan, lambda folder: write_statistics(folder, chunks))
        if current:
            move_current(root, outcome.id)
        return outcome.id

    return build


@dataclass
class Server:
    """A server process; its log is a file."""

    process: subprocess.Popen[str]
    url: str
    log: Path
    client: httpx.Client = field(init=False)

    def __post_init__(self) -> None:
        self.client = httpx.Client(base_url=self.url, timeout=10, verify=False)

    def get(self, path: str, **arguments: object) -> httpx.Response:
        return self.client.get(path, **arguments)  # type: ignore[arg-type]

    def post(self, path: str, body: object, **arguments: object) -> httpx.Response:
        return self.client.post(path, json=body, **arguments)  # type: ignore[arg-type]

    def ask_at_once(self, count: int, query: str, **headers: str) -> list[httpx.Response]:
        """The answers to `count` equal questions sent at the same time."""

        async def ask() -> list[httpx.Response]:
            limits = httpx.Limits(max_connections=count)
            async with httpx.AsyncClient(base_url=self.url, limits=limits, timeout=30) as client:
                return await asyncio.gather(
                    *(client.get("/search", params={"q": query}, headers=headers) for _ in range(count))
                )

        return asyncio.run(ask())

    def wait_ready(self) -> "Server":
        until(lambda: self.get("/ready").status_code == 200, "the server is ready", self.explain)
        return self

    def explain(self) -> str:
        return self.log.read_text()[-3000:]

    def stop(self, seconds: float = 15) -> int:
        """SIGTERM; the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(seconds)


def until(
    holds: Callable[[], bool], what: str, explain: Callable[[], str] = lambda: "", seconds: float = START_SECONDS
) -> None:
    """Returns as soon as `holds()`; fails with an explanation when it does not within `seconds`."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}\n{explain()}"
        time.sleep(0.01)


Serve = Callable[..., Server]


@pytest.fixture(scope="session")
def serve_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serve]:
    """As `serve`, for servers that live as long as the tests."""
    yield from serving(tmp_path_factory.mktemp("servers"))


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Serve]:
    """serve(root, ready=True, **settings) → a running server with those environment variables."""
    yield from serving(tmp_path)


def serving(folder: Path) -> Iterator[Serve]:
    servers: list[Server] = []

    def start(root: Path, *, ready: bool = True, **settings: object) -> Server:
        log = folder / f"server-{len(servers)}.log"
        variables = {"INDEX_ROOT": root, "API_PORT": 0, "POLL_SECONDS": 0.05, "LOG_FILE": log, **settings}
        inherited = {name: value for name, value in os.environ.items() if name in ("PATH", "PYTHONPATH", "HOME")}
        process = subprocess.Popen(
            [sys.executable, "-m", "clockifyrag_service"],
            env=inherited | {name: str(value) for name, value in variables.items()},
            cwd=folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert process.stdout is not None
        said = process.stdout.readline()
        if not said.startswith("Serving on "):
            raise AssertionError(f"the server did not start: {process.communicate()[1]}")
        server = Server(process, said.removeprefix("Serving on ").strip(), log)
        servers.append(server)
        return server.wait_ready() if ready else server

    yield start
    for server in servers:
        if server.process.poll() is None:
            server.stop()
        server.client.close()
        for stream in (server.process.stdout, server.process.stderr):
            if stream is not None:
                stream.close()


@pytest.fixture(scope="session")
def index_root(tmp_path_factory: pytest.TempPathFactory, publish: Publish) -> Path:
    """The sample articles, published; nobody changes it."""
    root = tmp_path_factory.mktemp("index")
    publish(root)
    return root


@pytest.fixture(scope="session")
def server(serve_process: Serve, index_root: Path) -> Server:
    """A server with the settings' defaults, for tests that only ask."""
    return serve_process(index_root)
