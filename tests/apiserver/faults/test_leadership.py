"""T3: two operators, one leader at a time; one that was frozen or killed neither writes on nor leaves a gap."""

import time
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.apiserver.faults.field import Field, Stage
from tests.apiserver.faults.runs import FULL, Record
from tests.apiserver.faults.story import LOCAL, Story
from tests.apiserver.faults.times import LEADERS_KILLED
from tests.apiserver.operator_process import ACCOUNT
from tests.apiserver.proxy import Slow, is_write
from tests.waiting import wait_until

LEASE: dict[str, Any] = {"LEASE_SECONDS": 3, "LEASE_RENEW_SECONDS": 0.6}
GAP_SECONDS_MAX = 3 + 3  # a lease, and a start on a loaded machine


def holder(story: Story) -> str:
    """POD_NAME of the leader."""
    path = f"/apis/coordination.k8s.io/v1/namespaces/{story.namespace}/leases/{ACCOUNT}"
    answer = story.api.request("GET", path)
    return str(answer.json()["spec"].get("holderIdentity", "")).rpartition("_")[0] if answer.status_code == 200 else ""


def pair(field: Field, mutant: str = "") -> tuple[Stage, Stage]:
    """Leader and standby of one namespace, each behind a proxy of its own."""
    story = field.story()
    stages = []
    for _ in range(2):
        proxy = field.proxy()
        operator = field.operators.start(story.namespace, proxy=proxy, mutant=mutant, **LEASE)
        field.ends_with(operator.kill)
        story.explain.append(operator.explain)
        stages.append(Stage(story, operator, proxy))
        wait_until(lambda: holder(story), 30, "somebody leads", operator.explain)
    leader = next(one for one in stages if one.operator.name == holder(story))
    return leader, next(one for one in stages if one is not leader)


def test_a_killed_leader_is_followed_within_its_lease_again_and_again(field: Field, record_property: Record) -> None:
    leader, standby = pair(field)
    story = leader.story
    story.create(LOCAL)
    story.wait_ready()
    gaps = []

    for number in range(LEADERS_KILLED):
        killed = time.monotonic()
        leader.operator.kill()
        story.change({"search": {"config": {"retrievalK": 2 + number}}})
        story.wait(story.is_observed, "the other one goes on")
        gaps.append(time.monotonic() - killed)
        leader.operator.start()
        leader.operator.wait_ready()
        leader, standby = standby, leader

    assert max(gaps) <= GAP_SECONDS_MAX
    story.wait_ready()
    made = story.jobs_made()
    assert len(made) == len(set(made)) == 1
    record_property("tried", LEADERS_KILLED)
    record_property("recovery_seconds", round(max(gaps), 1))


def writes_after_waking(field: Field, mutant: str = "") -> tuple[int, int]:
    """Writes of a leader frozen in the middle of a pass, once it wakes up beside another one; and Jobs made twice."""
    leader, other = pair(field, mutant)
    story = leader.story
    leader.proxy.make(Slow(is_write, times=1_000_000, seconds=0.2))
    story.create(FULL)
    story.wait(lambda: len(leader.proxy.writes) >= 5, "the leader is in the middle of a pass")
    leader.operator.freeze()
    story.wait(lambda: holder(story) == other.operator.name, "the other one leads")
    story.wait_ready()
    story.rest(0.5)  # what left the leader before it was frozen has arrived by then
    before = len(leader.proxy.writes)

    leader.operator.thaw()
    story.rest(2.0)

    made = story.jobs_made()
    return len(leader.proxy.writes) - before, len(made) - len(set(made))


def test_a_leader_that_wakes_up_after_another_one_took_over_writes_nothing(field: Field) -> None:
    assert (0, 0) == writes_after_waking(field)


def test_a_leader_that_is_told_to_end_hands_over_at_once(field: Field) -> None:
    leader, other = pair(field)
    since = datetime.now(UTC)

    code = leader.operator.terminate()

    leader.story.wait(lambda: holder(leader.story) == other.operator.name, "the other one leads")
    assert 0 == code
    assert datetime.now(UTC) - since < timedelta(seconds=2 + 2), "no lease is waited for"
