"""Parity: whether a server gives a text the same vector in a batch as alone.

Some versions answered batches in another order (ollama/ollama#6187), some drifted from 16 texts on (#6262).
"""

from collections.abc import Callable, Sequence

import numpy as np

from . import Vectors
from .canaries import AGREEMENT_COSINE

ALONE = 4  # texts asked for a second time, alone: the first, the last and two between


def batch_equals_singles(embed: Callable[[Sequence[str]], Vectors], texts: Sequence[str], together: Vectors) -> bool:
    """Whether `embed` gives ALONE of the texts, each alone, the vectors they have in the batch: cosine ≥ .999.

    together: (len(texts), dimensions) float32 rows of length 1, as the batch was answered.
    """
    places = np.linspace(0, len(texts) - 1, min(ALONE, len(texts))).round().astype(int).tolist()
    return all(float(embed([texts[at]])[0] @ together[at]) >= AGREEMENT_COSINE for at in places)
