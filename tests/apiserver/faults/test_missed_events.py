"""R6, T1, R18: no event is needed for more than speed, and a watch that goes silent is noticed."""

import random
import time
from contextlib import suppress
from functools import partial

import pytest
from tests.apiserver.faults.field import Field
from tests.apiserver.faults.runs import ACTS, Runs
from tests.apiserver.faults.story import LOCAL
from tests.apiserver.faults.times import DEAF_SECONDS_MAX, EVENTS_OF_AN_ACT
from tests.apiserver.operator_process import OperatorProcess
from tests.apiserver.proxy import Coalesce, Drop, FaultProxy, Freeze, is_watch, of
from tests.apiserver.waiting import wait_until

SEED = 6
RESYNC_SECONDS = 2.0


def end_states(field: Field, name: str, mutant: str = "") -> dict[str, object]:
    """Where runs of an act ended elsewhere, each without one event or with it held back."""
    runs = Runs(field, RESYNC_SECONDS=RESYNC_SECONDS)
    expected = runs.learn(ACTS[name])
    drawn = random.Random(f"{SEED} {name}")
    chosen = sorted(drawn.sample(range(1, expected.events + 1), min(EVENTS_OF_AN_ACT, expected.events)))

    def missing(kind: type[Drop] | type[Coalesce], event: int) -> object:
        def fault(proxy: FaultProxy, _: OperatorProcess) -> Drop | Coalesce:
            return kind(len(proxy.events) + event)

        return expected.problems(runs.run(expected.act, fault, mutant, expected))

    kinds = [(drawn.choice((Drop, Coalesce)), event) for event in chosen]
    found = runs.all([partial(missing, kind, event) for kind, event in kinds])
    return {f"{kind.__name__} {event}": wrong for (kind, event), wrong in zip(kinds, found, strict=True) if wrong}


def made_without_its_first_event(field: Field, mutant: str = "", seconds: float = 60.0) -> bool:
    """Whether a resource is looked at although the event of its creation was dropped."""
    stage = field.stage(mutant=mutant, RESYNC_SECONDS=RESYNC_SECONDS)
    stage.proxy.make(Drop(len(stage.proxy.events) + 1))
    stage.story.create(LOCAL)
    with suppress(AssertionError):  # that it was not is the answer
        stage.story.wait_ready(seconds)
    return stage.story.is_ready()


def test_a_resource_whose_creation_no_event_told_of_is_found(field: Field) -> None:
    assert made_without_its_first_event(field)


@pytest.mark.parametrize("name", ["create", "rebuild"])
def test_without_any_one_event_the_end_state_is_the_same(field: Field, name: str) -> None:
    assert {} == end_states(field, name)


def jobs_made_before_their_pods_are_heard_of(field: Field, mutant: str = "") -> list[str]:
    """All Jobs of a creation during which the watch of pods is silent."""
    stage = field.stage(mutant=mutant)
    stage.proxy.freeze_watches(of("pods", "watch"))
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
    stage.proxy.freeze_watches()
    before = stage.story.resource["metadata"]["generation"]
    started = time.monotonic()
    stage.story.change({"search": {"config": {"retrievalK": 9}}})
    while time.monotonic() - started < limit_seconds:
        if stage.story.status.get("observedGeneration", 0) > before:
            return time.monotonic() - started
        time.sleep(0.05)
    return limit_seconds


def test_an_edit_behind_frozen_watches_is_seen_once_they_count_as_silent(field: Field) -> None:
    assert seconds_deaf(field) <= DEAF_SECONDS_MAX


def test_a_leader_that_hears_nothing_for_long_is_not_alive(field: Field) -> None:
    stage = field.stage(LOCAL, INACTIVITY_SECONDS=0.5, RESYNC_SECONDS=600)

    stage.proxy.make(Freeze(is_watch, times=1_000_000))
    stage.proxy.freeze_watches()

    wait_until(lambda: stage.operator.get("/livez") == 500, 20, "/livez tells of the silence", stage.operator.explain)
