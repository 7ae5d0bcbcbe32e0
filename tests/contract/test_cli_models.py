"""`clockifyrag models pull` as a pod of a model server runs it before the server is asked for vectors."""

import json
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from tests.ports import free_port
from tests.server.fake_ollama import FakeOllama, Reply

from clockifyrag_cli.pulling import Wanted, pulled, source_name
from clockifyrag_index.embedders.ollama import OllamaEmbedder
from clockifyrag_index.errors import EmbedderUnavailable, UsageError


@dataclass(frozen=True)
class Ended:
    code: int
    err: str
    outcome: dict[str, Any]


Pull = Callable[..., Ended]


@pytest.fixture
def ollama() -> Iterator[FakeOllama]:
    """A small Ollama with one model, in front of a registry with two more."""
    with FakeOllama({"all-minilm": 384}) as one:
        one.registry = {"nomic-embed-text": 768, "llama3.2:1b": 2048}
        yield one


@pytest.fixture
def pull(tmp_path: Path, ollama: FakeOllama) -> Pull:
    """pull(*arguments): the command against that Ollama."""

    def run(*arguments: object) -> Ended:
        outcome = tmp_path / "outcome"
        line = [sys.executable, "-m", "clockifyrag_cli", "models", "pull", "--url", ollama.url, "--outcome", outcome]
        ended = subprocess.run([*map(str, line), *map(str, arguments)], capture_output=True, text=True, timeout=60)
        return Ended(ended.returncode, ended.stderr, json.loads(outcome.read_text()) if outcome.exists() else {})

    return run


def paths(ollama: FakeOllama) -> list[str]:
    return [path for path, _ in ollama.requests]


def test_what_is_there_is_not_pulled_and_what_is_missing_is(pull: Pull, ollama: FakeOllama) -> None:
    ended = pull("--model", "all-minilm:latest", "--model", "nomic-embed-text", "--model", "llama3.2:1b")

    assert (0, ["nomic-embed-text", "llama3.2:1b"]) == (ended.code, ended.outcome["pulled"]), ended.err
    assert {"all-minilm:latest", "nomic-embed-text", "llama3.2:1b"} == ended.outcome["models"].keys()
    assert ollama.digest("nomic-embed-text:latest") == ended.outcome["models"]["nomic-embed-text"]
    assert "nomic-embed-text: pulling 970aa74c0a90: 0 of 261 MiB" in ended.err
    assert 2 == paths(ollama).count("/api/pull")


def test_from_a_registry_of_ones_own_a_model_gets_its_plain_name(pull: Pull, ollama: FakeOllama) -> None:
    ollama.registry = {"registry:5000/library/nomic-embed-text": 768}

    ended = pull("--model", "nomic-embed-text", "--registry", "http://registry:5000")

    body = next(body for path, body in ollama.requests if path == "/api/pull")
    assert 0 == ended.code, ended.err
    assert {"model": "registry:5000/library/nomic-embed-text", "insecure": True} == body
    assert "nomic-embed-text:latest" in ollama.models


def test_the_right_digest_is_taken_short_or_whole(pull: Pull, ollama: FakeOllama) -> None:
    digest = ollama.digest("all-minilm:latest")

    short = pull("--model", "all-minilm", "--digest", f"all-minilm={digest[:12]}")
    whole = pull("--model", "all-minilm", "--digest", f"all-minilm=sha256:{digest}")

    assert (0, 0) == (short.code, whole.code)
    assert "/api/pull" not in paths(ollama)


def test_another_digest_is_pulled_anew_once_and_then_refused(pull: Pull, ollama: FakeOllama) -> None:
    ollama.registry["all-minilm"] = 384
    wanted = "a" * 64

    ended = pull("--model", "all-minilm", "--digest", f"all-minilm={wanted}")

    assert 40 == ended.code
    assert wanted in ended.outcome["error"] and ollama.digest("all-minilm:latest") in ended.outcome["error"]
    assert 1 == paths(ollama).count("/api/pull")


def test_a_stale_model_becomes_the_right_one_by_pulling_it(pull: Pull, ollama: FakeOllama) -> None:
    right = ollama.digest("nomic-embed-text:latest")
    ollama.models["nomic-embed-text:latest"] = 768
    ollama.digests["nomic-embed-text:latest"] = "b" * 64
    pulled_by_name = ollama.pull
    ollama.pull = lambda name: ollama.digests.clear() or pulled_by_name(name)  # type: ignore[method-assign]

    ended = pull("--model", "nomic-embed-text", "--digest", f"nomic-embed-text={right}")

    assert (0, ["nomic-embed-text"]) == (ended.code, ended.outcome["pulled"]), ended.err


def test_a_pull_that_breaks_off_is_tried_again(pull: Pull, ollama: FakeOllama) -> None:
    ollama.pull_failures.extend(["max retries exceeded: EOF", "dial tcp: lookup registry: no such host"])

    ended = pull("--model", "nomic-embed-text")

    assert 0 == ended.code, ended.err
    assert 3 == paths(ollama).count("/api/pull")
    assert "no such host" in ended.err


LAYER = {"status": "pulling 970aa74c0a90", "completed": 1, "total": 1 << 40}
LINE = json.dumps(LAYER).encode() + b"\n"


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        pytest.param(Reply(200, LINE, endless=True), "not whole within 1 seconds", id="slow"),
        pytest.param(Reply(200, b"", hang=True), "cannot be reached or broke off (timed out)", id="silent"),
    ],
)
def test_a_pull_ends_at_its_deadline_however_the_answer_comes(
    answer: Reply, said: str, pull: Pull, ollama: FakeOllama
) -> None:
    ollama.pull = lambda name: answer  # type: ignore[method-assign]

    ended = pull("--model", "nomic-embed-text", "--deadline-seconds", 1)

    assert 40 == ended.code
    assert said in ended.outcome["error"]


def test_progress_that_holds_no_numbers_is_told_without_them(pull: Pull, ollama: FakeOllama) -> None:
    odd = [{**LAYER, "completed": [1]}, {**LAYER, "completed": "12"}, {**LAYER, "total": {}}, {**LAYER, "status": [1]}]
    said = b"".join(json.dumps(line).encode() + b"\n" for line in odd)
    pulled_by_name = ollama.pull
    ollama.pull = lambda name: replace(  # type: ignore[method-assign]
        right := pulled_by_name(name), body=said + right.body
    )

    ended = pull("--model", "nomic-embed-text")

    assert 0 == ended.code, ended.err


@pytest.mark.parametrize(
    "name", ["library/all-minilm", "registry.ollama.ai/library/all-minilm:latest", "registry.ollama.ai/me/small"]
)
def test_a_model_by_a_longer_spelling_is_the_one_that_is_listed_by_its_short_one(
    name: str, pull: Pull, ollama: FakeOllama
) -> None:
    ollama.models.clear()
    ollama.registry[name] = 384

    first, again = pull("--model", name), pull("--model", name)

    assert (0, [name]) == (first.code, first.outcome["pulled"]), first.err
    assert (0, []) == (again.code, again.outcome["pulled"]), again.err
    with closing(OllamaEmbedder(ollama.url, name)) as embedder:
        assert f"sha256:{first.outcome['models'][name]}" == embedder.identity.digest


def test_a_model_that_no_registry_has_is_told_at_once(pull: Pull, ollama: FakeOllama) -> None:
    ended = pull("--model", "nomic-embed-txt")

    assert (40, "Failed", 40) == (ended.code, ended.outcome["result"], ended.outcome["exitCode"])
    assert "nomic-embed-txt cannot be pulled" in ended.outcome["error"]
    assert 1 == paths(ollama).count("/api/pull")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        pytest.param(["--digest", "all-minilm"], "expected NAME=HEX", id="no digest"),
        pytest.param(["--digest", "all-minilm=xyz"], "expected NAME=HEX", id="no hex"),
        pytest.param(["--digest", f"other={'a' * 12}"], "which no --model does", id="of another model"),
        pytest.param(["--registry", "ftp://registry"], "expected HOST", id="other scheme"),
    ],
)
def test_wrong_arguments_are_told(pull: Pull, arguments: list[str], said: str) -> None:
    ended = pull("--model", "all-minilm", *arguments)

    assert 2 == ended.code
    assert said in ended.err


def test_a_server_that_starts_late_is_waited_for() -> None:
    port = free_port()
    url, wanted = f"http://127.0.0.1:{port}", [Wanted("all-minilm")]

    with pytest.raises(EmbedderUnavailable):
        pulled(url, wanted, None, wait_seconds=0.1, deadline_seconds=5)
    with ExitStack() as stack:
        starting = threading.Timer(0.3, lambda: stack.enter_context(FakeOllama({"all-minilm": 384}, port)))
        starting.start()
        summary = pulled(url, wanted, None, wait_seconds=20, deadline_seconds=5)
        starting.join()

    assert [] == summary["pulled"]


@pytest.mark.parametrize(
    ("model", "registry", "expected"),
    [
        pytest.param("m", None, ("m", False), id="library"),
        pytest.param("m:v1", "host", ("host/library/m:v1", False), id="host"),
        pytest.param("m", "host:5000/ns/", ("host:5000/ns/m", False), id="namespace"),
        pytest.param("me/m", "https://host/ns", ("host/me/m", False), id="own namespace"),
        pytest.param("m", "http://host", ("host/library/m", True), id="without TLS"),
    ],
)
def test_the_name_in_a_registry(model: str, registry: str | None, expected: tuple[str, bool]) -> None:
    assert expected == source_name(model, registry)


def test_a_registry_with_a_path_is_refused() -> None:
    with pytest.raises(UsageError, match="expected HOST"):
        source_name("m", "host/a/b")
