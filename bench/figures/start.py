"""Start: from the first instruction of the process to a ready server, by importing the same modules alone.

The same: all that a service has imported once it is ready, as it tells itself. The page cache is warm: what is measured
is this project's own work, and Python's. Once more with a cold one, where this process may empty it. The script is as
anybody would write it: it looks for garbage as Python does by itself, which the service puts off until it is ready.
"""

import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

from bench.comparison import Bar, Comparison
from bench.errors import check
from bench.harness import Bench, Measured, Rounds
from bench.prepared import built_root
from bench.processes import started
from bench.servers import SERVICE, service_variables, serving, wait_ready

WARM = Bar("≤", 1.25, 1.1)
DROP_CACHES = Path("/proc/sys/vm/drop_caches")
IMPORTS_ALONE = """
import importlib, sys
from clockifyrag_service.threads import limit_library_threads
limit_library_threads(4)
import clockifyrag_service.server
for name in open(sys.argv[2]).read().split():
    importlib.import_module(name)
from clockifyrag_index.embedders.opening import open_embedder
from clockifyrag_resource.profiles import model_profile
open_embedder("Local", model_profile(sys.argv[1]))
print("loaded", flush=True)
"""


def measure(bench: Bench) -> Iterator[Comparison]:
    for model in ("all-minilm", "wordllama"):
        root = built_root(bench, model)
        modules = bench.folder / f"{model}.modules"
        until_ready(bench, root, (sys.executable, "-m", "bench.imported", str(modules)))  # warms the page cache, too
        until_loaded(bench, model, modules)
        sides = {"service": partial(until_ready, bench, root), "imports": partial(until_loaded, bench, model, modules)}
        rounds = bench.interleaved(sides)
        remark = f"{len(modules.read_text().split())} modules, garbage looked for as usual on the other side alone"
        yield compared(f"start-{model}", f"Process start to ready, {model}", rounds, f"warm page cache; {remark}", WARM)
        if os.access(DROP_CACHES, os.W_OK):
            rounds = bench.interleaved({name: partial(cold, side) for name, side in sides.items()})
            yield compared(
                f"start-cold-{model}", f"Process start to ready from a cold page cache, {model}", rounds, remark
            )
        else:
            bench.say(f"no start from a cold page cache: {DROP_CACHES} may not be written to")


def compared(name: str, title: str, rounds: Rounds, remark: str, bar: Bar | None = None) -> Comparison:
    return Comparison(
        name,
        title,
        rounds.side("service", "ms", "seconds", called="the service, /ready asked every 5 ms", times=1000),
        rounds.side("imports", "ms", "seconds", called="the modules it imports and the embedder alone", times=1000),
        bar,
        remark,
        "G15",
    )


def cold(side: Callable[[], Measured]) -> Measured:
    """One side, right after the kernel let go of all files it had in memory (Linux, sysctl/vm, drop_caches)."""
    os.sync()
    DROP_CACHES.write_text("1\n")
    return side()


def until_ready(bench: Bench, root: Path, service: Sequence[str] = SERVICE) -> Measured:
    begin = time.perf_counter()
    variables = service_variables(root, bench.folder / "service.log")
    with serving(service, (bench.cores.server,), variables) as address:
        wait_ready(address)
        return {"seconds": time.perf_counter() - begin}


def until_loaded(bench: Bench, model: str, modules: Path) -> Measured:
    begin = time.perf_counter()
    with started((sys.executable, "-c", IMPORTS_ALONE, model, str(modules)), (bench.cores.server,)) as process:
        assert process.stdout is not None
        said = process.stdout.readline()
        seconds = time.perf_counter() - begin
    check(said == "loaded\n", f"the imports said {said!r}")
    return {"seconds": seconds}
