"""Two instances beside each other by one: seconds of CPU for a thousand uncached requests, which must not rise.

On two cores the load needs one of them, so the throughput of two instances would be the load's; what they cost is not.
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

from bench import load
from bench.comparison import Bar, Comparison
from bench.figures.uncached_http import MODEL, QUESTIONS, WARM, check_computed, state
from bench.harness import Bench, Measured
from bench.prepared import built_root
from bench.processes import cpu_seconds, started
from bench.questions import distinct_questions, search_paths
from bench.servers import SERVICE, announced, service_variables, wait_ready


def measure(bench: Bench) -> Iterator[Comparison]:
    root = built_root(bench, MODEL)
    paths = search_paths(distinct_questions(bench.corpus, QUESTIONS))
    cores = bench.cores
    rounds = bench.interleaved(
        {
            "one": lambda: cost(bench, root, paths, (cores.server,)),
            "two": lambda: cost(bench, root, paths, (cores.server, cores.load)),
        }
    )
    yield Comparison(
        "instances",
        "CPU of a thousand uncached requests, two instances by one",
        rounds.side("two", "s", "cpu", called="two instances, each on its core, both under load"),
        rounds.side("one", "s", "cpu", called="one instance"),
        Bar("≤", 1.1),
        f"{MODEL}; {load.generator()}, {load.CONNECTIONS} connections to each, on the other core or beside it",
        "G5",
    )


def cost(bench: Bench, root: Path, paths: list[str], cores: tuple[int, ...]) -> Measured:
    """Seconds of CPU for a thousand requests to instances on these cores, one each."""
    with ExitStack() as stack, ThreadPoolExecutor(len(cores)) as pool:
        processes = [
            stack.enter_context(
                started(SERVICE, (core,), service_variables(root, bench.folder / f"service-{core}.log"))
            )
            for core in cores
        ]
        addresses = [announced(process) for process in processes]
        for address in addresses:
            wait_ready(address)
            load.loaded(address, paths[:WARM], {}, 1, (bench.cores.load,))
        states = [state(address) for address in addresses]
        before = sum(cpu_seconds(process.pid) for process in processes)
        asked = pool.map(lambda one: load.loaded(one, paths[WARM:], {}, bench.seconds, (bench.cores.load,)), addresses)
        loads = list(asked)
        seconds = sum(cpu_seconds(process.pid) for process in processes) - before
        for address, earlier, one in zip(addresses, states, loads, strict=True):
            check_computed(address, earlier, one.answered, len(paths) - WARM)
    return {"cpu": 1000 * seconds / sum(one.answered for one in loads)}
