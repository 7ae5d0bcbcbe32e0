"""Chunking: what rankings are worth where documents are cut or cleaned otherwise, one thing at a time.

No clock is read. Every index is made of the same documents by the builder's own parts; what a build makes is made the
same way, and must be the generation that a build has published. What differs from it is compared question by question,
with paired intervals of 95 %. The default of all is the one that docs/index.md describes.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from bench.chunkings import Chunking
from bench.comparison import Comparison, Side
from bench.corpus import Corpus, corpora
from bench.errors import check
from bench.figures.quality import TITLES
from bench.harness import Bench
from bench.prepared import built_root
from bench.processes import side_in_fresh_process

if TYPE_CHECKING:
    from clockifyrag_index.chunk import Chunk

AS_BUILT = "as built"
SIZES = {
    "at most 400 characters": Chunking(max_chars=400),
    "at most 600 characters": Chunking(max_chars=600),
    "at most 1,200 characters": Chunking(max_chars=1200),
}
TRIED = {
    **SIZES,
    "overlap of 100 characters": Chunking(overlap_chars=100),
    "overlap of 200 characters": Chunking(overlap_chars=200),
    "small sections left alone": Chunking(min_chars=0),
    "sections below 400 characters joined": Chunking(min_chars=400),
    "no title and headings in the vectors": Chunking(breadcrumbs=False),
    "boilerplate kept": Chunking(boilerplate_left_out=False),
}
Found = Mapping[str, Any]  # passages, generation, and of each measure the value of each question


def measure(bench: Bench) -> Iterator[Comparison]:
    """wordllama on every corpus there is; all-minilm on the first, with other lengths alone: each takes minutes."""
    for corpus in corpora(bench.corpus):
        yield from _tried(bench, corpus, "wordllama", TRIED)
    yield from _tried(bench, bench.corpus, "all-minilm", SIZES)


def _tried(bench: Bench, corpus: Corpus, model: str, tried: Mapping[str, Chunking]) -> Iterator[Comparison]:
    built = built_root(replace(bench, corpus=corpus), model)
    bench.say(f"{corpus.name}, {model}: {', '.join(tried)}")
    job = {
        "source": str(corpus.source), "root": str(built), "model": model, "folder": str(bench.folder),
        "chunkings": {name: asdict(chunking) for name, chunking in {AS_BUILT: Chunking(), **tried}.items()},
        "questions": [(one.qid, one.query, dict(one.grades)) for one in corpus.questions],
    }  # fmt: skip
    found: dict[str, Found] = side_in_fresh_process(__name__, "rank", job, bench.cores.all)
    default, published = found[AS_BUILT], (built / "CURRENT").read_text().strip()
    check(default["generation"] == published, f"{default['generation']} was made, a build made {published}")
    for name, one in found.items():
        yield _line(bench, corpus, model, name, one, None if name == AS_BUILT else default)


def _line(bench: Bench, corpus: Corpus, model: str, name: str, found: Found, default: Found | None) -> Comparison:
    """One thing that was tried on one corpus; the remark tells all measures, and is the cell of the table."""

    def side(called: str, one: Found) -> Side:
        return Side(called, TITLES["ndcg"], (_mean(one["ndcg"]),) * bench.rounds)  # every round would give the same

    number = [AS_BUILT, *TRIED].index(name)  # the table keeps this order
    place = f"{corpus.name}-{model}-{number}-{name}".lower().replace(",", "").replace(" ", "-")
    remark = "; ".join((f"{found['passages']:,} passages", *_told(found, default)))
    reference = None if default is None else side(AS_BUILT, default)
    title = f"{name}: {corpus.name}, {model}"
    return Comparison(f"chunking-{place}", title, side(name, found), reference, remark=remark)


def _told(found: Found, default: Found | None) -> Iterator[str]:
    """The values of the default; of what was tried, by how much it lies above or below."""
    from clockifyrag_index.evaluate import Interval, bootstrap

    def bounds(one: Interval, sign: str) -> str:
        return f"{one.mean:{sign}.3f} ({one.low:{sign}.3f} – {one.high:{sign}.3f})".replace("-", "−")

    if default is not None and found["generation"] == default["generation"]:
        yield "the same index"
        return
    for what, title in TITLES.items():
        if default is None:
            yield f"{title} {bounds(bootstrap(found[what]), '')}"
            continue
        difference = bootstrap([a - b for a, b in zip(found[what], default[what], strict=True)])
        told = bounds(difference, "+")
        yield f"{title} " + (f"**{told}**" if difference.low > 0 or difference.high < 0 else told)


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def rank(job: dict[str, Any]) -> dict[str, Found]:
    """By name of the chunking: what the questions' rankings over the corpus cut this way are worth."""
    from bench.chunkings import chunks_of, engine_of
    from bench.prepared import plan_of
    from bench.rankings import served
    from clockifyrag_index.evaluate import Judged, evaluate

    plan = plan_of(Path(job["source"]), Path(job["root"]), job["model"])
    plan.source.fetch()
    judged = [Judged(*one) for one in job["questions"]]
    found: dict[str, Found] = {}
    before: list[tuple[bool, list[Chunk], str]] = []
    for name, fields in job["chunkings"].items():
        chunking = Chunking(**fields)
        chunks = chunks_of(plan, job["model"], chunking)
        same = next((other for *made, other in before if made == [chunking.breadcrumbs, chunks]), None)
        if same is not None:
            found[name] = found[same]
            continue
        with TemporaryDirectory(dir=job["folder"]) as folder:
            engine = engine_of(plan, chunks, chunking, Path(folder))
            measured = evaluate(judged, served(engine)).measures.values()
        found[name] = {
            "passages": len(chunks),
            "generation": engine.generation.id,
            **{what: [getattr(one, what) for one in measured] for what in TITLES},
        }
        before.append((chunking.breadcrumbs, chunks, name))
    return found


SIDES = {"rank": rank}
