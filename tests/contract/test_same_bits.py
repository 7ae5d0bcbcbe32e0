"""A ranking has the same bits in every process, with any number of threads, and whenever the index is opened."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from progress import silent

from clockifyrag_builder.build import build
from clockifyrag_builder.plan import BuildPlan
from clockifyrag_builder.sample import sample_articles

ASK = """
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from clockifyrag_builder.sample import sample_questions
from clockifyrag_cli.opened import opened_engine
from clockifyrag_index.evaluate import load_judged
from clockifyrag_index.search import SearchRequest

def asked(query):
    hits = engine.search(SearchRequest(query, k=10)).hits
    return [f"{hit.sections[0].chunk.chunk_id} {hit.relevance_score.hex()} {len(hit.sections)}" for hit in hits]

with opened_engine(Path(sys.argv[1])) as engine, ThreadPoolExecutor(int(sys.argv[2])) as threads:
    for lines in threads.map(asked, [one.query for one in load_judged(sample_questions())]):
        print(*lines, sep="\\n")
"""


@pytest.fixture(scope="module")
def root(plan_of: Callable[..., BuildPlan], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bits")
    build(plan_of(sample_articles(), folder), silent)
    return folder


def answers(root: Path, *, libraries: int, threads: int, seed: str) -> str:
    """All answers in a process of its own: threads of FAISS and BLAS, threads that ask, seed of Python's hashes."""
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
    environment = {**os.environ, **dict.fromkeys(names, str(libraries)), "PYTHONHASHSEED": seed}
    command = [sys.executable, "-c", ASK, str(root), str(threads)]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=True, timeout=300).stdout


def test_every_process_ranks_alike_to_the_last_bit(root: Path) -> None:
    first = answers(root, libraries=1, threads=1, seed="0")
    others = {
        "again": answers(root, libraries=1, threads=1, seed="1"),
        "two threads of the libraries": answers(root, libraries=2, threads=1, seed="2"),
        "four threads that ask": answers(root, libraries=2, threads=4, seed="3"),
    }

    assert len(first.splitlines()) > 1000
    assert [] == [name for name, found in others.items() if found != first]
