"""Limits of an HNSW graph: what a build may be asked for, and so all that a reader takes.

m: neighbours a vector keeps. efConstruction: candidates looked at while building.
"""

M_MIN = 4  # FAISS draws levels by 1 / log m: with an m of 1 it brings the process down
M_MAX = 128
EF_CONSTRUCTION_MIN = 8
EF_CONSTRUCTION_MAX = 2000

EXPECTED = (
    f"an m of {M_MIN} to {M_MAX} and an efConstruction of {EF_CONSTRUCTION_MIN} to {EF_CONSTRUCTION_MAX}, at least m"
)


def is_graph(m: int, ef_construction: int) -> bool:
    """Whether a graph may have these parameters."""
    return M_MIN <= m <= M_MAX and max(m, EF_CONSTRUCTION_MIN) <= ef_construction <= EF_CONSTRUCTION_MAX
