"""Cases of the alerts on a resource, which its operator makes: docs/help, whose builds may take an hour."""

from drawn import NAMESPACE
from tests.contract.alerts.case import Case, Series, series

from clockifyrag_resource.conditions import ConditionStatus

DEADLINE_SECONDS = 3600
RESOURCE_MOVES = {
    f'namespace="{NAMESPACE}"': 'namespace="elsewhere"',
    'resource="help"': 'resource="other"',
    'claim="help-index"': 'claim="other-index"',
    'type="': 'type="Other',
}


def held(kind: str, *times: tuple[str, int]) -> Series:
    """A condition as the operator tells it, by its status and for how many minutes it has that."""
    who = {"pod": "operator", "resource_namespace": NAMESPACE, "resource": "help", "type": kind}
    found: Series = {}
    for status in ConditionStatus:
        values = " ".join(f"{int(status == one)}x{minutes - 1}" for one, minutes in times)
        found |= series("clockifyrag_condition", values, **who, status=status.value)
    return found


def because(kind: str, *times: tuple[str, int]) -> Series:
    """The reasons of a condition as the operator tells them: each, while it is the one."""
    who = {"pod": "operator", "resource_namespace": NAMESPACE, "resource": "help", "type": kind}
    found: Series = {}
    for reason in {one for one, _ in times}:
        values = " ".join(f"1x{minutes - 1}" if reason == one else f"stale _x{minutes - 1}" for one, minutes in times)
        found |= series("clockifyrag_condition_reason", values, **who, reason=reason)
    return found


def told(metric: str, values: str, pod: str = "a", **more: str) -> Series:
    """A metric of a search pod."""
    return series(f"rag_{metric}", values, namespace=NAMESPACE, clockifyrag_io_resource="help", pod=pod, **more)


def searches(within_half: str, within_one: str, all_of_them: str) -> Series:
    bounds = {"0.5": within_half, "1.0": within_one, "2.5": all_of_them, "+Inf": all_of_them}
    found: Series = {}
    for bound, values in bounds.items():
        found |= told("search_latency_seconds_bucket", values, le=bound)
    return found


def asked(hits: str, misses: str) -> Series:
    return told("cache_hits_total", hits) | told("cache_misses_total", misses)


def volume(free: str, claim: str = "help-index") -> Series:
    which = {"namespace": NAMESPACE, "persistentvolumeclaim": claim, "node": "node1"}
    return series("kubelet_volume_stats_available_bytes", free, **which) | series(
        "kubelet_volume_stats_capacity_bytes", "100x100", **which
    )


def wrong(kind: str, status: str, otherwise: str) -> Case:
    """A condition has the status for a quarter of an hour: ten minutes are waited for."""
    return Case(
        f"{kind} is {status} for 15 minutes",
        held(kind, (otherwise, 5), (status, 15), (otherwise, 20)),
        fires=(15, 19),
        silent=(4, 14, 20),
    )


def briefly(kind: str, status: str, otherwise: str) -> Case:
    """A condition has the status, but not for long."""
    return Case(
        f"{kind} is {status} for nine minutes",
        held(kind, (otherwise, 5), (status, 9), (otherwise, 20)),
        silent=(6, 13, 15, 16, 30),
    )


ANSWERS = {
    "ClockifyRAGNotReady": (
        wrong("Ready", "False", "True"),
        wrong("Ready", "Unknown", "True"),
        briefly("Ready", "False", "True"),
    ),
    "ClockifyRAGHighErrorRate": (
        Case(
            "one request of ten fails for twenty minutes",
            told("requests_total", "0+90x50", code="200") | told("requests_total", "0+10x20 200x30", "b", code="503"),
            fires=(11, 20),
            silent=(10, 26),
        ),
        Case(
            "four requests of a hundred fail, and half of them are mistakes of those who ask",
            told("requests_total", "0+46x50", code="200")
            | told("requests_total", "0+50x50", code="404")
            | told("requests_total", "0+4x50", code="500"),
            silent=(11, 30, 50),
        ),
        Case("nobody asks any more", told("requests_total", "90x50", code="503"), silent=(11, 30, 50)),
    ),
    "ClockifyRAGSlow": (
        Case(
            "one search of ten takes longer than a second for twenty minutes",
            searches("0+50x50", "0+90x20 1900+100x30", "0+100x50"),
            fires=(11, 20),
            silent=(10, 26),
        ),
        Case(
            "one search of 25 takes longer than a second",
            searches("0+50x50", "0+96x50", "0+100x50"),
            silent=(11, 30, 50),
        ),
        Case("nobody asks any more", searches("0x50", "0x50", "100x50"), silent=(11, 30, 50)),
    ),
    "ClockifyRAGAnswersDegraded": (
        Case(
            "one search of five lacks the embedder for twenty minutes",
            told("degraded_total", "0+20x20 400x30", part="embedder")
            | told("degraded_total", "0x50", part="glossary")
            | asked("0+50x50", "0+50x50"),
            fires=(11, 20),
            silent=(10, 26),
        ),
        Case(
            "one search of twenty lacks the embedder",
            told("degraded_total", "0+50x50", part="embedder") | asked("0+500x50", "0+500x50"),
            silent=(11, 30, 50),
        ),
        Case(
            "every search lacks the language model that there is not yet",
            told("degraded_total", "0+100x50", part="llm") | asked("0+50x50", "0+50x50"),
            silent=(11, 30, 50),
        ),
    ),
    "ClockifyRAGMixedGenerations": (
        Case(
            "a pod keeps the old generation for twenty minutes",
            told("index_info", "1x40", "a", generation="gen-2")
            | told("index_info", "1x4 stale", "b", generation="gen-2")
            | told("index_info", "_x5 1x19 stale", "b", generation="gen-1")
            | told("index_info", "_x25 1x20", "b", generation="gen-2"),
            fires=(15, 24),
            silent=(4, 14, 25),
        ),
        Case(
            "a rollout takes five minutes",
            told("index_info", "1x40", "a", generation="gen-1")
            | told("index_info", "_x5 1x4 stale", "b", generation="gen-2"),
            silent=(4, 6, 9, 15, 30),
        ),
    ),
}  # fmt: skip

INDEX = {
    "ClockifyRAGNothingPublished": (
        Case(
            "no build comes to an end in an hour and twenty minutes",
            held("IndexPublished", ("False", 80), ("True", 20))
            | told("index_info", "_x80 1x20", generation="gen-1"),
            fires=(70, 79),
            silent=(69, 80),
        ),
        Case(
            "a generation is served, although not the one that is wanted",
            held("IndexPublished", ("False", 100)) | told("index_info", "1x100", generation="gen-1"),
            silent=(69, 75, 99),
        ),
        Case(
            "a generation is served, although not the one that is wanted, and nobody may scrape its pods",
            held("IndexPublished", ("False", 100)) | held("Ready", ("True", 100)),
            silent=(69, 75, 99),
        ),
        Case("the first build takes an hour", held("IndexPublished", ("False", 60), ("True", 40)), silent=(59, 75, 99)),
        Case(
            "the spec is refused, pods answer as before, and nobody may scrape them",
            held("IndexPublished", ("Unknown", 100)) | held("Ready", ("False", 100)),
            silent=(69, 75, 99),
        ),
    ),
    "ClockifyRAGBuildFailed": (
        Case(
            "a build has failed, and for 15 minutes no other one succeeds",
            held("IndexBuilt", ("True", 5), ("False", 15), ("True", 20))
            | held("Degraded", ("False", 5), ("True", 15), ("False", 20))
            | because("Degraded", ("AsExpected", 5), ("BuildFailed", 15), ("AsExpected", 20)),
            fires=(15, 19),
            silent=(4, 14, 20),
        ),
        Case(
            "a build has failed for want of the embedder",
            held("IndexBuilt", ("False", 40))
            | held("Degraded", ("True", 40))
            | because("Degraded", ("EmbedderDown", 40)),
            fires=(10, 39),
            silent=(9,),
        ),
        Case(
            "a build has failed for want of memory, while the store is down",
            held("IndexBuilt", ("False", 40))
            | because("IndexBuilt", ("OOMKilled", 40))
            | held("Degraded", ("True", 40))
            | because("Degraded", ("StoreUnavailable", 40)),
            fires=(10, 39),
            silent=(9,),
        ),
        Case(
            "a build takes its time",
            held("IndexBuilt", ("False", 40))
            | held("Degraded", ("False", 40))
            | because("Degraded", ("AsExpected", 40)),
            silent=(10, 20, 39),
        ),
        Case(
            "a build takes its time, while something else is broken",
            held("IndexBuilt", ("False", 40))
            | held("Degraded", ("True", 40))
            | because("Degraded", ("CapacityShort", 40)),
            silent=(10, 20, 39),
        ),
        Case(
            "a build was rolled back",
            held("IndexBuilt", ("True", 40))
            | held("Degraded", ("True", 40))
            | because("Degraded", ("BuildFailed", 40)),
            silent=(10, 20, 39),
        ),
    ),
    "ClockifyRAGStale": (
        Case(
            "what is wanted is not published in an hour and twenty minutes",
            held("IndexPublished", ("True", 5), ("False", 80), ("True", 20))
            | told("index_info", "1x105", generation="gen-1"),
            fires=(75, 84),
            silent=(74, 85),
        ),
        Case(
            "every hour something new is wanted, and published 50 minutes later",
            held("IndexPublished", *(("False", 50), ("True", 10)) * 3),
            silent=(49, 71, 109, 170),
        ),
    ),
}  # fmt: skip

PARTS = {
    "ClockifyRAGEmbedderDown": (
        wrong("EmbedderReady", "False", "True"),
        briefly("EmbedderReady", "False", "True"),
        Case("nobody has asked the model server yet", held("EmbedderReady", ("Unknown", 40)), silent=(10, 20, 39)),
    ),
    "ClockifyRAGDegraded": (wrong("Degraded", "True", "False"), briefly("Degraded", "True", "False")),
    "ClockifyRAGVolumeFilling": (
        Case(
            "a twentieth of the volume is free for 15 minutes",
            volume("50x4 5x14 50x20"),
            fires=(15, 19),
            silent=(4, 14, 20),
            labels={"persistentvolumeclaim": "help-index", "node": "node1"},
        ),
        Case(
            "a fifth of the volume is free, and nothing of another one",
            volume("20x40") | volume("0x40", "models-help-ollama-0"),
            silent=(10, 20, 39),
        ),
    ),
}

RESOURCE_CASES = ANSWERS | INDEX | PARTS
