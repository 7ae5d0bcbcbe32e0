"""Building a million passages: the memory it takes, and how long, as noted when the kept index was built."""

from collections.abc import Iterator

import orjson

from bench.comparison import Comparison, Side
from bench.errors import check
from bench.harness import Bench
from bench.large import NOTED, large_root, remark


def measure(bench: Bench) -> Iterator[Comparison]:
    root = large_root(bench)
    noted = root.parent / NOTED
    check(noted.exists(), f"{noted} is missing: of an index built before it was noted. Remove {root} to build it anew.")
    built = orjson.loads(noted.read_bytes())
    told = f"{remark(root)}; {built['embedded']:,} texts embedded, the others in the cache; built {built['date']}"
    yield Comparison(
        "large-build-memory", "Memory of building a million passages",
        Side("peak of what is no page of a file", "kB a passage", (built["peakBytes"] / built["chunks"] / 1000,)),
        Side("one kB", "kB a passage", (1.0,)), None, told,
    )  # fmt: skip
    yield Comparison(
        "large-build-time", "Building a million passages",
        Side("wall", "s", (built["seconds"],)), Side("one second", "s", (1.0,)), None, told,
    )  # fmt: skip
