"""The faults a proxy can be told to make, each a value; README.md says what each one is for.

A fault that is made `times` times counts down in `left`; only the proxy's own thread touches that.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from .calls import Call, Matches, every, is_list, is_watch


@dataclass
class Fault:
    """Made for calls that `match`, at most `times` times."""

    match: Matches = every
    times: int = 1
    left: int = field(init=False)

    def __post_init__(self) -> None:
        self.left = self.times

    def takes(self, call: Call) -> bool:
        """Whether the fault is made for this call; it is spent by one if so."""
        if self.left <= 0 or not self.match(call):
            return False
        self.left -= 1
        return True

    @property
    def made(self) -> int:
        """How often it was made so far."""
        return self.times - self.left


@dataclass
class Refuse(Fault):
    """The call is answered with an error and never reaches the server."""

    status: int = 500
    retry_after_seconds: int | None = None


@dataclass
class Slow(Fault):
    """The call waits before it is passed on."""

    seconds: float = 1.0


@dataclass
class Cut(Fault):
    """The connection is closed: before the server sees the call, or after it has carried it out."""

    when: Literal["before", "after"] = "before"


@dataclass
class Freeze(Fault):
    """Nothing more comes back, and nothing is closed: the call is swallowed."""


@dataclass
class Kill:
    """`kill` is called as soon as the server has answered the write of that number.

    answered: the answer still reaches the client, else it is lost. Whatever the client sends afterwards is cut until
    `FaultProxy.revive`, so that no write of the dying process slips through.
    """

    write: int
    kill: Callable[[], None]
    answered: bool = False
    made: int = 0


@dataclass
class Meanwhile:
    """`act` is called as soon as the server has answered the write of that number, before the answer goes on."""

    write: int
    act: Callable[[], object]
    made: int = 0


@dataclass
class Drop:
    """That event of a watch is never told."""

    event: int
    made: int = 0


@dataclass
class Coalesce:
    """That event of a watch is held back until the next one of the same object takes its place."""

    event: int
    made: int = 0


@dataclass
class Stale:
    """Lists are answered as they were at that moment (`FaultProxy.remember`), and watches tell nothing.

    A list that nobody had asked for until then is answered by the server.
    """

    moment: int
    match: Matches = lambda one: is_list(one) or is_watch(one)
    lists: int = 0  # how many were answered so


AnyFault = Fault | Kill | Meanwhile | Drop | Coalesce | Stale
