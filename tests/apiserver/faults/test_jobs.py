"""T29, T27: whatever becomes of a Job leads to a state that is told, and to so many tries and no more."""

import time
from collections.abc import Mapping

import pytest
from tests.apiserver.controllers import RUNS, Container, Ending, failed
from tests.apiserver.faults.field import Field, Stage
from tests.apiserver.faults.story import LOCAL
from tests.waiting import NotInTime

BUILD_BACKOFF_SECONDS = 0.5
RATE_SECONDS = 2.0  # with waits of 0.5, 1 and 2 s
TRIES_MAX = 3
MORE_SECONDS = 1.5  # in which more builds than are due would be made

ENDINGS: dict[str, tuple[Ending, str]] = {
    "source": (Ending(exit_code=30, message=failed(30, "the source said 503")), "SourceUnreachable"),
    "space": (Ending(exit_code=50, message=failed(50, "no space left: 1 GiB needed")), "NoSpace"),
    "memory": (Ending(exit_code=137, reason="OOMKilled"), "OOMKilled"),
    "deadline": (Ending(deadline=True), "DeadlineExceeded"),
    "unexplained": (Ending(exit_code=1), "BuildFailed"),
    "usage": (Ending(exit_code=2, message=failed(2, "no such option")), "BuildFailed"),
}
FOR_GOOD = {"usage"}  # would fail again: it waits for an edit or a token


def built(field: Field, **settings: object) -> Stage:
    return field.stage(LOCAL, **{"BUILD_BACKOFF_SECONDS": BUILD_BACKOFF_SECONDS, **settings})


def tries(stage: Stage, seconds: float = RATE_SECONDS) -> int:
    """Jobs made within some seconds; counted until there are too many."""
    before, end = len(stage.story.jobs_made()), time.monotonic() + seconds

    def made() -> int:
        return len(stage.story.jobs_made()) - before

    stage.story.wait(lambda: time.monotonic() >= end or made() > TRIES_MAX, "the time is over")
    return made()


def tries_of_a_failing_build(field: Field, mutant: str, scale: float) -> int:
    """Jobs made for a source that cannot be reached, in a time and with waits so many times as long."""
    stage = built(field, mutant=mutant, BUILD_BACKOFF_SECONDS=scale * BUILD_BACKOFF_SECONDS)
    stage.story.world.jobs.append(lambda _: ENDINGS["source"][0])
    stage.story.change({"chunking": {"maxChars": 700}})
    stage.story.wait(lambda: len(stage.story.jobs_made()) >= 2, "it was tried")
    return tries(stage, scale * RATE_SECONDS)


@pytest.mark.parametrize("name", ENDINGS)
def test_a_build_that_fails_is_told_tried_again_with_growing_waits_and_heals(field: Field, name: str) -> None:
    ending, reason = ENDINGS[name]
    stage = built(field)
    served = stage.story.ledger["current"]
    stage.story.world.jobs.append(lambda _: ending)

    stage.story.change({"chunking": {"maxChars": 700}})

    stage.story.wait_condition("IndexBuilt", "False", reason)
    assert "True" == stage.story.condition("Ready")[0], "the old index serves"
    assert tries(stage) <= TRIES_MAX
    if name in FOR_GOOD:
        assert 2 == len(stage.story.jobs_made()), "the index, and one try"
    else:
        stage.story.wait(lambda: len(stage.story.jobs_made()) > 2, "it is tried again by itself")
    assert served == stage.story.ledger["current"]
    stage.story.world.jobs.clear()
    stage.story.change({"chunking": {"maxChars": 650}})
    stage.story.wait_ready()


def test_a_running_job_that_somebody_deletes_is_made_again(field: Field) -> None:
    stage = built(field)
    stage.story.world.jobs.append(lambda _: RUNS)
    stage.story.change({"chunking": {"maxChars": 700}})
    running = stage.story.wait(lambda: [one for one in stage.story.all("Job") if "active" in one["status"]], "it runs")

    stage.story.api.request(
        "DELETE", stage.story.path("Job", running[0]["metadata"]["name"]), {"propagationPolicy": "Background"}
    )
    stage.story.world.jobs.clear()
    stage.story.controllers.wake(stage.story.namespace)

    stage.story.wait_ready()
    assert 2 == len(stage.story.world.volume)


def test_a_job_that_ended_and_vanished_before_it_was_seen_is_run_again_once(field: Field) -> None:
    stage = built(field)
    stage.story.world.jobs.append(lambda _: RUNS)
    stage.story.change({"chunking": {"maxChars": 700}})
    stage.story.wait(lambda: len(stage.story.all("Job")) == 2, "it runs")
    stage.operator.kill()
    stage.story.world.jobs.clear()
    stage.story.controllers.wake(stage.story.namespace)
    stage.story.wait(lambda: len(stage.story.world.builds) == 2, "it ended")
    for job in stage.story.all("Job"):
        stage.story.api.request(
            "DELETE", stage.story.path("Job", job["metadata"]["name"]), {"propagationPolicy": "Background"}
        )
    stage.story.wait(lambda: not stage.story.all("Job"), "no Job is left")

    stage.restart()

    stage.story.wait_ready()
    assert 3 == len(stage.story.world.builds), "the outcome nobody read is found again by one more build"


def test_a_disrupted_pod_costs_no_attempt(field: Field) -> None:
    stage = built(field)
    endings = iter([Ending(exit_code=143, evicted=True), Ending(exit_code=143, evicted=True)])

    def evicted_twice(seen: Container) -> Ending | None:
        return next(endings, None) if seen.manifest["kind"] == "Pod" else None

    stage.story.world.jobs.append(evicted_twice)
    stage.story.change({"chunking": {"maxChars": 700}})

    stage.story.wait_ready()
    assert 2 == len(stage.story.jobs_made())
    assert [] == stage.story.ledger.get("attempts", [])


def scheduled_builds(
    field: Field,
    due: Mapping[str, int],
    cron: str = "0 3 * * *",
    mutant: str = "other_clock",
    seconds: float = 60.0,
) -> list[int]:
    """How many builds there were in all after running with each of these clocks, the operator killed between them.

    due: by clock, how many there are to be by then; more of them would be seen in the time of rest that follows.
    """
    story = field.story()
    counts: list[int] = []
    for clock, number in due.items():
        operator = field.operator(story, mutant=mutant, CLOCK=clock, LEASE_SECONDS=1)
        if not counts:
            story.create({**LOCAL, "build": {"schedule": {"cron": cron, "timeZone": "Europe/Berlin"}}})
        story.wait(lambda: operator.metric("clockifyrag_reconcile_seconds_count") > 0, "it was looked at")  # noqa: B023
        try:
            story.wait(lambda: len(story.world.builds) >= number, "what is due is built", seconds)  # noqa: B023
            story.wait_ready(seconds)
            story.rest(MORE_SECONDS)
        except NotInTime:  # what was built until then is the answer
            return [*counts, len(story.world.builds)]
        counts.append(len(story.world.builds))
        operator.kill()
    return counts


def test_a_tick_builds_once_also_after_a_restart_within_its_minute_and_a_long_outage_is_one_tick(field: Field) -> None:
    due = {
        "2026-03-28T20:00:00+01:00": 1,  # made: the schedule begins, nothing is due
        "2026-03-29T02:59:59+02:00": 2,  # the night the clocks go forward: due a second later
        "2026-03-29T03:00:30+02:00": 2,  # restarted within the minute
        "2026-04-05T12:00:00+02:00": 3,  # a week away
        "2026-04-05T12:00:30+02:00": 3,
    }

    assert list(due.values()) == scheduled_builds(field, due)


def test_in_the_night_the_clocks_go_back_a_time_shown_twice_builds_once(field: Field) -> None:
    due = {"2026-10-24T20:00:00+02:00": 1, "2026-10-25T02:30:10+02:00": 2, "2026-10-25T02:30:10+01:00": 2}

    assert list(due.values()) == scheduled_builds(field, due, cron="30 2 * * *")
