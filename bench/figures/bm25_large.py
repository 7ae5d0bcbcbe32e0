"""BM25 over a million sentences: questions a second of the project's impacts, by those of rank_bm25.

Both are built once, in one process, and asked the same twenty questions in turn, as often as there are rounds:
rank_bm25 takes seconds for one.
"""

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bench.comparison import Bar, Comparison, Side
from bench.figures.bm25 import prepared_lists
from bench.harness import Bench
from bench.lexical_sides import built, check_same, impacts, rank_bm25, rate
from bench.processes import side_in_fresh_process
from bench.token_lists import read_token_lists

QUESTIONS, SECONDS_MIN = 20, 0.5


def measure(bench: Bench) -> Iterator[Comparison]:
    lists, _ = prepared_lists(bench)
    job = {"folder": str(lists), "rounds": bench.rounds}
    found = side_in_fresh_process(__name__, "both", job, (bench.cores.server,))
    ours, theirs = found["impacts"], found["rank_bm25"]
    yield Comparison(
        "bm25-1m-rank-bm25",
        "BM25 at 1M, by rank_bm25",
        Side("the ten best by impacts", "questions/s", tuple(ours["rates"])),
        Side("rank_bm25", "questions/s", tuple(theirs["rates"])),
        Bar("≥", 1000, 3000),
        f"{found['passages']:,} sentences, {QUESTIONS} questions",
        "G8",
    )
    yield Comparison(
        "bm25-1m-build",
        "BM25 at 1M: building, by rank_bm25",
        Side("token lists to files", "s", (ours["build"],)),
        Side("token lists to dictionaries", "s", (theirs["build"],)),
        Bar("≤", 1.2),
        "built once",
        "G8",
    )


def both(job: dict[str, Any]) -> dict[str, Any]:
    """Rates of every round and seconds of building."""
    passages, questions = read_token_lists(Path(job["folder"]), "1m")
    questions = questions[:: max(1, len(questions) // QUESTIONS)][:QUESTIONS]
    found: dict[str, Any] = {"passages": len(passages)}
    with tempfile.TemporaryDirectory() as folder:
        asks = {}
        for name, build in (("impacts", impacts), ("rank_bm25", rank_bm25)):
            asks[name], seconds = built(build, passages, Path(folder))
            found[name] = {"build": seconds, "rates": []}
        tops = {name: {"tops": [ask(question) for question in questions]} for name, ask in asks.items()}
        check_same(tops["impacts"], tops["rank_bm25"])
        for _ in range(job["rounds"]):
            for name, ask in asks.items():
                found[name]["rates"].append(rate(ask, questions, SECONDS_MIN))
    return found


SIDES = {"both": both}
