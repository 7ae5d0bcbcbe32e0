"""The models in this process: what they promise of every vector, and that the arithmetic is right."""

import math
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from clockifyrag_index.embedders import Embedder, bert_vocabulary
from clockifyrag_index.embedders.canaries import AGREEMENT_COSINE, CANARY_TEXTS, lowest_cosine
from clockifyrag_index.embedders.cores import keep_products_in_their_thread
from clockifyrag_index.embedders.gelu import gelu
from clockifyrag_index.embedders.local import (
    MINILM_DIGEST,
    MINILM_DISTRIBUTION,
    MINILM_PACKAGE,
    WORDLLAMA_DIGEST,
    local_embedder,
    package_folder,
)
from clockifyrag_index.embedders.minilm import ROWS_AT_ONCE, MiniLMEmbedder, even_batches
from clockifyrag_index.embedders.opening import profile_of
from clockifyrag_index.embedders.vocabulary import knows_word
from clockifyrag_index.embedders.weights import mapped_tensors
from clockifyrag_index.errors import TextRefused
from clockifyrag_index.quota import cpu_quota
from clockifyrag_resource.profiles import model_profile

MINILM_FOLDER = package_folder(MINILM_PACKAGE, MINILM_DISTRIBUTION) / "model"
TEXTS = (
    "timer",
    "Start the timer.",
    "How do I add time that I forgot to track?",
    "Export the report as PDF.",
    "Bonjour à tous: «café» – 5 × 8 h = 40 h",
    "word " * 200,
    "Start the timer.",
)


@pytest.fixture(scope="module")
def minilm() -> MiniLMEmbedder:
    return MiniLMEmbedder(MINILM_FOLDER, model_profile("all-minilm"), MINILM_DIGEST, threads=2)


@pytest.fixture(scope="module", params=["all-minilm", "wordllama"])
def embedder(request: pytest.FixtureRequest) -> Embedder:
    return local_embedder(request.param)


def test_vectors_have_the_models_dimensions_and_length_one(embedder):
    rows = embedder.embed_documents(TEXTS)

    assert (len(TEXTS), model_profile(embedder.identity.model).dimensions) == rows.shape
    assert np.float32 == rows.dtype
    assert np.allclose(1, np.linalg.norm(rows, axis=1), atol=1e-6)


def test_a_text_has_the_same_bits_alone_in_a_batch_and_in_any_order(embedder):
    together = embedder.embed_documents(TEXTS)

    alone = np.concatenate([embedder.embed_documents([text]) for text in TEXTS])
    backwards = embedder.embed_documents(TEXTS[::-1])[::-1]
    questions = np.stack([embedder.embed_question(text) for text in TEXTS])

    assert np.array_equal(together, alone)
    assert np.array_equal(together, backwards)
    assert np.array_equal(together, questions)


@pytest.mark.parametrize("words", [1, 2, 3, 5, 8, 20, 60, 126, 250])
def test_the_number_of_texts_of_one_length_changes_no_bit(minilm, words: int):
    texts = [
        f"{'timer ' * (words - 1)}{last}" for last in ("report", "project", "invoice", "team", "client", "task", "tag")
    ]

    together = minilm.embed_documents(texts)

    assert np.array_equal(together, np.concatenate([minilm.embed_documents([text]) for text in texts]))


def test_the_number_of_texts_of_one_length_changes_no_bit_by_kernels_of_six_rows():
    """BLAS takes its kernels when it is loaded, so in a process of its own: those of a Haswell."""
    test = f"{__file__}::{test_the_number_of_texts_of_one_length_changes_no_bit.__name__}"
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", test],
        env={**os.environ, "OPENBLAS_CORETYPE": "Haswell"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert 0 == run.returncode, run.stdout


def test_the_number_of_threads_changes_no_bit(minilm):
    texts = [f"article {'about timers ' * (n % 7)}number {n}" for n in range(60)]
    single = MiniLMEmbedder(MINILM_FOLDER, model_profile("all-minilm"), MINILM_DIGEST, threads=1)

    assert np.array_equal(single.embed_documents(texts), minilm.embed_documents(texts))


def test_texts_of_one_meaning_are_nearer_than_others(embedder):
    question = embedder.embed_question("How do I start the timer?")

    near, far = embedder.embed_documents(["Press Start to run the timer.", "Invoices list unpaid hours."])

    assert question @ near > question @ far + 0.2


def test_no_texts_give_no_rows(embedder):
    assert (0, embedder.identity.dimensions) == embedder.embed_documents([]).shape


@pytest.mark.parametrize("text", ["", "  \n\t", "\ud800"])
def test_a_text_that_cannot_be_read_is_named_by_its_position(embedder, text: str):
    with pytest.raises(TextRefused) as caught:
        embedder.embed_documents(["Start the timer.", text])
    with pytest.raises(TextRefused):
        embedder.embed_question(text)

    assert 1 == caught.value.position


def test_a_text_of_control_characters_alone_is_refused_by_minilm(minilm):
    with pytest.raises(TextRefused, match="control characters"):
        minilm.embed_documents(["\x00\x01"])
    with pytest.raises(TextRefused, match="control characters"):
        minilm.embed_question("\x00\x01")


def test_a_document_above_the_context_is_refused_and_never_cut(minilm):
    fits, too_long = "word " * 254, "word " * 255

    minilm.embed_documents([fits])
    with pytest.raises(TextRefused, match="257 tokens and all-minilm reads 256") as caught:
        minilm.embed_documents([fits, too_long])

    assert (256, 257) == (minilm.count_tokens(fits), minilm.count_tokens(too_long))
    assert 1 == caught.value.position


def test_a_question_above_the_context_is_cut_there(minilm):
    cut, exact = minilm.embed_question("word " * 400), minilm.embed_question("word " * 254)

    assert np.array_equal(exact, cut)


def test_words_like_special_tokens_are_text(minilm):
    assert minilm.count_tokens("[SEP]") > minilm.count_tokens("sep")


def test_the_identity_names_model_digest_and_context(minilm):
    identity = minilm.identity

    assert ("all-minilm", MINILM_DIGEST, 384, 256) == (
        identity.model, identity.digest, identity.dimensions, identity.context_tokens,
    )  # fmt: skip
    assert WORDLLAMA_DIGEST == local_embedder("wordllama").identity.digest
    assert "all-minilm" == profile_of(identity).model


def test_wordllama_gives_what_its_own_package_gives():
    from tokenizers import Tokenizer
    from wordllama.inference import WordLlamaInference

    folder = package_folder("wordllama", "wordllama")
    table = load_file(folder / "weights" / "l2_supercat_256.safetensors")["embedding.weight"]
    tokenizer = Tokenizer.from_file(str(folder / "tokenizers" / "l2_supercat_tokenizer_config.json"))
    theirs = WordLlamaInference(table, tokenizer).embed(list(TEXTS), norm=True)

    ours = local_embedder("wordllama").embed_documents(TEXTS)

    assert np.allclose(theirs, ours, atol=1e-5)


def test_canaries_agree_with_the_model_that_made_them_only(minilm):
    recorded, again = minilm.embed_documents(CANARY_TEXTS), minilm.embed_documents(CANARY_TEXTS)

    assert lowest_cosine(again, recorded) >= AGREEMENT_COSINE > lowest_cosine(np.roll(again, 1, axis=1), recorded)


def test_mapped_tensors_are_what_the_safetensors_package_reads():
    theirs = load_file(MINILM_FOLDER / "model.safetensors")

    ours = mapped_tensors(MINILM_FOLDER / "model.safetensors")

    assert set(theirs) == set(ours)
    assert all(np.array_equal(theirs[name], ours[name]) for name in theirs)
    assert not ours["embeddings.word_embeddings.weight"].flags.writeable


def test_gelu_is_exact_to_float32():
    x = np.linspace(-12, 12, 100_001, dtype=np.float32)
    exact = np.array([value * (1 + math.erf(value / math.sqrt(2))) / 2 for value in x.astype(float)])

    ours = x.reshape(-1, 1).copy()
    gelu(ours)

    assert 4e-7 > np.abs(ours.ravel() - exact).max()


@pytest.mark.parametrize("threads", [1, 2, 3])
@pytest.mark.parametrize("lengths", [[], [3], [3] * 5, [256] * 9, [*range(3, 256, 7)]], ids=len)
def test_batches_hold_every_text_once_and_are_even(lengths: list[int], threads: int):
    found = even_batches(lengths, threads)

    tokens = [sum(lengths[at] for at in batch) for batch in found]
    assert [*range(len(lengths))] == sorted(at for batch in found for at in batch)
    assert all(found)
    assert max(tokens, default=0) - min(tokens, default=0) <= max(lengths, default=0)
    assert max(tokens, default=0) <= ROWS_AT_ONCE + max(lengths, default=0)


@pytest.mark.parametrize("cpu_max, allowed", [("max 100000", None), ("50000 100000", 1), ("100000 100000", 1)])
def test_cores_follow_the_quota_of_the_container(tmp_path: Path, cpu_max: str, allowed: int | None):
    (tmp_path / "cpu.max").write_text(cpu_max)

    assert (allowed or cpu_quota(tmp_path / "nowhere")) == cpu_quota(tmp_path)


def test_numpys_own_blas_can_be_kept_in_its_thread():
    assert keep_products_in_their_thread()


def test_a_question_whose_words_weigh_alike_is_the_plain_one():
    wordllama = local_embedder("wordllama")

    for text in TEXTS:
        weighed = wordllama.embed_weighed(text, lambda word: 0.5)

        assert np.allclose(wordllama.embed_question(text), weighed, atol=1e-6)


def test_a_word_that_weighs_nearly_nothing_is_as_good_as_left_out():
    wordllama = local_embedder("wordllama")
    text = "How do I approve timesheets?"

    weighed = wordllama.embed_weighed(text, lambda word: 1.0 if word in ("approve", "timesheets") else 1e-6)

    assert np.dot(weighed, wordllama.embed_question("approve timesheets")) > 0.99
    assert np.dot(wordllama.embed_question(text), wordllama.embed_question("approve timesheets")) < 0.95


@pytest.mark.parametrize("text", [" ", "\ud800"])
def test_weighing_refuses_what_embedding_refuses(text: str):
    with pytest.raises(TextRefused):
        local_embedder("wordllama").embed_weighed(text, lambda word: 1.0)


@pytest.mark.parametrize(
    ("word", "is_known"),
    [
        ("lunch", True), ("colour", True), ("lanch", False), ("timesheet", False), ("imer", False), ("projet", False),
    ],
)  # fmt: skip
def test_a_word_is_known_where_the_vocabulary_holds_it_whole(minilm, word: str, is_known: bool):
    assert is_known == knows_word(minilm, word)


@pytest.mark.parametrize(("word", "is_known"), [("lunch", True), ("lanch", False), ("archiv", False)])
def test_where_a_model_tells_no_words_those_of_english_are_known(word: str, is_known: bool):
    assert is_known == knows_word(local_embedder("wordllama"), word)
    assert is_known == knows_word(None, word)


def test_without_the_package_that_lists_them_no_words_are_known(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(bert_vocabulary, "MINILM_PACKAGE", "no_such_package")
    bert_vocabulary.bert_tokenizer.cache_clear()
    try:
        assert not knows_word(None, "lunch")
    finally:
        bert_vocabulary.bert_tokenizer.cache_clear()
