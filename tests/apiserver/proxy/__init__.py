"""A proxy before a Kubernetes API server that sees all calls and makes faults: `with FaultProxy(url, ca) as proxy:`."""

from .calls import Call, Exchange, WatchEvent, is_list, is_watch, is_write, of
from .faults import Coalesce, Cut, Drop, Freeze, Kill, Meanwhile, Refuse, Slow, Stale
from .proxy import FaultProxy

__all__ = [
    "Call",
    "Coalesce",
    "Cut",
    "Drop",
    "Exchange",
    "FaultProxy",
    "Freeze",
    "Kill",
    "Meanwhile",
    "Refuse",
    "Slow",
    "Stale",
    "WatchEvent",
    "is_list",
    "is_watch",
    "is_write",
    "of",
]
