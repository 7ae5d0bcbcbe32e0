"""Embedding of questions: an embedder is used only once its canaries agree with the index."""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from tests.waiting import wait_until

from clockifyrag_index.embedders import EmbedderIdentity, Vectors
from clockifyrag_index.embedders.canaries import CANARY_TEXTS
from clockifyrag_index.embedders.opening import open_embedder
from clockifyrag_index.errors import AskedInHaste, EmbedderMismatch, EmbedderUnavailable, TextRefused
from clockifyrag_index.manifest import canary
from clockifyrag_resource.profiles import model_profile
from clockifyrag_service import embedding
from clockifyrag_service.embedding import SAME_WEIGHTS_CANARIES, EmbedderChoice, ProvenEmbedder
from clockifyrag_service.settings import Settings


@pytest.fixture(scope="module")
def manifest() -> Any:
    """What of a manifest the choice of an embedder reads: an index made with wordllama."""
    embedder = open_embedder("Local", model_profile("wordllama"))
    rows = embedder.embed_documents(CANARY_TEXTS)
    canaries = tuple(map(canary, CANARY_TEXTS, rows))
    return SimpleNamespace(embedder=embedder.identity, canaries=canaries, canary_vectors=rows)


def settings(**values: Any) -> Settings:
    return Settings(_env_file=None, **values)  # type: ignore[call-arg]


@dataclass
class Counting:
    """An embedder that counts, and fails when told."""

    rows: Vectors
    identity: EmbedderIdentity
    failing: bool = False
    asked: list[str] = field(default_factory=list)
    documents: list[str] = field(default_factory=list)
    change: Callable[[Vectors], Vectors] = lambda rows: rows

    def embed_documents(self, texts: Sequence[str]) -> Vectors:
        if self.failing:
            raise EmbedderUnavailable("down")
        self.documents += texts
        return self.change(self.rows[: len(texts)])

    def embed_question(self, text: str, timeout_seconds: float | None = None) -> Vectors:
        if self.failing:
            raise EmbedderUnavailable("down")
        self.asked.append(text)
        return np.ones(4, np.float32)

    def count_tokens(self, text: str) -> int:
        return 1

    def close(self) -> None:
        pass


@pytest.fixture
def counting(manifest: Any) -> Counting:
    return Counting(manifest.canary_vectors, manifest.embedder)


def test_an_unproven_embedder_is_not_used(counting: Counting) -> None:
    proven = ProvenEmbedder(counting, counting.identity)

    with pytest.raises(EmbedderUnavailable, match="not been compared"):
        proven.embed_question("timer")

    assert [] == counting.asked


def test_once_the_canaries_agree_it_is_used_and_a_question_is_embedded_once(counting: Counting, manifest: Any) -> None:
    proven = ProvenEmbedder(counting, counting.identity)
    proven.compare(manifest)

    for _ in range(3):
        proven.embed_question("timer")

    assert ("ok", ["timer"]) == (proven.helps, counting.asked)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        pytest.param(lambda rows: np.roll(rows, 1, axis=1), "cosine", id="other-vectors"),
        pytest.param(lambda rows: rows[:, :128], "256 dimensions, the embedder 128", id="other-dimensions"),
    ],
)
@pytest.mark.parametrize("canaries_max", [None, SAME_WEIGHTS_CANARIES], ids=["all-canaries", "some-canaries"])
def test_another_model_under_the_name_is_never_used(
    counting: Counting, manifest: Any, change: Callable[[Vectors], Vectors], reason: str, canaries_max: int | None
) -> None:
    counting.change = change
    proven = ProvenEmbedder(counting, counting.identity)
    proven.compare(manifest, canaries_max)

    with pytest.raises(EmbedderMismatch, match=reason):
        proven.embed_question("timer")

    assert "mismatch" == proven.helps


@pytest.mark.parametrize(
    ("digest", "asked"),
    [
        pytest.param(None, SAME_WEIGHTS_CANARIES, id="the weights of the index"),
        pytest.param("sha256:" + "0" * 64, len(CANARY_TEXTS), id="other weights, as of a model server"),
    ],
)
def test_a_local_model_of_other_weights_must_agree_in_every_canary(
    counting: Counting, manifest: Any, monkeypatch: pytest.MonkeyPatch, digest: str | None, asked: int
) -> None:
    counting.identity = replace(counting.identity, digest=digest or counting.identity.digest)
    monkeypatch.setattr(embedding, "open_embedder", lambda *_, **__: counting)

    found = EmbedderChoice(settings()).embedder_for(manifest)

    assert ("local", "ok", list(CANARY_TEXTS[:asked])) == (found.provider, found.verdict, counting.documents)


def test_a_single_canary_that_differs_is_enough(counting: Counting, manifest: Any) -> None:
    counting.change = lambda rows: np.vstack([rows[:-1], -rows[-1:]])
    proven = ProvenEmbedder(counting, counting.identity)

    proven.compare(manifest)

    assert "mismatch" == proven.helps


def test_when_threads_ask_for_the_same_vector_at_once_it_is_embedded_once(counting: Counting, manifest: Any) -> None:
    proven = ProvenEmbedder(counting, counting.identity)
    proven.compare(manifest)
    begun, gate = threading.Event(), threading.Event()
    inner = counting.embed_question

    def waits(text: str, timeout_seconds: float | None = None) -> Vectors:
        begun.set()
        assert gate.wait(10)
        return inner(text)

    counting.embed_question = waits  # type: ignore[method-assign]
    with ThreadPoolExecutor(8) as pool:
        first = pool.submit(proven.embed_question, "timer")
        assert begun.wait(10)
        others = [pool.submit(proven.embed_question, "timer") for _ in range(7)]
        with pytest.raises(EmbedderUnavailable, match="another thread"):
            proven.embed_question("timer", timeout_seconds=0.01)
        gate.set()
        vectors = [one.result(10) for one in (first, *others)]

    assert ["timer"] == counting.asked
    assert all(vectors[0] is vector for vector in vectors)


def test_who_waits_for_a_question_in_haste_asks_again_and_the_embedder_is_not_blamed(
    counting: Counting, manifest: Any
) -> None:
    proven = ProvenEmbedder(counting, counting.identity)
    proven.compare(manifest)
    begun, gate = threading.Event(), threading.Event()
    inner = counting.embed_question

    def hasty(text: str, timeout_seconds: float | None = None) -> Vectors:
        if timeout_seconds is None or timeout_seconds > 1:
            return inner(text)
        begun.set()
        assert gate.wait(10)
        raise AskedInHaste("no answer within 0.05 seconds")

    counting.embed_question = hasty  # type: ignore[method-assign]
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(proven.embed_question, "timer", 0.05)
        assert begun.wait(10)
        patient = pool.submit(proven.embed_question, "timer", 10)
        wait_until(lambda: patient.running(), 10, "another thread waits for the same vector")
        gate.set()
        vector = patient.result(10)

    assert isinstance(first.exception(), AskedInHaste)
    assert (4,) == vector.shape
    for number in range(3):
        with pytest.raises(AskedInHaste):
            proven.embed_question(f"question {number}", 0.05)
    assert "ok" == proven.helps


def test_while_a_proven_embedder_is_down_it_stays_proven(counting: Counting, manifest: Any) -> None:
    proven = ProvenEmbedder(counting, counting.identity)
    proven.compare(manifest)
    counting.failing = True

    for number in range(3):
        with pytest.raises(EmbedderUnavailable):
            proven.embed_question(f"question {number}")
    proven.compare(manifest)
    down = proven.helps
    counting.failing = False
    proven.embed_question("again")

    assert ("unreachable", "ok") == (down, proven.helps)


def test_questions_with_nothing_to_read_say_nothing_against_the_embedder(counting: Counting, manifest: Any) -> None:
    minilm = open_embedder("Local", model_profile("all-minilm"))
    proven = ProvenEmbedder(counting, counting.identity)
    proven.compare(manifest)
    counting.embed_question = minilm.embed_question  # type: ignore[method-assign]

    for accents in ("\u0301\u0301", "\u0302\u0302", "\u0303\u0303"):
        with pytest.raises(TextRefused):
            proven.embed_question(accents)
    minilm.close()

    assert ("ok", None) == (proven.helps, proven.helps_not_because)


def test_a_model_with_a_local_twin_is_embedded_here(manifest: Any) -> None:
    found = EmbedderChoice(settings()).embedder_for(manifest)

    assert ("local", "ok") == (found.provider, found.verdict)
    assert found is EmbedderChoice(settings()).embedder_for(manifest, found)


@pytest.mark.parametrize(
    ("model", "values", "message"),
    [
        pytest.param("wordllama", {"embedding_model": "all-minilm"}, "EMBEDDING_MODEL says all-minilm", id="settings"),
        pytest.param("bge-m3", {"query_provider": "local"}, "no local twin", id="no-twin"),
    ],
)
def test_an_index_of_another_model_is_refused(manifest: Any, model: str, values: dict[str, Any], message: str) -> None:
    identity = EmbedderIdentity(model, "sha256:0", 256, 512, "", "")
    other = SimpleNamespace(embedder=identity, canaries=manifest.canaries, canary_vectors=manifest.canary_vectors)

    with pytest.raises(EmbedderMismatch, match=message):
        EmbedderChoice(settings(**values)).embedder_for(other)  # type: ignore[arg-type]


def test_a_model_of_a_server_without_its_address_is_absent_with_the_reason(manifest: Any) -> None:
    identity = EmbedderIdentity("bge-m3", "sha256:0", 256, 512, "", "")

    found = EmbedderChoice(settings()).embedder_for(SimpleNamespace(embedder=identity, canaries=()))  # type: ignore[arg-type]

    assert ("absent", "none") == (found.verdict, found.provider)
    assert "LLM_BASE_URL" in (found.reason or "")


def test_an_embedder_that_weighs_words_does_so_once_it_is_proven_and_others_never(
    counting: Counting, manifest: Any
) -> None:
    wordllama = open_embedder("Local", model_profile("wordllama"))
    weighing, plain = (ProvenEmbedder(one, manifest.embedder) for one in (wordllama, counting))

    unproven = weighing.embed_weighed("timer", lambda word: 1.0)
    weighing.compare(manifest)
    plain.compare(manifest)

    assert unproven is None
    assert np.allclose(wordllama.embed_question("timer"), weighing.embed_weighed("timer", lambda word: 1.0), atol=1e-6)
    assert plain.embed_weighed("timer", lambda word: 1.0) is None


def test_words_are_known_whether_the_embedder_is_proven_or_not_and_whether_it_tells_them(
    counting: Counting, manifest: Any
) -> None:
    minilm = open_embedder("Local", model_profile("all-minilm"))
    telling, plain = (ProvenEmbedder(one, manifest.embedder) for one in (minilm, counting))

    for embedder in (telling, plain):
        assert [True, False] == [embedder.knows_word(word) for word in ("lunch", "lanch")]
    minilm.close()
