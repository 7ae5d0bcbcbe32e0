"""T9, R7: an operator that starts with an old view of the world destroys nothing that is newer."""

import time

import pytest
from tests.apiserver.faults.field import Field, Stage
from tests.apiserver.faults.runs import FULL
from tests.apiserver.faults.states import objects
from tests.apiserver.faults.story import LOCAL, Manifest
from tests.apiserver.proxy import Stale
from tests.waiting import wait_until

WITHOUT_INGRESS: Manifest = {"search": {"ingress": None}}
WITH_INGRESS: Manifest = {"search": {"ingress": {"host": "help.example.com"}}}
LOOKS = 3  # lists of every kind that the operator is given while its view is old


def uids(stage: Stage) -> dict[str, str]:
    """uid → name of all that stands for long; Jobs and pods come and go by themselves."""
    kept = [one for one in objects(stage.story.api, stage.story.namespace) if one["kind"] not in ("Pod", "ReplicaSet")]
    return {one["metadata"]["uid"]: f"{one['kind']}/{one['metadata']['name']}" for one in kept}


def lost_while_stale(stage: Stage, moment: int) -> list[str]:
    """What was destroyed while a restarted operator saw the world as it was at that moment."""
    before = uids(stage)
    stale = Stale(moment)
    stage.proxy.make(stale)
    stage.restart()
    wait_until(lambda: stale.lists >= LOOKS * 14, 60, "the old lists were read", stage.operator.explain)
    after = uids(stage)
    stage.proxy.heal()
    return sorted(name for uid, name in before.items() if uid not in after)


def pruned_by_an_old_view(field: Field, mutant: str = "") -> list[str]:
    """An Ingress that was unwanted once, and is made again since; the old view holds the one that is gone."""
    stage = field.stage(FULL, mutant=mutant, RESYNC_SECONDS=1)
    stage.operator.kill()
    stage.story.change(WITHOUT_INGRESS)
    moment = stage.proxy.remember()
    stage.restart()
    stage.story.wait(lambda: stage.story.get("Ingress", "help-search") is None, "the Ingress is gone")
    stage.story.change(WITH_INGRESS)
    stage.story.wait(lambda: stage.story.get("Ingress", "help-search"), "the Ingress is there again")
    stage.story.wait_ready()
    return lost_while_stale(stage, moment)


def test_with_an_old_view_nothing_made_since_is_deleted(field: Field) -> None:
    assert [] == pruned_by_an_old_view(field)


def become_somebody_elses(deployment: Manifest) -> None:
    """A change of a Deployment: another one of its name, whose fixed fields no apply of the operator's can change."""
    deployment["metadata"].update(labels={}, annotations={}, ownerReferences=[])
    deployment["spec"]["selector"]["matchLabels"] = {"app": "theirs"}
    deployment["spec"]["template"]["metadata"]["labels"] = {"app": "theirs"}


def test_with_an_old_view_an_object_that_somebody_else_made_under_the_name_of_ours_stays(field: Field) -> None:
    stage = field.stage(LOCAL, RESYNC_SECONDS=1)
    stage.operator.kill()
    moment = stage.proxy.remember()
    stage.story.make_otherwise("Deployment", "help-search", become_somebody_elses)
    theirs = stage.story.api.get(stage.story.path("Deployment", "help-search"))
    stage.story.change({"search": {"config": {"retrievalK": 7}}})  # the old Deployment is to be another one

    stage.proxy.make(
        Stale(moment, match=lambda call: call.resource == "deployments" and call.verb in ("list", "watch"))
    )
    stage.restart()
    stage.story.wait_condition("Stalled", "True", "NameTaken")

    kept = stage.story.get("Deployment", "help-search") or {}
    assert theirs["metadata"]["uid"] == kept.get("metadata", {}).get("uid")
    assert theirs["spec"] == kept["spec"]


def test_a_resource_made_again_keeps_all_it_has_while_the_view_is_of_the_one_before(field: Field) -> None:
    stage = field.stage(FULL, RESYNC_SECONDS=1)
    moment = stage.proxy.remember()
    stage.story.delete()
    stage.story.wait_gone()
    stage.story.create(FULL)
    stage.story.wait_ready()

    lost = lost_while_stale(stage, moment)

    assert [] == lost
    stage.story.wait_ready()
    made = stage.story.jobs_made()
    assert len(made) == len(set(made)), "no Job was made twice"


@pytest.mark.parametrize("kind", ["clockifyrags", "configmaps"])
def test_a_resource_that_an_old_view_does_not_hold_keeps_its_children(field: Field, kind: str) -> None:
    stage = field.stage(RESYNC_SECONDS=1)
    moment = stage.proxy.remember()
    stage.story.create(FULL)
    stage.story.wait_ready()
    before = uids(stage)
    stale = Stale(moment, match=lambda call: call.resource == kind and call.verb in ("list", "watch"))

    stage.proxy.make(stale)
    stage.restart()
    wait_until(lambda: stale.lists >= LOOKS, 60, "the old lists were read", stage.operator.explain)
    deadline = time.monotonic() + 1.0
    wait_until(lambda: time.monotonic() > deadline, 2, "passes that began meanwhile are through")

    assert {} == {uid: name for uid, name in before.items() if uid not in uids(stage)}
    stage.proxy.heal()
    stage.story.wait_ready()
    assert 1 == len(stage.story.jobs_made())
