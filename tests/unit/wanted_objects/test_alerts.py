"""Alerts: of this resource alone, in time, and each with a page that says what to do."""

import re

import pytest
from drawn import NAMESPACE, OPERATOR, decided, drawn, seen, wanted

from clockifyrag_operator import desired
from clockifyrag_operator.objects.alerts import Alert, alerts
from clockifyrag_resource.conditions import ConditionReason, ConditionStatus, ConditionType

ALERTS = alerts(wanted(), "10m")


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: str(alert.name))
def test_an_alert_speaks_of_this_resource_alone(alert: Alert) -> None:
    for selected in re.findall(r"\{(.*?)\}", alert.expression):
        labels = dict(re.findall(r'(\w+)=~?"(.*?)"', selected))
        assert NAMESPACE in (labels.get("namespace"), labels.get("resource_namespace"))
        assert {"help", "help-index"} & {
            labels.get(name) for name in ("resource", "clockifyrag_io_resource", "persistentvolumeclaim")
        }


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: str(alert.name))
def test_an_alert_says_what_is_wrong_how_bad_it_is_and_where_to_read_on(alert: Alert) -> None:
    assert alert.name.startswith("ClockifyRAG")
    assert alert.severity in ("critical", "warning")
    assert f"{NAMESPACE}/help" in alert.summary
    assert alert.description.endswith(".")
    assert f"docs/runbooks.md#{alert.name.lower()}" == alert.runbook("docs/runbooks.md")


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: str(alert.name))
def test_an_alert_looks_at_conditions_there_are(alert: Alert) -> None:
    for kind in re.findall(r'type="(.*?)"', alert.expression):
        assert kind in set(ConditionType)
    for status in re.findall(r'status!?="(.*?)"', alert.expression):
        assert status in set(ConditionStatus)
    for reasons in re.findall(r'reason=~"(.*?)"', alert.expression):
        assert set(reasons.split("|")) <= set(ConditionReason)


@pytest.mark.parametrize(("provider", "counts"), [("Ollama", True), ("Local", False)])
def test_a_model_server_that_is_down_keeps_only_builds_that_ask_it_from_succeeding(provider: str, counts: bool) -> None:
    resource = wanted({"embedding": {"provider": provider, "model": "all-minilm", "queryProvider": "Ollama"}})

    (failed,) = [one for one in alerts(resource, "10m") if one.name == "ClockifyRAGBuildFailed"]

    assert counts == ("EmbedderDown" in failed.expression)


def test_every_alert_has_a_name_of_its_own() -> None:
    assert len(ALERTS) == len({alert.name for alert in ALERTS})


def test_alerts_last_as_long_as_the_installation_says_and_those_a_build_ends_as_long_as_it_may_take() -> None:
    resource = wanted({"build": {"deadlineSeconds": 3600}})
    soon = OPERATOR.model_copy(update={"alert_for": "1m"})

    applied = desired.desired(resource, seen(), decided(resource), soon)

    (rule,) = [one for one in applied if one["kind"] == "PrometheusRule"]
    lasting = {one["alert"]: one["for"] for one in rule["spec"]["groups"][0]["rules"]}
    assert ("1m", "3660s", "3660s") == (
        lasting["ClockifyRAGNotReady"], lasting["ClockifyRAGStale"], lasting["ClockifyRAGNothingPublished"],
    )  # fmt: skip


def test_metrics_are_read_at_the_ops_port_and_carry_the_name_of_the_resource() -> None:
    spec = {"monitoring": {"interval": "15s", "labels": {"release": "prometheus"}}}

    monitor = drawn(spec)["ServiceMonitor", "help-search"]

    (endpoint,) = monitor["spec"]["endpoints"]
    assert ("ops", "/metrics", "15s") == (endpoint["port"], endpoint["path"], endpoint["interval"])
    assert ["clockifyrag.io/resource"] == monitor["spec"]["targetLabels"]
    assert "prometheus" == monitor["metadata"]["labels"]["release"]


def test_the_endpoint_of_a_request_is_its_path_and_not_the_port_that_is_scraped() -> None:
    (endpoint,) = drawn()["ServiceMonitor", "help-search"]["spec"]["endpoints"]

    replaced, dropped = endpoint["metricRelabelings"]

    assert (["exported_endpoint"], "endpoint") == (replaced["sourceLabels"], replaced["targetLabel"])
    assert {"regex": "exported_endpoint", "action": "labeldrop"} == dropped
