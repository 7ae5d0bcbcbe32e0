"""Embedding beside a model server: passages of a built index go over HTTP, and other vectors end the figure."""

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from bench.errors import BenchFailed, WrongResult
from bench.figures.embedding import MODEL, local, ollama
from bench.ollama import ollama_with_minilm
from folders import written
from progress import silent
from tests.server.model_server import ModelServer

from clockifyrag_builder.build import build
from clockifyrag_builder.plan import BuildPlan

ARTICLES = {
    "timer.md": "# Timer\n\nStart the timer and stop it when the work is done.\n",
    "kiosk.md": "# Kiosk\n\nEmployees clock in at the kiosk with a PIN code.\n",
}


@pytest.fixture(scope="module")
def root(plan_of: Callable[..., BuildPlan], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bench")
    build(plan_of(written(folder / "docs", ARTICLES), folder / "root"), silent)
    return folder / "root"


@pytest.fixture
def server() -> Iterator[ModelServer]:
    """The same model behind HTTP."""
    embedder = local()
    with ModelServer(MODEL, embedder) as running:
        yield running
    embedder.close()


def test_a_model_server_embeds_the_passages_of_the_index_to_the_same_vectors(root: Path, server: ModelServer) -> None:
    found = ollama({"root": str(root), "url": server.url})

    assert found["tokens_per_second"] > 0
    assert pytest.approx(1.0, abs=1e-4) == found["cosine"]
    assert {True} == {"timer" in text or "kiosk" in text for text in server.questions}


def test_vectors_of_something_else_are_a_wrong_result(root: Path, server: ModelServer) -> None:
    server.transform = lambda rows: rows[::-1]

    with pytest.raises(WrongResult, match="text 0 has cosine"):
        ollama({"root": str(root), "url": server.url})


def test_a_server_that_refuses_is_told_in_its_words(root: Path, server: ModelServer) -> None:
    server.broken = True

    with pytest.raises(WrongResult, match="/api/embed answered 500"):
        ollama({"root": str(root), "url": server.url})


def test_an_ollama_that_ends_at_its_start_is_told_by_what_it_logged(tmp_path: Path) -> None:
    program = tmp_path / "ollama"
    program.write_text('#!/bin/sh\necho "$1: $OLLAMA_MODELS is no place for models"\nexit 3\n')
    program.chmod(0o755)

    with pytest.raises(BenchFailed, match=r"serve: .*/ollama-models is no place"), contextlib.ExitStack() as running:
        running.enter_context(ollama_with_minilm(program, tmp_path, (0,)))
