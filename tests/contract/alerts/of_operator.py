"""Cases of the alerts on the operator, which are in the chart."""

from tests.contract.alerts.case import Case, Series, series

OURS = {"namespace": "operators", "job": "clockifyrag-operator"}  # as the chart's ServiceMonitor has it

OPERATOR_MOVES = {'namespace="operators"': 'namespace="elsewhere"', 'job="clockifyrag-operator"': 'job="other"'}


def told(metric: str, values: str, pod: str = "a", **more: str) -> Series:
    """A metric of a pod of the operator."""
    return series(f"clockifyrag_{metric}", values, **{**OURS, "pod": pod, **more})


def runs(resource: str, values: str, **release: str) -> Series:
    """A release runs the resource of the namespace docs: it tells its condition Ready."""
    ready = {"resource_namespace": "docs", "resource": resource, "type": "Ready", "status": "True"}
    return told("condition", values, **{**ready, **release})


def passes(done: str, failed: str) -> Series:
    counted = "reconcile_seconds_count"
    return told(counted, done, result="done") | told(counted, failed, result="failed")


OPERATOR_CASES = {
    "ClockifyRAGOperatorNoLeader": (
        Case(
            "nobody leads for seven minutes",
            told("leader", "1x4 0x6 1x10") | told("leader", "0x30", "b"),
            fires=(7, 11),
            silent=(4, 6, 12),
        ),
        Case("no pod of the operator is scraped", {}, fires=(2,), silent=(1,)),
        Case(
            "another pod leads a minute later",
            told("leader", "1x4 0x10") | told("leader", "0x5 1x10", "b"),
            silent=(4, 5, 6, 7, 8, 10),
        ),
    ),
    "ClockifyRAGOperatorTwoLeaders": (
        Case(
            "two lead for five minutes",
            told("leader", "1x20") | told("leader", "0x4 1x4 0x10", "b"),
            fires=(6, 9),
            silent=(4, 5, 10),
        ),
        Case(
            "a second release runs the same resource for five minutes",
            runs("help", "1x20") | runs("help", "_x5 0x4 stale", namespace="elsewhere", job="other", pod="c"),
            fires=(6, 9),
            silent=(4, 5, 10),
            labels={"resource_namespace": "docs", "resource": "help"},
        ),
        Case("one leads", told("leader", "1x20"), silent=(1, 5, 10)),
        Case(
            "a second release runs other resources",
            runs("guide", "1x20") | runs("faq", "1x20", namespace="elsewhere", job="other", pod="c"),
            silent=(1, 5, 10),
        ),
    ),
    "ClockifyRAGOperatorWatchStale": (
        Case(
            "the leader hears nothing from the fifth minute to the twelfth",
            told("leader", "1x30") | told("watch_last_event_timestamp_seconds", "0+60x4 240x7 780+60x10"),
            fires=(10,),
            silent=(4, 5, 13),
            labels={**OURS, "pod": "a"},
            said="Its watch has been silent for 6m 0s; changes are seen at the next resync only.",
        ),
        Case(
            "the leader hears nothing for two minutes, until all is listed anew",
            told("leader", "1x30") | told("watch_last_event_timestamp_seconds", "0+60x4 240x1 420+60x20"),
            fires=(6,),
            silent=(5, 7, 20),
            labels={**OURS, "pod": "a"},
            said="Its watch has been silent for 2m 0s; changes are seen at the next resync only.",
        ),
        Case(
            "the standby hears nothing",
            told("leader", "1x30")
            | told("watch_last_event_timestamp_seconds", "0+60x30")
            | told("leader", "0x30", "b")
            | told("watch_last_event_timestamp_seconds", "0x30", "b"),
            silent=(5, 15, 25),
        ),
    ),
    "ClockifyRAGOperatorReconcileFailing": (
        Case(
            "two passes of ten fail for twenty minutes",
            passes("0+8x50", "0+2x20 40x30"),
            fires=(11, 15, 20),
            silent=(10, 31),
            said="20% of its looks at resources failed, and are repeated.",
        ),
        Case("one pass of twenty fails", passes("0+19x50", "0+1x50"), silent=(11, 30, 50)),
        Case("there are no passes", passes("40x50", "40x50"), silent=(11, 30, 50)),
    ),
    "ClockifyRAGOperatorBehind": (
        Case(
            "five resources wait for 25 minutes",
            told("queue_depth", "5x25 0x20"),
            fires=(10, 25),
            silent=(9, 26),
            labels={**OURS, "pod": "a"},
            said="Its queue has not been empty for ten minutes; at least 5 resources wait.",
        ),
        Case("all resources wait every other minute", told("queue_depth", "0 9 " * 15), silent=(10, 20, 29)),
    ),
    "ClockifyRAGOperatorSchemaOutdated": (
        Case(
            "the definition lacks fields for ten minutes",
            told("schema_problem", "0x2 1x9 0x10") | told("schema_problem", "0x30", "b"),
            fires=(8, 12),
            silent=(2, 7, 13),
        ),
        Case("the definition is upgraded after the operator", told("schema_problem", "1x4 0x20"), silent=(4, 5, 6, 15)),
    ),
}  # fmt: skip
