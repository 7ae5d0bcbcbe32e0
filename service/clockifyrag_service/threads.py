"""How many CPUs this process may use, and how they are shared between searches and the libraries under them.

This module imports neither numpy nor faiss: the limits must stand in the environment before those are imported.
"""

import os
import sys

from clockifyrag_index.quota import cpu_quota

TURN_SECONDS = 0.0005  # after which a thread that computes lets another one run, when one waits


def take_short_turns() -> None:
    """Lets the event loop wait for a computing thread at most TURN_SECONDS, not the 5 ms that CPython sets.

    Each time the loop has looked for requests it must have the interpreter back from a thread that searches, warms a
    new generation or writes the log.
    """
    sys.setswitchinterval(TURN_SECONDS)


def search_threads(wanted: int, quota: int) -> int:
    """Threads of the search pool: as wanted, never above the quota."""
    return max(1, min(wanted, quota))


def limit_library_threads(wanted_workers: int, quota: int | None = None) -> int:
    """Sets what OpenMP and BLAS read when they are imported; returns their threads for each search.

    One question gains nothing from several threads in FAISS and loses from spinning ones, so searches run side by side
    and each gets an equal part of the quota. A variable that is already set is left alone.
    """
    cpus = quota or cpu_quota()
    threads = max(1, cpus // search_threads(wanted_workers, cpus))
    for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "RAYON_NUM_THREADS"):
        os.environ.setdefault(variable, str(threads))
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # facebookresearch/faiss#422: idle threads must not spin
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    return threads
