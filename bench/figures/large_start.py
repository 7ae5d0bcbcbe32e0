"""Start over a million passages: how much later a server is ready than over a few thousand, and its first question.

Verifying the files is a line of its own: it costs what reading and one SHA-256 of them cost. The page cache is warm.
"""

import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any
from urllib.parse import urlencode

from bench.comparison import Bar, Comparison, Side
from bench.errors import check
from bench.figures.start import until_ready
from bench.harness import Bench, Measured
from bench.large import MODEL, large_root, real_questions, remark
from bench.prepared import built_root
from bench.processes import side_in_fresh_process
from bench.servers import SERVICE, asked, service_variables, serving, wait_ready

ASKED = 100


def measure(bench: Bench) -> Iterator[Comparison]:
    large, small = large_root(bench), built_root(bench, MODEL)
    told = remark(large)
    until_ready(bench, large)  # warms the page cache
    verifying = partial(side_in_fresh_process, __name__, "verify")
    rounds = bench.interleaved(
        {
            "large": partial(until_ready, bench, large),
            "small": partial(until_ready, bench, small),
            "verify large": partial(verifying, {"root": str(large)}, (bench.cores.server,)),
            "verify small": partial(verifying, {"root": str(small)}, (bench.cores.server,)),
            "first": partial(first_question, bench, large),
        }
    )
    seconds = {name: [one["seconds"] for one in rounds.measured[name]] for name in rounds.measured if name != "first"}
    later = tuple(
        a - b - (c - d)
        for a, b, c, d in zip(seconds["large"], seconds["small"], seconds["verify large"], seconds["verify small"],
                              strict=True)
    )  # fmt: skip
    yield Comparison(
        "large-start", "A server of a million passages is ready later than one of a few thousand, verifying aside",
        Side("seconds more", "s", later), Side("one second", "s", (1.0,) * len(later)), Bar("≤", 1, 0.3),
        f"{told}; ready after {median(seconds['large']):.2f} s, with few after {median(seconds['small']):.2f} s", "G15",
    )  # fmt: skip
    yield Comparison(
        "large-verify", "Verifying the files of a million passages",
        rounds.side("verify large", "GB/s", "rate", called="verified_manifest, one core, page cache warm"),
        Side("one GB/s", "GB/s", (1.0,) * len(later)), None, told, "G15",
    )  # fmt: skip
    yield Comparison(
        "large-first", "The first question of a server of a million passages by those after it",
        rounds.side("first", "ms", "first", called="the first one, after /ready"),
        rounds.side("first", "ms", "median", called=f"the median of the next {ASKED}"),
        Bar("≤", 3), f"{told}; nothing cached", "G15",
    )  # fmt: skip


def first_question(bench: Bench, root: Path) -> Measured:
    with serving(SERVICE, (bench.cores.server,), service_variables(root, bench.folder / "service.log")) as address:
        wait_ready(address)
        times = []
        for query in real_questions()[: ASKED + 1]:
            begin = time.perf_counter()
            status, _ = asked(address, "/search?" + urlencode({"q": query[:500], "cache": "false"}))
            times.append(1000 * (time.perf_counter() - begin))
            check(status == 200, f"{status} for {query!r}")
        return {"first": times[0], "median": median(times[1:])}


def verify(job: dict[str, Any]) -> Measured:
    """Seconds that verifying the published generation takes, and its bytes a second."""
    from clockifyrag_index.generations import current_generation_path
    from clockifyrag_index.verify import verified_manifest

    path = current_generation_path(Path(job["root"]))
    begin = time.perf_counter()
    manifest = verified_manifest(path)
    seconds = time.perf_counter() - begin
    return {"seconds": seconds, "rate": manifest.size_bytes / seconds / 1e9}


SIDES = {"verify": verify}
