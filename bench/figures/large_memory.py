"""Memory of a server of a million passages: its proportional set size after 1,000 questions, by passage.

256 dimensions: the service itself, asked over HTTP. 768: the search in a process, over the same passages and graph with
the vectors turned into 768 dimensions by a seeded orthogonal map, which keeps every product; no recall is claimed.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from bench.comparison import Bar, Comparison, Side
from bench.errors import check
from bench.harness import Bench, Measured
from bench.large import large_root, over_graph, real_questions, remark
from bench.processes import side_in_fresh_process, started
from bench.servers import SERVICE, announced, asked, service_variables, wait_ready

if TYPE_CHECKING:
    from clockifyrag_index.embedders import Vectors
    from clockifyrag_index.generations import Generation

QUESTIONS = 1000
WIDE = 768


def measure(bench: Bench) -> Iterator[Comparison]:
    root = large_root(bench)
    wide = bench.kept / "large" / f"{root.parent.name}-{WIDE}"
    told = remark(root)
    side_in_fresh_process(__name__, "widen", {"root": str(root), "wide": str(wide)}, bench.cores.all)
    rounds = bench.interleaved(
        {
            "256": partial(_served, bench, root),
            "768": partial(side_in_fresh_process, __name__, "wide", {"root": str(root), "wide": str(wide)},
                           (bench.cores.server,)),
        }
    )  # fmt: skip
    kilobyte = Side("one kB", "kB a passage", (1.0,) * bench.rounds)
    for dimensions, called, bar in (
        ("256", "the service, asked over HTTP", Bar("≤", 1.2, 0.9)),
        ("768", "the search in a process", Bar("≤", 1.9, 1.3)),
    ):
        parts = rounds.measured[dimensions][0]
        yield Comparison(
            f"large-memory-{dimensions}", f"Memory of a server of a million passages of {dimensions} dimensions",
            rounds.side(dimensions, "kB a passage", "kB", called=called), kilobyte, bar,
            f"{told}; of it private {parts['anonymous']:.2f}, mapped files {parts['files']:.2f}", "G11",
        )  # fmt: skip


def _served(bench: Bench, root: Path) -> Measured:
    """Memory of the service by passage, after questions that are all different."""
    chunks = _chunks(root)
    with _service(bench, root) as (process, address):
        for query in _distinct_questions():
            status, body = asked(address, "/search?" + urlencode({"q": query[:500], "cache": "false"}))
            check(status == 200 and b'"results"' in body, f"{status} for {query!r}: {body[:200]!r}")
        return _by_passage(process, chunks)


@contextmanager
def _service(bench: Bench, root: Path) -> "Iterator[tuple[int, str]]":
    """Process id and address of a ready service."""
    variables = service_variables(root, bench.folder / "service.log")
    with started(SERVICE, (bench.cores.server,), variables) as process:
        address = announced(process)
        wait_ready(address)
        yield process.pid, address


def _distinct_questions() -> list[str]:
    """A thousand: the real ones, then pairs of their halves."""
    known, draw = real_questions(), Random(3)
    questions = dict.fromkeys(known[:QUESTIONS])
    while len(questions) < QUESTIONS:
        one, other = (draw.choice(known).split() for _ in range(2))
        questions[" ".join([*one[: len(one) // 2 + 1], *other[len(other) // 2 :]])] = None
    return list(questions)


def _by_passage(process: int, chunks: int) -> Measured:
    """kB of proportional set size by passage: all of it, what is the process's own, and mapped files."""
    text = Path(f"/proc/{process}/smaps_rollup").read_text()
    found = {name: int(value) * 1024 for name, value in re.findall(r"^(Pss\w*):\s+(\d+) kB", text, re.MULTILINE)}
    return {
        name: found[key] / chunks / 1000
        for name, key in (("kB", "Pss"), ("anonymous", "Pss_Anon"), ("files", "Pss_File"))
    }


def _chunks(root: Path) -> int:
    from clockifyrag_index.generations import current_generation_path
    from clockifyrag_index.manifest_reader import read_manifest

    return read_manifest(current_generation_path(root)).counts.chunks


def _turn() -> "Vectors":
    """(256, 768) float32 with orthonormal rows, from a seed."""
    import numpy as np

    columns, _ = np.linalg.qr(np.random.default_rng(7).standard_normal((WIDE, 256)))
    turned: Vectors = np.ascontiguousarray(columns.T, dtype=np.float32)
    return turned


def widen(job: dict[str, Any]) -> dict[str, Any]:
    """Writes the rows and indexes of 768 dimensions, unless they stand."""
    import numpy as np

    from clockifyrag_index.faiss_file import write_index

    wide, generation = Path(job["wide"]), _opened(Path(job["root"]))
    digest = wide / "made-from"
    if digest.exists() and digest.read_text() == generation.id:
        return {}
    wide.mkdir(parents=True, exist_ok=True)
    turn = _turn()
    indexes = [("vectors.npy", "index.bin", generation.dense)]
    if generation.articles._index is not None:
        indexes.append(("articles.npy", "articles.bin", generation.articles._index))
    for rows, index, source in indexes:
        vectors = np.lib.format.open_memmap(wide / rows, mode="w+", dtype=np.float32, shape=(source.size, WIDE))
        for start in range(0, source.size, 65536):
            vectors[start : start + 65536] = source.vectors()[start : start + 65536] @ turn
        vectors.flush()
        (wide / index).unlink(missing_ok=True)
        write_index(over_graph(source._index, vectors, generation.manifest.index.storage), wide / index)
    digest.write_text(generation.id)
    return {}


class Turned:
    """The inner embedder, its questions turned into 768 dimensions."""

    def __init__(self, inner: Any, turn: "Vectors") -> None:
        """turn: (256, 768) float32 with orthonormal rows."""
        self._inner = inner
        self._turn = turn

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def embed_question(self, text: str, timeout_seconds: float | None = None) -> "Vectors":
        vector: Vectors = self._inner.embed_question(text) @ self._turn
        return vector

    def embed_weighed(self, text: str, weight: Any) -> "Vectors":
        weighed: Vectors = self._inner.embed_weighed(text, weight) @ self._turn
        return weighed


def wide(job: dict[str, Any]) -> Measured:
    """Memory of this process by passage, after the same questions asked of a search over 768 dimensions."""
    import os

    from clockifyrag_index.articles import Articles
    from clockifyrag_index.dense import DenseIndex
    from clockifyrag_index.embedders.opening import open_embedder
    from clockifyrag_index.search import SearchConfig, SearchEngine, SearchRequest
    from clockifyrag_resource.profiles import model_profile

    folder, generation, turn = Path(job["wide"]), _opened(Path(job["root"])), _turn()
    index, counts = generation.manifest.index, generation.manifest.counts
    dense = DenseIndex.open(folder / "index.bin", counts.chunks, WIDE, index, folder / "vectors.npy")
    directions = DenseIndex.open(folder / "articles.bin", counts.documents, WIDE, index, folder / "articles.npy")
    articles: Articles = generation.articles
    articles._index = directions
    generation = replace(generation, dense=dense, articles=articles)  # nothing of 256 dimensions stays mapped

    embedder = Turned(open_embedder("Local", model_profile("wordllama")), turn)
    engine = SearchEngine(generation, embedder, config=SearchConfig(embed_timeout_seconds=30))
    for query in _distinct_questions():
        result = engine.search(SearchRequest(query[:500]))
        check(not result.degraded and bool(result.query_processed), f"{query!r}: degraded {result.degraded}")
    return _by_passage(os.getpid(), counts.chunks)


def _opened(root: Path) -> "Generation":
    from clockifyrag_index.generations import current_generation_path, open_generation

    return open_generation(current_generation_path(root), verify=False)


SIDES = {"widen": widen, "wide": wide}
