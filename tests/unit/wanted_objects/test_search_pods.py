"""The search pods: what they serve, where they find it, what replaces them."""

from dataclasses import replace
from typing import Any

import pytest
from drawn import EVERYTHING, GENERATION, IMAGES, POD_ADDITIONS, Spec, drawn, seen

from clockifyrag_operator import names
from clockifyrag_operator.observed import Manifest

RWX: Spec = {"index": {"storage": {"accessMode": "ReadWriteMany"}}}
GLOSSARY: Spec = {"glossary": {"configMapRef": {"name": "words", "key": "terms.csv"}}}


def search(**fields: Any) -> Spec:
    return {"search": fields}


def template(spec: Spec, **decision: Any) -> Manifest:
    look = decision.pop("look", None)
    drawn_template: Manifest = drawn(spec, look, **decision)["Deployment", "help-search"]["spec"]["template"]
    return drawn_template


def mounts(of: Manifest) -> dict[str, Any]:
    """Where each volume is mounted, and what it is."""
    volumes = {one["name"]: one for one in of["spec"]["volumes"]}
    return {one["mountPath"]: volumes[one["name"]] for one in of["spec"]["containers"][0]["volumeMounts"]}


def environment(spec: Spec, **decision: Any) -> dict[str, str]:
    data: dict[str, str] = drawn(spec, **decision)["ConfigMap", "help-search"]["data"]
    return data


def test_rolling_pods_are_pinned_to_the_generation_of_their_template() -> None:
    pods = template({})

    assert [{"name": "GENERATION", "value": GENERATION}] == pods["spec"]["containers"][0]["env"]
    assert GENERATION == pods["metadata"]["labels"][names.GENERATION]
    assert "GENERATION_FILE" not in environment({})


def test_pods_that_change_over_follow_a_file_and_no_generation_replaces_them() -> None:
    spec = search(indexUpdate="HotSwap")

    before, after = template(spec), template(spec, published="gen-ffffffffffff")

    assert before == after
    assert "env" not in before["spec"]["containers"][0]
    assert names.GENERATION not in before["metadata"]["labels"]
    assert "/generation/current" == environment(spec)["GENERATION_FILE"]
    pointer = mounts(before)["/generation"]["configMap"]
    assert ("help-generations", [{"key": "current", "path": "current"}]) == (pointer["name"], pointer["items"])


def test_a_volume_of_one_node_is_never_mounted_by_search_pods() -> None:
    fetched, shared = mounts(template({})), mounts(template(RWX))

    assert "emptyDir" in fetched["/index"]
    assert "http://help-store:8001" == environment({})["STORE_URL"]
    assert {"claimName": "help-index"} == shared["/index"]["persistentVolumeClaim"]
    assert "STORE_URL" not in environment(RWX)


def test_pods_find_each_other_by_a_service_without_an_address_that_metrics_are_not_read_from() -> None:
    objects = drawn({})
    service, monitor = objects["Service", "help-siblings"]["spec"], objects["ServiceMonitor", "help-search"]["spec"]

    assert "http://help-siblings:9090" == environment({})["WARM_URL"]
    assert ("None", [("siblings", 9090, "ops")]) == (
        service["clusterIP"],
        [(one["name"], one["port"], one["targetPort"]) for one in service["ports"]],
    )
    assert {"ops"} == {one["port"] for one in monitor["endpoints"]}
    assert objects["Service", "help-search"]["spec"]["selector"] == service["selector"]
    assert "WARM_URL" not in environment(search(tls={"secretRef": {"name": "pair"}}))


@pytest.mark.parametrize(
    "changed",
    [
        pytest.param({"service": {"type": "LoadBalancer"}}, id="how far the Service leads"),
        pytest.param({"service": {"port": 9090}}, id="its port"),
        pytest.param({"ingress": {"host": "help.example"}}, id="an Ingress"),
        pytest.param({"replicas": 7}, id="more pods"),
        pytest.param({"autoscaling": {"minReplicas": 2}}, id="an autoscaler"),
    ],
)
def test_what_is_around_the_pods_does_not_replace_them(changed: Spec) -> None:
    assert template({}) == template({"search": changed})


def test_the_index_is_read_only_where_it_is_the_volume_itself() -> None:
    mounted = template(RWX)["spec"]["containers"][0]["volumeMounts"]

    assert {"name": "index", "mountPath": "/index", "readOnly": True} in mounted


@pytest.mark.parametrize(
    ("spec", "models", "expected"),
    [
        pytest.param({}, ("nomic-embed-text",), "http://help-ollama:11434", id="managed"),
        pytest.param({"ollama": {"url": "https://o.example"}}, (), "https://o.example", id="external"),
        pytest.param({"embedding": {"provider": "Local"}}, (), None, id="local"),
        pytest.param(
            {"embedding": {"provider": "Local", "queryProvider": "Ollama"}},
            ("all-minilm",),
            "http://help-ollama:11434",
            id="built here, asked there",
        ),
        pytest.param(
            {"embedding": {"model": "all-minilm", "queryProvider": "Local"}}, ("all-minilm",), None, id="asked here"
        ),
        pytest.param(
            {"embedding": {"provider": "Local", "queryProvider": "Local"}, "answers": {"model": "llama3.2"}},
            ("llama3.2",),
            "http://help-ollama:11434",
            id="asked for answers",
        ),
    ],
)
def test_search_pods_know_an_ollama_where_they_ask_one(
    spec: Spec, models: tuple[str, ...], expected: str | None
) -> None:
    assert expected == environment(spec, models=models).get("LLM_BASE_URL")


def test_keys_and_certificate_are_mounted_as_the_settings_name_them() -> None:
    spec = search(auth={"secretRef": {"name": "keys"}}, tls={"secretRef": {"name": "pair"}})

    told, mounted = environment(spec), mounts(template(spec))

    assert "/secrets/keys/clockifyrag-api-keys" == told["API_KEYS_FILE"]
    assert [{"key": "clockifyrag-api-keys", "path": "clockifyrag-api-keys"}] == mounted["/secrets/keys"]["secret"][
        "items"
    ]
    assert ("/secrets/tls/tls.crt", "/secrets/tls/tls.key") == (told["TLS_CERT_FILE"], told["TLS_KEY_FILE"])
    assert ["tls.crt", "tls.key"] == [item["path"] for item in mounted["/secrets/tls"]["secret"]["items"]]


@pytest.mark.parametrize(
    ("reference", "config_maps", "key"),
    [
        pytest.param({"name": "words", "key": "terms.csv"}, {"words/terms.csv": "d1"}, "terms.csv", id="named"),
        pytest.param({"name": "words"}, {"words/only.csv": "d1"}, "only.csv", id="the only one"),
        pytest.param({"name": "words"}, {}, "glossary.csv", id="missing"),
    ],
)
def test_the_glossary_is_a_file_of_one_name_whatever_its_key(
    reference: dict[str, str], config_maps: dict[str, str | None], key: str
) -> None:
    spec = {"glossary": {"configMapRef": reference}}

    pods = template(spec, look=seen(config_maps=config_maps))

    volume = mounts(pods)["/glossary"]["configMap"]
    assert [{"key": key, "path": "glossary.csv"}] == volume["items"]
    assert volume["optional"] is True  # a missing glossary keeps nobody from answering
    assert "/glossary/glossary.csv" == environment(spec)["GLOSSARY_PATH"]
    assert ("d1" if config_maps else None) == pods["metadata"]["annotations"].get(names.GLOSSARY_DIGEST)


@pytest.mark.parametrize(
    ("change", "replaces"),
    [
        pytest.param(search(config={"retrievalK": 7}), True, id="a setting"),
        pytest.param(search(image="example.com/other:2"), True, id="an image"),
        pytest.param(search(resources={"limits": {"cpu": 3}}), True, id="resources"),
        pytest.param(search(auth={"secretRef": {"name": "keys"}}), True, id="keys"),
        pytest.param(search(pod={"labels": {"team": "docs"}}), True, id="additions"),
        pytest.param({"imagePullSecrets": [{"name": "registry"}]}, True, id="pull secrets"),
        pytest.param({"embedding": {"model": "all-minilm", "queryProvider": "Local"}}, True, id="the query provider"),
        pytest.param(RWX, True, id="the access mode"),
        pytest.param(search(replicas=5), False, id="the number of pods"),
        pytest.param(search(autoscaling={}), False, id="an autoscaler"),
        pytest.param(search(service={"port": 8080}), False, id="the Service"),
        pytest.param(search(ingress={"host": "help.example"}), False, id="the Ingress"),
        pytest.param({"build": {"image": "example.com/other:2"}}, False, id="the image of builds"),
        pytest.param({"index": {"storage": {"size": "50Gi"}, "retain": 5}}, False, id="the size of the volume"),
        pytest.param({"ollama": {"server": {"replicas": 4}}}, False, id="the number of model servers"),
        pytest.param({"monitoring": {"interval": "5s"}}, False, id="monitoring"),
        pytest.param({"networkPolicy": {"enabled": False}}, False, id="network policies"),
        pytest.param({"chunking": {"maxChars": 500}}, False, id="what only a build looks at"),
    ],
)
def test_pods_are_replaced_by_what_they_depend_on_and_by_nothing_else(change: Spec, replaces: bool) -> None:
    before, after = (drawn(spec)["Deployment", "help-search"] for spec in ({}, change))

    assert replaces == (before["spec"]["template"] != after["spec"]["template"])
    assert replaces == (inputs(before) != inputs(after))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param({}, {"published": "gen-ffffffffffff"}, id="a generation"),
        pytest.param({}, {"images": replace(IMAGES, service="other:1")}, id="the operator's image"),
    ],
)
def test_a_decision_that_replaces_pods_is_an_input_of_theirs(before: dict[str, Any], after: dict[str, Any]) -> None:
    assert inputs(drawn({}, **before)["Deployment", "help-search"]) != inputs(
        drawn({}, **after)["Deployment", "help-search"]
    )


def test_judged_questions_are_no_glossary_because_they_lie_in_the_same_config_map() -> None:
    questions = {"quality": {"evalConfigMapRef": {"name": "help-texts", "key": "eval.jsonl"}, "minMRR": "0.5"}}
    spec = {"glossary": {"configMapRef": {"name": "help-texts"}}, "index": questions}  # which of its two keys?

    pods = template(spec, look=seen(config_maps={"help-texts": None, "help-texts/eval.jsonl": "d1"}))

    assert ["glossary.csv"] == [one["key"] for one in mounts(pods)["/glossary"]["configMap"]["items"]]


def test_an_edit_of_the_glossary_replaces_the_pods() -> None:
    one, other = (
        drawn(GLOSSARY, seen(config_maps={"words/terms.csv": digest}))["Deployment", "help-search"]
        for digest in ("d1", "d2")
    )

    assert one["spec"]["template"] != other["spec"]["template"]
    assert inputs(one) != inputs(other)


def inputs(workload: Manifest) -> str:
    digest: str = workload["metadata"]["annotations"][names.INPUTS]
    return digest


def test_pods_are_spread_over_nodes_and_zones_also_where_nodes_have_no_zones() -> None:
    """With a second constraint, nodes that lack the label of one of them would get no score by either."""
    spec = template({})["spec"]

    (constraint,) = spec["topologySpreadConstraints"]
    ((kind, (preferred,)),) = spec["affinity"]["podAntiAffinity"].items()
    assert ("kubernetes.io/hostname", "ScheduleAnyway") == (constraint["topologyKey"], constraint["whenUnsatisfiable"])
    assert "preferredDuringSchedulingIgnoredDuringExecution" == kind
    term = preferred["podAffinityTerm"]
    assert "topology.kubernetes.io/zone" == term["topologyKey"]
    for one in (constraint, term):  # pods of the generation before do not count
        assert names.selector("help", "search") == one["labelSelector"]["matchLabels"]
        assert ["pod-template-hash"] == one["matchLabelKeys"]


@pytest.mark.parametrize(("kind", "zones"), [("nodeAffinity", True), ("podAffinity", True), ("podAntiAffinity", False)])
def test_zones_are_left_to_an_author_who_says_what_pods_are_kept_away_from(kind: str, zones: bool) -> None:
    rules = {"preferredDuringSchedulingIgnoredDuringExecution": [{"weight": 1, "preference": {}}]}

    spec = template(search(pod={"affinity": {kind: rules}}))["spec"]

    assert rules == spec["affinity"][kind]
    assert zones == ("topology.kubernetes.io/zone" in str(spec["affinity"]))
    assert ["kubernetes.io/hostname"] == [one["topologyKey"] for one in spec["topologySpreadConstraints"]]


def test_what_the_author_adds_stands_in_place_of_the_operators_own_choice() -> None:
    added = template(search(pod=POD_ADDITIONS))

    spread = added["spec"]["topologySpreadConstraints"]
    assert [("rack", 2)] == [(one["topologyKey"], one["maxSkew"]) for one in spread]
    assert names.selector("help", "search") == spread[0]["labelSelector"]["matchLabels"]  # his pods, unless he says so
    assert POD_ADDITIONS["affinity"] == added["spec"]["affinity"]
    assert ("docs", "docs") == (
        added["metadata"]["labels"]["team"],
        added["metadata"]["annotations"]["example.com/owner"],
    )
    assert ({"disk": "fast"}, "high", "gvisor") == (
        added["spec"]["nodeSelector"],
        added["spec"]["priorityClassName"],
        added["spec"]["runtimeClassName"],
    )
    assert POD_ADDITIONS["tolerations"] == added["spec"]["tolerations"]


def test_a_pod_leaves_before_it_is_ended_and_has_the_time_for_it() -> None:
    pods = drawn(EVERYTHING)["Deployment", "help-search"]["spec"]["template"]["spec"]
    told = environment(EVERYTHING)

    leaving = pods["containers"][0]["lifecycle"]["preStop"]["sleep"]["seconds"]
    needed = leaving + int(told["DRAIN_SECONDS"]) + int(told["SHUTDOWN_SECONDS"])
    assert needed < pods["terminationGracePeriodSeconds"]


def test_probes_ask_the_port_that_needs_neither_key_nor_certificate_and_only_readiness_needs_an_index() -> None:
    one = drawn(EVERYTHING)["Deployment", "help-search"]["spec"]["template"]["spec"]["containers"][0]

    asked = {kind: one[kind]["httpGet"] for kind in ("startupProbe", "livenessProbe", "readinessProbe")}
    assert {"ops"} == {get["port"] for get in asked.values()}
    assert ("/live", "/live", "/ready") == tuple(get["path"] for get in asked.values())


def test_a_rollout_takes_no_pod_away_before_another_is_ready() -> None:
    deployment = drawn()["Deployment", "help-search"]["spec"]

    assert {"maxUnavailable": 0, "maxSurge": "25%"} == deployment["strategy"]["rollingUpdate"]
    assert (600, 3) == (deployment["progressDeadlineSeconds"], deployment["revisionHistoryLimit"])
