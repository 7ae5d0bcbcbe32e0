"""The cluster of `make cluster-up` with our images on it and the chart installed: `installed`, `place`.

`make e2e` brings everything up. Whatever is missing fails the tests with the command that provides it. In a cluster
that E2E_KUBECONFIG names, `elsewhere`, nothing of a node can be reached: there test_elsewhere.py alone is run.
"""

from __future__ import annotations

import os
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest
from tests.cluster import results
from tests.cluster.installation import installation, installation_elsewhere
from tests.cluster.kube import LOCAL, Kube, Resource
from tests.cluster.results import CHAOS, EVERY_ROW
from tests.cluster.storage import storage_classes, volume_by_hand
from tools.cluster.__main__ import one_at_a_time
from tools.cluster.node import Cluster
from tools.cluster.ollama import ModelServer, provide_ollama
from tools.cluster.up import FOREIGN

# Daemons that tests start, a registry or a part of the node, outlive them, as those of `make cluster-up` do.
OUTLIVES = pytest.mark.filterwarnings("ignore:subprocess .* is still running:ResourceWarning")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    ours = [item for item in items if here in item.path.parents]
    foreign = bool(os.environ.get(FOREIGN))
    for item in ours:
        item.add_marker(pytest.mark.cluster)
        item.add_marker(OUTLIVES)
        if not CHAOS:
            item.add_marker(pytest.mark.timeout(1800 if foreign else 600))  # elsewhere, images travel first
    left_out = [
        item
        for item in ours
        if foreign != (item.path == here / "test_elsewhere.py") or (not EVERY_ROW and item.get_closest_marker("chaos"))
    ]
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if item not in left_out]
    items.sort(key=lambda item: item.path != here / "test_story.py")  # it shows best what is broken, and finds all new


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """By `make chaos`, no result is kept of a test that fails, be it as its fixtures end."""
    report = yield
    if EVERY_ROW and report.failed:
        results.forget(item.nodeid)
    return report


@pytest.fixture(scope="session")
def cluster(installed: Kube) -> Cluster:
    return installed.cluster


@pytest.fixture(scope="session")
def model_server(installed: Kube) -> ModelServer:
    """The image of Ollama, and the registry that has all-minilm."""
    with one_at_a_time(installed.cluster):
        return provide_ollama(installed.cluster)


@pytest.fixture(scope="session")
def installed() -> Iterator[Kube]:
    """The namespace of the operator."""
    with installation() as kube:
        yield kube


@pytest.fixture(scope="session")
def elsewhere() -> Iterator[Kube]:
    """The namespace of the operator in a cluster that is not ours."""
    with installation_elsewhere() as kube:
        yield kube


@pytest.fixture(scope="module")
def served(installed: Kube) -> Iterator[Resource]:
    """A resource that is Ready, for the tests of a file; each leaves it Ready."""
    with installed.another(wait=False) as kube:
        yield kube.resource().create(LOCAL).wait_ready()


@pytest.fixture
def place(installed: Kube) -> Iterator[Kube]:
    """A namespace for one test, gone with all in it soon afterwards."""
    with installed.another(wait=False) as kube:
        yield kube


@pytest.fixture
def classes(place: Kube) -> Iterator[dict[str, str]]:
    with storage_classes(place) as names:
        yield names


@pytest.fixture
def shared_volume(place: Kube, classes: dict[str, str]) -> Iterator[str]:
    """The class of one volume, made by hand, that many nodes can mount."""
    with volume_by_hand(place, classes["shared"]):
        yield classes["shared"]
