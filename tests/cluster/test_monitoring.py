"""Monitoring for real: what Prometheus scrapes, what the dashboard shows, what wakes somebody."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import pytest
from tests.cluster.kube import LOCAL, OPERATOR, Kube, Manifest, Resource
from tests.cluster.load import Load
from tests.cluster.prometheus import Prometheus
from tests.waiting import wait_until

CHART = "clockifyrag-operator"  # its ServiceMonitor, PrometheusRule and group of rules
SCRAPED = {"monitoring": {"interval": "5s"}}
PICKED_UP_SECONDS = 120.0  # the kubelet looks once a minute whether a mounted Secret has changed
DEADLINE_SECONDS = 60  # of a build: the shortest
FIRES_SECONDS = 60.0
NOBODY = "http://10.210.0.1:9"  # refuses connections
GOOD = "# Timer\n\nPress start, work, press stop. The entry stands at the top of the list.\n"

OF_KUBELET = "kubelet_volume_stats_"  # a Prometheus that scrapes kubelets has them: this one does not
OF_STATE = re.compile(r',?(?:code=~|result=|status!?=)"[^"]*"')  # labels that series get once something happens


@pytest.fixture(scope="module")
def prometheus(installed: Kube) -> Prometheus:
    return Prometheus.of(installed)


@pytest.fixture(scope="module")
def watched(installed: Kube) -> Iterator[Kube]:
    """A namespace with a resource that is well, and one whose documents cannot be read."""
    with installed.another() as kube:
        kube.apply(documents("timer.jsonl", "this is no JSON\n"))
        build = LOCAL["build"] | {"deadlineSeconds": DEADLINE_SECONDS}
        source = {"configMapRef": {"name": "articles"}}
        kube.resource("broken").create(LOCAL | SCRAPED | {"source": source, "build": build})
        kube.resource("help").create(LOCAL | SCRAPED)
        yield kube


def documents(name: str, text: str) -> Manifest:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "articles"}, "data": {name: text}}


@pytest.fixture(scope="module")
def help_center(watched: Kube) -> Resource:
    return watched.resource().wait_ready()


def test_the_pods_of_operator_and_search_are_scraped(
    prometheus: Prometheus, installed: Kube, help_center: Resource
) -> None:
    """Given ServiceMonitors of the chart and of a resource, then every pod behind them is soon a target that is up."""
    kube = help_center.kube
    wanted = {
        f"{installed.namespace}/{CHART}": {one["metadata"]["name"] for one in installed.all("pods", OPERATOR)},
        f"{kube.namespace}/help-search": {one["metadata"]["name"] for one in kube.pods("search")},
    }

    for monitor, pods in wanted.items():
        wait_until(
            lambda monitor=monitor, pods=pods: pods == prometheus.pods_up(monitor),  # type: ignore[misc]
            PICKED_UP_SECONDS,
            f"{pods} are scraped for {monitor}",
            lambda: json.dumps(prometheus.ask("targets", state="active"), indent=1),
        )

    assert [2, 2] == [len(pods) for pods in wanted.values()]


def test_the_rules_of_operator_and_resource_are_evaluated(
    prometheus: Prometheus, installed: Kube, help_center: Resource
) -> None:
    """Given PrometheusRules of the chart and of a resource, then each of their alerts is evaluated without an error."""
    for kube, name in ((installed, CHART), (help_center.kube, "help-search")):
        rule = kube.get("prometheusrule", name)
        assert rule is not None
        (group,) = rule["spec"]["groups"]
        wanted = {one["alert"] for one in group["rules"]}
        wait_until(
            lambda group=group, wanted=wanted: wanted == prometheus.healthy_rules(group["name"]),  # type: ignore[misc]
            PICKED_UP_SECONDS,
            f"the rules of {group['name']} are evaluated",
            lambda: json.dumps(prometheus.ask("rules", type="alert"), indent=1),
        )


def test_every_query_of_the_dashboard_has_an_answer(
    prometheus: Prometheus, installed: Kube, help_center: Resource
) -> None:
    """Given questions that were asked, then no panel of the dashboard on the cluster is empty, and no variable."""
    kube = help_center.kube
    with Load(help_center.url, "monitoring", rate=10, after=10):
        pass  # scraped twice while it is asked

    config_map = installed.get("configmap", f"{CHART}-dashboard")
    assert config_map is not None
    dashboard = json.loads(config_map["data"]["clockifyrag.json"])
    queries = [target["expr"] for panel in dashboard["panels"] for target in panel.get("targets", ())]
    asked = {query: query_of(query, kube.namespace) for query in queries}
    empty = [query for query, filled in asked.items() if not prometheus.values(filled)]

    assert len(queries) > 20
    assert [] == empty
    assert prometheus.values(f'rag_requests_total{{namespace="{kube.namespace}",endpoint="/search"}}')
    assert {kube.namespace, "help"} <= choices(prometheus, dashboard)


def query_of(query: str, namespace: str) -> str:
    """The query as Grafana fills it in for the resource `help`."""
    filled = query.replace("$namespace", namespace).replace("${resource:regex}", "help")
    return filled.replace("$__rate_interval", "30s")


def choices(prometheus: Prometheus, dashboard: Manifest) -> set[str]:
    """What a person can choose from: the values of labels that the variables of the dashboard ask for."""
    found: set[str] = set()
    for variable in dashboard["templating"]["list"]:
        if asked := re.fullmatch(r"label_values\((.+), (\w+)\)", variable.get("definition", "")):
            series, label = asked.groups()
            found |= {labels[label] for labels, _ in prometheus.values(series.replace("$namespace", ".+"))}
    return found


def test_every_series_that_an_alert_goes_by_is_there(
    prometheus: Prometheus, installed: Kube, help_center: Resource
) -> None:
    """Given rules of chart and resource, then what they select is told by somebody, under those labels."""
    (node,) = json.loads(installed.kubectl.run("get", "nodes", "--output=json"))["items"]
    kubelet = installed.kubectl.run("get", f"--raw=/api/v1/nodes/{node['metadata']['name']}/proxy/metrics")
    rules = [installed.get("prometheusrule", CHART), help_center.kube.get("prometheusrule", "help-search")]
    expressions = [one["expr"] for rule in rules if rule for group in rule["spec"]["groups"] for one in group["rules"]]
    selectors = {OF_STATE.sub("", found) for one in expressions for found in re.findall(r"\w+\{[^}]+\}", one)}

    of_kubelet = {one for one in selectors if one.startswith(OF_KUBELET)}
    missing = [one for one in of_kubelet if f"{one} " not in kubelet]
    missing += [one for one in selectors - of_kubelet if not prometheus.values(one)]

    assert len(selectors) > 12
    assert [] == missing


def test_an_embedder_that_nobody_reaches_wakes_somebody(prometheus: Prometheus, help_center: Resource) -> None:
    """Given a resource that is well, when its model server answers no more, then ClockifyRAGEmbedderDown fires."""
    kube = help_center.kube
    assert "ClockifyRAGEmbedderDown" not in prometheus.firing("help", kube.namespace)

    help_center.change({"embedding": {"provider": "Ollama", "model": "all-minilm", "queryProvider": "Ollama"},
                        "ollama": {"url": NOBODY}})  # fmt: skip

    help_center.wait_condition("EmbedderReady", "False", "Unreachable")
    prometheus.wait_firing("ClockifyRAGEmbedderDown", "help", kube.namespace, FIRES_SECONDS)


def test_a_build_that_fails_wakes_somebody_until_it_is_mended(prometheus: Prometheus, watched: Kube) -> None:
    """Given documents that cannot be read, then two alerts fire; when they are mended, then both are over."""
    broken, alerts = watched.resource("broken"), ("ClockifyRAGBuildFailed", "ClockifyRAGNothingPublished")
    for alert in alerts:
        prometheus.wait_firing(alert, "broken", watched.namespace, DEADLINE_SECONDS + FIRES_SECONDS)
    assert "ClockifyRAGNothingPublished" not in prometheus.firing("help", watched.namespace)

    watched.run("delete", "configmap", "articles")
    watched.apply(documents("timer.md", GOOD))

    broken.wait_ready()
    for alert in alerts:
        prometheus.wait_firing(alert, "broken", watched.namespace, FIRES_SECONDS, fires=False)
