"""Events: transitions worth telling on the resource; a state that lasts is told by its condition alone."""

from collections.abc import Iterator, Mapping
from typing import Any

from clockifyrag_operator.decision import Decision, Event
from clockifyrag_operator.jobs import live_jobs
from clockifyrag_operator.observed import Manifest, Observed, Wanted
from clockifyrag_resource.conditions import ConditionReason as R
from clockifyrag_resource.conditions import ConditionType as T

_TOLD = (T.READY, T.INDEX_BUILT, T.INDEX_PUBLISHED, T.EMBEDDER_READY, T.DEGRADED)
_IN_PROGRESS = {R.BUILDING, R.ROLLING_OUT, R.PULLING, R.NOTHING_PUBLISHED}  # False without anything being wrong
_MESSAGE_MAX = 1000  # the API server refuses more than 1,024


def events(
    wanted: Wanted, seen: Observed, decision: Decision, told: Mapping[str, Any], created: tuple[Manifest, ...]
) -> tuple[Event, ...]:
    """What changed since the status was written last, and which Jobs begin or have ended."""
    return (*_jobs(seen, decision, created), *_transitions(wanted.status, told))


def _transitions(before: Mapping[str, Any], told: Mapping[str, Any]) -> Iterator[Event]:
    was = {one.get("type"): (one.get("status"), one.get("reason")) for one in before.get("conditions") or ()}
    for one in told.get("conditions") or ():
        kind, now = one["type"], (one["status"], one["reason"])
        if kind not in _TOLD or was.get(kind) == now or "Unknown" in (one["status"], was.get(kind, ("",))[0]):
            continue
        good = (one["status"] == "True") != (kind == T.DEGRADED)
        fine = good or one["reason"] in _IN_PROGRESS
        if kind in was or not fine:
            yield Event("Normal" if fine else "Warning", f"{kind}{one['reason']}", one["message"][:_MESSAGE_MAX])


def _jobs(seen: Observed, decision: Decision, created: tuple[Manifest, ...]) -> Iterator[Event]:
    for manifest in created:
        if manifest["kind"] == "Job" and decision.order is not None:
            order = decision.order
            yield Event(
                "Normal", "JobStarted", f"Job {manifest['metadata']['name']}: {order.kind}, {order.reason}, "
                f"attempt {order.attempt}",
            )  # fmt: skip
    known = set(seen.ledger.recorded) if seen.ledger else set()
    recorded = set(decision.ledger.recorded) - known if decision.ledger and seen.ledger else set()
    for job in live_jobs(seen):
        if job.uid in recorded:
            kind = "Normal" if job.ended == "Complete" else "Warning"
            yield Event(kind, f"Job{job.ended}", f"Job {job.name} has ended")
