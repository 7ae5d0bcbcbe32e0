"""A resource made again right after its end does not wait for what the operator remembers of the former one."""

import time

from tests.apiserver.controllers.conftest import controllers as controllers
from tests.apiserver.faults.field import Field
from tests.apiserver.faults.runs import FULL
from tests.apiserver.faults.story import Story
from tests.apiserver.faults.times import SCALE
from tests.apiserver.proxy import Slow, is_watch, of
from tests.apiserver.test_rights import field as field

RESYNC_SECONDS = 300 * SCALE  # of the operator: only then are kinds that are not watched listed again
PASS_SECONDS = 1.5


def test_a_resource_made_again_at_once_is_soon_ready_with_its_own_monitors(field: Field) -> None:
    """Given monitors and rules, whose kinds are not watched, when their resource goes and another one comes, then no
    resync is needed to know that the former ones are gone.
    """
    story = field.story()
    field.operator(story)
    story.create(FULL)
    story.wait_ready()

    story.delete()
    story.wait_gone()
    begun = time.monotonic()
    story.create(FULL)
    story.wait_ready()
    seconds = time.monotonic() - begun

    (owner,) = field.api.get(story.path("ServiceMonitor", "help-search"))["metadata"]["ownerReferences"]
    assert owner["uid"] == story.resource["metadata"]["uid"]
    assert seconds < RESYNC_SECONDS / 2


def test_a_resource_made_again_within_a_pass_is_not_told_what_became_of_the_former_one(field: Field) -> None:
    """Given a pass over a resource that is ready, when that one goes and another one of its name comes before the pass
    ends, then the new one is not Ready by what the former one had.
    """
    stage = field.stage(FULL)
    story, slow = stage.story, Slow(of("serviceaccounts", "apply"), seconds=PASS_SECONDS)
    told_early: list[str] = []

    stage.proxy.freeze_watches(lambda call: is_watch(call) and call.resource not in ("clockifyrags", "serviceaccounts"))
    stage.proxy.make(slow)
    field.api.delete(story.path("ServiceAccount", "help-search"))
    story.wait(lambda: slow.made, "a pass puts it back")
    story.delete()
    story.create(FULL)
    story.wait(lambda: ready_by_its_own(story, told_early), "the new one is ready, with its own pods")

    assert [] == told_early


def test_a_resource_made_again_takes_over_the_children_that_a_deletion_left_behind(field: Field) -> None:
    """Given a deletion that orphans, as `kubectl delete --cascade=orphan`, when a resource of that name comes, then its
    children are its own again, and no pod of theirs was replaced.
    """
    story = field.story()
    field.operator(story)
    story.create(FULL)
    story.wait_ready()
    pods = {one["metadata"]["uid"] for one in story.all("Pod")}

    field.api.request("DELETE", story.path("ClockifyRAG", story.name), {"propagationPolicy": "Orphan"})
    story.wait(lambda: story.get("ClockifyRAG", story.name) is None, "the resource is gone")
    story.create(FULL)
    story.wait(lambda: ready_by_its_own(story, []), "the new one is ready, with the children of the former one")

    assert ("False", "AsExpected") == story.condition("Stalled")
    assert pods == {one["metadata"]["uid"] for one in story.all("Pod")}


def ready_by_its_own(story: Story, told_early: list[str]) -> bool:
    """Whether it is ready; a status that says so before there are pods of its own is kept."""
    uid, ready = story.resource["metadata"]["uid"], story.is_ready()
    deployment = story.get("Deployment", "help-search") or {"metadata": {}}
    own = any(owner["uid"] == uid for owner in deployment["metadata"].get("ownerReferences", ()))
    if ready and not own:
        told_early.append(str(story.status.get("conditions")))
    return ready and own
