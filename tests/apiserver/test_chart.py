"""The chart, rendered by Helm, is admitted by a real API server that enforces the restricted profile."""

import json
import re
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import charts
import pytest
import yaml
from pages import page
from tests.apiserver.controlplane import ControlPlane
from tests.waiting import wait_until
from tools.definitions import definitions

from clockifyrag_operator.carrying import MADE_ANEW
from clockifyrag_operator.kinds import CHILDREN, EVENT, RESOURCE, SECRET
from clockifyrag_operator.plan import _PRUNED as PRUNED
from clockifyrag_operator.settings import Settings

DIGEST = f"sha256:{'0123456789abcdef' * 4}"
# What is given beside the defaults; first and second stand for two namespaces that exist.
MATRIX: dict[str, dict[str, Any]] = {
    "defaults": {},
    "one-namespace": {"watchNamespaces": ["first"]},
    "no-list-of-namespaces": {"watchNamespaces": None},
    "no-affinity": {"affinity": None},
    "two-namespaces": {"watchNamespaces": ["first", "second"]},
    "lone": {"replicas": 1, "resources": {"requests": {"cpu": "10m"}, "limits": None}},
    "stopped": {"replicas": 0},
    "images": {
        "imageRegistry": "registry.example.com:5000",
        "images": {"operator": {"digest": DIGEST}, "ollama": {"repository": "mirror/ollama", "tag": "0.36.1"}},
        "imagePullPolicy": "Always",
        "imagePullSecrets": [{"name": "registry"}],
    },
    "placed": {
        "podLabels": {"team": "search", "app.kubernetes.io/name": "not-ours"},
        "podAnnotations": {"cost-center": "7"},
        "nodeSelector": {"kubernetes.io/arch": "amd64"},
        "tolerations": [{"key": "dedicated", "operator": "Exists", "effect": "NoSchedule"}],
        "affinity": {"nodeAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": [
            {"weight": 1, "preference": {"matchExpressions": [{"key": "disk", "operator": "In", "values": ["ssd"]}]}},
        ]}},
        "topologySpreadConstraints": [{
            "topologyKey": "kubernetes.io/hostname", "maxSkew": 1, "whenUnsatisfiable": "DoNotSchedule",
            "labelSelector": {"matchLabels": {"app.kubernetes.io/name": "clockifyrag-operator"}},
        }],
        "priorityClassName": "system-cluster-critical",
    },
    "allowed": {"allowedImages": [], "allowedPrivateHosts": ["*.corp.example", "10.0.0.1"], "allowAlerts": False},
    "tuned": {
        "operator": {"settings": {"leaseSeconds": 3.5, "rolloutSeconds": 2_000_000, "apiHost": "::", "workers": 64}},
        "logLevel": "debug",
        "alertFor": "1h",
    },
    "monitored": {
        "monitoring": {
            "serviceMonitor": "Enabled", "prometheusRule": "Enabled", "interval": "15s",
            "labels": {"release": "prometheus"}, "runbooks": "https://example.com/runbooks",
        },
        "dashboards": {"labels": {"grafana": "yes"}, "annotations": {"grafana_folder": "Search"}},
        "networkPolicy": {
            "metricsFrom": [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "monitoring"}}}],
            "apiServerPorts": [8443],
        },
    },
    "bare": {
        "monitoring": {"serviceMonitor": "Disabled", "prometheusRule": "Disabled"},
        "dashboards": {"enabled": False},
        "networkPolicy": {"enabled": False},
        "crds": {"install": False},
    },
    "rights-of-others": {
        "serviceAccount": {"create": False, "name": "given"},
        "rbac": {"create": False},
        "crds": {"keep": False},
    },
    "account": {
        "serviceAccount": {"name": "searcher", "annotations": {"example.com/role": "search"}},
        "rbac": {"aggregate": False},
    },
    "asked": {"test": {"url": "https://search.example.com", "question": "what's \"new\": {}?", "keySecret": "key"}},
    "named": {"fullnameOverride": "rag"},
    "within-another-chart": {"global": {"imageRegistry": "not-ours"}},
}  # fmt: skip


@pytest.fixture(scope="module")
def other(control_plane: ControlPlane) -> str:
    """A second namespace, as it stands."""
    name = f"test-{secrets.token_hex(4)}"
    control_plane.admin.post("/api/v1/namespaces", {"metadata": {"name": name}})
    return name


@pytest.fixture(scope="module")
def monitoring(control_plane: ControlPlane) -> Iterator[None]:
    """The kinds of monitoring.coreos.com, as the Prometheus operator defines them; gone before another file's tests."""
    files = [f"--filename={file}" for file in sorted(definitions().glob("*.yaml"))]
    control_plane.kubectl("apply", "--server-side", *files)
    control_plane.kubectl("wait", "--for=condition=Established", "--timeout=30s", "crd", "--all")
    yield
    control_plane.kubectl("delete", "--wait", *files)
    known = "/apis/monitoring.coreos.com/v1"
    wait_until(lambda: control_plane.admin.request("GET", known).status_code == 404, 30, "the kinds are forgotten")


def placed(given: Any, names: dict[str, str]) -> Any:
    """The values with the names of namespaces that exist."""
    if isinstance(given, dict):
        return {key: placed(value, names) for key, value in given.items()}
    if isinstance(given, list):
        return [placed(value, names) for value in given]
    return names.get(given, given) if isinstance(given, str) else given


@pytest.mark.parametrize("given", [pytest.param(given, id=name) for name, given in MATRIX.items()])
def test_what_the_chart_renders_is_admitted_without_a_warning(
    given: dict[str, Any], control_plane: ControlPlane, namespace: str, other: str, monitoring: None, tmp_path: Path
) -> None:
    objects = charts.rendered(tmp_path, placed(given, {"first": namespace, "second": other}), namespace)

    # Server-side: the definition may be there already, from another test, and only the other way warns of that.
    how = ("--server-side", "--force-conflicts", "--dry-run=server", "--validate=strict")
    stream = "\n---\n".join(map(json.dumps, objects))
    tried = control_plane.kubectl("apply", *how, "--filename", "-", input=stream)

    assert len(objects) == len(tried.stdout.splitlines())
    assert "" == tried.stderr


@pytest.mark.parametrize("given", [pytest.param(given, id=name) for name, given in MATRIX.items()])
def test_the_operator_reads_its_environment_as_the_values_mean_it(given: dict[str, Any], tmp_path: Path) -> None:
    objects = charts.rendered(tmp_path, given)
    (operator,) = charts.named(objects, "Deployment").values()
    (container,) = operator["spec"]["template"]["spec"]["containers"]
    environment = {one["name"].lower(): one.get("value", "operators") for one in container["env"]}

    settings = Settings(**environment)

    assert environment.keys() <= Settings.model_fields.keys()
    assert tuple(given.get("watchNamespaces") or ()) == settings.watch_namespaces
    assert tuple(given.get("allowedImages", ("*",))) == settings.allowed_images
    assert tuple(given.get("allowedPrivateHosts", ())) == settings.allowed_private_hosts
    assert operator["metadata"]["name"] == settings.lease_name
    assert 8080 == settings.api_port == container["ports"][0]["containerPort"]
    for name, value in given.get("operator", {}).get("settings", {}).items():
        assert value == getattr(settings, re.sub("([A-Z])", r"_\1", name).lower())


@pytest.mark.parametrize(
    ("repository", "expected"),
    [
        ("team/ollama", "registry.example.com:5000/team/ollama:1"),
        ("docker.io/ollama/ollama", "docker.io/ollama/ollama:1"),
        ("mirror:5000/ollama", "mirror:5000/ollama:1"),
        ("localhost/ollama", "localhost/ollama:1"),
    ],
)
def test_the_registry_stands_before_images_that_name_none(repository: str, expected: str, tmp_path: Path) -> None:
    images = {"ollama": {"repository": repository, "tag": "1"}}
    objects = charts.rendered(tmp_path, {"imageRegistry": "registry.example.com:5000/", "images": images})
    (operator,) = charts.named(objects, "Deployment").values()
    (container,) = operator["spec"]["template"]["spec"]["containers"]

    told = {one["name"]: one.get("value") for one in container["env"]}["OLLAMA_IMAGE"]

    assert expected == told
    assert "registry.example.com:5000/clockifyrag-operator:" in container["image"]


def test_the_upgrade_that_takes_back_tags_and_digests_of_before_leaves_the_images_of_the_chart() -> None:
    upgrades = [line for line in page("docs/upgrade.md").shell_lines() if "images." in line]
    taken_back = [given for line in upgrades for given in re.findall(r"--set (\S+)", line)]
    before = [
        f"images.{image}.{field}={value}"
        for image in ("operator", "service", "indexBuilder")
        for field, value in (("tag", "0.0.9"), ("digest", DIGEST))
    ]

    def images(*given: str) -> list[str]:
        words = [word for one in given for word in ("--set", one)]
        rendered = charts.helm("template", charts.RELEASE, str(charts.CHART), *words).stdout
        return re.findall(r"clockifyrag-(?:operator|service|index-builder)[:@][\w.:]+", rendered)

    assert images(*before) != images(*before, *taken_back) == images()


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        pytest.param({}, "operators", id="where the operator is"),
        pytest.param({"watchNamespaces": ["team-a", "team-b"]}, "team-a", id="in the first that is watched"),
        pytest.param({"watchNamespaces": ["team-a"], "test": {"namespace": "other"}}, "other", id="where it is said"),
    ],
)
def test_the_resource_that_is_tested_is_looked_for(given: dict[str, Any], expected: str, tmp_path: Path) -> None:
    (tester,) = charts.named(charts.rendered(tmp_path, given), "Pod").values()
    (container,) = tester["spec"]["containers"]

    assert {"name": "URL", "value": f"http://help-search.{expected}.svc"} in container["env"]


def test_helm_finds_nothing_to_correct() -> None:
    linted = charts.helm("lint", "--strict", str(charts.CHART))

    assert 0 == linted.returncode, linted.stdout


def test_names_that_look_like_numbers_stay_names() -> None:
    rendered = charts.helm(
        "template", "123", str(charts.CHART), "--namespace", "456", "--set-string", "watchNamespaces={789}",
        "--set", "monitoring.prometheusRule=Enabled", "--set-string", "monitoring.runbooks=file: a",
    )  # fmt: skip
    objects = [one for one in yaml.load_all(rendered.stdout, Loader=yaml.CSafeLoader) if one]

    told = [one["metadata"].get(key, "") for one in objects for key in ("name", "namespace")]
    told += [(one["metadata"].get("labels") or {}).get("app.kubernetes.io/instance", "") for one in objects]

    assert {"123", "456", "789"} <= {str(one) for one in told}
    assert {str} == {type(one) for one in told}


@pytest.mark.parametrize("value", ["replica=3", "operator.settings.leaseSecond=5", "images.operator.name=x"])
def test_a_value_that_does_not_exist_is_refused_by_name(value: str) -> None:
    refused = charts.helm("template", charts.RELEASE, str(charts.CHART), "--set", value)

    assert 1 == refused.returncode
    assert value.partition("=")[0].rpartition(".")[2] in refused.stderr


@pytest.mark.parametrize("value", ["networkPolicy", "operator", "monitoring.runbooks", "crds", "test.resource"])
def test_a_value_that_something_has_to_stand_for_is_refused_by_name_where_it_is_null(value: str) -> None:
    refused = charts.helm("template", charts.RELEASE, str(charts.CHART), "--set", f"{value}=null")

    assert 1 == refused.returncode
    assert f"missing property '{value.rpartition('.')[2]}'" in refused.stderr


def test_a_cluster_older_than_the_chart_is_refused() -> None:
    refused = charts.helm("template", charts.RELEASE, str(charts.CHART), "--kube-version", "1.30.9")

    assert "chart requires kubeVersion: >=1.31" in refused.stderr


def test_in_namespaced_mode_there_is_no_right_in_the_cluster_and_the_rules_are_the_same(tmp_path: Path) -> None:
    whole = charts.rendered(tmp_path, {})
    some = charts.rendered(tmp_path, {"watchNamespaces": ["team-a", "team-b"]})

    rules = charts.named(whole, "ClusterRole")["operators-clockifyrag-operator"]["rules"]
    roles = [one for one in some if one["kind"] == "Role" and one["metadata"]["name"] == "clockifyrag-operator"]

    assert [] == [one["kind"] for one in some if one["kind"].startswith("ClusterRole")]
    assert ["team-a", "team-b"] == [one["metadata"]["namespace"] for one in roles]
    assert [rules, rules] == [one["rules"] for one in roles]


def test_no_rule_reads_secrets_has_a_wildcard_or_lets_the_operator_gain_rights(tmp_path: Path) -> None:
    objects = charts.rendered(tmp_path, {"watchNamespaces": ["team-a"]}) + charts.rendered(tmp_path, {})
    rules = [
        rule
        for one in objects
        if one["kind"] in ("Role", "ClusterRole") and not one["metadata"]["name"].endswith(("-view", "-edit"))
        for rule in one["rules"]
    ]
    granted = {
        (group, resource, verb)
        for rule in rules
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }

    assert granted
    assert {"create"} == {verb for group, resource, verb in granted if resource == "secrets"}
    assert {"get", "list", "watch"} == {verb for _, resource, verb in granted if resource == "clockifyrags"}
    assert not {"*", "escalate", "bind", "impersonate", "deletecollection"} & {word for one in granted for word in one}
    assert not {"serviceaccounts/token", "pods/exec", "pods/log", "nodes", "namespaces", "persistentvolumes"} & {
        resource for _, resource, _ in granted
    }
    assert "rbac.authorization.k8s.io" not in {group for group, _, _ in granted}


def test_the_rules_let_the_operator_look_at_its_kinds_and_delete_what_it_prunes_or_makes_anew_and_no_more(
    tmp_path: Path,
) -> None:
    rules = charts.named(charts.rendered(tmp_path, {}), "ClusterRole")["operators-clockifyrag-operator"]["rules"]
    granted = {
        (group, resource): set(rule["verbs"])
        for rule in rules
        for group in rule["apiGroups"]
        for resource in rule["resources"]
    }

    looked_at = {
        (kind.group, kind.plural): {"list"} | ({"watch"} if kind.watched else set()) for kind in (RESOURCE, *CHILDREN)
    }

    assert looked_at == {
        place: verbs & {"list", "watch"} for place, verbs in granted.items() if verbs & {"list", "watch"}
    }
    assert {kind.plural for kind in CHILDREN if kind.kind in {"Job", *PRUNED, *MADE_ANEW}} == {
        resource for (_, resource), verbs in granted.items() if "delete" in verbs
    }
    assert {"create"} == granted[SECRET.group, SECRET.plural] == granted[EVENT.group, EVENT.plural]


@pytest.mark.parametrize("kinds", [(), charts.MONITORING], ids=["unknown", "known"])
@pytest.mark.parametrize("wanted", ["Auto", "Enabled", "Disabled"])
def test_monitoring_is_made_where_it_is_wanted_or_its_kind_is_known(
    wanted: str, kinds: tuple[str, ...], tmp_path: Path
) -> None:
    given = {"monitoring": {"serviceMonitor": wanted, "prometheusRule": wanted}}

    made = {one["kind"] for one in charts.rendered(tmp_path, given, kinds=kinds)}

    expected = wanted == "Enabled" or (wanted == "Auto" and bool(kinds))
    assert (expected, expected) == ("ServiceMonitor" in made, "PrometheusRule" in made)


def test_an_empty_anti_affinity_stands_in_place_of_the_one_of_the_chart(tmp_path: Path) -> None:
    objects = charts.rendered(tmp_path, {"affinity": {"podAntiAffinity": {}}})
    (operator,) = charts.named(objects, "Deployment").values()

    assert {"podAntiAffinity": {}} == operator["spec"]["template"]["spec"]["affinity"]


@pytest.mark.parametrize("create", [True, False])
@pytest.mark.parametrize(("name", "expected"), [("", "clockifyrag-operator"), ("given", "given")])
def test_rights_are_bound_to_the_account_of_the_operator_alone_whoever_makes_it(
    create: bool, name: str, expected: str, tmp_path: Path
) -> None:
    objects = charts.rendered(tmp_path, {"serviceAccount": {"create": create, "name": name}})
    (operator,) = charts.named(objects, "Deployment").values()

    bound = [subject["name"] for one in objects for subject in one.get("subjects", ())]

    assert {expected} == {*bound, operator["spec"]["template"]["spec"]["serviceAccountName"]}
    assert [expected] * create == list(charts.named(objects, "ServiceAccount"))


@pytest.mark.parametrize(("wanted", "made"), [("Auto", False), ("Enabled", True)])
def test_without_a_service_monitor_there_are_alerts_only_where_they_are_asked_for(
    wanted: str, made: bool, tmp_path: Path
) -> None:
    objects = charts.rendered(tmp_path, {"monitoring": {"serviceMonitor": "Disabled", "prometheusRule": wanted}})

    assert made == ("PrometheusRule" in {one["kind"] for one in objects})


def test_the_rendered_definition_is_the_definition_and_is_kept(tmp_path: Path) -> None:
    definition = yaml.safe_load(charts.text("files/clockifyrag.yaml"))
    (kept,) = charts.named(charts.rendered(tmp_path, {}), "CustomResourceDefinition").values()
    (given_up,) = charts.named(
        charts.rendered(tmp_path, {"crds": {"keep": False}}), "CustomResourceDefinition"
    ).values()

    assert "keep" == kept["metadata"]["annotations"].pop("helm.sh/resource-policy")
    assert definition == kept
    assert definition == given_up


@pytest.mark.parametrize("replicas", [0, 1, 2, 3])
def test_a_lone_operator_may_be_moved_and_of_several_one_at_a_time(replicas: int, tmp_path: Path) -> None:
    budgets = charts.named(charts.rendered(tmp_path, {"replicas": replicas}), "PodDisruptionBudget")

    assert [1] * (replicas > 1) == [one["spec"]["maxUnavailable"] for one in budgets.values()]


def test_the_selectors_of_the_chart_find_the_operators_pods_and_not_the_pod_of_the_test(tmp_path: Path) -> None:
    objects = charts.rendered(tmp_path, MATRIX["placed"])
    (operator,) = charts.named(objects, "Deployment").values()
    (tester,) = charts.named(objects, "Pod").values()
    selectors = [
        operator["spec"]["selector"]["matchLabels"],
        *(one["spec"]["selector"] for one in objects if one["kind"] == "Service"),
        *(one["spec"]["podSelector"]["matchLabels"] for one in objects if one["kind"] == "NetworkPolicy"),
        *(one["spec"]["selector"]["matchLabels"] for one in objects if one["kind"] == "PodDisruptionBudget"),
    ]

    assert 4 == len(selectors)
    for selector in selectors:
        assert selector.items() <= operator["spec"]["template"]["metadata"]["labels"].items()
        assert not selector.items() <= tester["metadata"]["labels"].items()
