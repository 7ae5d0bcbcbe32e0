"""Pulling: models from a registry into an Ollama, which does the work and is told what to have.

Written against the API of Ollama 0.17 (ollama/ollama, docs/api.md): /api/tags, /api/pull, /api/copy.
"""

import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, NoReturn, TypeVar

import stamina

from clockifyrag_index.embedders.checks import same_digest
from clockifyrag_index.embedders.ollama_server import OllamaServer, Times, Unanswered
from clockifyrag_index.errors import EmbedderError, EmbedderMismatch, UsageError
from clockifyrag_resource.profiles import canonical_model

SILENCE_SECONDS = 300.0  # Ollama says nothing while it compares gigabytes with their digest
LINE_EVERY_SECONDS = 5.0
ASK_SECONDS = 30.0
MOMENT = 0.1  # that a pull is asked for even when no time is left: what is there already is answered at once
WAIT_FIRST, WAIT_MAX = 0.5, 15.0
NO_SUCH_MODEL = ("file does not exist", "invalid model name")  # another attempt would be told the same

Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class Wanted:
    """A model to have, and which one it must be."""

    name: str
    digest: str | None = None

    def is_among(self, listed: Mapping[str, str]) -> bool:
        """Whether it is there, and the right one."""
        found = listed.get(canonical_model(self.name))
        return found is not None and (self.digest is None or same_digest(self.digest, found))


@dataclass(frozen=True, slots=True)
class Deadline:
    """How long all models together may take, and when that is over."""

    seconds: float
    at: float  # of the monotonic clock

    @property
    def left(self) -> float:
        return self.at - time.monotonic()


def pulled(
    url: str, wanted: Sequence[Wanted], registry: str | None, *, wait_seconds: float, deadline_seconds: float
) -> dict[str, Any]:
    """What is there now: the digest of each model, and which were pulled.

    EmbedderError when the server does not answer, has not the model in time, or no registry does; EmbedderMismatch
    when the registry has another one than wanted.
    """
    for one in wanted:
        source_name(one.name, registry)  # a wrong registry shows before anything is waited for
    deadline = Deadline(deadline_seconds, time.monotonic() + deadline_seconds)
    server = OllamaServer(url, Times())
    names: list[str] = []
    try:
        listed = _patiently(partial(server.digests, ASK_SECONDS), wait_seconds)
        for one in wanted:
            if not one.is_among(listed):
                names.append(one.name)
                _patiently(partial(_pull, server, one.name, registry, deadline), deadline.left)
                listed = _patiently(partial(server.digests, ASK_SECONDS), ASK_SECONDS)
            _require(one, listed, server.shown)
    finally:
        server.close()
    return {
        "result": "Pulled",
        "models": {one.name: listed[canonical_model(one.name)] for one in wanted},
        "pulled": names,
    }


def source_name(model: str, registry: str | None) -> tuple[str, bool]:
    """The name to pull a model by, and whether without TLS.

    >>> source_name("nomic-embed-text", "http://registry:5000")
    ('registry:5000/library/nomic-embed-text', True)
    >>> source_name("nomic-embed-text:v1.5", "registry.example.com/models")
    ('registry.example.com/models/nomic-embed-text:v1.5', False)
    >>> source_name("hf.co/someone/model", "registry.example.com")
    ('hf.co/someone/model', False)
    """
    if registry is None or model.count("/") >= 2:  # a name with its own registry
        return model, False
    scheme, separator, place = registry.rpartition("://")
    host, _, namespace = place.strip("/").partition("/")
    if (separator and scheme not in ("http", "https")) or not host or "/" in namespace:
        raise UsageError(f"--registry is {registry!r}; expected HOST or HOST/NAMESPACE, http:// before it without TLS")
    path = model if "/" in model else f"{namespace or 'library'}/{model}"
    return f"{host}/{path}", scheme == "http"


def _patiently(ask: Callable[[], Value], seconds: float) -> Value:
    """The answer, asked for again with growing waits until `seconds` are over; then the last error is raised."""
    for attempt in stamina.retry_context(
        on=Unanswered,
        attempts=None,
        timeout=max(0.0, seconds),
        wait_initial=WAIT_FIRST,
        wait_max=WAIT_MAX,
        wait_jitter=WAIT_FIRST,
    ):
        with attempt:
            return ask()
    raise AssertionError("the last attempt returns or raises")


def _require(one: Wanted, listed: Mapping[str, str], shown: str) -> None:
    name = canonical_model(one.name)
    if name not in listed:
        raise EmbedderError(
            f"{one.name} was pulled and is not among the models of Ollama at {shown} "
            f"({', '.join(sorted(listed)) or 'none'}); see its log"
        )
    if not one.is_among(listed):
        raise EmbedderMismatch(
            f"{one.name} at {shown} has digest {listed[name]}, expected {one.digest}; pull from a registry that has "
            "the right version, or change embedding.digest and rebuild the index"
        )


def _pull(server: OllamaServer, model: str, registry: str | None, deadline: Deadline) -> None:
    """The server has the model under its own name, wherever it came from. Unanswered when it has not in time."""
    source, insecure = source_name(model, registry)
    _say(f"{model}: pulling {source}")
    succeeded = False
    silence_seconds = min(SILENCE_SECONDS, max(MOMENT, deadline.left))
    lines = server.lines("api/pull", {"model": source, "insecure": insecure}, silence_seconds)
    for told in _now_and_then(_in_time(lines, model, deadline)):
        if "error" in told:
            _fail(model, source, str(told["error"]))
        succeeded = told.get("status") == "success"
        _say(f"{model}: {_progress(told)}")
    if not succeeded:
        raise Unanswered(f"Ollama at {server.shown} ended before {model} was whole")
    if source != model:
        server.tell("api/copy", {"source": source, "destination": model}, ASK_SECONDS)


def _fail(model: str, source: str, reason: str) -> NoReturn:
    """EmbedderError for what another attempt would be told as well, else Unanswered."""
    said = f"{model} cannot be pulled as {source}: {' '.join(reason.split())[:300]}"
    if any(words in reason for words in NO_SUCH_MODEL):
        raise EmbedderError(f"{said}; expected a model of this name in the registry: check embedding.model")
    raise Unanswered(said)


def _in_time(lines: Iterator[Mapping[str, Any]], model: str, deadline: Deadline) -> Iterator[Mapping[str, Any]]:
    """The lines, until the deadline is over: Unanswered, which breaks them off."""
    for line in lines:
        yield line
        if line.get("status") != "success" and deadline.left <= 0:
            raise Unanswered(f"{model} is not whole within {deadline.seconds:g} seconds; Ollama goes on from there")


def _now_and_then(lines: Iterator[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    """Of the lines of progress those with another status, and one now and then in between."""
    status, last = "", 0.0
    for line in lines:
        now = time.monotonic()
        if "error" in line or line.get("status") != status or now - last >= LINE_EVERY_SECONDS:
            status, last = str(line.get("status")), now
            yield line


def _progress(told: Mapping[str, Any]) -> str:
    done, total = told.get("completed"), told.get("total")
    here = done if isinstance(done, int) else 0  # unset for a layer that has just begun
    amount = f": {here >> 20} of {total >> 20} MiB" if isinstance(total, int) and total else ""
    return f"{told.get('status', '')}{amount}"


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
