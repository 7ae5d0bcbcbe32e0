"""Part: a corpus cut to fewer articles, where a figure would take too long over all of them."""

import shutil
from dataclasses import replace
from pathlib import Path

import orjson

from bench.corpus import Corpus


def part_of(corpus: Corpus, articles: int, folder: Path) -> Corpus:
    """The corpus with at most so many of its articles, copied below the folder; it has the same questions."""
    target = folder / corpus.source.name
    if corpus.source.is_dir():
        found = sorted(corpus.source.rglob("*.md"))
        step = max(1, len(found) // articles)
        for path in found[::step][:articles]:
            place = target / path.relative_to(corpus.source)
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, place)
    else:
        records = [(orjson.loads(line).get("url"), line) for line in corpus.source.read_bytes().splitlines()]
        kept = set(list(dict.fromkeys(url for url, _ in records))[:articles])
        target.write_bytes(b"".join(line + b"\n" for url, line in records if url in kept))
    return replace(corpus, name=f"{corpus.name}, {articles} articles", source=target)
