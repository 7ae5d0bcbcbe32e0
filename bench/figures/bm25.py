"""BM25: questions a second of the project's impacts, by those of rank_bm25 and bm25s; building and memory.

At 2k passages of the corpus, 5k documents of SciFact and 50k sentences (token_lists.py). All sides compute one formula,
are given the same token lists, select the ten best, and their answers are compared. A peer is built once a round.
"""

import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

from bench.comparison import Bar, Comparison
from bench.harness import Bench, Rounds
from bench.lexical_sides import Build, bm25s, built, check_same, impacts, opened_impacts, rank_bm25, rate, traced_bytes
from bench.prepared import built_root
from bench.processes import side_in_fresh_process
from bench.token_lists import read_token_lists, write_token_lists

SECONDS_MIN = 0.4  # of asking, in as many passes as that takes
QUESTIONS_MAX = {"2k": 200, "5k": 60, "50k": 20}  # rank_bm25 takes 40 ms for one at 50k
WEIGHED = ("2k", "5k", "50k")  # where memory is compared, too: tracing makes building several times slower
SMALL = 2000  # passages from which the bars of 2k are meant

PEERS = {"rank_bm25": "rank_bm25", "bm25s": "bm25s (numpy)", "bm25s_numba": "bm25s (numba)"}
BARS = {
    ("2k", "rank_bm25"): Bar("≥", 20, 60),
    ("5k", "rank_bm25"): Bar("≥", 100, 300),
    ("50k", "rank_bm25"): Bar("≥", 450, 1000),
    ("2k", "bm25s"): Bar("≥", 2.5),
    ("50k", "bm25s"): Bar("≥", 25),
    **{(size, "bm25s_numba"): Bar("≥", 1, 2) for size in ("2k", "5k", "50k")},
}


def measure(bench: Bench) -> Iterator[Comparison]:
    lists, sizes = prepared_lists(bench)
    job = {"folder": str(lists), "sizes": sizes}
    sides = {
        name: partial(side_in_fresh_process, __name__, name, job, (bench.cores.server,)) for name in ("impacts", *PEERS)
    }
    rounds = bench.interleaved(sides)
    for size in sizes:
        first = {name: rounds.measured[name][0] for name in sides}
        for peer in PEERS:
            check_same({"tops": first["impacts"][f"{size} tops"]}, {"tops": first[peer][f"{size} tops"]})
        yield from _of_size(rounds, size, int(first["impacts"][f"{size} passages"]))


def prepared_lists(bench: Bench) -> tuple[Path, list[str]]:
    """The folder with the token lists of the corpus, and the sizes that lie there."""
    root = built_root(bench, "wordllama")
    lists = bench.kept / "token-lists" / bench.corpus.name.replace(" ", "-")
    lists.mkdir(parents=True, exist_ok=True)
    queries = [one.query for one in bench.corpus.questions]
    job = {"folder": str(lists), "root": str(root), "source": str(bench.corpus.source), "queries": queries}
    return lists, side_in_fresh_process(__name__, "prepare", job, bench.cores.all)["sizes"]


def _of_size(rounds: Rounds, size: str, passages: int) -> Iterator[Comparison]:
    remark = f"{passages:,} passages"
    if size == "2k" and passages < SMALL:
        remark += f"; the bar is meant for {SMALL:,} and more"
    for peer, called in PEERS.items():
        yield Comparison(
            f"bm25-{size}-{peer.replace('_', '-')}",
            f"BM25 at {size}, by {called}",
            rounds.side("impacts", "questions/s", f"{size} rate", called="the ten best by impacts"),
            rounds.side(peer, "questions/s", f"{size} rate", called=called),
            BARS.get((size, peer)),
            remark,
            "G8",
        )
    yield Comparison(
        f"bm25-{size}-build",
        f"BM25 at {size}: building, by rank_bm25",
        rounds.side("impacts", "s", f"{size} build", called="token lists to files"),
        rounds.side("rank_bm25", "s", f"{size} build", called="token lists to dictionaries"),
        Bar("≤", 1.2),
        remark,
        "G8",
    )
    if size in WEIGHED:
        yield Comparison(
            f"bm25-{size}-memory",
            f"BM25 at {size}: memory, by rank_bm25",
            rounds.side("impacts", "KB", f"{size} bytes", called="opened and asked (tracemalloc)", times=1e-3),
            rounds.side("rank_bm25", "KB", f"{size} bytes", called="built and asked", times=1e-3),
            Bar("≤", 0.3),
            remark + "; mapped files are not counted",
            "G8",
        )


def prepare(job: dict[str, Any]) -> dict[str, Any]:
    folder, root, source = (Path(job[name]) for name in ("folder", "root", "source"))
    return {"sizes": write_token_lists(folder, root, source, job["queries"])}


def side(job: dict[str, Any], *, name: str) -> dict[str, Any]:
    """Rate, seconds of building, bytes, and what was found, by size."""
    build = BUILDERS[name]
    measured: dict[str, Any] = {}
    for size in job["sizes"]:
        passages, questions = read_token_lists(Path(job["folder"]), size)
        questions = questions[: QUESTIONS_MAX[size]]
        with tempfile.TemporaryDirectory() as folder:
            ask, seconds = built(build, passages, Path(folder))
            tops = [ask(question) for question in questions]  # numba compiles here
            measured |= {f"{size} passages": len(passages), f"{size} build": seconds, f"{size} tops": tops}
            measured[f"{size} rate"] = rate(ask, questions, SECONDS_MIN)
            if size in WEIGHED and name in ("impacts", "rank_bm25"):
                again = partial(opened_impacts, Path(folder)) if name == "impacts" else partial(build, passages, Path())
                measured[f"{size} bytes"] = traced_bytes(again, questions)
    return measured


BUILDERS: dict[str, Build] = {
    "impacts": impacts,
    "rank_bm25": rank_bm25,
    "bm25s": bm25s,
    "bm25s_numba": partial(bm25s, backend="numba"),
}
SIDES = {"prepare": prepare, **{name: partial(side, name=name) for name in BUILDERS}}
