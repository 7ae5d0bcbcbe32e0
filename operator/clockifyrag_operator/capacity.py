"""Capacity: what the volume of generations will have to hold, foreseen before a build finds out that it cannot.

The operator cannot see the volume. It knows what builds told of their generations, and how large the claim is.
"""

from __future__ import annotations

import sys
from math import ceil

from clockifyrag_operator import names
from clockifyrag_operator.ledger import Entry
from clockifyrag_operator.observed import Observed
from clockifyrag_resource.quantities import Quantity
from clockifyrag_resource.resource import Spec

MARGIN = 1.2  # a build asks for so many times its estimate of free space before it embeds
_VALUE_BYTES = 4  # a vector is kept as float32
_RECORD_BYTES = 36  # beside each vector in the cache: a key and a checksum
_VECTORS_IN_MEMORY = 64 << 20  # of the builder: more lie on the volume while it works


def bytes_needed(published: Entry, retain: int) -> int:
    """What the volume holds while the next generation is written, at least.

        retain × bytes                        those that are kept, each taken to be as large as the published one
        MARGIN × bytes                        the one that is built, and what its build wants free beyond that
        chunks × (4 × dimensions + 36)        the cache: one vector for each text that is embedded
        chunks × 4 × dimensions               where that is more than 64 MiB: the vectors, while they are put in order

    An estimate from one generation: the next may be larger, and the cache keeps vectors of former texts and models, too
    (up to 8 GiB in all). Those above `retain` are not counted: a build that is short of room removes them first.
    """
    vectors = published.chunks * _VALUE_BYTES * published.dimensions
    cache = vectors + published.chunks * _RECORD_BYTES
    in_order = vectors if vectors > _VECTORS_IN_MEMORY else 0
    return ceil((retain + MARGIN) * published.bytes) + cache + in_order


def volume_bytes(name: str, spec: Spec, seen: Observed) -> int:
    """The size of the volume: what its claim was given, else what is asked for."""
    claim = seen.get("PersistentVolumeClaim", names.index_volume(name)) or {}
    given = claim.get("status", {}).get("capacity", {}).get("storage")
    if not given:
        return spec.index.storage.size.whole
    try:
        return Quantity.parse(str(given)).whole
    except ValueError:  # more than Kubernetes lets an author ask for: a driver that knows no bounds says 8Ei
        return sys.maxsize


def capacity_problem(name: str, spec: Spec, published: Entry | None, seen: Observed) -> str | None:
    """Why the volume will be too small for the next generation; None when it will do, or nothing can be said.

    Nothing can be before the first generation tells its size, and none follows while one is pinned.
    """
    if published is None or not published.bytes or spec.index.pin is not None:
        return None
    retain = spec.index.retain
    needed, held = bytes_needed(published, retain), volume_bytes(name, spec, seen)
    if needed <= held:
        return None
    return (
        f"{names.index_volume(name)} holds {_mib(held)}, and the next build will need some {_mib(needed)}: {retain} "
        f"generations kept beside it, each of {_mib(published.bytes)} as {published.id}, and the cache of vectors; "
        f"raise spec.index.storage.size, or lower spec.index.retain"
    )


def _mib(size: int) -> str:
    return f"{ceil(size / 2**20):,} MiB"
