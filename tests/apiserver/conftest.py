"""A real API server for tests: `control_plane`, `namespace`, `crd`. With CHAOS what they gave is kept.

Each worker of a parallel run has a control plane of its own: 4 s and 300 MB, and no test that stops the API server,
reads the audit log or changes what belongs to no namespace is seen by one beside it.
"""

import secrets
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest
from tests.apiserver.controlplane import ControlPlane
from tests.apiserver.keeping import keep
from tests.cluster import results
from tests.waiting import wait_until

ROOT = Path(__file__).resolve().parent.parent.parent
CRD_FILE = ROOT / "crds" / "clockifyrag.yaml"
CRD_NAME = "clockifyrags.clockifyrag.io"
CRD_PATH = "/apis/clockifyrag.io/v1beta1/clockifyrags"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if is_ours(item):
            item.add_marker(pytest.mark.apiserver)
    items.sort(key=runs_no_operator)  # those that do take longest: begun first, no worker waits for them at the end


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """By `make chaos`, the figures of a test that passed are kept as those of a cluster: see `record_property`. Of one
    that fails, be it as its fixtures end, nothing is.
    """
    report = yield
    if results.EVERY_ROW and call.when == "call" and report.passed:
        keep(item.nodeid, {str(name): value for name, value in item.user_properties})
    if results.EVERY_ROW and report.failed:
        results.forget(item.nodeid)
    return report


def is_ours(item: pytest.Item) -> bool:
    return Path(__file__).parent in item.path.parents


def runs_no_operator(item: pytest.Item) -> bool:
    return not (is_ours(item) and "operators" in getattr(item, "fixturenames", ()))


@pytest.fixture(scope="session")
def control_plane() -> Iterator[ControlPlane]:
    """Shared by the tests of a worker: who stops or freezes a part of it starts it again."""
    with ControlPlane() as running:
        yield running


@pytest.fixture
def namespace(control_plane: ControlPlane) -> str:
    """A new namespace that admits restricted pods only, with the service account that controllers would make."""
    name = f"test-{secrets.token_hex(4)}"
    labels = {"pod-security.kubernetes.io/enforce": "restricted"}
    control_plane.admin.post("/api/v1/namespaces", {"metadata": {"name": name, "labels": labels}})
    control_plane.admin.post(f"/api/v1/namespaces/{name}/serviceaccounts", {"metadata": {"name": "default"}})
    return name


@pytest.fixture(scope="session")
def crd(control_plane: ControlPlane) -> str:
    """The name of the definition of ClockifyRAG: applied, and served."""
    assert CRD_FILE.exists(), f"{CRD_FILE} is missing; write it: python -m clockifyrag_resource.crd"
    control_plane.kubectl("apply", "--server-side", "--filename", str(CRD_FILE))
    # Established is said a moment before: until the storage is there, too, the server answers 404, then 429.
    wait_until(lambda: control_plane.admin.request("GET", CRD_PATH).is_success, 30, "the resource is served")
    return CRD_NAME
