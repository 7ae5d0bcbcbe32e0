"""Sentences: a million passages of text, made of the sentences there are.

The sentences of the public corpora in the folder that CLOCKIFYRAG_CORPUS names (SciFact and the help center), else of
the sample. Passage after passage takes the next ones, from the beginning again when they end, until it is long enough.
From the second time round every word is replaced, with a chance of 0.3, by the one at the same share of another
sentence, so that no passage stands twice, a passage keeps its subject, and words and vectors spread as those of texts
do. All draws are seeded: the same corpora give the same bytes.
"""

import hashlib
import os
import re
from collections.abc import Iterator
from pathlib import Path
from random import Random

import orjson

from clockifyrag_builder.sample import sample_articles

CHARACTERS = 220  # a passage has at least: shorter ones would join their neighbours
PASSAGES = 8  # of an article
REPLACED = 0.3
_SENTENCE = re.compile(r"(?<=[.!?])\s+|\n+")
_LENGTHS = range(40, 400)
_RECIPE = "1"  # another one, another million


def sentences() -> list[str]:
    """Each once, in the order they stand."""
    folder = os.environ.get("CLOCKIFYRAG_CORPUS")
    texts = _public(Path(folder)) if folder else _sample()
    found = (" ".join(one.split()) for text in texts for one in _SENTENCE.split(text))
    return list(dict.fromkeys(one for one in found if len(one) in _LENGTHS))


def recipe_digest(passages: int) -> str:
    """12 hex over all that decides the passages."""
    digest = hashlib.sha256(repr((_RECIPE, CHARACTERS, PASSAGES, REPLACED, passages)).encode())
    digest.update("\n".join(sentences()).encode())
    return digest.hexdigest()[:12]


def write_passages(path: Path, passages: int, seed: int = 1) -> None:
    """So many passages as JSON lines, eight to an article."""
    known = sentences()
    words, draw = [one.split() for one in known], Random(seed)
    following = _sentences_in_turn(words, draw)
    with path.open("wb") as file:
        for number in range(passages):
            content: list[str] = []
            while sum(map(len, content)) < CHARACTERS:
                content.append(next(following))
            article, section = divmod(number, PASSAGES)
            record = {
                "url": f"https://large.example/help/{article:07d}",
                "title": " ".join(words[(article * 7) % len(words)][:6]),
                "heading": " ".join(words[(number * 13 + section) % len(words)][:5]),
                "text": " ".join(content),
            }
            file.write(orjson.dumps(record) + b"\n")


def _sentences_in_turn(words: list[list[str]], draw: Random) -> Iterator[str]:
    for one in words:
        yield " ".join(one)
    while True:
        for one in words:
            other = words[draw.randrange(len(words))]
            share = len(other) / len(one)
            yield " ".join(
                other[int(place * share)] if draw.random() < REPLACED else word for place, word in enumerate(one)
            )


def _public(folder: Path) -> Iterator[str]:
    for line in (folder / "scifact" / "scifact.docs.jsonl").read_bytes().splitlines():
        text = orjson.loads(line)["text"]
        yield text if isinstance(text, str) else " ".join(text)
    for line in (folder / "clockify_help.jsonl").read_bytes().splitlines():
        yield orjson.loads(line).get("section") or ""


def _sample() -> Iterator[str]:
    return (path.read_text(encoding="utf-8") for path in sorted(sample_articles().rglob("*.md")))
