"""Runs: one act of a story, with or without a fault, and what the world looks like afterwards.

A learning run numbers the writes and the events of an act; a run with a fault must end in the same state, with the same
Jobs made, and its fault must have happened. What two clean runs do not share is ignored (states.py).
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from tests.apiserver.faults.field import Field, Stage
from tests.apiserver.faults.states import State, difference, mask, state_of
from tests.apiserver.faults.story import Manifest, Story
from tests.apiserver.operator_process import OperatorProcess
from tests.apiserver.proxy import Call, FaultProxy, Stale
from tests.apiserver.proxy.faults import AnyFault

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
    """What the author does, once the resource is ready unless `first`, and how it is known to be through."""

    name: str
    do: Callable[[Story], object]
    first: bool = False
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
        Act("create", lambda story: story.create(FULL), first=True),
        Act("rebuild", _rebuild),
        Act("update", _update),
        Act("reindex", lambda story: story.reindex("again"), through=_reindexed),
        Act("scale", lambda story: story.scale(3)),
    )
}


@dataclass(frozen=True)
class Ended:
    """What a run left behind."""

    state: State
    jobs: Counter[str]  # how often a Job of each name was made
    writes: Sequence[Call]  # of the act
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

    def learn(self, act: Act, mutant: str = "") -> Expected:
        """Two runs without a fault."""
        one, other = self.all([lambda: self.run(act, mutant=mutant), lambda: self.run(act, mutant=mutant)])
        apart = [key for key in one.state.keys() ^ other.state.keys() if not key.startswith("Job/")]
        assert [] == apart, f"clean runs are too far apart to learn from: {apart}"
        return Expected(
            act, one.state, one.jobs, min(len(one.writes), len(other.writes)), min(one.events, other.events),
            mask(one.state, other.state), tuple(str(call) for call in one.writes),
        )  # fmt: skip

    def run_at(
        self,
        place: int,
        expected: Expected,
        fault: Callable[[FaultProxy, OperatorProcess, int], AnyFault],
        happened: Callable[[Ended], int],
        mutant: str = "",
    ) -> Ended:
        """One run with a fault at that place of the act: of its writes, or events, of which so many happened.

        A run may do with fewer than the clean ones did: then its last one is tried instead.
        """
        ended = self.run(expected.act, lambda proxy, operator: fault(proxy, operator, place), mutant, expected)
        last = happened(ended)
        if ended.made or not 0 < last < place:
            return ended
        return self.run_at(last, expected, fault, happened, mutant)

    def run(
        self,
        act: Act,
        fault: Callable[[FaultProxy, OperatorProcess], AnyFault | None] | None = None,
        mutant: str = "",
        expected: Expected | None = None,
    ) -> Ended:
        """One run. `fault` is given proxy and operator right before the act; an operator it killed is started again.

        The state is taken when it is the expected one, or stays as it is.
        """
        stage = self._field.stage(None if act.first else FULL, mutant=mutant, **self._settings)
        story, proxy, operator = stage.story, stage.proxy, stage.operator
        try:
            writes, events, made = len(proxy.writes), len(proxy.events), fault(proxy, operator) if fault else None
            if made is not None:
                proxy.make(made)
            act.do(story)
            self._through(act, stage)
            state = steady_state(story, expected, self._patience_seconds)
            return Ended(
                state,
                Counter(story.jobs_made()),
                proxy.writes[writes:],
                len(proxy.events) - events,
                made is None or (made.lists if isinstance(made, Stale) else made.made) > 0,
                operator.log,
            )
        finally:
            operator.kill()

    @staticmethod
    def _through(act: Act, stage: Stage) -> None:
        """Waits until the act is through; an operator that was killed is started again at once."""

        def start_again() -> None:
            if not stage.operator.alive:
                stage.restart()

        stage.story.watchdog = start_again
        act.through(stage.story)
        stage.story.watchdog = None

    @staticmethod
    def all(runs: Sequence[Callable[[], Any]]) -> list[Any]:
        """The results of runs, so many side by side as there are cores."""
        with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
            return [one.result() for one in [pool.submit(run) for run in runs]]


def steady_state(story: Story, expected: Expected | None, patience_seconds: float) -> State:
    """The state of the namespace once it is the expected one, or did not change for a while, or after that time."""
    changes = story.controllers.mirror.changes  # it is asked for again when an event told that it changed
    seen, state, since = changes[story.namespace], state_of(story.api, story.namespace), time.monotonic()
    deadline = since + patience_seconds
    while time.monotonic() < deadline:
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
