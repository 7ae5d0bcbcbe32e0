"""A model server over HTTP, as much of Ollama's API as embedding needs, with faults to switch on."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from typing import Any

from threaded_server import ThreadedServer

from clockifyrag_index.embedders import Embedder, Vectors


class ModelServer:
    """Embeds with `embedder` under the name `model`; notes every text it was asked for."""

    def __init__(self, model: str, embedder: Embedder) -> None:
        self.model = model
        self.embedder = embedder
        self.broken = False  # answer 500 to everything
        self.transform: Callable[[Vectors], Vectors] = lambda rows: rows
        self.questions: list[str] = []
        self._may_answer = threading.Event()
        self._may_answer.set()

    @property
    def url(self) -> str:
        return self._server.url

    def __enter__(self) -> "ModelServer":
        self._server = ThreadedServer(self._handler())
        return self

    def __exit__(self, *_: object) -> None:
        self._may_answer.set()
        self._server.close()

    @contextmanager
    def hanging(self) -> Iterator[None]:
        """Within the block requests are taken and not answered."""
        self._may_answer.clear()
        try:
            yield
        finally:
            self._may_answer.set()

    def answer(self, path: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        self._may_answer.wait(30)
        if self.broken:
            return 500, {"error": "broken on purpose"}
        if path == "/api/tags":
            return 200, {"models": [{"name": f"{self.model}:latest", "digest": "1" * 64}]}
        if path == "/api/embed":
            texts = [body["input"]] if isinstance(body["input"], str) else list(body["input"])
            self.questions.extend(texts)
            rows = self.transform(self.embedder.embed_documents(texts))
            return 200, {"embeddings": rows.tolist()}
        return 404, {"error": f"no {path}"}

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                self._send(*outer.answer(self.path, {}))

            def do_POST(self) -> None:
                content = self.rfile.read(int(self.headers["Content-Length"]))
                self._send(*outer.answer(self.path, json.loads(content)))

            def _send(self, status: int, document: dict[str, Any]) -> None:
                content = json.dumps(document).encode()
                try:
                    self.send_response(status)
                    self.send_header("Content-Type", "application/json")
                    self.send_header("Content-Length", str(len(content)))
                    self.end_headers()
                    self.wfile.write(content)
                except (BrokenPipeError, ConnectionResetError):
                    self.close_connection = True  # the client did not wait

            def log_message(self, format: str, *args: object) -> None:
                pass

        return Handler
