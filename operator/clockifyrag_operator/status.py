"""Status: what was observed and why we act, never what is hoped for. Its size stays below 16 KiB."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from clockifyrag_operator import images, names, schedule
from clockifyrag_operator.conditions import JUDGES
from clockifyrag_operator.conditions.view import Judged, View, unknown
from clockifyrag_operator.decision import Decision
from clockifyrag_operator.ledger import Entry, utc
from clockifyrag_operator.manifest import given
from clockifyrag_operator.observed import Child, Observed, Wanted
from clockifyrag_operator.progress import build_progress
from clockifyrag_operator.settings import Settings
from clockifyrag_resource.conditions import MESSAGE_MAX, ConditionType
from clockifyrag_resource.resource import Spec

BYTES_MAX = 16 * 1024
_LISTED_MAX = 10  # generations, and what pods serve
_WORD_MAX = 128


def status(
    wanted: Wanted,
    seen: Observed,
    decision: Decision,
    settings: Settings,
    *,
    new_pods: Collection[Child] = (),
) -> dict[str, Any]:
    """The whole status of the resource. What the operator cannot tell now, it leaves out or as it was.

    `new_pods`: (kind, name) of the workloads whose pods this pass replaces: what they tell now is of others.
    """
    view = View(wanted, seen, decision, settings, new_pods)
    spec = wanted.rag.spec if wanted.rag is not None else None
    resolved = images.resolved(wanted, spec, seen, settings)
    told = given(
        observedGeneration=wanted.generation,
        index=_index(view),
        generations=[_generation(one) for one in view.ledger.entries[:_LISTED_MAX]] or _before(view, "generations"),
        build=build_progress(wanted, seen, decision, settings),
        search=_search(view),
        selector=",".join(f"{key}={value}" for key, value in sorted(names.selector(wanted.name, names.SEARCH).items())),
        images=images.record(resolved.defaults),
        nextScheduledBuildTime=_next_build(view),
        url=_url(wanted, spec) if spec else _before(view, "url"),
    )
    return _within(BYTES_MAX, told, _conditions(view))


def unjudged(wanted: Wanted, now: datetime, mistake: Exception) -> dict[str, Any]:
    """The status where a pass ended by a mistake of the operator: what was told before, and of no condition whether
    it holds. What stood there would be a claim about a world that nobody looked at.
    """
    why = f"the operator failed on this resource ({type(mistake).__name__}); its log has more"
    return {**wanted.status, "conditions": _told_as({kind: unknown(why) for kind in JUDGES}, wanted, now)}


def _conditions(view: View) -> list[dict[str, Any]]:
    return _told_as({kind: judge(view) for kind, judge in JUDGES.items()}, view.wanted, view.seen.now)


def _told_as(judged: Mapping[ConditionType, Judged], wanted: Wanted, now: datetime) -> list[dict[str, Any]]:
    before = {one.get("type"): one for one in wanted.status.get("conditions") or () if isinstance(one, Mapping)}
    return [_condition(str(kind), one, before.get(str(kind), {}), wanted, now) for kind, one in judged.items()]


def _condition(kind: str, judged: Judged, before: Mapping[str, Any], wanted: Wanted, now: datetime) -> dict[str, Any]:
    """As metav1.Condition; lastTransitionTime stays while the status stays."""
    since = before.get("lastTransitionTime") if before.get("status") == str(judged.status) else None
    return {
        "type": kind,
        "status": str(judged.status),
        "reason": str(judged.reason),
        "message": cut(judged.message, MESSAGE_MAX),
        "lastTransitionTime": since or utc(now),
        "observedGeneration": wanted.generation,
    }


def cut(text: str, longest: int) -> str:
    """The text, or its beginning and "…", in at most `longest` characters.

    >>> cut("a message", 5)
    'a me…'
    """
    return text if len(text) <= longest else text[: longest - 1] + "…"


def _within(bytes_max: int, told: dict[str, Any], conditions: list[dict[str, Any]]) -> dict[str, Any]:
    """The status with messages as long as its size allows."""
    longest = MESSAGE_MAX
    while True:
        shown = [{**one, "message": cut(one["message"], longest)} for one in conditions]
        whole = {**told, "conditions": shown}
        if longest <= 16 or len(json.dumps(whole, ensure_ascii=False).encode("utf-8", "replace")) <= bytes_max:
            return whole
        longest //= 2


def _index(view: View) -> dict[str, Any] | None:
    entry = view.ledger.entry(view.published)
    if entry is None:  # nothing is known of it now: what was told stays, if it is about the same generation
        before = _before(view, "index")
        return dict(before) if isinstance(before, Mapping) and before.get("generation") == view.published else None
    return given(
        generation=entry.id,
        documents=entry.documents,
        chunks=entry.chunks,
        dimensions=entry.dimensions or None,
        model=cut(entry.model, _WORD_MAX),
        modelDigest=cut(entry.model_digest, _WORD_MAX),
        buildTime=entry.built_at,
        reason=entry.reason,
        reindexToken=entry.reindex_token,
        sourceDigest=cut(entry.source_digest, _WORD_MAX),
        mrr=entry.metrics.get("mrr"),
    )


def _generation(entry: Entry) -> dict[str, Any]:
    return given(
        id=entry.id,
        state=entry.state,
        reason=entry.reason,
        buildTime=entry.built_at,
        documents=entry.documents,
        chunks=entry.chunks,
        bytes=entry.bytes,
    )


def _search(view: View) -> dict[str, Any]:
    served = Counter(generation for generation in view.serving.values() if generation is not None)
    most = sorted(served.items(), key=lambda one: (-one[1], one[0]))[:_LISTED_MAX]
    replicas = (view.deployment or {}).get("status", {}).get("replicas", 0)
    return {
        "replicas": int(replicas),
        "readyReplicas": len(view.serving),
        **given(serving=[{"generation": generation, "pods": pods} for generation, pods in most]),
    }


def _next_build(view: View) -> str | None:
    if view.spec is None or view.spec.pause != "Nothing" or view.spec.index.pin is not None:
        return None
    tick = schedule.next_tick(view.spec.build.schedule, view.seen.now)
    return utc(tick) if tick else None


def _url(wanted: Wanted, spec: Spec) -> str:
    search = spec.search
    if search.ingress is not None:
        scheme = "https" if search.ingress.tls_secret_name else "http"
        return f"{scheme}://{search.ingress.host}{search.ingress.path}"
    scheme, usual = ("https", 443) if search.tls is not None else ("http", 80)
    port = "" if search.service.port == usual else f":{search.service.port}"
    return f"{scheme}://{names.search(wanted.name)}.{wanted.namespace}.svc{port}"


def _before(view: View, field: str) -> Any:
    return view.wanted.status.get(field)
