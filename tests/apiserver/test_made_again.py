"""A resource made again right after its end does not wait for what the operator remembers of the former one."""

import time

from tests.apiserver.controllers.conftest import controllers as controllers
from tests.apiserver.faults.field import Field
from tests.apiserver.faults.runs import FULL
from tests.apiserver.faults.times import SCALE
from tests.apiserver.test_rights import field as field

RESYNC_SECONDS = 300 * SCALE  # of the operator: only then are kinds that are not watched listed again


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
