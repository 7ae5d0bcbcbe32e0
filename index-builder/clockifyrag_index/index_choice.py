"""IndexChoice: what kind of index a build is asked for, and what that means for a number of chunks.

Auto is Flat below 50,000 chunks and HNSW from there on; vectors are kept as they are with Flat and in eight bits with
HNSW. Why: docs/decisions/0007-index-types.md.
"""

from dataclasses import dataclass
from typing import Literal, get_args

from .errors import UsageError
from .graph_limits import EXPECTED, is_graph
from .manifest import IndexParameters, IndexType, VectorStorage

HNSW_FROM = 50_000  # chunks, or documents for the index of their directions

TypeChoice = Literal["Auto", "Flat", "HNSW"]
StorageChoice = Literal["Auto", "Float32", "Float16", "SQ8"]


@dataclass(frozen=True, slots=True)
class IndexChoice:
    """Type and storage as in `spec.index`; the two numbers count where the type becomes HNSW. UsageError."""

    type: TypeChoice = "Auto"
    storage: StorageChoice = "Auto"
    hnsw_m: int = 32
    hnsw_ef_construction: int = 200

    def __post_init__(self) -> None:
        for name, value, known in (("type", self.type, TypeChoice), ("storage", self.storage, StorageChoice)):
            if value not in get_args(known):
                raise UsageError(f"index {name} is {value!r}; expected one of {', '.join(get_args(known))}")
        if not is_graph(self.hnsw_m, self.hnsw_ef_construction):
            raise UsageError(
                f"HNSW with m {self.hnsw_m} and efConstruction {self.hnsw_ef_construction}; expected {EXPECTED}"
            )

    def resolved(self, chunks: int) -> IndexParameters:
        """The parameters for so many chunks."""
        kind: IndexType = ("HNSW" if chunks >= HNSW_FROM else "Flat") if self.type == "Auto" else self.type
        storage: VectorStorage = ("SQ8" if kind == "HNSW" else "Float32") if self.storage == "Auto" else self.storage
        if kind == "Flat":
            return IndexParameters(kind, storage)
        return IndexParameters(kind, storage, self.hnsw_m, self.hnsw_ef_construction)

    def record(self) -> dict[str, object]:
        """What of it enters a build key: what cannot count is absent."""
        base: dict[str, object] = {"type": self.type, "vectorStorage": self.storage}
        if self.type != "Flat":
            base["hnsw"] = {"m": self.hnsw_m, "efConstruction": self.hnsw_ef_construction}
        return base


def index_choice(kind: str, storage: str, m: int, ef_construction: int) -> IndexChoice:
    """The choice of words from a command line. UsageError for a type or storage that there is not."""
    return IndexChoice(kind, storage, m, ef_construction)  # type: ignore[arg-type]  # it checks them
