"""The small rules an embedder is made of: batches, words, token bounds, the breaker."""

import numpy as np
import pytest
from tokenizers import normalizers

from clockifyrag_index.embedders.batches import batches
from clockifyrag_index.embedders.bert_words import bert_words
from clockifyrag_index.embedders.breaker import Breaker
from clockifyrag_index.embedders.checks import same_digest, unit_length
from clockifyrag_index.embedders.local import MINILM_DISTRIBUTION, MINILM_PACKAGE, package_folder
from clockifyrag_index.embedders.parity import batch_equals_singles
from clockifyrag_index.embedders.token_bound import TokenBound
from clockifyrag_index.embedders.tokens import open_tokenizer
from clockifyrag_index.errors import TextRefused
from clockifyrag_resource.profiles import model_profile


@pytest.mark.parametrize(
    ("lengths", "expected"),
    [
        pytest.param([], [], id="nothing"),
        pytest.param([5], [[0]], id="one"),
        pytest.param([1, 1, 1, 1], [[0, 1, 2], [3]], id="by count"),
        pytest.param([6, 4, 1], [[0, 1], [2]], id="by characters"),
        pytest.param([1, 99, 1], [[0], [1], [2]], id="a long one alone"),
    ],
)
def test_batches_keep_both_limits(lengths: list[int], expected: list[list[int]]):
    assert expected == [list(one) for one in batches(lengths, count_max=3, characters_max=10)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("Start the timer, then stop it.", "Start the timer, then stop it.", id="plain text is left alone"),
        pytest.param("don’t", "don ' t", id="typographic apostrophe"),
        pytest.param("“Save” – now…", '" save " - now . . .', id="quotes, dash, ellipsis"),
        pytest.param("Crème brûlée", "creme brulee", id="accents"),
        pytest.param("a=b|c", "a = b | c", id="symbols"),
        pytest.param("导出报告", "导 出 报 告", id="ideographs"),
        pytest.param("10\u00a0h\u200b5", "10 h5", id="spaces that are none"),
        pytest.param("→ ×", "→ ×", id="symbols beyond ASCII"),
        pytest.param("a\x00b", "ab", id="control characters"),
        pytest.param("¿", "", id="a mark without a plain form"),
    ],
)
def test_words_are_cut_as_bert_cuts_them(text: str, expected: str):
    assert expected == bert_words(text)


@pytest.mark.parametrize(
    "text",
    [
        "Crème=Brûlée|x",
        "Zürich naïve $5",
        "导出 report",
        "프로젝트별 근무",
        "Πώς ξεκινάω",
        "a\u00adb\tc\x07 = é",
        "İstanbul <b>",
    ],
)
def test_the_models_own_tokenizer_finds_the_same_tokens(text: str):
    tokenizer = open_tokenizer(package_folder(MINILM_PACKAGE, MINILM_DISTRIBUTION) / "model" / "tokenizer.json")

    assert isinstance(tokenizer.normalizer, normalizers.Normalizer)
    assert tokenizer.encode(text).tokens == tokenizer.encode(bert_words(text)).tokens


@pytest.mark.parametrize(
    ("model", "text", "expected"),
    [
        pytest.param("all-minilm", "start the timer", 5, id="known vocabulary"),
        pytest.param("nomic-embed-text", "start the timer", 9, id="with the prefix search_document: "),
        pytest.param("all-minilm", "a" * 120, 3 + 120, id="a word too long for the vocabulary"),
        pytest.param("bge-m3", "start", 7, id="unknown vocabulary: a token a byte"),
        pytest.param("bge-m3", "é", 4, id="bytes, not characters"),
    ],
)
def test_tokens_of_a_server_side_model_are_bounded(model: str, text: str, expected: int):
    profile = model_profile(model)

    assert expected == TokenBound(profile).of(profile.document_prefix + text)


def test_the_breaker_opens_after_failures_in_a_row_and_lets_one_probe_at_a_time():
    clock = [0.0]
    breaker = Breaker(failures_max=2, rest_seconds=5, clock=lambda: clock[0])
    breaker.failed()
    breaker.succeeded()
    breaker.failed()
    closed = breaker.open

    breaker.failed()
    early = breaker.claim_probe()
    clock[0] = 5
    claims = [breaker.claim_probe(), breaker.claim_probe()]
    breaker.failed()
    after_failure = breaker.claim_probe()
    clock[0] = 10
    again = breaker.claim_probe()
    breaker.succeeded()

    assert (False, False) == (closed, early)
    assert [True, False] == claims
    assert (False, True) == (after_failure, again)
    assert not breaker.open


def test_a_model_server_that_is_back_is_asked_again_within_five_seconds():
    """The probe itself takes a while, too: a rest of five seconds would be too long."""
    clock = [0.0]
    breaker = Breaker(clock=lambda: clock[0])
    while not breaker.open:
        breaker.failed()

    clock[0] = 4.5

    assert breaker.claim_probe()


def test_rows_are_scaled_to_length_one():
    rows = unit_length(np.array([[3, 4], [0, -2]], np.float32))

    assert np.allclose([[0.6, 0.8], [0, -1]], rows)


@pytest.mark.parametrize(
    ("row", "words"),
    [([0, 0], "all zeros"), ([np.nan, 1], "NaN"), ([np.inf, 1], "infinity")],
    ids=["zeros", "NaN", "infinity"],
)
def test_a_row_without_a_direction_is_named(row: list[float], words: str):
    with pytest.raises(TextRefused, match=words) as caught:
        unit_length(np.array([[1, 0], row], np.float32))

    assert 1 == caught.value.position


@pytest.mark.parametrize(
    ("wanted", "same"),
    [("sha256:" + "ab" * 32, True), ("ab" * 32, True), ("AB" * 6, True), ("ab" * 5, False), ("cd" * 32, False)],
)
def test_digests_are_compared_with_and_without_their_prefix(wanted: str, same: bool):
    assert same == same_digest(wanted, "sha256:" + "ab" * 32)


def test_a_server_that_shuffles_or_drifts_is_found_out_by_its_first_batch():
    texts = [f"text {number}" for number in range(32)]
    directions = np.eye(len(texts), dtype=np.float32)

    def rows(texts_of_a_call):
        return directions[[texts.index(text) for text in texts_of_a_call]]

    def shuffled(texts_of_a_call):
        return rows(texts_of_a_call)[::-1]

    def drifting(texts_of_a_call):
        return unit_length(rows(texts_of_a_call) + (0.02 if len(texts_of_a_call) >= 16 else 0))

    assert batch_equals_singles(rows, texts, rows(texts))
    assert not batch_equals_singles(shuffled, texts, shuffled(texts))
    assert not batch_equals_singles(drifting, texts, drifting(texts))
    assert batch_equals_singles(drifting, texts[:8], drifting(texts[:8]))
