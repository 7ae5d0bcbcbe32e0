"""Which objects there are, for what a resource wants."""

from typing import Any

import pytest
from drawn import BUILD, EMBED, KEY, LIST, OPERATOR, Spec, decided, drawn, seen, wanted

from clockifyrag_operator import desired, names
from clockifyrag_operator.ledger import BuildKey, BuildOrder, Entry, Ledger
from clockifyrag_operator.objects.build_job import job_name
from clockifyrag_operator.objects.ledger import ledger_config_map

RWX: Spec = {"index": {"storage": {"accessMode": "ReadWriteMany"}}}
LOCAL: Spec = {"embedding": {"provider": "Local"}}
SCALED: Spec = {"search": {"autoscaling": {"minReplicas": 2}}}


def search(**fields: Any) -> Spec:
    return {"search": fields}


@pytest.mark.parametrize(
    ("spec", "there", "absent"),
    [
        pytest.param(
            {},
            "ServiceAccount/help-search ConfigMap/help-search PersistentVolumeClaim/help-index Service/help-search "
            "Service/help-siblings "
            "StatefulSet/help-store Service/help-store StatefulSet/help-ollama Service/help-ollama "
            "Deployment/help-search PodDisruptionBudget/help-search ServiceMonitor/help-search "
            "PrometheusRule/help-search NetworkPolicy/help-deny NetworkPolicy/help-search NetworkPolicy/help-build "
            "NetworkPolicy/help-store NetworkPolicy/help-ollama Secret/help-internal",
            "HorizontalPodAutoscaler/help-search Ingress/help-search NetworkPolicy/help-embed Service/help-search-ops "
            "ConfigMap/help-generations",
            id="the least",
        ),
        pytest.param(RWX, "", "StatefulSet/help-store Service/help-store NetworkPolicy/help-store", id="shared volume"),
        pytest.param(
            LOCAL, "", "StatefulSet/help-ollama Service/help-ollama NetworkPolicy/help-ollama", id="local embedder"
        ),
        pytest.param(
            {"ollama": {"url": "http://ollama.example:11434"}}, "", "StatefulSet/help-ollama", id="external Ollama"
        ),
        pytest.param(
            {"embedding": {"provider": "Local", "shards": 4}}, "NetworkPolicy/help-embed", "", id="several shards"
        ),
        pytest.param(SCALED, "HorizontalPodAutoscaler/help-search PodDisruptionBudget/help-search", "", id="scaled"),
        pytest.param(search(replicas=1), "", "PodDisruptionBudget/help-search", id="a lone pod may be moved"),
        pytest.param(
            search(autoscaling={"minReplicas": 1}), "", "PodDisruptionBudget/help-search", id="a lone pod at rest"
        ),
        pytest.param(search(ingress={"host": "help.example"}), "Ingress/help-search", "", id="ingress"),
        pytest.param(
            search(tls={"secretRef": {"name": "pair"}}),
            "",
            "Service/help-siblings",
            id="questions travel under TLS alone",
        ),
        pytest.param(
            search(service={"type": "LoadBalancer"}), "Service/help-search-ops", "", id="a Service that leads outside"
        ),
        pytest.param(
            search(service={"port": 9090}), "Service/help-search-ops", "", id="the port of metrics taken by the API"
        ),
        pytest.param(
            {"monitoring": {"serviceMonitor": "Disabled", "prometheusRule": "Disabled"}},
            "",
            "ServiceMonitor/help-search PrometheusRule/help-search",
            id="no monitoring",
        ),
        pytest.param(
            {"networkPolicy": {"enabled": False}},
            "",
            "NetworkPolicy/help-deny NetworkPolicy/help-search NetworkPolicy/help-build NetworkPolicy/help-store "
            "NetworkPolicy/help-ollama",
            id="no network policies",
        ),
    ],
)
def test_objects_are_there_as_the_resource_wants_them(spec: Spec, there: str, absent: str) -> None:
    found = {f"{kind}/{name}" for kind, name in drawn(spec)}

    assert set(there.split()) <= found
    assert set() == set(absent.split()) & found


def test_before_anything_is_published_there_are_no_pods_to_answer_and_nothing_that_counts_them() -> None:
    found = set(drawn(SCALED, published=None))

    assert not {("Deployment", "help-search"), ("HorizontalPodAutoscaler", "help-search")} & found
    assert {("StatefulSet", "help-store"), ("Service", "help-search")} <= found


@pytest.mark.parametrize("monitor", ["Auto", "Enabled"])
def test_monitoring_waits_until_the_cluster_knows_its_kinds(monitor: str) -> None:
    spec = {"monitoring": {"serviceMonitor": monitor, "prometheusRule": monitor}}

    before, after = drawn(spec, seen(kinds=frozenset())), drawn(spec)

    assert {("ServiceMonitor", "help-search"), ("PrometheusRule", "help-search")} == set(after) - set(before)


def test_an_installation_may_forbid_alerts() -> None:
    resource = wanted()
    quiet = OPERATOR.model_copy(update={"allow_alerts": False})

    kinds = {one["kind"] for one in desired.desired(resource, seen(), decided(resource), quiet)}

    assert ("PrometheusRule" in kinds, "ServiceMonitor" in kinds) == (False, True)


def test_what_pods_need_is_applied_before_them() -> None:
    resource = wanted()
    kinds = [one["kind"] for one in desired.desired(resource, seen(), decided(resource), OPERATOR)]

    first_workload = min(kinds.index("StatefulSet"), kinds.index("Deployment"))
    for kind in ("ServiceAccount", "NetworkPolicy", "ConfigMap", "PersistentVolumeClaim", "Service"):
        assert max(at for at, one in enumerate(kinds) if one == kind) < first_workload, kind


def test_of_a_resource_that_is_not_valid_nothing_is_known_and_nothing_drawn() -> None:
    from dataclasses import replace

    valid = wanted()
    broken = replace(valid, rag=None, problems=("spec.source: found nothing, expected one of five",))

    assert () == desired.desired(broken, seen(), decided(valid), OPERATOR)
    assert () == desired.created(broken, seen(), decided(valid), OPERATOR)
    assert {} == desired.replicas(broken, seen(), decided(valid))


def test_the_secret_is_made_once_and_of_other_bytes_each_time() -> None:
    first, second = (drawn()["Secret", "help-internal"]["data"]["key"] for _ in range(2))
    made = seen(ledger=Ledger(internal_secret=True))

    assert first != second
    assert 44 == len(first)  # 32 bytes in base64
    assert ("Secret", "help-internal") not in drawn({}, made)


@pytest.mark.parametrize(
    ("spec", "live", "published", "expected"),
    [
        pytest.param(search(replicas=3), None, True, 3, id="the number of the spec"),
        pytest.param(search(replicas=0), 4, True, 0, id="none"),
        pytest.param(SCALED, 4, True, None, id="an autoscaler has the say"),
        pytest.param(SCALED, None, True, 2, id="made anew, it begins with the least"),
        pytest.param(SCALED, 0, True, 2, id="an autoscaler never leaves none"),
        pytest.param(search(replicas=3), None, False, None, id="nothing to serve yet"),
    ],
)
def test_the_number_of_pods_is_owned_only_where_no_autoscaler_owns_it(
    spec: Spec, live: int | None, published: bool, expected: int | None
) -> None:
    deployment = ("Deployment", "help-search")
    resource = wanted(spec)
    decision = decided(resource) if published else decided(resource, published=None)
    there = {"kind": "Deployment", "metadata": {"name": "help-search"}, "spec": {"replicas": live}}
    look = seen({} if live is None else {deployment: there})

    replicas = desired.replicas(resource, look, decision)

    assert ({} if expected is None else {deployment: expected}) == replicas
    for one in desired.desired(resource, look, decision, OPERATOR):
        assert "Deployment" != one["kind"] or "replicas" not in one["spec"]


@pytest.mark.parametrize(
    ("asked", "live", "expected"),
    [
        pytest.param("0.5Ti", None, "512Gi", id="made"),
        pytest.param("20Gi", "10Gi", "20Gi", id="grown"),
        pytest.param("10Gi", "20Gi", "20Gi", id="a claim of a former resource, or grown by hand"),
    ],
)
def test_the_volume_of_generations_is_never_asked_to_shrink(asked: str, live: str | None, expected: str) -> None:
    claim = ("PersistentVolumeClaim", "help-index")
    there = {
        "kind": claim[0],
        "metadata": {"name": claim[1], "labels": names.labels("help", "index")},
        "spec": {"resources": {"requests": {"storage": live}}},
    }

    found = drawn({"index": {"storage": {"size": asked}}}, seen({} if live is None else {claim: there}))

    assert expected == found[claim]["spec"]["resources"]["requests"]["storage"]


def test_the_autoscaler_follows_the_cpu_of_the_deployment() -> None:
    behavior = {"scaleUp": {"policies": [{"type": "Percent", "value": 50, "periodSeconds": 15}]}, "scaleDown": {}}
    spec = search(autoscaling={"minReplicas": 3, "maxReplicas": 7, "targetCPUPercent": 60, "behavior": behavior})

    scaler = drawn(spec)["HorizontalPodAutoscaler", "help-search"]["spec"]

    assert (3, 7) == (scaler["minReplicas"], scaler["maxReplicas"])
    assert {"apiVersion": "apps/v1", "kind": "Deployment", "name": "help-search"} == scaler["scaleTargetRef"]
    assert {"type": "Utilization", "averageUtilization": 60} == scaler["metrics"][0]["resource"]["target"]
    assert {"scaleUp": behavior["scaleUp"]} == scaler["behavior"]


def test_a_job_that_runs_is_not_made_again() -> None:
    name = job_name("help", BUILD)
    running = seen({("Job", name): {"kind": "Job", "metadata": {"name": name}}})

    assert ("Job", name) in drawn()
    assert ("Job", name) not in drawn({}, running)
    assert not [kind for kind, _ in drawn({}, order=None) if kind == "Job"]


def test_orders_that_differ_have_names_that_differ_and_what_is_removed_makes_no_other_order() -> None:
    other_key = BuildKey(1, "aaaaaaaaaaaa", "bbbbbbbbbbbb", "dddddddddddd")
    different = [
        BUILD,
        LIST,
        EMBED,
        BuildOrder("Build", other_key, "", "Initial"),
        BuildOrder("Build", KEY, "token", "Requested"),
        BuildOrder("Build", KEY, "", "Initial", attempt=2),
        BuildOrder("Build", KEY, "", "Initial", shards=4),
    ]

    assert len(different) == len({job_name("help", order) for order in different})
    assert job_name("help", BUILD) == job_name(
        "help", BuildOrder("Build", KEY, "", "SpecChanged", remove=("gen-000000000000",))
    )


def test_the_ledger_tells_what_is_published_and_which_ledger_it_replaces() -> None:
    ledger = Ledger(current="gen-0123456789ab", entries=(Entry("gen-0123456789ab", "Good"),))

    written = ledger_config_map(wanted(), ledger, "42")
    first = ledger_config_map(wanted(), Ledger(), None)

    assert ("help-generations", "42") == (written["metadata"]["name"], written["metadata"]["resourceVersion"])
    assert "gen-0123456789ab" == written["data"]["current"]
    assert {"ledger.json": "{}"} == first["data"]
    assert "resourceVersion" not in first["metadata"]


def test_a_service_that_leads_outside_shows_no_metrics() -> None:
    inside = drawn()["Service", "help-search"]["spec"]
    balanced = drawn(search(service={"type": "LoadBalancer", "port": 443}, tls={"secretRef": {"name": "pair"}}))

    assert [("http", 80, "api"), ("ops", 9090, "ops")] == ports(inside)
    assert [("https", 443, "api")] == ports(balanced["Service", "help-search"]["spec"])
    assert [("ops", 9090, "ops")] == ports(balanced["Service", "help-search-ops"]["spec"])
    assert "ClusterIP" == balanced["Service", "help-search-ops"]["spec"]["type"]


def ports(service: dict[str, Any]) -> list[tuple[str, int, str]]:
    return [(one["name"], one["port"], one["targetPort"]) for one in service["ports"]]


def test_the_ingress_leads_to_the_port_of_the_service_whatever_its_protocol() -> None:
    asked = {"host": "help.example", "path": "/ask", "className": "nginx", "tlsSecretName": "front"}
    spec = search(ingress=asked, tls={"secretRef": {"name": "pair"}})

    ingress = drawn(spec)["Ingress", "help-search"]["spec"]

    path = ingress["rules"][0]["http"]["paths"][0]
    assert ("help.example", "/ask", "Prefix") == (ingress["rules"][0]["host"], path["path"], path["pathType"])
    assert {"service": {"name": "help-search", "port": {"name": "https"}}} == path["backend"]
    assert ("nginx", [{"hosts": ["help.example"], "secretName": "front"}]) == (
        ingress["ingressClassName"],
        ingress["tls"],
    )


def test_a_label_of_the_author_never_hides_one_the_operator_finds_its_objects_by() -> None:
    labels = {"release": "prometheus", "app.kubernetes.io/managed-by": "helm"}

    monitor = drawn({"monitoring": {"labels": labels}})["ServiceMonitor", "help-search"]["metadata"]["labels"]

    assert ("prometheus", names.MANAGED_BY_US) == (monitor["release"], monitor[names.MANAGED_BY])
