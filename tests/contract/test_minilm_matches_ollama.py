"""The numpy model against what a real Ollama answered for the same model (tests/ollama says how it was recorded)."""

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest

from clockifyrag_index.embedders.bert_words import bert_words
from clockifyrag_index.embedders.local import local_embedder

RECORDED = Path(__file__).parent.parent / "ollama"
TEXTS: dict[str, str] = json.loads((RECORDED / "texts.json").read_text(encoding="utf-8"))
AGREEMENT_COSINE = 0.9999  # Ollama's weights have 16 bits


@pytest.fixture(scope="module")
def minilm():
    return local_embedder("all-minilm")


@pytest.fixture(scope="module")
def cosines(minilm) -> dict[str, float]:
    recorded = np.load(RECORDED / "minilm_vectors.npy", allow_pickle=False)
    ours = minilm.embed_documents(list(TEXTS.values()))
    return dict(zip(TEXTS, np.sum(ours * recorded, axis=1).tolist(), strict=True))


def read_alike(text: str) -> bool:
    """Whether Ollama's tokenizer cuts the text as the model's own does: what `bert_words` leaves alone, it does."""
    return text == bert_words(text)


def test_texts_that_both_read_alike_have_the_same_vector(cosines):
    alike = {name: cosine for name, cosine in cosines.items() if read_alike(TEXTS[name])}

    assert 40 < len(alike)
    assert {} == {name: cosine for name, cosine in alike.items() if cosine < AGREEMENT_COSINE}


def test_the_other_texts_show_why_the_embedder_cuts_words_itself(cosines):
    others = [cosine for name, cosine in cosines.items() if not read_alike(TEXTS[name])]

    assert 0.7 > min(others)


def test_the_recorded_vectors_are_of_these_texts_and_tokens_are_counted_alike(minilm):
    record = json.loads((RECORDED / "minilm_vectors.json").read_text(encoding="utf-8"))

    counted = {name: minilm.count_tokens(text) for name, text in TEXTS.items() if read_alike(text)}

    assert record["texts_sha256"] == hashlib.sha256((RECORDED / "texts.json").read_bytes()).hexdigest()
    assert {name: record["tokens"][name] for name in counted} == counted
