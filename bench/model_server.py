"""A stand-in for Ollama whose speed is known: TEXT_SECONDS a text, one text at a time, over real HTTP.

The figures of builds measure what is around the model, so the model must cost the same on both sides: a real one on the
two cores that also build would not. Vectors come from the digest of a text.
It runs in a process of its own: `python -m bench.model_server`.
"""

import hashlib
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import numpy as np
import orjson

MODEL, DIMENSIONS, DIGEST = "all-minilm", 384, "1b226e2802db" + "0" * 52
TEXT_SECONDS = 0.02

_one_at_a_time = threading.Lock()  # embedding models run with parallel = 1 (ollama/ollama, server/sched.go)
_embedded = 0


class Handler(BaseHTTPRequestHandler):
    """/api/tags and /api/embed as Ollama answers them, and /embedded: texts embedded since that was asked last."""

    protocol_version = "HTTP/1.1"
    wbufsize = 1 << 16
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        if self.path == "/embedded":
            self._answer({"texts": taken_count()})
        else:
            self._answer({"models": [{"name": f"{MODEL}:latest", "model": f"{MODEL}:latest", "digest": DIGEST}]})

    def do_POST(self) -> None:
        asked = orjson.loads(self.rfile.read(int(self.headers["content-length"])))
        texts = [asked["input"]] if isinstance(asked["input"], str) else asked["input"]
        self._answer({"model": MODEL, "embeddings": [embedded(text) for text in texts]})

    def log_message(self, format: str, *args: object) -> None:
        """Nobody reads it."""

    def _answer(self, body: dict[str, Any]) -> None:
        content = orjson.dumps(body, option=orjson.OPT_SERIALIZE_NUMPY)
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


def embedded(text: str) -> "np.ndarray[Any, np.dtype[np.float32]]":
    """The (DIMENSIONS,) vector of a text, TEXT_SECONDS after the text before it was done at the earliest."""
    global _embedded
    with _one_at_a_time:
        ends = time.perf_counter() + TEXT_SECONDS
        seed = int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "little")
        vector = np.random.default_rng(seed).standard_normal(DIMENSIONS, np.float32)
        vector /= np.linalg.norm(vector)
        _embedded += 1
        time.sleep(max(0.0, ends - time.perf_counter()))
        return vector


def taken_count() -> int:
    """Texts embedded since this was asked last."""
    global _embedded
    with _one_at_a_time:
        count, _embedded = _embedded, 0
    return count


def main() -> None:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    print(f"Serving on http://127.0.0.1:{server.server_port}", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
