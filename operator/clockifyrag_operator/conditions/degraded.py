"""Degraded: what is broken although questions may still be answered. In order: the first that speaks is told."""

from collections.abc import Callable
from datetime import UTC, datetime

from clockifyrag_operator import names
from clockifyrag_operator.capacity import capacity_problem
from clockifyrag_operator.conditions.embedder import embedder_ready
from clockifyrag_operator.conditions.index import failure_words
from clockifyrag_operator.conditions.view import Judged, View, false, true
from clockifyrag_operator.mounted import FIELDS
from clockifyrag_operator.pod_states import is_ready
from clockifyrag_operator.progress import heartbeat
from clockifyrag_resource.conditions import ConditionReason as R
from clockifyrag_resource.conditions import ConditionStatus as S

HEARTBEAT_STALE_SECONDS = 300


def degraded(view: View) -> Judged:
    """True ⇔ one of the checks finds something; all of them are told in the message."""
    found = [one for check in CHECKS if (one := check(view))]
    if not found:
        return false(R.AS_EXPECTED, "nothing is known to be broken")
    return true(found[0].reason, "; ".join(one.message for one in found))


def index_corrupt(view: View) -> Judged | None:
    for pod in view.search_pods:
        report = view.report(pod)
        if report.get("damaged") is True:
            return true(R.INDEX_CORRUPT, f"pod {pod['metadata']['name']}: {report.get('problem')}")
    return None


def store_unavailable(view: View) -> Judged | None:
    """A store that was there: before the first generation its absence hurts nobody."""
    wants = view.spec is not None and view.spec.index.storage.access_mode == "ReadWriteOnce"
    if not wants or view.published is None or any(is_ready(pod) for pod in view.seen.pods(names.STORE)):
        return None
    return true(R.STORE_UNAVAILABLE, f"no pod of {names.store(view.name)} is ready: new search pods cannot fetch")


def embedder_down(view: View) -> Judged | None:
    failure = view.last_failure
    if failure is not None and failure.reason == "EmbedderDown":
        return true(R.EMBEDDER_DOWN, failure_words(failure))
    for pod in view.search_pods:
        told = view.report(pod).get("degraded")
        if is_ready(pod) and isinstance(told, list) and "embedder" in told:
            return true(R.EMBEDDER_DOWN, f"pod {pod['metadata']['name']} answers by words alone")
    embedder = embedder_ready(view)
    missing = embedder.status == S.FALSE and view.published is not None
    return true(R.EMBEDDER_DOWN, embedder.message) if missing else None


def reference_broken(view: View) -> Judged | None:
    """What the author mounts is read by pods alone: the operator sees no Secret, and does not judge a glossary."""
    for pod in view.search_pods:
        told = view.report(pod).get("degraded")
        broken = [FIELDS[one] for one in told if one in FIELDS] if is_ready(pod) and isinstance(told, list) else []
        if broken:
            name = pod["metadata"]["name"]
            return true(R.REFERENCE_BROKEN, f"pod {name} cannot use what {', '.join(broken)} names; its log says why")
    return None


def build_failed(view: View) -> Judged | None:
    failure = view.last_failure
    if failure is not None and failure.reason != "EmbedderDown":
        return true(R.BUILD_FAILED, failure_words(failure))
    waiting = view.decision.waiting
    if view.decision.lost and waiting is not None and waiting.word == "BuildFailed":
        return true(R.BUILD_FAILED, waiting.message)
    rolled_back = view.wanted_entry
    if rolled_back is not None and rolled_back.state == "RolledBack":
        return true(R.BUILD_FAILED, f"{rolled_back.id} was rolled back: {rolled_back.message}")
    return None


def heartbeat_stale(view: View) -> Judged | None:
    at = heartbeat(view.wanted, view.seen, view.decision)
    if at is None:
        return None
    seconds = (view.seen.now - datetime.fromtimestamp(at, UTC)).total_seconds()
    if seconds <= HEARTBEAT_STALE_SECONDS:
        return None
    return true(R.HEARTBEAT_STALE, f"Job {view.decision.building} has told no progress for {HEARTBEAT_STALE_SECONDS} s")


def monitoring_missing(view: View) -> Judged | None:
    if view.spec is None:
        return None
    asked = {
        "ServiceMonitor": view.spec.monitoring.service_monitor,
        "PrometheusRule": view.spec.monitoring.prometheus_rule,
    }
    missing = [kind for kind, wanted in asked.items() if wanted == "Enabled" and kind not in view.seen.kinds]
    if not missing:
        return None
    return true(
        R.MONITORING_MISSING, f"spec.monitoring asks for {' and '.join(missing)}, which the cluster does not know"
    )


def capacity_short(view: View) -> Judged | None:
    """Said before it is needed: what is kept still serves, and the next build will find no room."""
    if view.spec is None:
        return None
    problem = capacity_problem(view.name, view.spec, view.ledger.entry(view.published), view.seen)
    return true(R.CAPACITY_SHORT, problem) if problem else None


CHECKS: tuple[Callable[[View], Judged | None], ...] = (
    index_corrupt, store_unavailable, embedder_down, build_failed, heartbeat_stale, reference_broken, capacity_short,
    monitoring_missing,
)  # fmt: skip
