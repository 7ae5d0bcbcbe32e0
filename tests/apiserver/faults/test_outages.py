"""T32: an API server that is away, slow, busy or forgetful is waited for, without a restart and without a storm."""

import time
from collections import Counter
from contextlib import suppress
from pathlib import Path

import pytest
from tests.apiserver.faults.field import Field, Stage
from tests.apiserver.faults.story import LOCAL
from tests.apiserver.faults.times import AWAY_SECONDS, SILENCE_SECONDS
from tests.apiserver.proxy import Cut, Freeze, Refuse, Slow, Stale, is_list, is_watch, of
from tests.apiserver.proxy.calls import counts
from tests.apiserver.proxy.faults import Fault
from tests.waiting import NotInTime, wait_until

LISTS_OF_A_KIND_MAX = 8  # kopf's, the operator's after it, and those that fell into the outage
RETRY_AFTER_SECONDS = 4  # by far longer than an operator that comes back at once takes on a busy machine
SLOW_SECONDS = 0.4
OPENED_AGAIN_SECONDS = 15.0
RESYNC_SECONDS = 2.0  # of those who hear of an object by lists alone
LEASES, LEDGERS = of("leases", "update"), of("configmaps", "apply")


def changed_through(stage: Stage, value: int) -> None:
    """An edit made now comes through, by the process that was there before."""
    pid = stage.operator.pid
    stage.story.change({"search": {"config": {"retrievalK": value}}})
    stage.story.wait_ready()
    assert (stage.story.get("ConfigMap", "help-search") or {})["data"]["RETRIEVAL_K"] == str(value)
    assert (pid, True) == (stage.operator.pid, stage.operator.alive)


@pytest.mark.parametrize("way", ["stopped", "frozen", "without etcd"])
def test_an_api_server_that_was_away_is_taken_up_again_without_a_restart_or_a_storm(field: Field, way: str) -> None:
    plane = field.control_plane
    leave, come_back = {
        "stopped": (plane.stop_api, plane.start_api),
        "frozen": (plane.freeze, plane.thaw),
        "without etcd": (plane.stop_etcd, plane.start_etcd),
    }[way]
    stage = field.stage(LOCAL)

    leave()
    try:
        time.sleep(AWAY_SECONDS)  # nothing can be asked meanwhile
    finally:
        come_back()
    lists = len(stage.proxy.exchanges)

    changed_through(stage, 9)
    answered = [one.call for one in stage.proxy.exchanges[lists:] if one.status == 200 and one.call.verb == "list"]
    assert max(Counter(call.resource for call in answered).values(), default=0) <= LISTS_OF_A_KIND_MAX
    assert 1 == len(stage.story.jobs_made())


STORMS: dict[str, list[Fault]] = {
    "conflicts": [Refuse(counts, times=4, status=409)],
    "conflicts of the lease": [Refuse(LEASES, times=6, status=409)],
    "server errors": [
        Refuse(counts, times=4, status=500),
        Refuse(LEASES, times=2, status=500),
        Refuse(is_list, times=6, status=503),
    ],
    "forgotten": [Refuse(is_watch, times=6, status=410), Refuse(is_list, times=4, status=410)],
    "asked for quiet": [
        Refuse(counts, times=2, status=429, retry_after_seconds=1),
        Refuse(is_list, times=4, status=429, retry_after_seconds=1),
        Refuse(is_watch, times=4, status=429, retry_after_seconds=1),
    ],
    "cut before": [Cut(counts, times=4), Cut(LEASES, times=2)],
    "cut after": [Cut(counts, times=6, when="after"), Cut(LEASES, times=2, when="after")],
    "slow": [Slow(times=200, seconds=0.05), Slow(LEDGERS, times=8, seconds=SLOW_SECONDS)],
    "no answer": [Freeze(LEDGERS)],
}


@pytest.mark.parametrize("name", STORMS)
def test_through_a_storm_a_creation_ends_as_ever(field: Field, name: str) -> None:
    stage = field.stage(INACTIVITY_SECONDS=SILENCE_SECONDS)  # a run of kopf that hangs is left behind after two of them
    stage.proxy.make(*STORMS[name])
    stage.story.wait(stage.proxy.expire_watches, "there are watches to end")

    stage.story.create(LOCAL)

    stage.story.wait_ready()
    assert 1 == len(stage.story.jobs_made())
    stage.story.wait(lambda: all(fault.made for fault in STORMS[name]), "each fault was made")
    stage.proxy.heal()
    changed_through(stage, 9)


def threads(stage: Stage) -> int:
    """How many threads the operator's process has."""
    lines = Path(f"/proc/{stage.operator.pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("Threads"))


def test_watches_that_a_failing_server_ended_are_opened_again_at_once_and_leave_nothing_behind(field: Field) -> None:
    stage = field.stage(LOCAL, INACTIVITY_SECONDS=60.0, RESYNC_SECONDS=600.0)  # nothing else leads to a look
    before = threads(stage)
    stage.proxy.make(Refuse(of("clockifyrags", "watch"), times=1_000, status=500))
    stage.story.wait(stage.proxy.expire_watches, "there are watches to end")
    stage.story.wait(lambda: "multitasker has failed" in stage.operator.log, "kopf gives them up")
    stage.proxy.heal()

    stage.story.change({"search": {"config": {"retrievalK": 9}}})

    def seen() -> bool:
        return (stage.story.get("ConfigMap", "help-search") or {})["data"]["RETRIEVAL_K"] == "9"

    wait_until(seen, OPENED_AGAIN_SECONDS, "the edit is seen", stage.operator.explain)
    wait_until(lambda: threads(stage) == before, OPENED_AGAIN_SECONDS, "the former watches are gone")


def made_through(field: Field, fault: Fault, mutant: str = "", seconds: float = 60.0, **settings: float) -> bool:
    """Whether a creation ends in spite of one fault of a storm within that time; silence counts late by default."""
    stage = field.stage(mutant=mutant, **{"INACTIVITY_SECONDS": 60.0, **settings})
    stage.proxy.make(fault)
    if fault.match is is_watch:
        stage.story.wait(stage.proxy.expire_watches, "there are watches to end")
    stage.story.create(LOCAL)
    with suppress(NotInTime):  # that it did not is the answer
        stage.story.wait_ready(seconds)
    assert fault.made, "the fault was never made"
    return stage.story.is_ready()


def jobs_of_a_lost_answer(field: Field, mutant: str = "") -> list[str]:
    """Jobs made where the answer to making one is lost, and nothing tells of it until it is made once more."""
    stage = field.stage(mutant=mutant, RESYNC_SECONDS=RESYNC_SECONDS)
    made = of("jobs", "create")
    lost = Cut(made, when="after")
    stage.proxy.make(lost, Stale(stage.proxy.remember(), match=of("jobs", "list", "watch")))
    stage.story.create(LOCAL)
    stage.story.wait(lambda: sum(map(made, list(stage.proxy.calls))) > 1, "it is made once more")
    assert lost.made
    stage.proxy.heal()
    stage.story.wait_ready()
    return stage.story.jobs_made()


def test_a_job_whose_making_was_not_answered_is_not_made_twice(field: Field) -> None:
    assert 1 == len(jobs_of_a_lost_answer(field))


def seconds_until_the_next_write(field: Field, mutant: str = "") -> float:
    """How long no write comes after one was answered that the server is busy and when to come back."""
    stage = field.stage(LOCAL, mutant=mutant)
    # Of the writes that decide: a lease or an event that is refused holds up no pass.
    busy = Refuse(counts, times=1, status=429, retry_after_seconds=RETRY_AFTER_SECONDS)
    stage.proxy.make(busy)
    stage.story.change({"search": {"config": {"retrievalK": 9}}})
    stage.story.wait(lambda: busy.made, "it was told")
    told = next(one.at for one in reversed(stage.proxy.exchanges) if one.status == 429)
    later = stage.story.wait(
        lambda: [one.at for one in stage.proxy.exchanges if one.call.write and one.at > told], "it writes again"
    )
    return later[0] - told


def leaves_a_busy_server_alone(field: Field, mutant: str = "") -> bool:
    """Whether it waits for as long as the server asked, but for the tenth of a second that clocks differ."""
    return seconds_until_the_next_write(field, mutant) >= RETRY_AFTER_SECONDS - 0.1


def test_a_busy_server_is_left_alone_for_as_long_as_it_asked(field: Field) -> None:
    assert leaves_a_busy_server_alone(field)
