"""A builder that dies at its n-th step: run by test_kill_nine.py, which tells it what to do on stdin.

    <root> <scenario> <seed> <step>  →  one line: "killed" or "done <steps>"

Each order is carried out by a forked child, so that importing FAISS is paid once. A step is the moment before or after
a call that changes the disk; the child counts them in a profile hook and sends itself SIGKILL at the given one, 0 for
never. The code under test knows nothing of it.
"""

import hashlib
import os
import signal
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import numpy as np

from clockifyrag_index.archive import import_generation
from clockifyrag_index.chunk import Chunk
from clockifyrag_index.embedders import EmbedderIdentity
from clockifyrag_index.generations import publish
from clockifyrag_index.manifest import IndexParameters
from clockifyrag_index.retention import gc
from clockifyrag_index.writer import GenerationPlan, write_generation

CHANGING = {
    "close", "flock", "flush", "fsync", "mkdir", "open", "pwrite", "rename", "replace", "rmdir", "tofile", "truncate",
    "unlink", "write",
}  # fmt: skip
DIMENSIONS, ROWS = 8, 5


def chunks(seed: int) -> list[Chunk]:
    def chunk(position: int) -> Chunk:
        text = f"Passage {position} of build {seed}"
        chunk_id = hashlib.sha256(text.encode()).hexdigest()[:16]
        return Chunk(chunk_id, "timer", "default", position, "Timer", (), text, "", "help", None, None, None, ())

    return [chunk(position) for position in range(ROWS)]


def lexical(directory: Path, some: Iterable[Chunk]) -> Mapping[str, object]:
    np.save(directory / "lengths.npy", np.array([len(chunk.content) for chunk in some], dtype=np.uint32))
    return {"tokenizer": "words-1"}


def plan(seed: int) -> GenerationPlan:
    drawn = np.random.default_rng(seed).standard_normal((ROWS, DIMENSIONS)).astype(np.float32)
    vectors = drawn / np.linalg.norm(drawn, axis=1, keepdims=True)
    embedder = EmbedderIdentity("model", "sha256:weights", DIMENSIONS, 256, "", "")
    created = f"2026-01-01T{seed // 3600:02}:{seed // 60 % 60:02}:{seed % 60:02}Z"
    return GenerationPlan(
        chunks(seed), vectors, embedder, (), {}, IndexParameters(), "key", "source", f"build {seed}", "0", created
    )


def build(root: Path, seed: int) -> None:
    """Writes the seed's generation, publishes it, keeps two."""
    outcome = write_generation(root, plan(seed), lambda directory: lexical(directory, chunks(seed)))
    publish(root, outcome.id)
    gc(root, retain=2)


def bring_in(root: Path, seed: int) -> None:
    """The same from the archive `<seed>.tar.gz` beside the root."""
    outcome = import_generation(root, root.parent / f"{seed}.tar.gz", lexical)
    publish(root, outcome.id)
    gc(root, retain=2)


SCENARIOS: dict[str, Callable[[Path, int], None]] = {"build": build, "import": bring_in}


def run(root: Path, scenario: str, seed: int, die_at: int) -> int:
    """Carries out the scenario and returns the number of its steps, or does not return."""
    steps = 0

    def at_each_call(_frame: object, event: str, called: object) -> None:
        nonlocal steps
        if event in ("c_call", "c_return") and getattr(called, "__name__", "") in CHANGING:
            steps += 1
            if steps == die_at:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.setprofile(at_each_call)
    SCENARIOS[scenario](root, seed)
    sys.setprofile(None)
    return steps


def main() -> None:
    for order in sys.stdin:
        root, scenario, seed, die_at = order.split()
        child = os.fork()
        if child == 0:
            print("done", run(Path(root), scenario, int(seed), int(die_at)), flush=True)
            os._exit(0)
        _, status = os.waitpid(child, 0)
        if os.WIFSIGNALED(status):
            print("killed", flush=True)


if __name__ == "__main__":
    main()
