"""T12, R10: once all is as it should be nothing is written, and next to nothing is computed."""

import time

from tests.apiserver.faults.field import Field
from tests.apiserver.faults.runs import FULL
from tests.apiserver.faults.states import objects
from tests.apiserver.faults.times import REST_SECONDS
from tests.apiserver.proxy import is_write
from tests.cluster.processes import cpu_seconds

RESYNC_SECONDS = 1.5  # so that everything is looked at again several times meanwhile
CPU_SHARE_MAX = 0.15  # ten times as many looks as in a real installation, of which each may take a hundredth
LEASES = "leases"


def at_rest(field: Field, mutant: str = "", seconds: float = REST_SECONDS) -> tuple[list[str], int, float]:
    """Writes of the operator while nothing is to do, objects that changed, and its share of a core."""
    stage = field.stage(FULL, mutant=mutant, RESYNC_SECONDS=RESYNC_SECONDS)
    stage.story.rest(RESYNC_SECONDS + 1)
    versions = versions_of(field, stage.story.namespace)
    calls, cpu, started = len(stage.proxy.calls), cpu_seconds(stage.operator.pid), time.monotonic()

    stage.story.rest(seconds)

    share = (cpu_seconds(stage.operator.pid) - cpu) / (time.monotonic() - started)
    written = [str(one) for one in stage.proxy.calls[calls:] if is_write(one) and one.resource != LEASES]
    return written, len(versions ^ versions_of(field, stage.story.namespace)), share


def versions_of(field: Field, namespace: str) -> set[tuple[str, str]]:
    """uid and version of each object."""
    return {(one["metadata"]["uid"], one["metadata"]["resourceVersion"]) for one in objects(field.api, namespace)}


def test_at_rest_nothing_is_written_and_nothing_changes(field: Field) -> None:
    written, changed, share = at_rest(field)

    assert ([], 0) == (written, changed)
    assert share < CPU_SHARE_MAX
