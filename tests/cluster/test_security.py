"""Security of what really runs: profile, rights, tokens, and which pod may talk to which."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.cluster import rights
from tests.cluster.flows import End, Policies
from tests.cluster.kube import EMBEDDED_SECONDS, OPERATOR, Kube, Manifest, Resource
from tests.cluster.rights import Asked
from tools.cluster.node import API_SERVICE

HERE = Path(__file__).parent
PROFILE = "pod-security.kubernetes.io"
COMPONENTS = ("search", "store", "ollama", "build")
READS_METRICS = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "monitoring"}}}
TOKENS = "/var/run/secrets/kubernetes.io"
OUTSIDE = ("registry", "API server", "API service")  # as good as any address
FLOWS = {  # of the design: source, target, port; who asks for names besides
    *((client, "search", 8000) for client in ("stranger", "prometheus", "dns", *OUTSIDE)),
    ("search", "sibling", 9090), ("search", "store", 8001), ("search", "ollama", 11434), ("build", "ollama", 11434),
    ("operator", "search", 9090), ("operator", "build", 9090), ("operator", "ollama", 11434),
    ("prometheus", "search", 9090),  # as spec.networkPolicy.metricsFrom says
    *((reader, "operator", 8080) for reader in ("stranger", "prometheus", "dns")),
    *((asking, "dns", 53) for asking in ("search", "build", "ollama", "operator")),
    ("ollama", "registry", 5000), ("operator", "API server", 6443), ("operator", "API service", 443),
}  # fmt: skip


@pytest.fixture(scope="module")
def whole(installed: Kube) -> Iterator[Resource]:
    """The sample resource, which has pods of all kinds, and lets Prometheus read its metrics."""
    resource = installed.resource()
    if installed.get("clockifyrag", "help") is None:  # the story came to its end before
        sample = installed.kubectl.run("kustomize", "--load-restrictor=LoadRestrictionsNone", str(HERE))
        installed.run("apply", "--filename=-", text=sample)
    resource.change({"networkPolicy": {"metricsFrom": [READS_METRICS]}})
    resource.wait_ready(EMBEDDED_SECONDS)
    if not installed.pods("build"):
        resource.reindex("security")
        resource.wait(lambda: installed.pods("build"), "a build")
        resource.wait_ready(EMBEDDED_SECONDS)
    yield resource
    resource.change({"networkPolicy": None})


@pytest.fixture(scope="module")
def ends(whole: Resource) -> dict[str, End]:
    """A pod of each kind that there is, and what is outside of the cluster."""
    kube, node = whole.kube, whole.kube.cluster.node.address
    pods = {component: kube.pods(component)[0] for component in COMPONENTS} | {
        "operator": kube.all("pods", OPERATOR)[0],
        "prometheus": first_pod(kube, "monitoring", "app.kubernetes.io/name=prometheus"),
        "dns": first_pod(kube, "kube-system", "k8s-app=kube-dns"),
        "stranger": first_pod(kube, "local-path-storage", ""),
    }
    return {name: End.of(pod) for name, pod in pods.items()} | {
        "registry": End(address=node, ports=(("", 5000, "TCP"),)),
        "API server": End(address=node, ports=(("", 6443, "TCP"),)),
        "API service": End(address=API_SERVICE, ports=(("", 443, "TCP"),)),
    }


@pytest.fixture(scope="module")
def sibling(whole: Resource) -> End:
    """Another search pod than the one of `ends`."""
    return End.of(whole.kube.pods("search")[1])


def first_pod(kube: Kube, namespace: str, selector: str) -> Manifest:
    found: Manifest = kube.kubectl.get("pods", f"--namespace={namespace}", f"--selector={selector}")["items"][0]
    return found


@pytest.fixture(scope="module")
def policies(whole: Resource) -> Policies:
    """All that the API server accepted."""
    kubectl = whole.kube.kubectl
    namespaces = kubectl.get("namespaces")["items"]
    labels = {one["metadata"]["name"]: one["metadata"].get("labels") or {} for one in namespaces}
    return Policies(kubectl.get("networkpolicies", "--all-namespaces")["items"], labels)


def test_every_namespace_enforced_the_restricted_profile_from_the_first_pod_on(whole: Resource) -> None:
    """Of this run's namespaces no pod came in by another profile, and nothing was warned of."""
    judged = list(rights.audited(whole.kube.cluster, rights.installed_at(whole.kube), PROFILE))
    ours = [one for one in judged if one.event.namespace.startswith(("test-", whole.kube.namespace))]

    pods = [one for one in ours if one.event.resource == "pods" and one.event.verb == "create"]
    profiles = {one.notes[f"{PROFILE}/enforce-policy"] for one in pods}
    assert {"restricted:latest"} == profiles
    assert {201} == {one.event.response_code for one in pods} - {409}  # a controller may ask for a pod it has
    assert [] == [
        f"{one.event.uri}: {warning}" for one in ours if (warning := one.notes.get(f"{PROFILE}/audit-violations"))
    ]


def test_the_operator_asked_for_nothing_that_the_chart_does_not_grant(
    whole: Resource, capsys: pytest.CaptureFixture[str]
) -> None:
    """By the audit log of the whole run. What is granted and was not used is printed: not every run needs all of it."""
    requests, granted = rights.asked(whole.kube), rights.granted(whole.kube)
    used = rights.used(requests)

    with capsys.disabled():
        unused = ", ".join(f"{verb} {resource}" for _, resource, verb in sorted(granted - used)) or "nothing"
        print(f"\n  {len(requests)} requests used {len(used)} of {len(granted)} rights; unused: {unused}", flush=True)
    assert requests
    assert [] == [shown(one) for one in requests if one.forbidden]
    assert set() == used - granted


def shown(one: Asked) -> str:
    return f"{one.event.verb} {one.event.uri}: {one.notes.get('authorization.k8s.io/reason')}"


def test_no_pod_of_a_resource_holds_a_token_of_the_api_server(whole: Resource) -> None:
    """By their specs, and by what the kubelet mounted; the operator's pods show that it would be seen."""
    kube = whole.kube
    pods = {name: kube.pods(name) for name in COMPONENTS}

    assert dict.fromkeys(COMPONENTS, True) == {name: bool(found) for name, found in pods.items()}
    assert [] == [pod["metadata"]["name"] for found in pods.values() for pod in found if has_token(kube, pod)]
    assert [True] * 2 == [has_token(kube, pod) for pod in kube.all("pods", OPERATOR)]


def has_token(kube: Kube, pod: Manifest) -> bool:
    """Whether it asks for one, or one was mounted."""
    asked = any("serviceAccountToken" in str(volume) for volume in pod["spec"]["volumes"])
    mounted = kube.cluster.node.folder / "kubelet" / "pods" / pod["metadata"]["uid"] / "volumes"
    return (
        asked or pod["spec"].get("automountServiceAccountToken") is not False or bool(list(mounted.glob("*projected*")))
    )


@pytest.mark.parametrize("component", ["search", "store"])
def test_a_program_finds_no_token_is_nobody_and_cannot_change_its_image(whole: Resource, component: str) -> None:
    pod = whole.kube.pods(component)[0]["metadata"]["name"]
    look = f"id -u; ls {TOKENS} 2>&1; touch /changed 2>&1; true"

    told = whole.kube.run("exec", pod, "--", "sh", "-c", look).splitlines()

    assert "10001" == told[0]
    assert "No such file or directory" in told[1]
    assert "Read-only file system" in told[2]


def test_each_flow_of_the_design_is_allowed_by_one_rule_and_no_other_flow_is(
    policies: Policies, ends: dict[str, End], sibling: End
) -> None:
    """Between all kinds of pods, on all ports they listen on, out of the cluster and in; and from one search pod to
    another.
    """
    allowed: dict[tuple[str, str, int], list[object]] = {}
    pairs = [(a, b, ends[b]) for a in ends for b in ends if a != b] + [("search", "sibling", sibling)]
    for source, target, end in pairs:
        for _, number, protocol in end.ports:
            rules = policies.allowing(ends[source], end, number, protocol)
            if all(side is None for side in rules) or not all(side is None or side for side in rules):
                continue  # neither end is ours, or one of them forbids it
            allowed.setdefault((source, target, number), []).extend(side for side in rules if side is not None)

    assert FLOWS == allowed.keys()
    assert {} == {flow: sides for flow, sides in allowed.items() if any(len(side) != 1 for side in sides)}  # type: ignore[arg-type]
    print(f"  {len(allowed)} flows, {len(policies.policies)} policies", flush=True)


def test_every_pod_is_forbidden_what_no_rule_allows(policies: Policies, ends: dict[str, End], whole: Resource) -> None:
    """Each pod of a resource by one policy that denies everything; the operator's by one that names both directions."""
    kube = whole.kube
    found = {name: policies.denying(ends[name]) for name in COMPONENTS}
    every = [End.of(pod) for pod in kube.all("pods")]

    assert {name: ["help-deny"] for name in COMPONENTS} == found
    assert [] == [pod for pod in every if not all(policies.selecting(pod, way) for way in ("Ingress", "Egress"))]


def test_whether_the_network_of_this_node_enforces_policies_is_said(
    whole: Resource, ends: dict[str, End], policies: Policies, capsys: pytest.CaptureFixture[str]
) -> None:
    """A search pod tries what is forbidden: metrics of the operator."""
    source, target, number = whole.kube.pods("search")[0]["metadata"]["name"], ends["operator"], 8080
    out, _ = policies.allowing(ends["search"], target, number, "TCP")
    probe = f"import socket; socket.create_connection(({target.address!r}, {number}), 3); print('through')"
    attempt = f'python3 -c "{probe}" 2>&1 || true'

    told = whole.kube.run("exec", source, "--", "sh", "-c", attempt)

    with capsys.disabled():
        enforced = "enforces NONE of" if "through" in told else "enforces"
        print(
            f"\n  NOTICE: the network of this node {enforced} the {len(policies.policies)} NetworkPolicies", flush=True
        )
    assert [] == out, "no rule allows it"
    assert "through" in told or "Error" in told
