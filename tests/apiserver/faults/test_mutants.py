"""R30: the tests can fail. Each promise is broken by an operator that is wrong on purpose, and its test goes red.

A promise is asked for, not asserted: it is broken where the answer is no. Whatever else goes wrong meanwhile, an
operator that does not start, a fault that was never made, a wait that is too long for this machine, fails the test.
"""

from collections.abc import Callable

import pytest
from tests.apiserver.faults import (
    test_children,
    test_deletion,
    test_edits,
    test_jobs,
    test_kills,
    test_leadership,
    test_missed_events,
    test_outages,
    test_rest,
    test_stale,
    test_truth,
)
from tests.apiserver.faults.field import Field
from tests.apiserver.faults.runs import CREATION, Runs
from tests.apiserver.proxy import Cut, FaultProxy, Freeze, Refuse, Slow, is_watch
from tests.apiserver.proxy.calls import counts
from tests.apiserver.proxy.faults import Fault

NIGHT = {"2026-03-28T20:00:00+01:00": 1, "2026-03-29T02:59:59+02:00": 2}  # the clocks go forward; builds due
SHORT = 4.0  # seconds a mutant is given to do what it never will
LONGER = 8.0  # where every other operator takes three
DEAF: dict[str, float] = {"INACTIVITY_SECONDS": 2.0}  # after which every other operator hears again


def killed_after_its_job(field: Field, mutant: str) -> bool:
    """Whether runs that are killed around the making of a Job end as those that are not."""
    runs = Runs(field, patience_seconds=SHORT)
    expected = runs.learn(CREATION, mutant=mutant)
    made = next(place for place, one in enumerate(expected[0].order, 1) if one.startswith("create jobs"))
    wrong = test_kills.problems(runs, expected, [[made], [made + 1]], mutant, answered=lambda _: True)
    assert not any("fault" in one for one in wrong.values()), wrong
    return not wrong


def gets_through(fault: Callable[[], Fault], **times: float) -> Callable[[Field, str], bool]:
    return lambda field, mutant: test_outages.made_through(field, fault(), mutant, **{"seconds": SHORT, **times})


# Mutant → whether its promise holds.
PROMISES: dict[str, Callable[[Field, str], bool]] = {
    "no_precondition": lambda field, mutant: [] == test_stale.pruned_by_an_old_view(field, mutant),
    "edge_triggered": lambda field, mutant: test_missed_events.made_without_its_first_event(field, mutant, SHORT),
    "deaf": lambda field, mutant: test_missed_events.seconds_deaf(field, mutant, 2 * SHORT, **DEAF) < 2 * SHORT,
    "trusts_its_lease": lambda field, mutant: (0, 0) == test_leadership.writes_after_waking(field, mutant),
    "keeps_the_first_spec": lambda field, mutant: ("50", True) == test_edits.last_of_many(field, mutant, SHORT),
    "kopf_handlers": lambda field, mutant: set() == test_edits.traces_of_kopf(field, mutant),
    "forgets_deletions": lambda field, mutant: set() == test_children.lost_for_good(field, False, mutant, SHORT),
    "owns_replicas": lambda field, mutant: (
        (5, {"autoscaler"}) == test_children.replicas_after_an_autoscaler(field, mutant)
    ),
    "writes_always": lambda field, mutant: [] == test_rest.at_rest(field, mutant, SHORT / 2)[0],
    "keeps_fixed_fields": lambda field, mutant: "20Gi" == test_children.grown(field, mutant, SHORT)[0],
    "hopes": lambda field, mutant: [] == test_truth.told_lies(field, mutant),
    "stops_at_a_failure": lambda field, mutant: all(test_edits.reached_past_a_refusal(field, mutant, SHORT)),
    "comes_back_at_once": test_outages.leaves_a_busy_server_alone,
    "knows_own_jobs_only": killed_after_its_job,
    "builds_without_a_pause": lambda field, mutant: (
        test_jobs.tries_of_a_failing_build(field, mutant, 10) <= test_jobs.TRIES_MAX
    ),
    "ticks_again": lambda field, mutant: (
        not any(
            built > due
            for built, due in zip(
                test_jobs.scheduled_builds(field, NIGHT, mutant=mutant, seconds=LONGER), NIGHT.values(), strict=False
            )
        )
    ),
    "orders_its_store": lambda field, mutant: test_edits.store_heals(field, mutant, SHORT),
    "gives_up_at_a_conflict": gets_through(lambda: Refuse(counts, status=409)),
    "takes_errors_for_the_end": gets_through(lambda: Refuse(counts, status=500)),
    "takes_silence_for_the_end": gets_through(lambda: Cut(counts)),
    "watches_once": gets_through(lambda: Refuse(is_watch, status=410), seconds=LONGER, **DEAF),
    "has_no_patience": gets_through(
        lambda: Slow(test_outages.LEDGERS, times=8, seconds=test_outages.SLOW_SECONDS), seconds=LONGER
    ),
    "waits_for_ever": gets_through(
        lambda: Freeze(test_outages.LEDGERS),
        seconds=LONGER,
        REQUEST_SECONDS=1.0,  # after which every other one asks again
    ),
    "names_jobs_by_chance": lambda field, mutant: 1 == len(test_outages.jobs_of_a_lost_answer(field, mutant)),
    "expects_every_edit": lambda field, mutant: test_missed_events.the_last_edit_holds(field, mutant, SHORT),
    "watches_no_more_after_a_cut": lambda field, mutant: test_missed_events.hears_of_an_edit(
        field, FaultProxy.cut_watches, mutant, SHORT
    ),
    "waits_after_an_expired_watch": lambda field, mutant: test_missed_events.hears_of_an_edit(
        field, FaultProxy.expire_watches, mutant, SHORT
    ),
    "looks_at_no_reference": lambda field, mutant: (
        (0, True) == test_children.told_of_its_glossary(field, mutant, SHORT)
    ),
}
# The same promises, each broken by another test's mutant as well.
ALSO: dict[str, tuple[str, Callable[[Field, str], bool]]] = {
    "pods that change over in place are hoped to have": (
        "hopes",
        lambda field, mutant: [] == test_truth.told_lies(field, mutant, "HotSwap"),
    ),
    "a Deployment keeps the pods of others": (
        "keeps_fixed_fields",
        lambda field, mutant: test_children.made_anew(field, "a Deployment that selects others", mutant, SHORT),
    ),
    "a finalizer of kopf keeps what is deleted": (
        "kopf_handlers",
        lambda field, mutant: set() == test_deletion.what_is_left(field, "down", mutant, SHORT),
    ),
    "a token is never seen": (
        "keeps_the_first_spec",
        lambda field, mutant: test_edits.builds_of_tokens(field, mutant, SHORT) == test_edits.ONE_BUILD_EACH,
    ),
}


@pytest.mark.parametrize("mutant", PROMISES)
def test_an_operator_that_breaks_a_promise_is_found_out(field: Field, mutant: str) -> None:
    assert not PROMISES[mutant](field, mutant)


@pytest.mark.parametrize("name", ALSO)
def test_a_second_test_finds_it_out_too(field: Field, name: str) -> None:
    mutant, promise = ALSO[name]

    assert not promise(field, mutant)
