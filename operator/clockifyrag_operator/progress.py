"""Progress: how far the running build is, as its pod tells it."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from clockifyrag_operator import names
from clockifyrag_operator.decision import Decision
from clockifyrag_operator.jobs import JOB_NAME
from clockifyrag_operator.ledger import moment, utc
from clockifyrag_operator.observed import Manifest, Observed, PodReport, Wanted
from clockifyrag_operator.pod_states import label
from clockifyrag_operator.settings import Settings

_LAST_SECOND = datetime(9999, 12, 31, tzinfo=UTC).timestamp()  # that a datetime holds in every time zone
# A site is read for hours without a word, and a large HNSW graph made for half an hour: that the pod answers is enough.
_QUIET_STAGES = ("start", "read", "write")


def build_progress(wanted: Wanted, seen: Observed, decision: Decision, settings: Settings) -> dict[str, Any] | None:
    """status.build; None while nothing is built. What was written lately stays, so that it changes seldom."""
    if decision.building is None:
        return None
    before = _before(wanted, decision.building)
    reports = _reports(seen, decision.building)
    if not reports:
        return before or {"job": decision.building}
    now = _sum(decision.building, reports)
    if before and before.get("stage") == now["stage"] and "heartbeatTime" in before:
        passed = (moment(now["heartbeatTime"]) - moment(before["heartbeatTime"])).total_seconds()
        if 0 <= passed < settings.poll_seconds:
            return before
    return now


def heartbeat(wanted: Wanted, seen: Observed, decision: Decision) -> float | None:
    """Unix time when the running build last showed that it lives; None when nothing runs, or has begun to tell."""
    if decision.building is None:
        return None
    reports = _reports(seen, decision.building)
    if reports:
        return max(_alive(one).timestamp() for one in reports)
    before = (_before(wanted, decision.building) or {}).get("heartbeatTime")
    return moment(before).timestamp() if before else None


def _before(wanted: Wanted, job: str) -> dict[str, Any] | None:
    build = wanted.status.get("build")
    return dict(build) if isinstance(build, Mapping) and build.get("job") == job else None


def _reports(seen: Observed, job: str) -> list[PodReport]:
    pods: list[Manifest] = [*seen.pods(names.BUILD), *seen.pods(names.EMBED)]
    ours = (pod for pod in pods if label(pod, JOB_NAME) == job)
    return [seen.reports[name] for pod in ours if (name := pod["metadata"]["name"]) in seen.reports]


def _sum(job: str, reports: list[PodReport]) -> dict[str, Any]:
    """The shards of an embedding taken together; a build is one."""
    told = [one.values for one in reports]
    etas = [_number(one, "eta") for one in told if one.get("eta") is not None]
    return {
        "job": job,
        "stage": str(told[0].get("stage", "start"))[:30],
        "done": int(sum(_number(one, "done") for one in told)),
        "total": int(sum(_number(one, "total") for one in told)),
        "rate": f"{sum(_number(one, 'rate') for one in told):.1f}",
        **({"eta": int(max(etas))} if etas else {}),
        "heartbeatTime": utc(max(_alive(one) for one in reports)),
    }


def _alive(report: PodReport) -> datetime:
    told = _number(report.values, "heartbeatTime")
    if report.values.get("stage") in _QUIET_STAGES or not 0 < told < _LAST_SECOND:
        return report.at
    return datetime.fromtimestamp(told, report.at.tzinfo)


def _number(values: Mapping[str, Any], name: str) -> float:
    """The number of that name where it is one that counts something, else 0."""
    found = values.get(name)
    return max(0.0, float(found)) if isinstance(found, (int, float)) and not isinstance(found, bool) else 0.0
