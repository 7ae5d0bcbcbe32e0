"""Small generations made by hand: a few chunks, seeded vectors, and word statistics of one array."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from clockifyrag_index.chunk import Chunk
from clockifyrag_index.embedders import EmbedderIdentity, Vectors
from clockifyrag_index.generations import publish
from clockifyrag_index.manifest import IndexParameters, canary
from clockifyrag_index.writer import GenerationPlan, WriteOutcome, write_generation

DIMENSIONS = 8


@dataclass(frozen=True)
class Samples:
    """Makes chunks, vectors and plans that are the same for the same words, and writes them below its root."""

    root: Path

    def chunk(self, document: str, position: int = 0, text: str = "Start the timer.", namespace: str = "help") -> Chunk:
        return Chunk(
            chunk_id=hashlib.sha256(f"{document}/{position}/{text}".encode()).hexdigest()[:16],
            document_id=document,
            namespace=namespace,
            position=position,
            title=document.title(),
            headings=("Basics",),
            content=text,
            url=f"https://help.example/{document}#basics",
            category="help",
            parent=None,
            previous=None,
            next=None,
            also_at=(),
        )

    def chunks(self, words: str = "timer") -> tuple[Chunk, ...]:
        """Seven chunks of four documents in two namespaces, in row order."""
        return (
            self.chunk("kiosk", 0, f"Kiosk {words}", "de"),
            self.chunk("timer", 0, f"Zeit {words}", "de"),
            *(self.chunk("reports", position, f"Report {position} {words}") for position in range(3)),
            *(self.chunk("timer", position, f"Timer {position} {words}") for position in range(2)),
        )

    def vectors(self, rows: int = 7, seed: int = 1) -> Vectors:
        drawn = np.random.default_rng(seed).standard_normal((rows, DIMENSIONS)).astype(np.float32)
        return drawn / np.linalg.norm(drawn, axis=1, keepdims=True)

    def plan(self, **changes: Any) -> GenerationPlan:
        vectors = self.vectors()
        plan = GenerationPlan(
            chunks=self.chunks(),
            vectors=vectors,
            embedder=EmbedderIdentity("model", "sha256:weights", DIMENSIONS, 256, "document: ", "query: "),
            canaries=(canary("How do I start the timer?", vectors[0]),),
            chunking={"maxChars": 800},
            index=IndexParameters(),
            build_key="sha256:key",
            source_digest="sha256:source",
            reason="first build",
            builder="0.1.0",
            created="2026-01-31T12:00:00Z",
        )
        return replace(plan, **changes)

    def lexical(self, directory: Path) -> Mapping[str, object]:
        np.save(directory / "lengths.npy", np.arange(7, dtype=np.uint32))
        return {"tokenizer": "words-1", "fields": ["body"]}

    def lexical_of(self, directory: Path, chunks: Iterable[Chunk]) -> Mapping[str, object]:
        np.save(directory / "lengths.npy", np.arange(len(list(chunks)), dtype=np.uint32))
        return {"tokenizer": "words-1", "fields": ["body"]}

    def write(self, words: str = "timer", **changes: Any) -> WriteOutcome:
        return write_generation(self.root, self.plan(**{"chunks": self.chunks(words), **changes}), self.lexical)

    def published(self, words: str = "timer", **changes: Any) -> WriteOutcome:
        outcome = self.write(words, **changes)
        publish(self.root, outcome.id)
        return outcome

    def hidden_names(self) -> list[str]:
        """What lies beside the generations: leftovers and things set aside."""
        return [
            path.name for path in (self.root / "generations").iterdir() if len(path.name) != len("gen-0123456789ab")
        ]

    def elsewhere(self, root: Path) -> "Samples":
        return Samples(root)


def flip(path: Path, bit: int) -> None:
    """Turns over one bit of the file."""
    data = bytearray(path.read_bytes())
    data[bit // 8] ^= 1 << bit % 8
    path.write_bytes(data)


@pytest.fixture
def samples(tmp_path: Path) -> Samples:
    return Samples(tmp_path / "root")


@pytest.fixture
def flip_bit() -> Any:
    return flip
