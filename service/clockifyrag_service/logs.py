"""Logs: one JSON object a line, with the request id; questions as a short hash unless LOG_QUERIES says otherwise.

Lines of requests are many. Each is put together in the event loop, which takes two microseconds; a thread writes them a
few times a second, so that a slow disk slows no answer. When that thread put them together as well, the loop waited for
the interpreter, twelve milliseconds at a time.
"""

import hashlib
import logging
import secrets
import sys
import threading
import time
from collections import deque
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import IO, Any

import orjson

FLUSH_SECONDS = 0.2
PENDING_MAX = 50_000  # lines that may wait for a slow disk before lines are dropped and counted

STANDARD_FIELDS = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "color_message", "taskName"}


REQUEST_LINE = (
    '{"time":"%s.%03dZ","level":"info","logger":"clockifyrag_service.request","message":"request","request_id":"%s",'
    '"method":"%s","endpoint":"%s","status":%d,"latency_ms":%.3f%s}\n'
)


def timestamp(seconds: float) -> str:
    """RFC 3339 in UTC with milliseconds.

    >>> timestamp(0.25)
    '1970-01-01T00:00:00.250Z'
    """
    whole = int(seconds)
    return f"{second_stamp(whole)}.{int((seconds - whole) * 1000):03d}Z"


@lru_cache(maxsize=16)
def second_stamp(seconds: int) -> str:
    """Many lines fall into one second, which is written out once."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")


class JsonLines(logging.Formatter):
    """A record as one JSON object; values of `extra` become fields."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": timestamp(record.created),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        line |= {name: value for name, value in record.__dict__.items() if name not in STANDARD_FIELDS}
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return orjson.dumps(line, default=str, option=orjson.OPT_NON_STR_KEYS).decode()


def open_log(file: Path | None) -> IO[str]:
    """The stream that lines are written to: the file, opened for appending, or standard error.

    ValueError where it cannot be opened.
    """
    try:
        return file.open("a", encoding="utf-8") if file else sys.stderr
    except OSError as error:
        raise ValueError(f"LOG_FILE {file} cannot be written ({error.strerror}); name a file that may be") from error


def set_up_logging(level: str, stream: IO[str]) -> None:
    """Sends every logger's lines, uvicorn's too, to the stream as JSON."""
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonLines())
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    logging.getLogger("httpx").setLevel(max(logging.WARNING, logging.getLogger().level))  # it logs URLs with hosts


@lru_cache(maxsize=4096)
def query_hash(query: str, key: bytes = b"") -> str:
    """Twelve hex digits that are equal for equal questions; without the key nobody can try questions against them."""
    return hashlib.blake2b(query.encode("utf-8", "replace"), digest_size=6, key=key).hexdigest()


def hash_key(file: Path | None) -> bytes:
    """The key of `query_hash`: the first 64 bytes of the file, random ones where it is missing; b"" without a file.

    ValueError where it may not be read.
    """
    if file is None:
        return b""
    try:
        key = file.read_bytes()[: hashlib.blake2b.MAX_KEY_SIZE]
    except FileNotFoundError:
        logging.getLogger(__name__).warning("LOG_KEY_FILE is missing: questions are hashed with a key of this process")
        return secrets.token_bytes(hashlib.blake2b.MAX_KEY_SIZE)
    except OSError as error:
        raise ValueError(f"LOG_KEY_FILE {file} cannot be read ({error.strerror}); name a file that may be") from error
    if not key:
        logging.getLogger(__name__).warning("LOG_KEY_FILE is empty: questions are hashed without a key")
    return key


class RequestLog:
    """One line for each request, made by the event loop and written by a thread of its own."""

    def __init__(self, stream: IO[str], enabled: bool, log_queries: bool, key: bytes = b"") -> None:
        self.enabled = enabled
        self._key = key
        self._stream = stream
        self._log_queries = log_queries
        self._pending: deque[str] = deque()
        self._dropped = 0  # counted by the event loop: more than PENDING_MAX waited
        self._unwritten = 0  # counted by the thread: the stream did not take them
        self._problem: Exception | None = None  # why it did not, the last time
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="request-log", daemon=True)
        self._cached = lru_cache(maxsize=4096)(self._fields_from_cache)

    def start(self) -> None:
        if self.enabled:
            self._thread.start()

    def stop(self) -> None:
        """Returns when every line entered is written, or counted where it cannot be."""
        self._stopped.set()
        if self._thread.is_alive():
            self._thread.join()
        self._write()
        self._tell_unwritten()

    def add(
        self, request_id: str, method: str, endpoint: str, status: int, seconds: float, details: dict[str, Any]
    ) -> None:
        """Enters one answered request; `details` may hold `query`, which is hashed."""
        self._enter(request_id, method, endpoint, status, seconds, self._fields(details) if details else "")

    def add_from_cache(
        self, request_id: str, endpoint: str, status: int, seconds: float, query: str, results: int
    ) -> None:
        """Enters a search answered from the cache, whose fields are the same each time and written out once."""
        self._enter(request_id, "GET", endpoint, status, seconds, self._cached(query, results))

    def _enter(self, request_id: str, method: str, endpoint: str, status: int, seconds: float, fields: str) -> None:
        """Puts the line together: ids, methods and endpoints hold nothing that JSON would escape.

        It is dropped and counted where too many wait.
        """
        if len(self._pending) >= PENDING_MAX:
            self._dropped += 1
            return
        now = time.time()
        whole = int(now)  # as `timestamp`, whose own string would take a fifth longer
        self._pending.append(
            REQUEST_LINE
            % (second_stamp(whole), (now - whole) * 1000, request_id, method, endpoint, status, seconds * 1000, fields)
        )

    def _run(self) -> None:
        while not self._stopped.wait(FLUSH_SECONDS):
            self._write()

    def _write(self) -> None:
        """Writes the lines entered so far. Those that a full disk does not take are counted, and told once it does."""
        lines = [self._pending.popleft() for _ in range(len(self._pending))]
        if self._dropped:
            dropped, self._dropped = self._dropped, 0
            logging.getLogger(__name__).warning("%d lines of requests were dropped: the log is too slow", dropped)
        if not lines:
            return
        try:
            self._stream.write("".join(lines))
            self._stream.flush()
        except (OSError, ValueError) as error:
            self._unwritten += len(lines)
            self._problem = error
        else:
            self._tell_unwritten()

    def _tell_unwritten(self) -> None:
        if self._unwritten:
            told, self._unwritten = self._unwritten, 0
            logging.getLogger(__name__).warning(
                "%d lines of requests were dropped: the log could not be written (%s)", told, self._problem
            )

    def _fields_from_cache(self, query: str, results: int) -> str:
        return self._fields({"from_cache": True, "results": results, "query": query})

    def _fields(self, details: dict[str, Any]) -> str:
        """Further fields as JSON, with a comma before each; a question is hashed unless questions are wanted."""
        query = details.get("query")
        if query is not None:
            known = {name: value for name, value in details.items() if name != "query"}
            shown = {"query": query} if self._log_queries else {"query_hash": query_hash(query, self._key)}
            details = {**known, **shown}
        return "," + orjson.dumps(details, default=str).decode()[1:-1]
