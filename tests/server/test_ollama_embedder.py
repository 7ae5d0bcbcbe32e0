"""The embedder over HTTP against a server that misbehaves in every way seen in the field."""

import logging
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace

import numpy as np
import pytest
from tests.server.fake_ollama import (
    Behaviour,
    FakeOllama,
    body,
    breaks_off,
    changed,
    hangs,
    healthy,
    in_batches,
    status,
    text_vectors,
    when,
)

from clockifyrag_index.embedders import Embedder
from clockifyrag_index.embedders.breaker import Breaker
from clockifyrag_index.embedders.canaries import AGREEMENT_COSINE, CANARY_TEXTS, lowest_cosine
from clockifyrag_index.embedders.ollama import SINGLY_MAX, OllamaEmbedder
from clockifyrag_index.embedders.ollama_server import Times
from clockifyrag_index.embedders.opening import open_embedder
from clockifyrag_index.errors import (
    AskedInHaste,
    BadVectors,
    EmbedderError,
    EmbedderMismatch,
    EmbedderUnavailable,
    TextRefused,
)
from clockifyrag_index.retries import tell_retries
from clockifyrag_resource.profiles import ModelProfile, model_profile

QUICK = Times(connect=5, answer=5, deadline=20, identity=5, wait_first=0.001, wait_max=0.01)
HASTY = replace(QUICK, answer=0.25)
HUGE_NUMBER = b'{"embeddings": [[1' + b"0" * 400 + b", 1" * 767 + b"]]}"
TEXTS = [f"article number {n} about timers" for n in range(40)]  # more than SINGLY_MAX, more than one batch


@pytest.fixture
def ollama() -> Iterator[FakeOllama]:
    with FakeOllama() as server:
        yield server


@pytest.fixture
def opened(ollama: FakeOllama) -> Iterator[Callable[..., OllamaEmbedder]]:
    """Opens embedders on the server, with short waits, and closes them."""
    embedders = []

    def embedder(model: str | ModelProfile = "nomic-embed-text", times: Times = QUICK, **options) -> OllamaEmbedder:
        embedders.append(OllamaEmbedder(ollama.url, model, times=times, **options))
        return embedders[-1]

    yield embedder
    for one in embedders:
        one.close()


def test_documents_come_back_in_order_with_length_one(ollama, opened):
    embedder = opened()

    rows = embedder.embed_documents(TEXTS)

    expected = text_vectors([f"search_document: {text}" for text in TEXTS], 768)
    assert (40, 768) == rows.shape
    assert np.float32 == rows.dtype
    assert np.allclose(expected, rows, atol=1e-6)
    assert np.allclose(1, np.linalg.norm(rows, axis=1), atol=1e-6)


def test_prefixes_truncate_and_keep_alive_stand_on_the_wire(ollama, opened):
    embedder = opened()

    embedder.embed_documents(["start the timer"])
    embedder.embed_question("how to start?")

    document, question = ollama.bodies
    assert ["search_document: start the timer"] == document["input"]
    assert ["search_query: how to start?"] == question["input"]
    assert (False, True) == (document["truncate"], question["truncate"])
    assert [-1, -1] == [document["keep_alive"], question["keep_alive"]]
    assert int is type(document["keep_alive"])


def test_batches_are_bounded_by_count_and_by_characters(ollama, opened):
    long = ["word " * 300 + str(n) for n in range(24)]  # 1,500 characters each
    embedder = opened(batch_size=32)

    embedder.embed_documents(TEXTS)
    short_batches = [len(texts) for texts in ollama.inputs if len(texts) > 1]
    embedder.embed_documents(long)

    assert [32, 8] == short_batches
    assert all(sum(map(len, texts)) <= 16_000 for texts in ollama.inputs)
    assert [10, 10, 4] == [len(texts) for texts in ollama.inputs[-3:]]


def test_a_few_texts_go_one_by_one(ollama, opened):
    opened().embed_documents(TEXTS[:SINGLY_MAX])

    assert [1] * SINGLY_MAX == [len(texts) for texts in ollama.inputs]


def test_the_first_batch_proves_that_batches_agree_and_is_not_embedded_twice(ollama, opened):
    embedder = opened(batch_size=32)

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(embedder.embed_documents, [TEXTS[:32], TEXTS[:32]]))

    assert [32, 1, 1, 1, 1, 32] == [len(texts) for texts in ollama.inputs]


def test_a_repetition_is_logged_with_what_failed_and_the_wait(ollama, opened, caplog):
    tell_retries()
    ollama.next(status(500, "model runner has stopped"))
    embedder = opened()

    with caplog.at_level(logging.WARNING):
        embedder.embed_documents(["timer"])

    assert "answered 500: model runner has stopped; see the log of Ollama. Asked again in 0.0 s" in caplog.text
    assert "stamina" not in caplog.text


def test_when_batches_drift_texts_are_sent_one_by_one_and_it_is_said(ollama, opened, caplog):
    noise = np.random.default_rng(7).standard_normal(768).astype(np.float32) * 0.01
    ollama.behaviour = in_batches(changed(lambda rows: rows + noise))
    embedder = opened()

    with caplog.at_level(logging.WARNING):
        rows = embedder.embed_documents(TEXTS)

    assert embedder.embeds_singly
    assert [1] * 40 == [len(texts) for texts in ollama.inputs[-40:]]
    assert np.allclose(text_vectors([f"search_document: {text}" for text in TEXTS], 768), rows, atol=1e-6)
    assert "one by one" in caplog.text


def test_when_batches_come_back_shuffled_texts_are_sent_one_by_one(ollama, opened):
    ollama.behaviour = in_batches(changed(lambda rows: rows[::-1]))
    embedder = opened()

    rows = embedder.embed_documents(TEXTS)

    assert embedder.embeds_singly
    assert np.allclose(text_vectors([f"search_document: {text}" for text in TEXTS], 768), rows, atol=1e-6)


def test_when_texts_need_no_batch_nothing_is_asked_for_none(ollama, opened):
    rows = opened().embed_documents([])

    assert (0, 768) == rows.shape
    assert [] == ollama.inputs


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(status(500), id="500"),
        pytest.param(status(503, "server busy, please try again", retry_after="0"), id="503 with Retry-After"),
        pytest.param(status(429, retry_after="0"), id="429"),
        pytest.param(breaks_off, id="dies halfway"),
    ],
)
@pytest.mark.parametrize("count", [1, 40])
def test_a_passing_fault_is_survived(ollama, opened, fault: Behaviour, count: int):
    embedder = opened(batch_size=32)
    embedder.embed_documents(TEXTS)  # batches are known to agree
    ollama.next(fault, fault)

    rows = embedder.embed_documents(TEXTS[:count])

    assert np.allclose(text_vectors([f"search_document: {text}" for text in TEXTS[:count]], 768), rows, atol=1e-6)


@pytest.mark.parametrize(
    ("fault", "times"),
    [
        pytest.param(status(400, "the input length exceeds the context length"), QUICK, id="400"),
        pytest.param(status(500, "unsupported value: NaN"), QUICK, id="500 for one text"),
        pytest.param(hangs, HASTY, id="hangs"),
        pytest.param(changed(lambda rows: np.where(True, np.nan, rows)), QUICK, id="NaN"),
        pytest.param(changed(lambda rows: [[None] * 768 for _ in rows]), QUICK, id="null"),
        pytest.param(changed(lambda rows: rows * 0), QUICK, id="zeros"),
    ],
)
def test_one_bad_text_is_named_by_its_position(ollama, opened, fault: Behaviour, times: Times):
    ollama.behaviour = when("poison", fault)
    texts = [*TEXTS[:29], "poison", *TEXTS[30:]]

    with pytest.raises(TextRefused) as caught:
        opened(times=times).embed_documents(texts)

    assert 29 == caught.value.position
    assert "text 29 cannot be embedded" in str(caught.value)


def test_when_every_text_gives_nan_no_text_is_blamed(ollama, opened):
    ollama.behaviour = changed(lambda rows: rows * np.nan)

    with pytest.raises(BadVectors, match="every text"):
        opened().embed_documents(["start the timer"])


@pytest.mark.parametrize(
    ("fault", "error", "words"),
    [
        pytest.param(changed(lambda rows: rows[:, :100]), BadVectors, "100 dimensions, expected 768", id="dimension"),
        pytest.param(changed(lambda rows: rows[:0]), BadVectors, "0 vectors for 1 texts", id="too few"),
        pytest.param(changed(lambda rows: [*rows.tolist()] * 2), BadVectors, "2 vectors for 1 texts", id="too many"),
        pytest.param(changed(lambda rows: "none"), BadVectors, "no list of vectors", id="no vectors"),
        pytest.param(changed(lambda rows: [["a"] * 768]), BadVectors, "something else than numbers", id="words"),
        pytest.param(body(HUGE_NUMBER), BadVectors, "something else than numbers", id="a number beyond all floats"),
        pytest.param(body(b"<html>"), EmbedderError, "no JSON", id="no JSON"),
        pytest.param(body(b"[" * 100_000), EmbedderError, "no JSON", id="JSON without a bottom"),
        pytest.param(body(b"[]"), EmbedderError, "no object", id="no object"),
        pytest.param(status(401, "who are you"), EmbedderError, "401: who are you", id="401"),
        pytest.param(status(500), EmbedderUnavailable, "500", id="always 500"),
        pytest.param(breaks_off, EmbedderUnavailable, "broke off", id="always dies"),
    ],
)
def test_a_lasting_fault_is_a_clear_error(ollama, opened, fault: Behaviour, error: type[Exception], words: str):
    ollama.behaviour = fault

    with pytest.raises(error, match=words):
        opened(times=replace(QUICK, deadline=0.5)).embed_documents(["start the timer"])


def test_when_the_server_hangs_the_deadline_ends_it(ollama, opened):
    ollama.behaviour = hangs

    with pytest.raises(EmbedderUnavailable, match=r"did not answer within 0\.25 seconds"):
        opened(times=replace(HASTY, deadline=0.4)).embed_documents(["start the timer"])


def test_a_missing_model_says_what_to_type(ollama, opened):
    with pytest.raises(EmbedderError, match="run `ollama pull bge-m3`") as caught:
        opened("bge-m3").embed_documents(["start the timer"])

    assert "all-minilm, nomic-embed-text" in str(caught.value)


def test_the_identity_is_the_listed_model(ollama, opened):
    identity = opened("nomic-embed-text").identity

    assert "nomic-embed-text" == identity.model
    assert f"sha256:{ollama.digest('nomic-embed-text:latest')}" == identity.digest
    assert (768, 2048, "search_document: ") == (identity.dimensions, identity.context_tokens, identity.document_prefix)


@pytest.mark.parametrize("models", [["nomic-embed-text"], 5, [None]], ids=["names alone", "a number", "null"])
def test_a_list_of_models_that_is_none_is_a_clear_error(ollama, opened, models: object):
    ollama.tags = models
    embedder = opened(digest="sha256:" + "0" * 64)

    for use in (lambda: embedder.identity, lambda: embedder.embed_question("start?", timeout_seconds=2)):
        with pytest.raises(EmbedderError, match="no list of models; is this an Ollama"):
            use()


def test_an_unknown_model_tells_its_dimensions_by_its_first_answer(opened):
    with FakeOllama({"my-model:7b": 12}) as other:
        embedder = OllamaEmbedder(other.url, "my-model:7b", times=QUICK)

        identity = embedder.identity
        embedder.close()

    assert ("my-model:7b", 12) == (identity.model, identity.dimensions)


@pytest.mark.parametrize("tag", ["", ":latest"])
def test_another_digest_than_the_wanted_one_is_refused(opened, tag: str):
    embedder = opened(f"nomic-embed-text{tag}", digest="sha256:" + "0" * 64)

    for use in (
        lambda: embedder.identity,
        lambda: embedder.embed_documents(["a"]),
        lambda: embedder.embed_question("a"),
    ):
        with pytest.raises(EmbedderMismatch, match="expected sha256:0000"):
            use()


def test_the_wanted_digest_is_accepted_whole_or_by_its_first_digits(ollama, opened):
    digest = ollama.digest("nomic-embed-text:latest")

    identities = {opened(digest=wanted).identity for wanted in (digest, f"sha256:{digest}", digest[:12])}

    assert 1 == len(identities)


@pytest.mark.parametrize("ending", ["", "/", "/api", "/api/"])
def test_the_address_may_end_as_people_write_it(ollama, ending: str):
    embedder = open_embedder("Ollama", model_profile("all-minilm"), url=ollama.url + ending)

    rows = embedder.embed_documents(["start the timer"])
    embedder.close()

    assert (1, 384) == rows.shape


@pytest.mark.parametrize("url", ["localhost:11434", "ftp://host", "http://", "http://host:port", ""])
def test_an_address_that_is_none_is_refused_with_an_example(url: str):
    with pytest.raises(EmbedderError, match=r"http://host:11434|set LLM_BASE_URL"):
        open_embedder("Ollama", model_profile("all-minilm"), url=url)


def test_credentials_are_sent_and_never_shown(ollama):
    ollama.behaviour = status(401, "no")
    address = ollama.url.replace("http://", "http://anna:secret@")
    embedder = OllamaEmbedder(address, "all-minilm", times=QUICK)

    with pytest.raises(EmbedderError) as caught:
        embedder.embed_documents(["start the timer"])
    embedder.close()

    assert "secret" not in str(caught.value)
    assert ollama.authorizations[0].startswith("Basic ")


def test_nothing_listens_is_said_with_what_to_do():
    with FakeOllama() as gone:
        url = gone.url
    embedder = OllamaEmbedder(url, "all-minilm", times=replace(QUICK, identity=0.2))

    with pytest.raises(EmbedderUnavailable, match="ollama serve"):
        embedder.embed_documents(["start the timer"])
    with pytest.raises(EmbedderUnavailable, match="cannot be reached"):
        embedder.embed_question("start?", timeout_seconds=1)
    embedder.close()


@pytest.mark.parametrize("text", ["", " \n", "¿", "\ud800"])
def test_a_text_without_meaning_is_named_before_anything_is_sent(ollama, opened, text: str):
    with pytest.raises(TextRefused) as caught:
        opened("all-minilm").embed_documents(["start the timer", text])

    assert 1 == caught.value.position
    assert [] == ollama.inputs


def test_an_over_long_text_is_refused_before_a_server_could_cut_it(ollama, opened):
    with pytest.raises(TextRefused, match="302 tokens and all-minilm reads 256"):
        opened("all-minilm").embed_documents(["start the timer", "word " * 300])

    assert [] == ollama.inputs


def test_words_that_the_server_would_not_know_are_sent_as_the_model_cuts_them(ollama, opened):
    opened("all-minilm").embed_documents(["Don’t press “Café”", "Press Start."])

    assert [['don \' t press " cafe "'], ["Press Start."]] == ollama.inputs


@pytest.mark.parametrize(
    ("fault", "error", "words"),
    [
        pytest.param(status(503), EmbedderUnavailable, "503", id="503"),
        pytest.param(changed(lambda rows: rows[:, :100]), BadVectors, "100 dimensions", id="vectors of no use"),
        pytest.param(body(HUGE_NUMBER), BadVectors, "something else than numbers", id="a number beyond all floats"),
        pytest.param(body(b"[" * 100_000), EmbedderError, "no JSON", id="JSON without a bottom"),
    ],
)
def test_after_some_failures_a_question_costs_nothing_until_the_server_answers_again(
    ollama, opened, fault: Behaviour, error: type[Exception], words: str
):
    clock = [0.0]
    embedder = opened(breaker=Breaker(failures_max=2, rest_seconds=5, clock=lambda: clock[0]))
    ollama.behaviour = fault
    for _ in range(2):
        with pytest.raises(error, match=words):
            embedder.embed_question("start?", timeout_seconds=2)

    with pytest.raises(EmbedderUnavailable, match="left alone"):
        embedder.embed_question("start?", timeout_seconds=2)
    asked_while_resting = len(ollama.inputs)
    clock[0], ollama.behaviour = 6.0, healthy
    with pytest.raises(EmbedderUnavailable, match="left alone"):  # this one has it looked after, and does not wait
        embedder.embed_question("start?", timeout_seconds=2)

    assert 2 == asked_while_resting
    assert ollama.wait_for(lambda: len(ollama.inputs) > 2)
    assert eventually(lambda: (768,) == embedder.embed_question("start?", timeout_seconds=2).shape)


def test_a_question_in_haste_says_nothing_of_the_server(ollama, opened):
    embedder = opened(breaker=Breaker(failures_max=2, rest_seconds=60))
    embedder.embed_question("start?", timeout_seconds=2)
    ollama.behaviour = hangs
    for _ in range(3):
        with pytest.raises(AskedInHaste, match=r"within 0\.05 seconds"):
            embedder.embed_question("start?", timeout_seconds=0.05)

    ollama.behaviour = healthy

    assert (768,) == embedder.embed_question("start?", timeout_seconds=2).shape


def test_a_server_that_fails_at_once_is_left_alone_by_questions_in_haste_too(ollama, opened):
    embedder = opened(breaker=Breaker(failures_max=2, rest_seconds=60))
    embedder.embed_question("start?", timeout_seconds=8)
    ollama.behaviour = status(503)
    for _ in range(2):
        with pytest.raises(EmbedderUnavailable, match="503"):
            embedder.embed_question("start?", timeout_seconds=3)

    with pytest.raises(EmbedderUnavailable, match="left alone"):
        embedder.embed_question("start?", timeout_seconds=3)


def test_a_slow_answer_ends_a_question_at_its_timeout(ollama, opened):
    ollama.behaviour = hangs

    with pytest.raises(EmbedderUnavailable, match=r"within 0\.2 seconds"):
        opened().embed_question("start?", timeout_seconds=0.2)


def test_canaries_agree_with_themselves_and_with_no_other_model(ollama, opened):
    embedder: Embedder = opened("all-minilm")

    recorded = embedder.embed_documents(CANARY_TEXTS)
    again = embedder.embed_documents(CANARY_TEXTS)
    ollama.behaviour = changed(lambda rows: rows[:, ::-1])
    other = embedder.embed_documents(CANARY_TEXTS)

    assert lowest_cosine(again, recorded) >= AGREEMENT_COSINE > lowest_cosine(other, recorded)


def eventually(succeeds: Callable[[], bool], seconds: float = 10) -> bool:
    """Whether it succeeded at last; the answer that ends the rest arrives in another thread."""
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        with suppress(EmbedderUnavailable):
            return succeeds()
    return False
