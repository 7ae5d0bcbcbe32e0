"""R6, T1, R18: no event is needed for more than speed, and a watch that goes silent is noticed."""

import random
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from itertools import zip_longest

import pytest
from tests.apiserver.faults.field import WATCHES, Field, Stage
from tests.apiserver.faults.runs import ACTS, Record, Runs
from tests.apiserver.faults.story import LOCAL
from tests.apiserver.faults.times import DEAF_SECONDS_MAX, EVENTS_OF_AN_ACT
from tests.apiserver.operator_process import OperatorProcess
from tests.apiserver.proxy import Coalesce, Drop, FaultProxy, Freeze, is_watch, of
from tests.waiting import NotInTime, wait_until

SEED = 6
RESYNC_SECONDS = 2.0


def test_without_any_one_event_the_end_states_are_the_same(field: Field, record_property: Record) -> None:
    runs = Runs(field, RESYNC_SECONDS=RESYNC_SECONDS)
    expected = runs.learn(*ACTS.values())
    drawn = random.Random(SEED)
    events = [drawn.sample(range(1, one.events + 1), min(one.events, EVENTS_OF_AN_ACT)) for one in expected]
    record_property("tried", sum(map(len, events)))

    def fault(proxy: FaultProxy, _: OperatorProcess, place: int) -> Drop | Coalesce:
        return (Coalesce if place % 2 else Drop)(len(proxy.events) + place)

    missing = list(zip_longest(*events))
    ended = runs.all([partial(runs.run_at, one, expected, fault, lambda act: act.events) for one in missing])

    found = {
        f"{wanted.act.name}, event {event}": wanted.problems(act)
        for places, run in zip(missing, ended, strict=True)
        for wanted, event, act in zip(expected, places, run, strict=False)  # a run ends where it went wrong
    }
    assert {} == {at: wrong for at, wrong in found.items() if wrong}


def silence(stage: Stage) -> None:
    """Once they are open, all watches say nothing any more."""
    stage.wait_listed()
    stage.story.wait(lambda: len(stage.proxy.open_watches()) >= WATCHES, "all watches are open")
    assert stage.proxy.freeze_watches()


def made_without_its_first_event(field: Field, mutant: str = "", seconds: float = 60.0) -> bool:
    """Whether a resource is looked at although the event of its creation was dropped."""
    stage = field.stage(mutant=mutant, RESYNC_SECONDS=RESYNC_SECONDS)
    before = len(stage.proxy.events)
    stage.proxy.make(Drop(before + 1))
    stage.story.create(LOCAL)
    with suppress(NotInTime):  # that it was not is the answer
        stage.story.wait_ready(seconds)
    assert ("ADDED", "clockifyrags") == (stage.proxy.events[before].type, stage.proxy.events[before].resource)
    return stage.story.is_ready()


def test_a_resource_whose_creation_no_event_told_of_is_found(field: Field) -> None:
    assert made_without_its_first_event(field)


def jobs_made_before_their_pods_are_heard_of(field: Field, mutant: str = "") -> list[str]:
    """All Jobs of a creation during which the watch of pods is silent."""
    stage = field.stage(mutant=mutant)
    assert 1 == stage.proxy.freeze_watches(of("pods", "watch"))
    stage.story.create(LOCAL)
    stage.story.wait_ready()
    return stage.story.jobs_made()


def test_a_job_whose_end_is_heard_before_that_of_its_pods_is_not_run_again(field: Field) -> None:
    assert 1 == len(jobs_made_before_their_pods_are_heard_of(field))


def seconds_deaf(
    field: Field, mutant: str = "", limit_seconds: float = 2 * DEAF_SECONDS_MAX, **settings: float
) -> float:
    """How long an edit goes unnoticed once all watches are silent but open; the limit when it goes on."""
    stage = field.stage(LOCAL, mutant=mutant, **settings)
    stage.story.rest(1.0)  # lists that follow the opening of watches are through
    silence(stage)
    before = stage.story.resource["metadata"]["generation"]
    started = time.monotonic()
    stage.story.change({"search": {"config": {"retrievalK": 9}}})
    while time.monotonic() - started < limit_seconds:
        if stage.story.status.get("observedGeneration", 0) > before:
            return time.monotonic() - started
        time.sleep(0.05)
    return limit_seconds


def the_last_edit_holds(field: Field, mutant: str = "", seconds: float = 60.0) -> bool:
    """Whether the second of two edits comes through where one event told of both."""
    stage = field.stage(LOCAL, mutant=mutant)
    stage.story.rest(1.0)  # the events of its creation are told
    before = len(stage.proxy.events)
    held = Coalesce(before + 1)
    stage.proxy.make(held)
    stage.story.change({"search": {"config": {"retrievalK": 8}}})
    stage.story.wait(lambda: held.made, "the event of the first edit is held back")
    assert "clockifyrags" == stage.proxy.events[before].resource

    stage.story.change({"search": {"config": {"retrievalK": 9}}})

    def holds() -> bool:
        return bool((stage.story.get("ConfigMap", "help-search") or {})["data"]["RETRIEVAL_K"] == "9")

    with suppress(NotInTime):  # that it does not is the answer
        stage.story.wait(holds, "the second edit holds", seconds)
    return holds()


def test_of_two_edits_that_one_event_told_of_the_second_one_holds(field: Field) -> None:
    assert the_last_edit_holds(field)


def hears_of_an_edit(
    field: Field, broken: Callable[[FaultProxy], int], mutant: str = "", seconds: float = 60.0
) -> bool:
    """Whether an edit that no watch told of is seen once the watches are broken, before anything else brings it."""
    stage = field.stage(LOCAL, mutant=mutant, RESYNC_SECONDS=10 * seconds, INACTIVITY_SECONDS=10 * seconds)
    silence(stage)
    stage.story.change({"search": {"config": {"retrievalK": 9}}})

    assert broken(stage.proxy)

    with suppress(NotInTime):  # that it was not is the answer
        stage.story.wait(stage.story.is_observed, "the edit is seen", seconds)
    return stage.story.is_observed()


@pytest.mark.parametrize(
    "broken", [FaultProxy.cut_watches, FaultProxy.expire_watches], ids=["cut", "told that their past is forgotten"]
)
def test_watches_that_are_broken_are_opened_again_and_tell_what_was_missed(
    field: Field, broken: Callable[[FaultProxy], int]
) -> None:
    assert hears_of_an_edit(field, broken)


def test_an_edit_behind_frozen_watches_is_seen_once_they_count_as_silent(field: Field, record_property: Record) -> None:
    seconds = seconds_deaf(field)

    assert seconds <= DEAF_SECONDS_MAX
    record_property("recovery_seconds", round(seconds, 1))


def test_a_leader_that_hears_nothing_for_long_is_not_alive(field: Field) -> None:
    stage = field.stage(LOCAL, INACTIVITY_SECONDS=0.5, RESYNC_SECONDS=600)

    frozen = Freeze(is_watch, times=1_000_000)
    stage.proxy.make(frozen)
    stage.proxy.freeze_watches()

    wait_until(lambda: stage.operator.get("/livez") == 500, 20, "/livez tells of the silence", stage.operator.explain)
    assert frozen.made, "new watches were swallowed, too"
