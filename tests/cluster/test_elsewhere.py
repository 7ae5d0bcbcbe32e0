"""The story in a cluster that is not ours, as E2E_KUBECONFIG names it: by kubectl alone, nothing of a node is at hand.

E2E_KUBECONFIG=~/.kube/config E2E_LOAD="kind load image-archive {archive}" make e2e
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from urllib.parse import urlencode

import pytest
from tests.cluster.articles import ARTICLES, EDITED, articles
from tests.cluster.kube import LOCAL, Kube, Manifest, Resource

pytestmark = pytest.mark.smoke

QUESTION = "how do people clock in at the kiosk"
SECONDS = 600.0  # nodes may have to pull images


@pytest.fixture(scope="module")
def help_center(elsewhere: Kube) -> Iterator[Resource]:
    with elsewhere.another() as kube:
        kube.apply(articles(ARTICLES))
        yield kube.resource().create(LOCAL | {"source": {"configMapRef": {"name": "articles"}}})


def answer_of(resource: Resource) -> Manifest:
    """The answer of the Service by way of the API server, which reaches it in any cluster."""
    kube, service = resource.kube, f"{resource.name}-search"
    address = f"/api/v1/namespaces/{kube.namespace}/services/http:{service}:80/proxy/search"
    return dict(json.loads(kube.run("get", f"--raw={address}?{urlencode({'q': QUESTION})}")))


def test_a_resource_gets_ready_and_answers(help_center: Resource) -> None:
    """When chart and resource are applied, then it is Ready, and its Service answers from its index."""
    help_center.wait_ready(SECONDS)

    answer = answer_of(help_center)

    assert help_center.generation == answer["metadata"]["index_generation"]
    assert "PIN of four digits" in answer["results"][0]["content"]


def test_an_article_that_is_edited_is_found_as_it_is_now(help_center: Resource) -> None:
    """When an article in the ConfigMap is edited, then it is indexed, rolled out and found."""
    before = help_center.generation

    help_center.kube.apply(articles(ARTICLES | {"kiosk.md": EDITED}))
    help_center.wait_other_generation(before, SECONDS)

    help_center.wait(
        lambda: "face to the camera" in answer_of(help_center)["results"][0]["content"], "the new text", 30
    )


def test_when_it_is_deleted_nothing_of_it_runs(help_center: Resource) -> None:
    """When it is deleted, then no pod, Service or Job of it is left."""
    kinds, labelled = "deployments,statefulsets,jobs,pods,services", "--selector=clockifyrag.io/resource=help"

    help_center.delete()

    help_center.wait(lambda: not help_center.kube.run("get", kinds, labelled, "--output=name"), "all is gone", 90)
