"""Token lists: the same terms for every side of a lexical figure, cut once and kept beside the indexes.

Three sizes: the passages of the corpus (2k: the help center's), the documents of SciFact where the corpus folder has
them (5k), and sentences of both, or of the sample (50k, 1m). There are some 58,000 different sentences. Beyond them
they are repeated, and in each repetition a share of the words gets one of 64 endings, chosen by a seeded generator: so
new terms come up with new sentences, frequent words have frequent variants, and hardly two sentences are alike.
"""

import random
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import orjson

from bench.errors import check

CHANGED, ENDINGS, WORDS_MIN = 0.15, 64, 4
SENTENCE_END = re.compile(r"(?<=[.!?])\s+|\n+")

Tokens = list[list[str]]


def write_token_lists(folder: Path, root: Path, source: Path, queries: Sequence[str]) -> list[str]:
    """Writes `<size>.json` for each size there is: {"passages", "questions"}; returns the sizes. 1m is not written.

    root: an index of the corpus. source: what it was made of; SciFact lies beside it.
    """
    from clockifyrag_index.generations import current_generation_path, open_generation
    from clockifyrag_index.text import terms

    store = open_generation(current_generation_path(root)).chunks
    passages = [store[row].embedded_text for row in range(len(store))]
    texts = [store[row].content for row in range(len(store))]
    questions = [terms(query) for query in queries]
    _write(folder / "2k.json", [terms(passage) for passage in passages], questions)
    sizes = ["2k"]
    scifact = source.parent / "scifact"
    if scifact.is_dir():
        documents = [f"{one['title']} {one['text']}" for one in _lines(scifact / "scifact.docs.jsonl")]
        claims = [terms(one.get("query") or one["text"]) for one in _lines(scifact / "scifact.queries.jsonl")]
        _write(folder / "5k.json", [terms(document) for document in documents], claims)
        sizes.append("5k")
        texts += [one["text"] for one in _lines(scifact / "scifact.docs.jsonl")]
        questions += claims
    sentences = [terms(sentence) for text in texts for sentence in SENTENCE_END.split(text)]
    sentences = [sentence for sentence in sentences if len(sentence) >= WORDS_MIN]
    _write(folder / "sentences.json", sentences, questions)
    _write(folder / "50k.json", list(repeated(sentences, 50_000)), questions)
    return [*sizes, "50k"]


def read_token_lists(folder: Path, size: str) -> tuple[Tokens, Tokens]:
    """Passages and questions of a size, each term of a question once; those of 1m are made from the sentences now."""
    record = orjson.loads((folder / ("sentences.json" if size == "1m" else f"{size}.json")).read_bytes())
    passages = list(repeated(record["passages"], 1_000_000)) if size == "1m" else record["passages"]
    return passages, [sorted(set(question)) for question in record["questions"] if question]


def repeated(sentences: Tokens, count: int, seed: int = 1) -> Iterator[list[str]]:
    """So many sentences: those there are, then changed repetitions of them."""
    check(bool(sentences), "the corpus has no sentences")
    rng = random.Random(seed)
    for number in range(count):
        sentence = sentences[number % len(sentences)]
        if number < len(sentences):
            yield sentence
        else:
            yield [f"{word}~{rng.randrange(ENDINGS)}" if rng.random() < CHANGED else word for word in sentence]


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    with path.open("rb") as file:
        for line in file:
            yield orjson.loads(line)


def _write(path: Path, passages: Tokens, questions: Tokens) -> None:
    path.write_bytes(orjson.dumps({"passages": passages, "questions": questions}))
