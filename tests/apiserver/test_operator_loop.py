"""The operator's process on a real API server: what wakes it, what it writes, who leads, and how it ends."""

import os
import secrets
import signal
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.apiserver.controlplane import ApiError, ControlPlane
from tests.apiserver.operator_process import OperatorProcess, Operators
from tests.waiting import wait_until

from clockifyrag_operator import names

SECONDS = 20.0
REST_SECONDS = 3.0  # longer than every period of an operator at a tenth of the real times
RSS_MIB_MAX = 110
WRITES = ("create", "update", "patch", "delete")


def definition_of(kind: str, plural: str) -> dict[str, Any]:
    """A definition of a kind of monitoring.coreos.com that takes any object."""
    anything = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.monitoring.coreos.com"},
        "spec": {
            "group": "monitoring.coreos.com",
            "scope": "Namespaced",
            "names": {"kind": kind, "plural": plural, "singular": kind.lower()},
            "versions": [{"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": anything}}],
        },
    }


@pytest.fixture(scope="module")
def operators(control_plane: ControlPlane, crd: str) -> Iterator[Operators]:
    with Operators(control_plane) as running:
        yield running


class Place:
    """A namespace, and what stands in it."""

    def __init__(self, control_plane: ControlPlane, namespace: str) -> None:
        self.api, self.plane, self.namespace = control_plane.admin, control_plane, namespace

    def path(self, plural: str, name: str = "") -> str:
        groups = {
            "deployments": "apps/v1",
            "statefulsets": "apps/v1",
            "jobs": "batch/v1",
            "networkpolicies": "networking.k8s.io/v1",
            "servicemonitors": "monitoring.coreos.com/v1",
            "prometheusrules": "monitoring.coreos.com/v1",
            "clockifyrags": "clockifyrag.io/v1beta1",
            "leases": "coordination.k8s.io/v1",
        }
        root = f"/apis/{groups[plural]}" if plural in groups else "/api/v1"
        return f"{root}/namespaces/{self.namespace}/{plural}" + (f"/{name}" if name else "")

    def get(self, plural: str, name: str) -> dict[str, Any] | None:
        answer = self.api.request("GET", self.path(plural, name))
        return answer.json() if answer.is_success else None

    def make(self, **spec: Any) -> None:
        """The resource `help`."""
        body = {
            "apiVersion": "clockifyrag.io/v1beta1",
            "kind": "ClockifyRAG",
            "metadata": {"name": "help"},
            "spec": {"source": {"sample": {}}, "embedding": {"provider": "Local"}, **spec},
        }
        self.api.post(self.path("clockifyrags"), body)

    def condition(self, kind: str) -> dict[str, Any]:
        status = (self.get("clockifyrags", "help") or {}).get("status", {})
        return next((one for one in status.get("conditions", ()) if one["type"] == kind), {})

    def settle(self, operator: OperatorProcess) -> None:
        """Returns once the children stand and nothing was written for a moment."""
        wait_until(lambda: self.get("statefulsets", "help-store"), SECONDS, "the store is made", operator.explain)
        wait_until(lambda: self.written(operator, REST_SECONDS / 3) == [], SECONDS, "it rests", operator.explain)

    def written(self, operator: OperatorProcess, lately_seconds: float) -> list[tuple[str, str, str]]:
        """Verb, plural and name of what it wrote lately, the lease aside."""
        since = datetime.fromtimestamp(time.time() - lately_seconds, UTC)
        return [
            (event.verb, event.resource, event.name)
            for event in self.plane.audit(user=operator.user_name, since=since)
            if event.verb in WRITES and event.resource != "leases"
        ]

    def holder(self) -> str:
        lease = self.get("leases", "clockifyrag-operator") or {"spec": {}}
        return str(lease["spec"].get("holderIdentity") or "")


@pytest.fixture
def place(control_plane: ControlPlane, crd: str, namespace: str) -> Place:
    return Place(control_plane, namespace)


def test_a_resource_gets_its_children_and_a_status_and_then_nothing_more_is_written(
    operators: Operators, place: Place
) -> None:
    operator = operators.start(place.namespace)

    place.make()
    place.settle(operator)

    started = time.monotonic()
    wait_until(lambda: time.monotonic() - started > REST_SECONDS, 2 * REST_SECONDS, "a time of rest")
    assert [] == place.written(operator, REST_SECONDS)
    live = place.get("clockifyrags", "help")
    assert live is not None
    assert "finalizers" not in live["metadata"]
    assert not [one for one in live["metadata"].get("annotations", {}) if "kopf" in one]
    assert live["metadata"]["generation"] == live["status"]["observedGeneration"]
    assert {names.MANAGER} == {
        entry["manager"]
        for entry in (place.get("statefulsets", "help-store") or {})["metadata"]["managedFields"]
        if entry["manager"] != "test"
    } - {names.REPLICAS_MANAGER}
    assert operator.terminate() == 0


def test_what_is_deleted_or_changed_by_hand_comes_back_and_what_others_add_stays(
    operators: Operators, place: Place
) -> None:
    operator = operators.start(place.namespace, RESYNC_SECONDS=600)  # by the watches alone
    place.make()
    place.settle(operator)
    before = place.get("networkpolicies", "help-deny")
    assert before is not None

    place.api.delete(place.path("networkpolicies", "help-deny"))
    place.api.patch(place.path("services", "help-store"), {"metadata": {"labels": {names.COMPONENT: "wrong"}}})
    place.api.patch(place.path("serviceaccounts", "help-search"), {"metadata": {"annotations": {"theirs": "1"}}})

    def healed() -> bool:
        policy, service = place.get("networkpolicies", "help-deny"), place.get("services", "help-store")
        assert service is not None
        return (
            policy is not None
            and policy["metadata"]["uid"] != before["metadata"]["uid"]
            and service["metadata"]["labels"][names.COMPONENT] == names.STORE
        )

    wait_until(healed, 5, "what was deleted and changed is back", operator.explain)
    place.settle(operator)
    account = place.get("serviceaccounts", "help-search")
    assert account is not None and "1" == account["metadata"]["annotations"]["theirs"]
    operator.terminate()


def test_labels_that_were_taken_off_a_child_come_back(operators: Operators, place: Place) -> None:
    operator = operators.start(place.namespace, RESYNC_SECONDS=600)
    place.make()
    place.settle(operator)

    place.api.patch(place.path("services", "help-store"), {"metadata": {"labels": {names.MANAGED_BY: None}}})

    def labelled() -> bool:
        service = place.get("services", "help-store")
        return service is not None and names.MANAGED_BY in service["metadata"]["labels"]

    wait_until(labelled, 5, "the label is back", operator.explain)
    place.settle(operator)
    operator.terminate()


def test_an_object_of_somebody_else_is_never_taken_over_and_the_way_is_free_once_it_is_gone(
    operators: Operators, place: Place
) -> None:
    theirs = {"metadata": {"name": "help-store"}, "spec": {"ports": [{"port": 9}], "selector": {"a": "b"}}}
    made = place.api.post(place.path("services"), theirs)
    operator = operators.start(place.namespace)

    place.make()

    def told() -> bool:
        return "help-store" in place.condition("Ready").get("message", "")

    wait_until(told, SECONDS, "the resource names the object", operator.explain)
    live = place.get("services", "help-store")
    assert live is not None and made["metadata"]["resourceVersion"] == live["metadata"]["resourceVersion"]
    place.api.delete(place.path("services", "help-store"))
    wait_until(lambda: place.get("services", "help-store"), 45, "ours stands", operator.explain)
    operator.terminate()


def test_a_lease_is_let_go_at_the_end_and_the_other_operator_leads_at_once(operators: Operators, place: Place) -> None:
    first = operators.start(place.namespace)
    wait_until(place.holder, SECONDS, "the first leads", first.explain)
    second = operators.start(place.namespace, POD_NAME="second")
    assert not place.holder().startswith("second")

    started = time.monotonic()
    code = first.terminate()
    wait_until(lambda: place.holder().startswith("second"), 2, "the second leads", second.explain)

    assert 0 == code
    assert time.monotonic() - started < 3.0
    assert 1 == second.metric("clockifyrag_leader")
    second.terminate()


def test_a_killed_leader_is_followed_within_its_lease(operators: Operators, place: Place) -> None:
    lease_seconds = 3.0
    first = operators.start(place.namespace, LEASE_SECONDS=lease_seconds, LEASE_RENEW_SECONDS=0.5)
    wait_until(place.holder, SECONDS, "the first leads", first.explain)
    second = operators.start(place.namespace, POD_NAME="second", LEASE_SECONDS=lease_seconds, LEASE_RENEW_SECONDS=0.5)

    killed_at = time.monotonic()
    first.kill()

    wait_until(lambda: place.holder().startswith("second"), 10, "the second leads", second.explain)
    assert time.monotonic() - killed_at <= lease_seconds + 0.5
    second.terminate()


def test_a_leader_that_was_frozen_writes_nothing_when_it_wakes_up(operators: Operators, place: Place) -> None:
    first = operators.start(place.namespace, POD_NAME="first")
    place.make()
    place.settle(first)
    second = operators.start(place.namespace, POD_NAME="second")
    first.freeze()
    wait_until(lambda: place.holder().startswith("second"), SECONDS, "the second leads", second.explain)
    place.settle(second)
    place.api.delete(place.path("services", "help-store"))
    wait_until(lambda: place.get("services", "help-store"), SECONDS, "the second heals", second.explain)
    place.settle(second)

    first.thaw()
    wait_until(lambda: "the lease is lost" in first.log, SECONDS, "the first notices", first.explain)
    place.api.delete(place.path("networkpolicies", "help-deny"))  # one writer heals it, once
    wait_until(lambda: place.get("networkpolicies", "help-deny"), SECONDS, "it is healed", second.explain)
    place.settle(second)

    assert place.holder().startswith("second")
    assert 0 == first.metric("clockifyrag_leader")
    assert 'object":"NetworkPolicy/help-deny' in second.log
    assert first.log.count('object":"NetworkPolicy/help-deny') == 1  # from the time it led
    first.terminate()
    second.terminate()


def test_a_deleted_resource_is_asked_for_three_times_at_most(operators: Operators, place: Place) -> None:
    operator = operators.start(place.namespace)
    place.make()
    place.settle(operator)
    since = datetime.now(UTC)

    place.api.delete(place.path("clockifyrags", "help"))

    wait_until(lambda: time.time() - since.timestamp() > REST_SECONDS, 10, "time for more requests")
    asked = [
        event
        for event in place.plane.audit(user=operator.user_name, since=since)
        if event.namespace == place.namespace and (event.name.startswith("help") or event.verb in WRITES)
        if event.resource != "leases"
    ]
    assert len(asked) <= 3, asked
    operator.terminate()


@pytest.mark.parametrize(
    ("kind", "plural"), [("ServiceMonitor", "servicemonitors"), ("PrometheusRule", "prometheusrules")]
)
def test_monitoring_is_made_as_soon_as_its_kind_is_known_and_the_end_of_that_is_no_error(
    operators: Operators, place: Place, kind: str, plural: str
) -> None:
    operator = operators.start(place.namespace)
    place.make()
    place.settle(operator)
    definitions = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
    definition = f"{definitions}/{plural}.monitoring.coreos.com"

    place.api.apply(definition, definition_of(kind, plural))
    try:
        wait_until(lambda: place.get(plural, "help-search"), 60 * 0.5, f"the {kind} is made", operator.explain)
    finally:
        place.api.delete(definition)

    wait_until(lambda: place.api.request("GET", definition).status_code == 404, SECONDS, "the kind is gone")
    written = len(operator.log)
    started = time.monotonic()
    wait_until(lambda: time.monotonic() - started > REST_SECONDS, 2 * REST_SECONDS, "a time with its absence")
    assert '"level":"error"' not in operator.log[written:]
    assert 200 == operator.get("/livez")
    operator.terminate()


def test_an_older_crd_is_told_by_metric_log_and_condition_and_stops_nothing(
    operators: Operators, place: Place, control_plane: ControlPlane
) -> None:
    definition = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/clockifyrags.clockifyrag.io"
    ours = yaml.safe_load((Path(__file__).parents[2] / "crds" / "clockifyrag.yaml").read_text())
    old = yaml.safe_load(yaml.safe_dump(ours))
    schema = old["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    del schema["properties"]["spec"]["properties"]["pause"]
    del schema["properties"]["status"]["properties"]["url"]  # a server-side apply of what it does not know is refused
    del schema["properties"]["status"]["properties"]["images"]["properties"]["format"]
    live = place.api.get(definition)
    place.api.put(definition, {**live, "spec": {**live["spec"], "versions": old["spec"]["versions"]}})
    try:
        operator = operators.start(place.namespace)
        place.make()

        def told() -> bool:
            return any("spec.pause" in place.condition(kind).get("message", "") for kind in ("Degraded", "Stalled"))

        wait_until(lambda: operator.metric("clockifyrag_schema_problem") == 1, SECONDS, "the metric", operator.explain)
        wait_until(lambda: "spec.pause" in operator.log, SECONDS, "the log", operator.explain)
        wait_until(lambda: place.get("statefulsets", "help-store"), SECONDS, "the children", operator.explain)
        wait_until(told, SECONDS, "the condition", lambda: place.get("clockifyrags", "help"))
    finally:
        live = place.api.get(definition)
        place.api.put(definition, {**live, "spec": {**live["spec"], "versions": ours["spec"]["versions"]}})

    wait_until(lambda: operator.metric("clockifyrag_schema_problem") == 0, 30, "the new CRD is seen", operator.explain)
    operator.terminate()


def test_a_spec_that_is_refused_and_then_mended_converges_without_waiting_for_a_backoff(
    operators: Operators, place: Place
) -> None:
    quota = {"metadata": {"name": "none"}, "spec": {"hard": {"count/jobs.batch": "0"}}}
    place.api.post(place.path("resourcequotas"), quota)
    place.api.patch(
        f"{place.path('resourcequotas', 'none')}/status",
        {"status": {"hard": {"count/jobs.batch": "0"}, "used": {"count/jobs.batch": "0"}}},
    )
    operator = operators.start(place.namespace, BACKOFF_SECONDS=0.1, BACKOFF_SECONDS_MAX=600)
    place.make()
    wait_until(lambda: operator.log.count("exceeded quota") > 3, SECONDS, "refused again and again", operator.explain)
    assert [] == place.api.get(place.path("jobs"))["items"]

    place.api.delete(place.path("resourcequotas", "none"))
    place.api.patch(place.path("clockifyrags", "help"), {"spec": {"search": {"replicas": 3}}})

    wait_until(lambda: place.api.get(place.path("jobs"))["items"], 10, "the Job is made", operator.explain)
    operator.terminate()


def test_the_process_stays_small(operators: Operators, place: Place) -> None:
    operator = operators.start(place.namespace)
    place.make()
    place.settle(operator)

    status = Path(f"/proc/{operator.pid}/status").read_text()

    resident = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS")) // 1024
    assert resident <= RSS_MIB_MAX
    operator.terminate()


def test_a_namespace_that_is_not_watched_is_left_alone(
    operators: Operators, place: Place, control_plane: ControlPlane
) -> None:
    elsewhere = f"test-{secrets.token_hex(4)}"
    control_plane.admin.post("/api/v1/namespaces", {"metadata": {"name": elsewhere}})
    operator = operators.start(elsewhere)
    place.make()
    other = Place(control_plane, elsewhere)
    other.make()
    other.settle(operator)

    assert not (place.get("clockifyrags", "help") or {}).get("status")
    with pytest.raises(ApiError):
        place.api.get(place.path("statefulsets", "help-store"))
    os.kill(operator.pid, signal.SIGINT)
    assert 0 == operator.wait()
