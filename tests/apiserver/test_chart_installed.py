"""Helm at work on a real API server: installed, upgraded, uninstalled, and what the operator's account may do then."""

import shutil
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import charts
import pytest
import yaml
from pages import ROOT, page
from tests.apiserver.controlplane import Api, ApiError, ControlPlane


@pytest.fixture(params=["cluster", "namespaced"])
def installed(
    request: pytest.FixtureRequest, control_plane: ControlPlane, namespace: str, crd: str, tmp_path: Path
) -> Iterator[str]:
    watched = [namespace] if request.param == "namespaced" else []
    file = tmp_path / "values.yaml"
    file.write_text(yaml.safe_dump({"watchNamespaces": watched, "crds": {"install": False}}))
    environment = {"KUBECONFIG": str(control_plane.admin.user.kubeconfig), "HOME": str(tmp_path)}
    command = ("upgrade", "--install", charts.RELEASE, str(charts.CHART), "--namespace", namespace)
    done = charts.helm(*command, "--values", str(file), environment=environment)
    assert 0 == done.returncode, done.stderr
    yield done.stdout
    gone = charts.helm("uninstall", charts.RELEASE, "--namespace", namespace, environment=environment)
    assert 0 == gone.returncode, gone.stderr


def test_the_notes_tell_commands_that_this_server_takes(
    installed: str, control_plane: ControlPlane, namespace: str
) -> None:
    notes = installed.partition("NOTES:\n")[2]
    resource = notes.partition("<<END\n")[2].partition("\nEND\n")[0]

    applied = control_plane.kubectl(
        "apply", "--namespace", namespace, "--dry-run=server", "--validate=strict", "-f", "-",
        input=resource,
    )  # fmt: skip

    assert "clockifyrag.clockifyrag.io/help created (server dry run)" == applied.stdout.strip()
    assert f"kubectl apply --namespace {namespace} " in notes
    assert "port-forward" in notes
    assert "deployment/clockifyrag-operator" in notes


def test_the_operators_account_may_lead_look_and_write_in_its_namespaces(
    installed: str, control_plane: ControlPlane, namespace: str
) -> None:
    account = control_plane.service_account(namespace, "clockifyrag-operator")
    lease = {
        "apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": {"name": "clockifyrag-operator"},
        "spec": {"holderIdentity": "one", "leaseDurationSeconds": 15},
    }  # fmt: skip

    with closing(Api(account)) as api:
        leases = f"/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases"
        taken = api.post(leases, lease)
        renewed = api.put(f"{leases}/clockifyrag-operator", taken | {"spec": {"holderIdentity": "two"}})
        config_map = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "help-search"}}
        api.apply(f"/api/v1/namespaces/{namespace}/configmaps/help-search", config_map)
        listed = api.get(f"/apis/clockifyrag.io/v1beta1/namespaces/{namespace}/clockifyrags")

        assert "two" == renewed["spec"]["holderIdentity"]
        assert [] == listed["items"]
        for path in (f"/api/v1/namespaces/{namespace}/secrets", "/api/v1/namespaces", f"{leases}/another"):
            with pytest.raises(ApiError) as refused:
                api.get(path)
            assert 403 == refused.value.code


@pytest.fixture
def own_cluster() -> Iterator[ControlPlane]:
    """One whose definition of ClockifyRAG Helm may make and take away."""
    with ControlPlane() as running:
        yield running


def test_an_upgrade_brings_the_definition_up_to_date_and_uninstalling_leaves_it_with_its_resources(
    own_cluster: ControlPlane, tmp_path: Path
) -> None:
    before = chart_of_before(tmp_path)

    helm_in(own_cluster, "install", charts.RELEASE, str(before))
    own_cluster.kubectl("wait", "--for=condition=Established", "--timeout=30s", "crd", "--all")
    known_before = fields_in(own_cluster)
    own_cluster.kubectl("create", "--filename", str(ROOT / "clockifyrag.yaml"))
    helm_in(own_cluster, "upgrade", charts.RELEASE, str(charts.CHART))
    known_after = fields_in(own_cluster)
    helm_in(own_cluster, "uninstall", charts.RELEASE)
    left = own_cluster.kubectl("get", "clockifyrags", "--output", "name").stdout.split()
    helm_in(own_cluster, "install", charts.RELEASE, str(charts.CHART))

    assert {"pause"} == known_after - known_before
    assert ["clockifyrag.clockifyrag.io/help"] == left
    assert known_after == fields_in(own_cluster)


def test_the_command_of_the_pages_brings_a_definition_up_to_date_that_helm_made(
    own_cluster: ControlPlane, tmp_path: Path
) -> None:
    file = "crds/clockifyrag.yaml"
    (command,) = [line for line in page("docs/upgrade.md").shell_lines() if file in line]
    helm_in(own_cluster, "install", charts.RELEASE, str(chart_of_before(tmp_path)))
    known_before = fields_in(own_cluster)

    own_cluster.kubectl(*command.replace(file, str(ROOT / file)).split()[1:])

    assert {"pause"} == fields_in(own_cluster) - known_before
    assert command in page("docs/conditions.md").code


def chart_of_before(folder: Path) -> Path:
    """A copy of the chart whose definition lacks one field of the spec."""
    before = shutil.copytree(charts.CHART, folder / "before")
    file = before / "files" / "clockifyrag.yaml"
    definition = yaml.safe_load(file.read_text())
    del spec_schema(definition)["pause"]
    file.write_text(yaml.safe_dump(definition))
    return before


def helm_in(cluster: ControlPlane, *arguments: str) -> None:
    environment = {"KUBECONFIG": str(cluster.admin.user.kubeconfig), "HOME": str(cluster.folder)}
    done = charts.helm(*arguments, "--namespace", "default", environment=environment)
    assert 0 == done.returncode, done.stderr


def fields_in(cluster: ControlPlane) -> set[str]:
    """The fields of the spec that the cluster's definition knows."""
    path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/clockifyrags.clockifyrag.io"
    return set(spec_schema(cluster.admin.get(path)))


def spec_schema(definition: dict[str, Any]) -> dict[str, Any]:
    """The fields of the spec that a definition knows."""
    (version,) = definition["spec"]["versions"]
    found: dict[str, Any] = version["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"]
    return found
