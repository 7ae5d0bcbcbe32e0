"""Writes the Grafana dashboard of the chart, so that its thousand lines follow from a page.

python3 tools/dashboard.py >charts/clockifyrag/files/dashboard.json
"""

import json
from dataclasses import dataclass
from itertools import count
from typing import Any

LABEL = "clockifyrag_io_resource"  # of metrics of search pods; their ServiceMonitor takes it from the Service
SEARCH = f'namespace=~"$namespace", {LABEL}=~"${{resource:regex}}"'
EACH = f"namespace, {LABEL}"  # what tells resources apart
ONE = f"{{{{namespace}}}}/{{{{{LABEL}}}}}"  # in a legend
RESOURCE = 'resource_namespace=~"$namespace", resource=~"${resource:regex}"'
SOURCE = {"type": "prometheus", "uid": "${datasource}"}
WIDTH, HEIGHT, COLUMNS = 8, 8, 24


@dataclass(frozen=True)
class Panel:
    """One picture: its queries by the legend of their lines."""

    title: str
    description: str
    unit: str
    queries: dict[str, str]
    kind: str = "timeseries"


def rate(metric: str, labels: str = "") -> str:
    """Per second, over a range that Grafana fits to the time between two scrapes."""
    return f"rate({metric}{{{SEARCH}{labels}}}[$__rate_interval])"


def share(part: str, whole: str) -> str:
    """A part of a whole, 0 where there is a whole and no part; no value where there is neither."""
    return f"(sum({part}) or 0 * sum({whole})) / sum({whole})"


def quantile(fraction: float, by: str = "", metric: str = "rag_search_latency_seconds") -> str:
    """A quantile of a histogram of search pods, in seconds."""
    inner = rate(f"{metric}_bucket")
    return f"histogram_quantile({fraction}, sum by (le{by}) ({inner}))"


SEARCHES = f"({rate('rag_cache_hits_total')} + {rate('rag_cache_misses_total')})"

ROWS: dict[str, tuple[Panel, ...]] = {
    "Answers": (
        Panel(
            "Requests",
            "Answers a second, by status. 499: the client went away.",
            "reqps",
            {"{{code}}": f"sum by (code) ({rate('rag_requests_total')})"},
        ),
        Panel(
            "Errors",
            "Share of requests answered with 5xx.",
            "percentunit",
            {"5xx": share(rate("rag_requests_total", ', code=~"5.."'), rate("rag_requests_total"))},
        ),
        Panel(
            "Time of a search",
            "From the cache or computed.",
            "s",
            {"median": quantile(0.5), "95 %": quantile(0.95), "99 %": quantile(0.99)},
        ),
        Panel(
            "Time of each stage",
            "95 % of computed searches took at most this long in that stage.",
            "s",
            {"{{stage}}": quantile(0.95, ", stage", "rag_stage_latency_seconds")},
        ),
        Panel(
            "Answered from the cache",
            "Share of searches.",
            "percentunit",
            {"cache": share(rate("rag_cache_hits_total"), SEARCHES)},
        ),
        Panel(
            "Nothing found",
            "Share of searches without a result: what the documents do not answer.",
            "percentunit",
            {"nothing found": share(rate("rag_zero_results_total"), SEARCHES)},
        ),
        Panel(
            "Answered without a part",
            "Answers a second that lacked a part which should have helped; embedder: words alone answered.",
            "reqps",
            {"{{part}}": f"sum by (part) ({rate('rag_degraded_total')})"},
        ),
        Panel(
            "Being answered",
            "Requests in flight, of each pod.",
            "short",
            {"{{pod}}": f"sum by (pod) (rag_inflight_requests{{{SEARCH}}})"},
        ),
        Panel(
            "Votes",
            "On results, a second.",
            "reqps",
            {"{{vote}}": f"sum by (vote) ({rate('rag_feedback_total')})"},
        ),
    ),
    "Index": (
        Panel(
            "Pods of each generation",
            "More than one line of a resource: a rollout is under way, or stuck.",
            "short",
            {
                f"{ONE} {{{{generation}}}} {{{{model}}}}": f"count by ({EACH}, generation, model) "
                f"(rag_index_info{{{SEARCH}}})"
            },
        ),
        Panel(
            "Age",
            "Time since the generation that is served was built; the oldest of the pods.",
            "s",
            {ONE: f"time() - min by ({EACH}) (rag_index_built_timestamp_seconds{{{SEARCH}}})"},
        ),
        Panel(
            "Passages",
            "In the generation that is served.",
            "short",
            {ONE: f"max by ({EACH}) (rag_index_chunks{{{SEARCH}}})"},
        ),
    ),
    "Resources": (
        Panel(
            "Ready",
            "1: every ready pod answers from the published generation, or the one before during a rollout.",
            "short",
            {
                "{{resource_namespace}}/{{resource}}": "max by (resource_namespace, resource) "
                f'(clockifyrag_condition{{{RESOURCE}, type="Ready", status="True"}})'
            },
        ),
        Panel(
            "Degraded",
            "1: something is broken, although questions may still be answered.",
            "short",
            {
                "{{resource_namespace}}/{{resource}}": "max by (resource_namespace, resource) "
                f'(clockifyrag_condition{{{RESOURCE}, type="Degraded", status="True"}})'
            },
        ),
        Panel(
            "Conditions",
            "The status of each condition now.",
            "short",
            {"": f"max by (resource_namespace, resource, type, status) (clockifyrag_condition{{{RESOURCE}}}) == 1"},
            "table",
        ),
        Panel(
            "Builds",
            "Finished in the last hour, of all resources.",
            "short",
            {"{{result}}": "sum by (result) (increase(clockifyrag_builds_total[1h]))"},
        ),
    ),
    "Operator": (
        Panel(
            "Leader",
            "1: this pod leads; exactly one should.",
            "short",
            {"{{pod}}": "max by (pod) (clockifyrag_leader)"},
        ),
        Panel(
            "Passes",
            "Looks at a resource, a second.",
            "ops",
            {"{{result}}": "sum by (result) (rate(clockifyrag_reconcile_seconds_count[$__rate_interval]))"},
        ),
        Panel(
            "Time of a pass",
            "95 % took at most this long.",
            "s",
            {
                "{{result}}": "histogram_quantile(0.95, sum by (le, result) "
                "(rate(clockifyrag_reconcile_seconds_bucket[$__rate_interval])))"
            },
        ),
        Panel(
            "Queue",
            "Resources that wait to be looked at.",
            "short",
            {"{{pod}}": "max by (pod) (clockifyrag_queue_depth)"},
        ),
        Panel(
            "Last success",
            "Time since a pass succeeded; each resource is looked at every five minutes at least.",
            "s",
            {"{{pod}}": "time() - max by (pod) (clockifyrag_last_success_timestamp_seconds > 0)"},
        ),
        Panel(
            "Silence of the watch",
            "Time since the API server said anything; it speaks each minute.",
            "s",
            {"{{pod}}": "time() - max by (pod) (clockifyrag_watch_last_event_timestamp_seconds > 0)"},
        ),
        Panel(
            "Calls of the API server",
            "A second, by verb and answer; none: it did not answer.",
            "reqps",
            {"{{verb}} {{code}}": "sum by (verb, code) (rate(clockifyrag_api_calls_total[$__rate_interval]))"},
        ),
        Panel(
            "Refused writes",
            "Objects that the API server refused in the last hour; the resource's conditions say which and why.",
            "short",
            {"refused": "sum(increase(clockifyrag_refusals_total[1h]))"},
        ),
        Panel(
            "Delay of the event loop",
            "The longest of the last ten seconds.",
            "s",
            {"{{pod}}": "max by (pod) (clockifyrag_loop_lag_seconds)"},
        ),
    ),
}


def dashboard() -> dict[str, Any]:
    """The dashboard as Grafana imports it."""
    return {
        "uid": "clockifyrag",
        "title": "ClockifyRAG",
        "description": "Search services and the operator that runs them.",
        "tags": ["clockifyrag"],
        "schemaVersion": 39,
        "editable": True,
        "graphTooltip": 1,
        "refresh": "30s",
        "time": {"from": "now-6h", "to": "now"},
        "timezone": "browser",
        "templating": {"list": variables()},
        "panels": panels(),
    }


def variables() -> list[dict[str, Any]]:
    """Which Prometheus, and which resources of which namespaces."""
    source = {"name": "datasource", "label": "Data source", "type": "datasource", "query": "prometheus"}
    chosen = 'clockifyrag_condition{resource_namespace=~"$namespace"}'
    return [
        source,
        variable("namespace", "Namespace", "label_values(clockifyrag_condition, resource_namespace)"),
        variable("resource", "Resource", f"label_values({chosen}, resource)"),
    ]


def variable(name: str, label: str, query: str) -> dict[str, Any]:
    return {
        "name": name,
        "label": label,
        "type": "query",
        "datasource": SOURCE,
        "definition": query,
        "query": {"query": query, "refId": name},
        "refresh": 2,
        "sort": 1,
        "multi": True,
        "includeAll": True,
        "allValue": ".+",
        "current": {"text": "All", "value": "$__all"},
    }


def panels() -> list[dict[str, Any]]:
    """Rows of three, each below a heading."""
    found: list[dict[str, Any]] = []
    numbers, y = count(1), 0
    for heading, row in ROWS.items():
        place = {"x": 0, "y": y, "w": COLUMNS, "h": 1}
        found.append(
            {"id": next(numbers), "type": "row", "title": heading, "collapsed": False, "gridPos": place, "panels": []}
        )
        y += 1
        for index, panel in enumerate(row):
            across = COLUMNS // WIDTH
            place = {"x": index % across * WIDTH, "y": y + index // across * HEIGHT, "w": WIDTH, "h": HEIGHT}
            found.append({"id": next(numbers), "gridPos": place, **drawn(panel)})
        y += -(-len(row) // (COLUMNS // WIDTH)) * HEIGHT
    return found


def drawn(panel: Panel) -> dict[str, Any]:
    """A panel without its number and place."""
    table = panel.kind == "table"
    asked = {"format": "table", "instant": True} if table else {"legendFormat": "", "range": True}
    hidden = {"excludeByName": {"Time": True, "Value": True}}
    targets = [
        {
            "refId": chr(65 + index),
            "datasource": SOURCE,
            "expr": query,
            **asked,
            **({} if table else {"legendFormat": legend}),
        }
        for index, (legend, query) in enumerate(panel.queries.items())
    ]
    return {
        "type": panel.kind,
        "title": panel.title,
        "description": panel.description,
        "datasource": SOURCE,
        "targets": targets,
        "fieldConfig": {"defaults": {"unit": panel.unit, "min": 0}, "overrides": []},
        "options": {}
        if table
        else {"tooltip": {"mode": "multi"}, "legend": {"displayMode": "list", "placement": "bottom"}},
        **({"transformations": [{"id": "organize", "options": hidden}]} if table else {}),
    }


if __name__ == "__main__":
    print(json.dumps(dashboard(), indent=2))
