"""Quality: whether a generation reaches what `spec.index.quality` asks for. Never published by accident:

a measure below its minimum, or fallen too far ─► Rejected
a measure that is absent or no number          ─► as onInconclusive says
"""

import math

from clockifyrag_operator.decision import Reason
from clockifyrag_operator.ledger import Entry
from clockifyrag_resource.index import Quality

_MEASURES = ("mrr", "ndcg")


def rejection(entry: Entry, published: Entry | None, quality: Quality | None) -> Reason | None:
    """Why the generation is not to be published, in view of the published one; None when it may be."""
    if quality is None:
        return None
    wanted = {"mrr": quality.min_mrr, "ndcg": quality.min_ndcg}
    for measure, least in wanted.items():
        value = _value(entry, measure)
        if least is not None and value is not None and value < least:
            return Reason("QualityRejected", f"{measure} is {value:g}, expected at least {least:g}")
    if published is not None and (fallen := _fallen(entry, published, quality.max_drop)):
        return Reason("QualityRejected", fallen)
    unknown = [measure for measure in _MEASURES if wanted[measure] is not None and _value(entry, measure) is None]
    asks_nothing = all(_value(entry, measure) is None for measure in _MEASURES) and not unknown
    if (unknown or asks_nothing) and quality.on_inconclusive == "Reject":
        told = ", ".join(unknown) or "no measure"
        return Reason("QualityRejected", f"{told} could not be told, and spec.index.quality.onInconclusive is Reject")
    return None


def _fallen(entry: Entry, published: Entry, max_drop: float) -> str | None:
    for measure in _MEASURES:
        before, now = _value(published, measure), _value(entry, measure)
        if before is not None and now is not None and before - now > max_drop:
            return f"{measure} fell from {before:g} to {now:g}, expected at most {max_drop:g} less"
    return None


def _value(entry: Entry, measure: str) -> float | None:
    """The measure as a number; None when it is absent or none."""
    try:
        value = float(entry.metrics.get(measure, ""))
    except ValueError:
        return None
    return value if math.isfinite(value) else None
