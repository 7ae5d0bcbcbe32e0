"""A graphics card for the vectors, where there is one: the same answers, as the rows themselves still give the scores.

faiss-cpu, which the images hold, has no such part; a build of FAISS with one is used as soon as it finds a device.
"""

from typing import Any

import faiss

from .manifest import IndexParameters

ROWS_MAX = 2048  # that a search on a card can be asked for (faiss wiki, "Faiss on the GPU")


def on_gpu(index: Any, parameters: IndexParameters, library: Any = faiss) -> Any | None:
    """A copy of the index on the first card; None without one, and for all but Flat with Float32.

    A graph is not for cards, and smaller codes are for machines that are short of memory: they stay where they are.
    """
    if not parameters.is_exact or not hasattr(library, "StandardGpuResources") or library.get_num_gpus() < 1:
        return None
    return library.index_cpu_to_gpu(library.StandardGpuResources(), 0, index)
