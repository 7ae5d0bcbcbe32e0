"""Several Ollamas behind one embedder: all work, and one that does not answer leaves its work to the others."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import numpy as np
import pytest
from tests.ports import free_port
from tests.server.fake_ollama import FakeOllama, healthy, status, text_vectors

from clockifyrag_index.embedders.ollama import OllamaEmbedder
from clockifyrag_index.embedders.ollama_server import Times
from clockifyrag_index.embedders.replicas import Replicas
from clockifyrag_index.errors import EmbedderMismatch, EmbedderUnavailable
from clockifyrag_resource.profiles import ModelProfile

PROFILE = ModelProfile("custom", 8, 512)
SHORT = Times(connect=0.2, answer=0.5, deadline=0.3, identity=0.2, wait_first=0.02, wait_max=0.05)
NOBODY = "http://127.0.0.1:9"


@pytest.fixture
def servers() -> Iterator[list[FakeOllama]]:
    """Two small Ollamas with the same model."""
    with ExitStack() as stack:
        yield [stack.enter_context(FakeOllama({"custom": 8})) for _ in range(2)]


@pytest.fixture
def replicas() -> Iterator[Callable[..., Replicas]]:
    """replicas(*urls): one embedder over the Ollamas at these addresses; closed with the test."""
    with ExitStack() as stack:

        def over(*urls: str) -> Replicas:
            opened = Replicas([OllamaEmbedder(url, PROFILE, times=SHORT) for url in urls])
            stack.callback(opened.close)
            return opened

        yield over


def test_calls_at_once_go_to_different_servers(servers: list[FakeOllama], replicas: Callable[..., Replicas]) -> None:
    one, two = servers
    one.behaviour = two.behaviour = lambda question: (
        healthy(question) if all(server.wait_for(lambda s=server: bool(s.inputs)) for server in servers) else None
    )  # in turn the first would wait for ever
    embedder = replicas(one.url, two.url)

    with ThreadPoolExecutor(2) as pool:
        rows = list(pool.map(lambda text: embedder.embed_documents([text]), ["first text", "second text"]))

    assert np.allclose(text_vectors(["first text", "second text"], 8), np.vstack(rows))


def test_a_server_that_never_answers_is_asked_for_its_model_and_then_left_out(
    servers: list[FakeOllama], replicas: Callable[..., Replicas]
) -> None:
    embedder = replicas(NOBODY, servers[0].url)

    rows = [embedder.embed_documents([text]) for text in ("first text", "second text", "third text")]

    assert 8 == embedder.identity.dimensions
    assert np.allclose(text_vectors(["first text", "second text", "third text"], 8), np.vstack(rows))


def test_a_server_that_stops_answering_leaves_its_text_to_the_other(
    servers: list[FakeOllama], replicas: Callable[..., Replicas]
) -> None:
    one, two = servers
    embedder = replicas(one.url, two.url)
    embedder.embed_documents(["first text"])
    one.behaviour = status(503)

    rows = [embedder.embed_documents([text]) for text in ("second text", "third text", "fourth text")]

    assert np.allclose(text_vectors(["second text", "third text", "fourth text"], 8), np.vstack(rows))


def test_without_any_server_it_says_so_and_asks_again_the_next_time(
    servers: list[FakeOllama], replicas: Callable[..., Replicas]
) -> None:
    one, two = servers
    embedder = replicas(one.url, two.url)
    embedder.embed_documents(["first text"])
    one.behaviour = two.behaviour = status(503)

    with pytest.raises(EmbedderUnavailable):
        embedder.embed_documents(["second text"])
    one.behaviour = two.behaviour = healthy

    assert np.allclose(text_vectors(["third text"], 8), embedder.embed_documents(["third text"]))


def test_where_none_answered_the_first_to_answer_again_is_used(
    servers: list[FakeOllama], replicas: Callable[..., Replicas]
) -> None:
    one, two = servers
    one.behaviour = two.behaviour = status(503)
    embedder = replicas(one.url, two.url)
    with pytest.raises(EmbedderUnavailable):
        embedder.embed_documents(["first text"])
    one.behaviour = healthy

    rows = embedder.embed_documents(["second text"])

    assert np.allclose(text_vectors(["second text"], 8), rows)


def test_a_server_left_out_before_is_asked_again_before_a_text_is_given_up(
    servers: list[FakeOllama], replicas: Callable[..., Replicas]
) -> None:
    port, two = free_port(), servers[0]
    embedder = replicas(f"http://127.0.0.1:{port}", two.url)
    embedder.embed_documents(["first text"])  # nobody listens at the first address, which is left out from now on

    with FakeOllama({"custom": 8}, port) as one:
        two.behaviour = status(503)
        second = embedder.embed_documents(["second text"])
        one.behaviour, two.behaviour = status(503), healthy
        third = embedder.embed_documents(["third text"])

    assert np.allclose(text_vectors(["second text", "third text"], 8), np.vstack([second, third]))


def test_threads_that_fail_on_different_servers_give_up_all_the_same(
    servers: list[FakeOllama], replicas: Callable[..., Replicas]
) -> None:
    one, two = servers
    embedder = replicas(one.url, two.url)
    embedder.embed_documents(["first text"])
    one.behaviour = two.behaviour = status(503)

    with ThreadPoolExecutor(2) as pool:
        calls = [pool.submit(embedder.embed_documents, [text]) for text in ("second text", "third text")]

    assert all(isinstance(call.exception(), EmbedderUnavailable) for call in calls)


def test_servers_with_different_models_under_one_name_are_refused(
    servers: list[FakeOllama], replicas: Callable[..., Replicas]
) -> None:
    one, two = servers
    two.digest = lambda model: "b" * 64  # type: ignore[method-assign]  # pulled at another time
    embedder = replicas(one.url, two.url)

    with pytest.raises(EmbedderMismatch, match="different models under the name custom"):
        for text in ("first text", "second text"):
            embedder.embed_documents([text])


def test_each_server_must_have_kept_its_model_and_one_that_is_gone_is_passed_over(
    servers: list[FakeOllama], replicas: Callable[..., Replicas]
) -> None:
    with FakeOllama({"custom": 8}) as gone:
        embedder = replicas(gone.url, servers[0].url)
        for text in ("first text", "second text"):
            embedder.embed_documents([text])
        embedder.require_same()

    embedder.require_same()
    servers[0].digests["custom:latest"] = "b" * 64
    with pytest.raises(EmbedderMismatch, match="was replaced while it embedded"):
        embedder.require_same()
