"""Tokens a second of all-minilm as it is shipped and as it was tried, by Ollama's (bench.minilm_attempts)."""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from bench.comparison import Comparison
from bench.errors import BenchFailed
from bench.figures.embedding import TEXTS, embed, local, lowest_cosine, ollama, passages
from bench.harness import Bench, Measured
from bench.minilm_attempts import ATTEMPTS
from bench.ollama import built_ollama, ollama_with_minilm
from bench.prepared import built_root
from bench.processes import side_in_fresh_process


def measure(bench: Bench) -> Iterator[Comparison]:
    program = built_ollama()
    if program is None:
        raise BenchFailed("no Ollama to compare with: build it by python3 tools/binaries.py ollama")
    job = {"root": str(built_root(bench, "wordllama"))}
    with ollama_with_minilm(program, bench.folder, bench.cores.all) as url:
        sides: dict[str, Callable[[], Measured]] = {
            name: partial(side_in_fresh_process, __name__, "tried", job | {"name": name}, bench.cores.all)
            for name in ATTEMPTS
        }
        sides["Ollama"] = partial(side_in_fresh_process, __name__, "ollama", job | {"url": url}, bench.cores.all)
        rounds = bench.interleaved(sides)
    reference = rounds.side("Ollama", "tokens/s", "tokens_per_second", called="Ollama, 32 texts a request")
    for name in ATTEMPTS:
        yield Comparison(
            f"embedding-attempt-{name.lower().replace(' ', '-').replace(',', '')}",
            f"Embedding texts, all-minilm in numpy, {name}, by Ollama's",
            rounds.side(name, "tokens/s", "tokens_per_second", called=name),
            reference,
            None,
            f"{TEXTS} passages on {len(bench.cores.all)} cores; cosine with what is shipped at least "
            f"{min(one['cosine'] for one in rounds.measured[name]):.6f}",
        )


def tried(job: dict[str, Any]) -> dict[str, float]:
    """Tokens a second of one attempt, and the lowest cosine of its vectors with those of what is shipped."""
    with ATTEMPTS[job["name"]]:  # first: an embedder that is opened as shipped sets BLAS to one thread for good
        measured = embed(job)
        texts, _ = passages(Path(job["root"]), local())
        vectors = local().embed_documents(texts)
    return {**measured, "cosine": lowest_cosine(vectors, local().embed_documents(texts))}


SIDES = {"tried": tried, "ollama": ollama}
