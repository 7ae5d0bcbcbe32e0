"""What the operator's pages say is what its code says: settings, conditions, alerts, metrics."""

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import charts
import pytest
from pages import page
from prometheus_client.parser import text_string_to_metric_families
from tools.dashboard import LABEL

from clockifyrag_operator.metrics import BUILD_RESULTS, RESULTS
from clockifyrag_operator.metrics import Metrics as OperatorMetrics
from clockifyrag_operator.objects.alerts import RESOURCE_LABEL, Alert, alerts
from clockifyrag_operator.observed import Wanted
from clockifyrag_operator.settings import settings_document
from clockifyrag_resource.conditions import CONDITIONS, REASONS, ConditionStatus, ConditionType
from clockifyrag_resource.resource import ClockifyRAG
from clockifyrag_service.metrics import IndexFacts
from clockifyrag_service.metrics import Metrics as ServiceMetrics

OF_THE_KUBELET = {"kubelet_volume_stats_available_bytes", "kubelet_volume_stats_capacity_bytes"}
METRIC = re.compile(r"\b(?:rag|clockifyrag|kubelet)_[a-z_]+(?=[{\[ )>,]|$)")
LABELS_OF_TARGETS = {"namespace", "pod", "job", "service", LABEL, "persistentvolumeclaim"}  # Prometheus adds them


def test_the_settings_document_is_what_the_settings_say() -> None:
    written = page("docs/operator.md").path.read_text()

    assert settings_document() == written, "write it anew: python -m clockifyrag_operator.settings >docs/operator.md"


# Conditions


def test_each_type_of_condition_has_a_section_and_no_other_has() -> None:
    assert [str(one.type) for one in CONDITIONS] == page("docs/conditions.md").headings[1:]
    assert list(ConditionType) == [one.type for one in CONDITIONS]


@pytest.mark.parametrize("condition", CONDITIONS, ids=lambda one: one.type)
def test_the_table_of_a_condition_tells_each_reason_as_the_code_does_and_what_to_do(condition: Any) -> None:
    (table,) = (
        one for one in page("docs/conditions.md").tables("reason", "told when") if one.heading == condition.type
    )

    told = {row[0].strip("`"): row[1] for row in table.rows}

    assert {str(reason): sentence for reason, sentence in condition.reasons.items()} == told
    assert [] == [row[0] for row in table.rows if not row[2]]


@pytest.mark.parametrize("condition", CONDITIONS, ids=lambda one: one.type)
def test_the_page_tells_what_true_means(condition: Any) -> None:
    text = page("docs/conditions.md").path.read_text().partition(f"## {condition.type}\n")[2].partition("\n## ")[0]

    assert condition.true_means.casefold() in text.casefold()


# Alerts


def resource_alerts() -> tuple[Alert, ...]:
    """Those of a resource, made as the operator makes them."""
    body = {
        "apiVersion": "clockifyrag.io/v1beta1",
        "kind": "ClockifyRAG",
        "metadata": {"name": "help"},
        "spec": {"source": {"sample": {}}},
    }
    rag = ClockifyRAG.model_validate(body)
    return alerts(Wanted("shop", "help", "uid", 1, {}, rag), "10m")


def operator_alerts() -> dict[str, str]:
    """Expression of each alert of the chart, by its name."""
    text = charts.text("templates/prometheusrule.yaml")
    parts = re.split(r"- alert: (\w+)\n", text)[1:]
    return {name: rule.partition("labels:")[0] for name, rule in zip(parts[::2], parts[1::2], strict=True)}


def test_each_alert_has_a_runbook_and_each_runbook_an_alert() -> None:
    names = {one.name for one in resource_alerts()} | operator_alerts().keys()

    assert sorted(names) == sorted(page("docs/runbooks.md").headings[1:])


def test_an_alert_leads_to_its_own_runbook() -> None:
    rules = re.split(r"- alert: (\w+)\n", charts.text("templates/prometheusrule.yaml"))[1:]
    led = {name: re.findall(r'runbook_url: \{\{ printf "%s#(\w+)" .Values.monitoring.runbooks \| quote \}\}\n', rule)
           for name, rule in zip(rules[::2], rules[1::2], strict=True)}  # fmt: skip
    led |= {one.name: [one.runbook("").removeprefix("#")] for one in resource_alerts()}

    assert {name: [name.lower()] for name in led} == led
    assert {name.lower() for name in led} <= page("docs/runbooks.md").anchors


def runbook(alert: str) -> str:
    """Its section."""
    return page("docs/runbooks.md").path.read_text().partition(f"## {alert}\n")[2].partition("\n## ")[0]


@pytest.mark.parametrize(
    ("alert", "condition", "well"),
    [
        pytest.param("ClockifyRAGNotReady", ConditionType.READY, "Serving", id="not-ready"),
        pytest.param("ClockifyRAGStale", ConditionType.INDEX_PUBLISHED, "Published", id="not-published"),
    ],
)
def test_the_runbook_of_a_condition_tells_what_each_reason_is_about(
    alert: str, condition: ConditionType, well: str
) -> None:
    text = runbook(alert)

    assert [] == [str(one) for one in REASONS[condition] if one != well and str(one) not in text]


def test_whether_a_resource_is_paused_is_looked_at_before_its_build() -> None:
    text = runbook("ClockifyRAGStale")

    assert -1 < text.find("condition Paused") < text.find("IndexBuilt")


# Queries


def exposed_by_the_operator() -> str:
    """What its /metrics answers with one resource, after one call of the API server."""
    operator = OperatorMetrics()
    operator.api_call("GET", "200")
    condition = {"type": "Ready", "status": "True", "reason": "Serving"}
    resource = {"metadata": {"namespace": "shop", "name": "help"}, "status": {"conditions": [condition]}}
    operator.tell_conditions(lambda: iter([resource]))
    return operator.exposition().decode()


def known_metrics() -> dict[str, set[str]]:
    """Labels of each metric the service and the operator expose, by the name that stands in a query."""
    service = ServiceMetrics(frozenset({"/search"}), lambda: 0.0)
    service.request("/search", 200)
    service.index = IndexFacts("gen-0123456789ab", "all-minilm", datetime(2026, 1, 1, tzinfo=UTC).timestamp(), 7)
    lines = f"{service.exposition().decode()}{exposed_by_the_operator()}".splitlines()
    found: dict[str, set[str]] = {name: set() for name in OF_THE_KUBELET}
    for line in lines:
        if not line.startswith("#"):
            name, _, rest = line.partition(" ")[0].partition("{")
            found.setdefault(name, set()).update(re.findall(r"(\w+)=", rest))
    return found


def queries() -> Iterator[tuple[str, str]]:
    """(where it stands, query) of the dashboard, its variables and all alerts."""
    board = json.loads(charts.text("files/dashboard.json"))
    for panel in board["panels"]:
        for target in panel.get("targets", ()):
            yield panel["title"], target["expr"]
    for variable in board["templating"]["list"][1:]:
        yield variable["name"], variable["query"]["query"]
    yield from operator_alerts().items()
    for alert in resource_alerts():
        yield alert.name, alert.expression
    for line in page("docs/operator-metrics.md").blocks("promql")[0].splitlines():
        yield "docs/operator-metrics.md", line


@pytest.mark.parametrize(("where", "query"), list(queries()))
def test_a_query_asks_for_metrics_and_labels_that_exist(where: str, query: str) -> None:
    known = known_metrics()

    asked = set(METRIC.findall(query)) - {LABEL}
    labels = set(re.findall(r'(\w+)\s*(?:=~|!=|=)\s*"', query))

    assert asked
    assert set() == asked - known.keys()
    assert set() == labels - {label for name in asked for label in known[name]} - LABELS_OF_TARGETS


def test_the_label_of_the_dashboard_is_the_one_of_the_alerts() -> None:
    assert RESOURCE_LABEL == LABEL


def test_values_of_labels_in_queries_are_told_by_the_operator() -> None:
    values = {
        "result": set(RESULTS),
        "type": {str(one) for one in ConditionType},
        "status": {str(one) for one in ConditionStatus},
    }

    asked = [found for _, query in queries() for found in re.findall(r'\b(result|type|status)!?="(\w+)"', query)]

    assert asked
    assert [] == [(label, value) for label, value in asked if value not in values[label]]


def test_each_metric_is_seen_on_the_dashboard() -> None:
    board = charts.text("files/dashboard.json")
    families = {re.sub("_(bucket|sum|count|created)$", "", name) for name in known_metrics()} - OF_THE_KUBELET

    watched = {name for name in families if name in board}

    assert families - watched <= {"clockifyrag_schema_problem", "clockifyrag_condition_reason"}  # which have alerts


# The page of the operator's metrics


def test_the_page_tells_each_metric_of_the_operator_with_its_type_and_labels() -> None:
    (table,) = page("docs/operator-metrics.md").tables("metric", "type", "labels")
    families = list(text_string_to_metric_families(exposed_by_the_operator()))

    expected = {
        f"`{family.name}_total`" if family.type == "counter" else f"`{family.name}`": (
            family.type,
            {label for sample in family.samples for label in sample.labels} - {"le"},
        )
        for family in families
        if not family.name.endswith("_created")
    }

    assert expected == {row[0]: (row[1], set(re.findall(r"`(\w+)`", row[2]))) for row in table.rows}


def test_the_page_tells_the_values_of_labels() -> None:
    assert {*RESULTS, *BUILD_RESULTS} - {str(one) for one in REASONS[ConditionType.INDEX_BUILT]} <= set(
        page("docs/operator-metrics.md").code
    )


# The dashboard


def panels() -> list[Any]:
    board = json.loads(charts.text("files/dashboard.json"))
    return [pytest.param(one, id=one["title"]) for one in board["panels"] if one["type"] != "row"]


@pytest.mark.parametrize("panel", panels())
def test_a_panel_has_a_title_a_description_a_unit_and_asks_the_chosen_source(panel: dict[str, Any]) -> None:
    told = (panel["title"], panel["description"], panel["fieldConfig"]["defaults"]["unit"])
    sources = {json.dumps(one["datasource"]) for one in (panel, *panel["targets"])}

    assert all(told)
    assert {'{"type": "prometheus", "uid": "${datasource}"}'} == sources


@pytest.mark.parametrize("panel", panels())
def test_a_rate_fits_the_time_between_scrapes_and_a_service_is_a_chosen_one(panel: dict[str, Any]) -> None:
    for target in panel["targets"]:
        ranges = re.findall(r"rate\([^\[]*\[([^\]]+)\]", target["expr"])

        assert {"$__rate_interval"} >= set(ranges)
        if "rag_" in re.sub("clockifyrag_", "", target["expr"]):
            assert '$namespace"' in target["expr"]
            assert "${resource:regex}" in target["expr"]


@pytest.mark.parametrize("panel", panels())
def test_resources_of_one_name_in_two_namespaces_are_two_lines(panel: dict[str, Any]) -> None:
    for target in panel["targets"]:
        groups = [set(found.split(", ")) for found in re.findall(r"by \(([^)]*)\)", target["expr"])]

        assert [] == [one for one in groups if LABEL in one and "namespace" not in one]
        assert LABEL not in (legend := target.get("legendFormat", "")) or "{{namespace}}" in legend


def test_panels_do_not_overlap_and_have_numbers_of_their_own() -> None:
    board = json.loads(charts.text("files/dashboard.json"))["panels"]
    cells = [
        (x, y)
        for one in board
        for x in range(one["gridPos"]["x"], one["gridPos"]["x"] + one["gridPos"]["w"])
        for y in range(one["gridPos"]["y"], one["gridPos"]["y"] + one["gridPos"]["h"])
    ]

    assert len(set(cells)) == len(cells)
    assert {True} == {0 <= x < 24 for x, _ in cells}
    assert len({one["id"] for one in board}) == len(board)
