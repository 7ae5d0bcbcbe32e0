"""Conditions: each type judged by one function of what is seen and decided, in the order in which they are told."""

from collections.abc import Callable

from clockifyrag_operator.conditions.degraded import degraded
from clockifyrag_operator.conditions.embedder import embedder_ready
from clockifyrag_operator.conditions.index import index_built, index_published
from clockifyrag_operator.conditions.kstatus import reconciling, stalled
from clockifyrag_operator.conditions.ready import ready, serving_current
from clockifyrag_operator.conditions.standing import paused, secured, upgrade_pending
from clockifyrag_operator.conditions.view import Judged, View
from clockifyrag_resource.conditions import ConditionType as T

JUDGES: dict[T, Callable[[View], Judged]] = {
    T.READY: ready,
    T.SERVING_CURRENT: serving_current,
    T.EMBEDDER_READY: embedder_ready,
    T.INDEX_BUILT: index_built,
    T.INDEX_PUBLISHED: index_published,
    T.DEGRADED: degraded,
    T.SECURED: secured,
    T.PAUSED: paused,
    T.UPGRADE_PENDING: upgrade_pending,
    T.RECONCILING: reconciling,
    T.STALLED: stalled,
}
