"""Known items: questions made of the headings of an index, each with the one article it stands in.

They need no judge and can be made of any corpus, so that two generations or settings can be compared where nobody has
judged questions. They are easier than what people ask, since their words stand in the index: they show what was lost,
not how good a ranking is.
"""

import random
from collections.abc import Iterable

from .chunk_store import Outline
from .errors import UsageError
from .evaluate import Judged
from .text import terms

TERMS_MIN = 2  # of a heading: "Overview" asks for nothing


def known_items(outlines: Iterable[Outline], count: int, seed: int = 0) -> tuple[Judged, ...]:
    """At most `count` headings as questions, the same for the same index and seed, in the order of the index.

    Left out: headings that stand in several articles, in whatever form of their words, and those of fewer than
    TERMS_MIN terms. UsageError when nothing is left.
    """
    standing: dict[tuple[str, ...], tuple[str, set[str]]] = {}
    for outline in outlines:
        heading = outline.headings[-1] if outline.headings else outline.title
        asked = tuple(terms(heading))
        if len(set(asked)) >= TERMS_MIN:
            standing.setdefault(asked, (heading, set()))[1].add(outline.document_id)
    alone = [(heading, *documents) for heading, documents in standing.values() if len(documents) == 1]
    if not alone:
        raise UsageError(f"no heading of {TERMS_MIN} words or more stands in one article alone; give --queries")
    picked = sorted(random.Random(seed).sample(range(len(alone)), min(count, len(alone))))
    return tuple(Judged(f"known-{place}", alone[place][0], {alone[place][1]: 1}) for place in picked)
