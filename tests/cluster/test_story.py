"""The story of one resource: installed, asked, edited, grown, deleted. Each test goes on where the one before ended."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator

import pytest
from tests.cluster import results
from tests.cluster.articles import ARTICLES, EDITED, articles
from tests.cluster.kube import EMBEDDED_SECONDS, OPERATOR, Kube, Manifest, Resource, ask, started_seconds
from tests.cluster.load import History, Load
from tools.binaries import find

pytestmark = pytest.mark.smoke

LETS_GO_SECONDS = 10.0
# A new pod, from its making until it is Ready, under load. R23 says 15 s; a plain run shares the node with whatever is
# left of the installation, and with all else that the machine does.
SCALED_UP_SECONDS = 15.0 if results.CHAOS else 45.0
RATE = 75.0  # questions a second, 25 of them past the cache: not too much for two pods
CALM_RATE = 5.0  # keeps no third pod
BUSY_PERCENT = 30  # of what a pod asks for: what those questions take of a fast processor, too
HELD = "everything but what the author asked to keep"


@pytest.fixture(scope="module")
def help_center(installed: Kube) -> Iterator[Resource]:
    """The resource of tests/cluster/kustomization.yaml, which the last step of skaffold.yaml applied."""
    yield installed.resource("help")


def test_the_sample_resource_gets_ready(help_center: Resource) -> None:
    """When chart and clockifyrag.yaml are applied, then it is soon Ready, with the model of its own Ollama."""
    kube = help_center.kube
    kube.run("wait", "--for=condition=Ready", f"--timeout={EMBEDDED_SECONDS:g}s", "clockifyrag/help")
    print(f"\n{kube.run('get', 'clockifyrag')}\n{kube.run('describe', 'clockifyrag', 'help')}", flush=True)

    status = help_center.status

    assert (109, 434, 384, "all-minilm") == tuple(
        status["index"][key] for key in ("documents", "chunks", "dimensions", "model")
    )
    assert ("True", "ModelLoaded") == help_center.condition("EmbedderReady")


def test_another_pod_gets_an_answer_by_the_name_of_the_service(help_center: Resource) -> None:
    command = [str(find("helm")), f"--kubeconfig={help_center.kube.cluster.kubeconfig}", "test", "clockifyrag"]

    done = subprocess.run([*command, "--namespace", help_center.kube.namespace], capture_output=True, text=True)

    assert 0 == done.returncode, f"{done.stdout}{done.stderr}{help_center.kube.explain()}"
    assert "Succeeded" in done.stdout


def test_an_article_that_is_edited_is_found_as_it_is_now(help_center: Resource) -> None:
    """Given articles in a ConfigMap, when one is edited, then it is indexed, rolled out and found, by itself."""
    kube, sample = help_center.kube, help_center.generation
    kube.apply(articles(ARTICLES))
    help_center.change({"source": {"sample": None, "configMapRef": {"name": "articles"}}})
    first = help_center.wait_other_generation(sample)
    before = answer_of(help_center, first)

    kube.apply(articles(ARTICLES | {"kiosk.md": EDITED}))
    second = help_center.wait_other_generation(first)
    after = answer_of(help_center, second)

    assert "PIN of four digits" in before["results"][0]["content"]
    assert "face to the camera" in after["results"][0]["content"]


def answer_of(resource: Resource, generation: str) -> Manifest:
    """The Service's answer: kube-proxy lets go of the former pods a moment after they have ceased to be endpoints."""

    def answer() -> Manifest | None:
        found = ask(resource.url, "how do people clock in at the kiosk")
        return found if found["metadata"]["index_generation"] == generation else None

    return resource.wait(answer, f"an answer from {generation}", LETS_GO_SECONDS)


def test_a_new_word_of_the_author_builds_once_more(help_center: Resource) -> None:
    """When the author asks for it by an annotation, then the same articles are built again, and it stays the same."""
    before = help_center.generation

    help_center.reindex("again")
    help_center.wait(lambda: jobs_of(help_center, "again"), "a build for the token")
    help_center.wait_ready()

    assert before == help_center.generation


def jobs_of(resource: Resource, token: str) -> bool:
    told = resource.kube.run("get", "events", "--field-selector=reason=JobComplete", "--output=name")
    return bool(told) and resource.is_ready() and token in str(resource.kube.get("configmap", "help-generations"))


def test_it_is_scaled_by_its_author(help_center: Resource) -> None:
    """When its author wants at least three pods, then there are three, and two again once two are enough."""
    help_center.wait(lambda: 2 == ready(help_center), "two pods at rest")

    help_center.change({"search": {"autoscaling": {"minReplicas": 3}}})
    help_center.wait(lambda: 3 == ready(help_center), "three pods")
    help_center.change({"search": {"autoscaling": {"minReplicas": 2}}})

    help_center.wait(lambda: 2 == ready(help_center), "two pods again")


def test_it_is_scaled_by_its_load(help_center: Resource) -> None:
    """Given an autoscaler from two to three pods, when many ask, then there are three, and two again afterwards."""
    help_center.wait(lambda: 2 == ready(help_center), "two pods at rest")
    before = {pod["metadata"]["name"] for pod in help_center.kube.pods("search")}
    help_center.change({"search": {"autoscaling": {"targetCPUPercent": BUSY_PERCENT}}})

    with Load(help_center.url, "story-autoscaling", rate=RATE, after=0) as load:
        help_center.wait(lambda: 3 == ready(help_center), "a third pod under load")
        (third,) = (pod for pod in help_center.kube.pods("search") if pod["metadata"]["name"] not in before)
        load.wait(5)
    with Load(help_center.url, "story-calm", rate=CALM_RATE) as calm:
        help_center.wait(lambda: 2 == ready(help_center), "two pods afterwards")

    for asked in (load, calm):
        assert [] == asked.history.problems(help_center.volume, help_center.generations)
    assert started_seconds(third) < SCALED_UP_SECONDS
    results.keep("autoscaled", "R23", fault="2 to 3 to 2 pods", load=f"{RATE:g}/s, then {CALM_RATE:g}/s",
                 **History([*load.history.answers, *calm.history.answers]).summary(
                     new_pod_ready_seconds=started_seconds(third)))  # fmt: skip


def ready(resource: Resource) -> int:
    """How many pods answer, where none is coming or going."""
    deployment = resource.kube.get("deployment", f"{resource.name}-search")
    assert deployment is not None
    status = deployment["status"]
    counts = {status.get(key, 0) for key in ("replicas", "readyReplicas", "updatedReplicas")}
    return int(counts.pop()) if len(counts) == 1 else -1


def test_its_operator_said_nothing_worse_than_info(installed: Kube) -> None:
    """Of both replicas, since they were installed."""
    told = installed.run("logs", f"--selector={OPERATOR}", "--tail=-1")

    assert [] == [line for line in told.splitlines() if '"level":"info"' not in line]


def test_when_it_is_deleted_all_is_gone_but_its_index(help_center: Resource) -> None:
    """Given onDelete Retain, when it is deleted, then its volume stays and nothing else of it does."""
    kube = help_center.kube
    kinds = (
        "deployments,statefulsets,jobs,pods,services,configmaps,secrets,horizontalpodautoscalers,networkpolicies,"
        "poddisruptionbudgets,serviceaccounts,servicemonitors,prometheusrules"
    )

    help_center.delete()
    labelled = "clockifyrag.io/resource=help"
    help_center.wait(lambda: not kube.run("get", kinds, f"--selector={labelled}", "--output=name"), HELD, 90)

    kept = kube.run("get", "persistentvolumeclaims", f"--selector={labelled}", "--output=name")
    assert "persistentvolumeclaim/help-index" == kept.strip(), "models can be pulled again, and are not kept"
    assert "Bound" == kube.run("get", "persistentvolumeclaim", "help-index", "--output=jsonpath={.status.phase}")
