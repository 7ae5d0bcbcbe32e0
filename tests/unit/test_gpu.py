"""A card is used where there is one, for the one index it suits, and changes no answer. None is here to measure."""

from types import SimpleNamespace

import faiss
import numpy as np
import pytest

from clockifyrag_index.dense import DenseIndex
from clockifyrag_index.faiss_file import build_index
from clockifyrag_index.gpu import on_gpu
from clockifyrag_index.manifest import IndexParameters

FLAT = IndexParameters()


def library(cards):
    """FAISS with so many cards."""
    return SimpleNamespace(
        StandardGpuResources=object,
        get_num_gpus=lambda: cards,
        index_cpu_to_gpu=lambda resources, device, index: ("on card", device, index),
    )


@pytest.mark.parametrize(
    ("given", "parameters", "expected"),
    [
        pytest.param(library(1), FLAT, ("on card", 0, "index"), id="a card and a Flat index"),
        pytest.param(library(4), FLAT, ("on card", 0, "index"), id="the first of several"),
        pytest.param(library(0), FLAT, None, id="no card"),
        pytest.param(faiss, FLAT, None, id="a FAISS for processors alone"),
        pytest.param(SimpleNamespace(get_num_gpus=lambda: 1), FLAT, None, id="a FAISS without the part for cards"),
        pytest.param(library(1), IndexParameters("Flat", "SQ8"), None, id="smaller codes"),
        pytest.param(library(1), IndexParameters("HNSW", "SQ8", 32, 200), None, id="a graph"),
    ],
)
def test_a_card_is_chosen_where_there_is_one_for_a_flat_index(given, parameters, expected):
    assert expected == on_gpu("index", parameters, given)


class Card:
    """An index whose last bits are others, and which puts equal rows in another order."""

    def __init__(self, vectors):
        self.vectors, self.asked = vectors, []

    def search(self, questions, k):
        self.asked.append(k)
        scores = (self.vectors[:, ::-1] @ questions[0][::-1]) * np.float32(1.0000001)
        rows = np.argsort(-scores)[:k]
        return scores[rows][np.newaxis], rows[np.newaxis]


def test_answers_are_those_without_a_card_to_the_last_bit():
    drawn = np.random.default_rng(0).standard_normal((3000, 32)).astype(np.float32)
    vectors = drawn / np.linalg.norm(drawn, axis=1, keepdims=True)
    index, card = build_index(vectors, FLAT), Card(vectors)
    with_card, without = DenseIndex(index, card=card), DenseIndex(index)

    for question in vectors[:20]:
        for k, rows in ((1, None), (10, None), (500, None), (10, range(5, 99)), (2999, None)):
            mine, other = with_card.search(question, k, rows), without.search(question, k, rows)
            assert [one.tolist() for one in other] == [one.tolist() for one in mine]

    assert {64, 1000} == set(card.asked)  # parts, and more than a card gives, are compared here
