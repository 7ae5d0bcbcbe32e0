"""Runs: acts of a story, one after the other, each with or without a fault, and what the world looks like after each.

    create ─► scale ─► update ─► reindex ─► rebuild        a run: one resource, one operator
       │        │         │          │          │
     Ended    Ended     Ended      Ended      Ended        each what a clean run left behind there, or a problem

A learning run numbers the writes and the events of its acts; a run with faults must end each act in the same state,
with the same Jobs made, and its faults must have happened. What two clean runs do not share is ignored (states.py).
One resource is made for all acts of a run, because making it takes longer than what is then done to it.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import zip_longest
from typing import Any

from tests.apiserver.faults.field import Field, Stage
from tests.apiserver.faults.states import State, difference, mask, state_of
from tests.apiserver.faults.story import Manifest, Story
from tests.apiserver.operator_process import OperatorProcess
from tests.apiserver.proxy import Call, FaultProxy, Kill, Stale
from tests.apiserver.proxy.faults import AnyFault

MadeFor = Callable[[FaultProxy, OperatorProcess], AnyFault | None]  # the fault for a run's act
Record = Callable[[str, object], None]  # pytest's record_property: a figure that `make chaos` keeps
SIDE_BY_SIDE = 2  # as many as there are cores
STEADY_SECONDS = 1.5  # without any change
STEADY_SECONDS_MAX = 20.0
POLL_SECONDS = 0.2
FULL: Manifest = {  # of every kind of child one
    "source": {"http": {"url": "https://docs.example.com/articles.jsonl"}},
    "embedding": {"provider": "Ollama", "model": "all-minilm"},
    "search": {"replicas": 2, "ingress": {"host": "help.example.com"}},
}


@dataclass(frozen=True)
class Act:
    """What the author does, and how it is known to be through."""

    name: str
    do: Callable[[Story], object]
    through: Callable[[Story], None] = Story.wait_ready


def _rebuild(story: Story) -> None:
    story.change({"chunking": {"maxChars": 700}})


def _update(story: Story) -> None:
    story.change({"search": {"config": {"retrievalK": 7}}})


def _reindexed(story: Story) -> None:
    story.wait(lambda: "again" in story.ledger.get("tokens", ()), "the token is consumed")
    story.wait_ready()


ACTS = {
    act.name: act
    for act in (
        Act("create", lambda story: story.create(FULL)),
        Act("scale", lambda story: story.scale(3)),
        Act("update", _update),
        Act("reindex", lambda story: story.reindex("again"), through=_reindexed),
        Act("rebuild", _rebuild),
    )
}
CREATION, *CHANGES = ACTS.values()


@dataclass(frozen=True)
class Ended:
    """What an act left behind."""

    state: State
    jobs: Counter[str]  # how often a Job of each name was made, by this act and those before
    writes: Sequence[Call]  # of this act
    events: int
    made: bool  # whether the fault was made, if there was to be one
    log: str = ""  # the operator's


@dataclass(frozen=True)
class Expected:
    """What every run of an act has to leave behind."""

    act: Act
    state: State
    jobs: Counter[str]
    writes: int  # of the clean run with fewer: at each of them a fault can be made
    events: int
    ignored: frozenset[str]
    order: tuple[str, ...] = ()  # the writes of one of the clean runs

    def problems(self, ended: Ended) -> dict[str, Any]:
        """Where a run ended elsewhere, or that it had no fault; empty when neither is so."""
        found: dict[str, Any] = dict(difference(self.state, ended.state, self.ignored))
        if not ended.made:
            found["fault"] = f"never made, among {len(ended.writes)} writes and {ended.events} events"
        twice = [name for name, times in ended.jobs.items() if times > 1]
        if twice:
            found["Jobs made twice"] = twice
        if sum(ended.jobs.values()) != sum(self.jobs.values()):
            found["Jobs made"] = (dict(self.jobs), dict(ended.jobs))
        if found:
            found["log"] = ended.log
        return found


class Runs:
    """Runs acts, each in a namespace of its own with an operator and a proxy of its own."""

    def __init__(self, field: Field, patience_seconds: float = STEADY_SECONDS_MAX, **settings: Any) -> None:
        self._field, self._patience_seconds = field, patience_seconds
        self._settings = {"LEASE_SECONDS": 15, "LEASE_RENEW_SECONDS": 5, **settings}

    def learn(self, *acts: Act, mutant: str = "") -> list[Expected]:
        """What acts one after the other leave behind, from two runs without a fault."""
        clean: list[list[Ended]] = self.all([lambda: self.run(acts, mutant=mutant)] * 2)
        return [_expected(act, one, other) for act, one, other in zip(acts, *clean, strict=True)]

    def run_at(
        self,
        places: Sequence[int | None],
        expected: Sequence[Expected],
        fault: Callable[[FaultProxy, OperatorProcess, int], AnyFault],
        happened: Callable[[Ended], int],
        mutant: str = "",
    ) -> list[Ended]:
        """One run with a fault at that place of each act, None for no fault: of its writes, or events, of which so
        many happened.

        A run may do with fewer than the clean ones did: then the last one of that act is tried instead.
        """
        faults = [place and partial(fault, place=place) for place in places]
        ended = self.run([one.act for one in expected], faults, mutant, expected)
        act, last = len(ended) - 1, happened(ended[-1])
        place = places[act]
        if ended[act].made or place is None or not 0 < last < place:
            return ended
        return self.run_at([*places[:act], last, *places[act + 1 :]], expected, fault, happened, mutant)

    def run(
        self,
        acts: Sequence[Act],
        faults: Sequence[MadeFor | None] = (),
        mutant: str = "",
        expected: Sequence[Expected] = (),
    ) -> list[Ended]:
        """One run, up to the first act whose fault was not made or that ended elsewhere than expected.

        Each fault is given proxy and operator right before its act; an operator it killed is started again. The state
        is taken when it is the expected one, or stays as it is.
        """
        stage = self._field.stage(mutant=mutant, **self._settings)
        ended: list[Ended] = []

        def start_again() -> None:
            if not stage.operator.alive:
                stage.restart()

        stage.story.watchdog = start_again
        try:
            for act, fault, wanted in zip_longest(acts, faults, expected):
                ended.append(self._ended(stage, act, fault, wanted))
                if not ended[-1].made or (wanted is not None and wanted.problems(ended[-1])):
                    break
            return ended
        finally:
            stage.story.watchdog = None
            stage.operator.kill()

    def _ended(self, stage: Stage, act: Act, fault: MadeFor | None, expected: Expected | None) -> Ended:
        story, proxy, pid = stage.story, stage.proxy, stage.operator.pid
        writes, events = len(proxy.writes), len(proxy.events)
        made = fault(proxy, stage.operator) if fault else None
        proxy.make(*filter(None, [made]))
        act.do(story)
        act.through(story)
        state = steady_state(story, expected, self._patience_seconds)
        if isinstance(made, Kill) and made.made and stage.operator.pid == pid:
            stage.restart()  # killed after its last write: nobody had to wait for another one
        return Ended(
            state,
            Counter(story.jobs_made()),
            proxy.writes[writes:],
            len(proxy.events) - events,
            made is None or (made.lists if isinstance(made, Stale) else made.made) > 0,
            stage.operator.log,
        )

    @staticmethod
    def all(runs: Sequence[Callable[[], Any]]) -> list[Any]:
        """The results of runs, so many side by side as there are cores."""
        with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
            return [one.result() for one in [pool.submit(run) for run in runs]]


def _expected(act: Act, one: Ended, other: Ended) -> Expected:
    """What two clean runs of it say that every run of an act leaves behind."""
    apart = [key for key in one.state.keys() ^ other.state.keys() if not key.startswith("Job/")]
    assert [] == apart, f"clean runs are too far apart to learn from: {apart}"
    return Expected(
        act, one.state, one.jobs, min(len(one.writes), len(other.writes)), min(one.events, other.events),
        mask(one.state, other.state), tuple(str(call) for call in one.writes),
    )  # fmt: skip


def steady_state(story: Story, expected: Expected | None, patience_seconds: float) -> State:
    """The state of the namespace once it is the expected one, or did not change for a while, or after that time."""
    changes = story.controllers.mirror.changes  # it is asked for again when an event told that it changed
    seen, state, since = changes[story.namespace], state_of(story.api, story.namespace), time.monotonic()
    deadline = since + patience_seconds
    while time.monotonic() < deadline:
        if story.watchdog is not None:
            story.watchdog()
        if expected is not None and not difference(expected.state, state, expected.ignored):
            break
        if (
            expected is None
            and time.monotonic() - since > STEADY_SECONDS
            and story.controllers.settled(story.namespace)
        ):
            break
        time.sleep(POLL_SECONDS)
        if changes[story.namespace] == seen:
            continue
        seen, now = changes[story.namespace], state_of(story.api, story.namespace)
        if now != state:
            state, since = now, time.monotonic()
    return state
