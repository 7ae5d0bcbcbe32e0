"""Drafts: questions that may still be being typed, and when they are final.

A page that searches while somebody types asks "rep", "report" and "reports as pdf" within a few seconds; the last one
was meant.

    "rep" ─ continued ─► dropped     "report" ─ continued ─► dropped     "reports as pdf" ─ SETTLING_SECONDS ─► final

Who then wants more results of it reads on, however late: that is no question of its own.
"""

from collections import OrderedDict
from collections.abc import Collection
from typing import NamedTuple

from rapidfuzz.distance import OSA

SETTLING_SECONDS = 5.0  # without a continuation, after which a question was meant
CLIENTS_MAX = 10_000  # whose last question is remembered
SHORTEST_MENDED = 4  # letters of a word that may have been a typing error; "csv" → "pdf" is another question


class Asked(NamedTuple):
    """One answered search. A tuple, because one is made on every request."""

    typed: str  # the question as it was sent
    query: str  # as it was understood, by which it is counted
    k: int  # articles wanted
    results: int
    helpful: bool  # something was found that is worth offering to others
    seconds: float
    from_cache: bool
    at: float  # on the clock of the analytics


class Drafts:
    """The last question of each client, until it is final. All times are given, never taken."""

    def __init__(self, clients_max: int = CLIENTS_MAX) -> None:
        self.clients_max = clients_max
        self._pending: OrderedDict[str, Asked] = OrderedDict()  # whoever asked longest ago first
        self._settled: OrderedDict[str, Asked] = OrderedDict()  # the last question of who asked none since, as above
        self._oldest_at = float("inf")  # none of them was asked before

    def add(self, client: str, asked: Asked) -> list[Asked]:
        """Keeps the question as this client's pending one; the questions that became final, oldest first."""
        pending = self._pending
        final = self.settled(asked.at)
        counted = self._settled.pop(client, None)
        if counted is not None and wants_more(asked, counted):
            self._settled[client] = asked
            return final
        earlier = pending.pop(client, None)
        if earlier is not None and not (continues(asked.typed, earlier.typed) or wants_more(asked, earlier)):
            final.append(earlier)
        if not pending:
            self._oldest_at = asked.at
        pending[client] = asked
        if len(pending) > self.clients_max:
            final.append(pending.popitem(last=False)[1])
        return final

    def settled(self, now: float) -> list[Asked]:
        """The questions that nobody continued for SETTLING_SECONDS, oldest first: they are final, not pending."""
        final: list[Asked] = []
        if now - self._oldest_at < SETTLING_SECONDS:
            return final
        self._oldest_at = float("inf")
        while self._pending:
            client, asked = next(iter(self._pending.items()))
            if now - asked.at < SETTLING_SECONDS:
                self._oldest_at = asked.at
                break
            final.append(asked)
            del self._pending[client]
            self._settled[client] = asked
        while len(self._settled) > self.clients_max:
            self._settled.popitem(last=False)
        return final

    def pending(self) -> Collection[Asked]:
        """The questions that may still be continued, oldest first."""
        return self._pending.values()


def continues(later: str, earlier: str) -> bool:
    """Whether one question is another typed on: more of it, or its last word mended. An equal one is asked again.

    >>> continues("reports as pdf", "rep"), continues("track time", "track tiem"), continues("rep", "rep")
    (True, True, False)
    """
    if later == earlier:
        return False  # most often so: answered from the cache again
    wanted, known = later.casefold().split(), earlier.casefold().split()
    if wanted == known or not known or len(wanted) < len(known):
        return False
    last = len(known) - 1
    return wanted[:last] == known[:last] and typed_on(wanted[last], known[last])


def wants_more(later: Asked, earlier: Asked) -> bool:
    """Whether a search asks for more results of one question."""
    return later.k > earlier.k and later.typed == earlier.typed


def typed_on(later: str, earlier: str) -> bool:
    """Whether a word is another one completed, shortened, or freed of a typing error.

    As many errors as the search itself corrects: one, from eight letters on two (clockifyrag_index.typos).

    >>> typed_on("timesheet", "tiem"), typed_on("repo", "report"), typed_on("q2", "q1")
    (True, True, False)
    """
    if later.startswith(earlier) or earlier.startswith(later):
        return True
    if min(len(later), len(earlier)) < SHORTEST_MENDED or not (later.isalpha() and earlier.isalpha()):
        return False
    errors_max = 1 if len(earlier) < 8 else 2
    begun = later[: len(earlier)]  # the error may stand in a word that was not complete yet
    return min(OSA.distance(later, earlier), OSA.distance(begun, earlier)) <= errors_max
