"""A stand-in for Ollama over real HTTP: a real one cannot be asked to hang, to break off or to answer NaN.

It speaks what we use of the API (/api/tags, /api/embed, /api/version, /api/pull, /api/copy), as Ollama 0.17 was seen to
answer; `registry` holds what may be pulled.
Vectors come from the words of a text: equal texts have equal vectors, texts that share words are near. It records every
request, so that a test can look at prefixes, `truncate` and `keep_alive` on the wire.

    with FakeOllama({"nomic-embed-text": 768}) as ollama:
        ollama.next(status(500), hangs)          # the next two requests for vectors
        ollama.behaviour = when("poison", status(400, "bad text"))
        OllamaEmbedder(ollama.url, "nomic-embed-text").embed_documents(["…"])
        assert ollama.inputs == [...]
"""

import hashlib
import json
import re
import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from http.server import BaseHTTPRequestHandler
from typing import Any, Self

import numpy as np
from threaded_server import ThreadedServer

Vectors = np.ndarray


@dataclass(frozen=True)
class Reply:
    """What goes over the wire. hang: nothing does until the server is closed. break_off: half of it, then the end.

    endless: the body again and again until the server is closed or the client goes away.
    """

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    hang: bool = False
    break_off: bool = False
    endless: bool = False


@dataclass(frozen=True)
class Question:
    """A request for vectors, and the right ones."""

    model: str
    texts: list[str]
    vectors: Vectors


Behaviour = Callable[[Question], Reply]


def healthy(question: Question) -> Reply:
    return vectors_reply(question, question.vectors)


def hangs(question: Question) -> Reply:
    return replace(healthy(question), hang=True)


def breaks_off(question: Question) -> Reply:
    return replace(healthy(question), break_off=True)


def status(code: int, error: str = "something went wrong", **headers: str) -> Behaviour:
    """Answers the error; headers as retry_after="1"."""
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda _: Reply(code, json.dumps({"error": error}).encode(), names)


def body(content: bytes) -> Behaviour:
    return lambda _: Reply(200, content)


def changed(change: Callable[[Vectors], Any]) -> Behaviour:
    """Answers the right vectors after `change`: another order, count, dimension, NaN …"""
    return lambda question: vectors_reply(question, change(question.vectors.copy()))


def when(word: str, behaviour: Behaviour) -> Behaviour:
    """The behaviour for a request with a text that holds the word, healthy for others."""
    return lambda question: behaviour(question) if any(word in text for text in question.texts) else healthy(question)


def in_batches(behaviour: Behaviour) -> Behaviour:
    """The behaviour for a request with several texts, healthy for a single one."""
    return lambda question: behaviour(question) if len(question.texts) > 1 else healthy(question)


def vectors_reply(question: Question, vectors: Any) -> Reply:
    rows = vectors.tolist() if isinstance(vectors, np.ndarray) else vectors
    count = sum(len(text.split()) + 2 for text in question.texts)
    return Reply(200, json.dumps({"model": question.model, "embeddings": rows, "prompt_eval_count": count}).encode())


def text_vectors(texts: Sequence[str], dimensions: int) -> Vectors:
    """(n, dimensions) float32 of length 1: the sum of a direction for each word."""
    words = [re.findall(r"\w+", text.lower()) or [text] for text in texts]
    rows = np.array([np.sum([_direction(word, dimensions) for word in one], axis=0) for one in words])
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


@lru_cache(maxsize=50_000)
def _direction(word: str, dimensions: int) -> Vectors:
    seed = int.from_bytes(hashlib.sha256(word.encode("utf-8", "surrogatepass")).digest()[:8], "little")
    return np.random.default_rng(seed).standard_normal(dimensions)


class FakeOllama:
    """The server, on a free port of 127.0.0.1 while the `with` block runs."""

    def __init__(self, models: Mapping[str, int] | None = None, port: int = 0) -> None:
        """models: name → dimensions; a name without a tag is listed with `:latest`, as Ollama does."""
        given = models or {"nomic-embed-text": 768, "all-minilm": 384}
        self.models = {name if ":" in name else f"{name}:latest": dims for name, dims in given.items()}
        self._port = port
        self.registry: dict[str, int] = {}  # what may be pulled: name as it is asked for → dimensions
        self.pull_failures: deque[str] = deque()  # errors that the next pulls end with
        self.digests: dict[str, str] = {}  # of models whose digest is not that of their name
        self.tags: object = None  # in place of the list of models
        self.behaviour: Behaviour = healthy
        self.requests: list[tuple[str, dict[str, Any]]] = []  # path, body
        self.authorizations: list[str | None] = []
        self._next: deque[Behaviour] = deque()
        self._closed = threading.Event()
        self._changed = threading.Condition()

    def __enter__(self) -> Self:
        self._server = ThreadedServer(_handler(self), self._port)
        return self

    def __exit__(self, *_: object) -> None:
        self._closed.set()
        self._server.close()

    @property
    def url(self) -> str:
        return self._server.url

    @property
    def bodies(self) -> list[dict[str, Any]]:
        """The bodies of the requests for vectors so far."""
        return [body for path, body in self.requests if path == "/api/embed"]

    @property
    def inputs(self) -> list[list[str]]:
        """The texts of each request for vectors so far."""
        return [body["input"] for body in self.bodies]

    def next(self, *behaviours: Behaviour) -> None:
        """The next requests for vectors get these, then `behaviour` holds again."""
        self._next.extend(behaviours)

    def wait_for(self, condition: Callable[[], bool], seconds: float = 10) -> bool:
        """Whether the condition came true, looked at after each request."""
        with self._changed:
            return self._changed.wait_for(condition, seconds)

    def digest(self, model: str) -> str:
        """64 hex digits for the listed model."""
        return self.digests.get(model) or hashlib.sha256(model.encode()).hexdigest()

    def pull(self, name: str) -> Reply:
        """Progress line by line, and the model is there; or an error as the last line."""
        lines: list[dict[str, Any]] = [{"status": "pulling manifest"}]
        if self.pull_failures:
            lines.append({"error": self.pull_failures.popleft()})
        elif name not in self.registry:
            lines.append({"error": "pull model manifest: file does not exist"})
        else:
            layer = {"status": "pulling 970aa74c0a90", "digest": "sha256:970aa74c0a90", "total": 274_290_656}
            lines += [layer, {**layer, "completed": 274_290_656}, {"status": "verifying sha256 digest"}]
            lines.append({"status": "success"})
            self.models[_tagged(name)] = self.registry[name]
        return Reply(200, "".join(json.dumps(line) + "\n" for line in lines).encode())

    def copy(self, source: str, destination: str) -> Reply:
        """The model under another name, with its digest; the answer is empty."""
        if _tagged(source) not in self.models:
            return Reply(404, json.dumps({"error": f'model "{source}" not found'}).encode())
        self.models[_tagged(destination)] = self.models[_tagged(source)]
        self.digests[_tagged(destination)] = self.digest(_tagged(source))
        return Reply(200, b"")

    def reply(self, path: str, body: dict[str, Any]) -> Reply:
        """What to answer; the request is recorded."""
        with self._changed:
            self.requests.append((path, body))
            self._changed.notify_all()
        if path == "/api/version":
            return Reply(200, b'{"version":"0.17.4"}')
        if path == "/api/tags":
            listed = [{"name": name, "model": name, "digest": self.digest(name)} for name in self.models]
            return Reply(200, json.dumps({"models": self.tags or listed}).encode())
        if path == "/api/pull":
            return self.pull(str(body["model"]))
        if path == "/api/copy":
            return self.copy(str(body["source"]), str(body["destination"]))
        if path != "/api/embed":
            return Reply(404, b"404 page not found")
        model = str(body["model"])
        dimensions = self.models.get(_tagged(model))
        if dimensions is None:
            return Reply(404, json.dumps({"error": f'model "{model}" not found, try pulling it first'}).encode())
        texts = [body["input"]] if isinstance(body["input"], str) else list(body["input"])
        behaviour = self._next.popleft() if self._next else self.behaviour
        return behaviour(Question(model, texts, text_vectors(texts, dimensions)))

    def wait_until_closed(self, seconds: float = 60) -> bool:
        """Whether the server was closed in that time."""
        return self._closed.wait(seconds)


def _tagged(name: str) -> str:
    """The name as it is listed: the shortest that means the same, with its tag."""
    name = name.removeprefix("registry.ollama.ai/").removeprefix("library/")
    return name if ":" in name.rpartition("/")[2] else f"{name}:latest"


def _handler(ollama: FakeOllama) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = 1 << 16  # headers and body leave together
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            self._send(ollama.reply(self.path, {}))

        def do_POST(self) -> None:
            content = self.rfile.read(int(self.headers.get("content-length", 0)))
            ollama.authorizations.append(self.headers.get("authorization"))
            self._send(ollama.reply(self.path, json.loads(content)))

        def _send(self, reply: Reply) -> None:
            if reply.hang:
                ollama.wait_until_closed()
                self.close_connection = True
                return
            self.send_response(reply.status)
            self.send_header("content-type", "application/json")
            if reply.endless:
                self._send_endlessly(reply.body)
                return
            self.send_header("content-length", str(len(reply.body)))
            for name, value in reply.headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.close_connection = self.close_connection or reply.break_off
            try:
                self.wfile.write(reply.body[: len(reply.body) // 2] if reply.break_off else reply.body)
                self.wfile.flush()
            except (BrokenPipeError, ConnectionResetError):
                self.close_connection = True  # the client went away, as one with a timeout does

        def _send_endlessly(self, body: bytes) -> None:
            self.end_headers()
            self.wfile.flush()
            self.close_connection = True  # its end is the answer's
            try:
                while not ollama.wait_until_closed(0.05):
                    self.connection.sendall(body)
            except (BrokenPipeError, ConnectionResetError):
                pass  # the client went away, as it should

        def log_message(self, format: str, *args: object) -> None:
            """Requests are recorded, not printed."""

    return Handler
