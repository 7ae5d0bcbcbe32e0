"""A model server that dies, hangs and lies, while questions need it: words answer, and nobody is less ready.

A real Ollama stands on the node, behind a proxy that fails as it is told; vectors are built by the local twin.
"""

from __future__ import annotations

import secrets
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from tests.cluster import results
from tests.cluster.asking import address_of, begin_asking, statuses
from tests.cluster.kube import LOCAL, Kube, Manifest, Resource, ask
from tests.cluster.load import History, Load, Manner
from tests.cluster.load.client import questions
from tests.cluster.results import CHAOS
from tools.cluster.inside import in_namespace, record_of
from tools.cluster.node import Cluster
from tools.cluster.ollama import ModelServer, converter

pytestmark = pytest.mark.chaos  # minutes, in which a loaded machine changes what is measured

PORT = 11500
FAULT_SECONDS = 60 if CHAOS else 10
OPENS_SECONDS = 2.0  # a breaker, after the first failure
WAITED_SECONDS = 0.3  # an answer that took longer waited for a vector
LATE_MAX, LATE_SHARE = 4, 0.02  # one a pod and probe, and what a machine of two cores does now and then
SETTLED_SECONDS = 90.0  # the operator asks pods at rest once a minute


class Embedder:
    """The model server that search pods ask, and what it does wrong."""

    def __init__(self, cluster: Cluster, upstream: str, folder: Path) -> None:
        self.url, self._folder = f"http://{cluster.node.address}:{PORT}", folder
        self._command = in_namespace([sys.executable, "-m", "tests.cluster.faulty", str(PORT), upstream, str(folder)])
        self.start()

    def start(self) -> None:
        """Runs and does as it should."""
        self.does("None")
        self._process = subprocess.Popen(self._command, cwd=Path(__file__).parents[2])

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()

    def does(self, fault: str) -> None:
        (self._folder / "fault").write_text(fault)

    @contextmanager
    def broken(self, fault: str) -> Iterator[None]:
        """Does wrong, and then as it should again; Down is a server that is gone."""
        self.kill() if fault == "Down" else self.does(fault)
        try:
            yield
        finally:
            self.start() if fault == "Down" else self.does("None")

    def calls(self, begin: float, end: float) -> int:
        """How often it was asked for a vector in a time."""
        told = [line.split() for line in (self._folder / "calls").read_text().splitlines()]
        return sum(1 for at, path, _ in told if path == "/api/embed" and begin <= float(at) < end)


@pytest.fixture(scope="module")
def embedder(
    cluster: Cluster, model_server: ModelServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Embedder]:
    """In front of an Ollama that has pulled the model from the registry on the node."""
    registry = model_server.registry.removeprefix("http://")
    model = f"{registry}/library/{model_server.model}"
    with converter(cluster, record_of(cluster)) as upstream:
        with httpx.Client(base_url=upstream, timeout=120, trust_env=False) as ollama:
            ollama.post("/api/pull", json={"model": model, "insecure": True, "stream": False}).raise_for_status()
            copied = {"source": model, "destination": model_server.model}
            ollama.post("/api/copy", json=copied).raise_for_status()
        started = Embedder(cluster, upstream, tmp_path_factory.mktemp("embedder"))
        yield started
        started.kill()


@pytest.fixture(scope="module")
def help_center(installed: Kube, embedder: Embedder, model_server: ModelServer) -> Iterator[Resource]:
    with installed.another() as kube:
        asks = {"embedding": {"provider": "Local", "queryProvider": "Ollama"}, "ollama": {"url": embedder.url}}
        search = {"search": LOCAL["search"] | {"config": {"rerankModel": model_server.model}}}
        resource = kube.resource().create(LOCAL | asks | search).wait_ready()
        resource.wait_condition("Degraded", "False", "AsExpected")
        for pod in kube.pods("search"):
            for question in questions():
                resource.wait(lambda pod=pod, question=question: by_meaning(pod, question), "a vector", every=0.1)  # type: ignore[misc]
        yield resource


def by_meaning(pod: Manifest, question: str) -> bool:
    """Whether the answer was found by meaning, and is kept from now on: one by words alone is not."""
    return "embedder" not in ask(address_of(pod), question)["metadata"]["degraded"]


def by_ollama(embedder: Embedder) -> dict[str, str]:
    """The settings of a service that gives the same answers."""
    return {"QUERY_PROVIDER": "ollama", "LLM_BASE_URL": embedder.url}


def waited_in_vain(history: History, begin: float, end: float) -> int:
    """How many questions were answered by words alone and took so long that they waited for a vector."""
    return sum(1 for one in history.between(begin, end).good if one.degraded and one.seconds > WAITED_SECONDS)


def recovery(history: History, end: float) -> dict[str, float]:
    """By pod: seconds until the first new question is answered by meaning again."""
    first: dict[str, float] = {}
    for answer in history.good:
        if answer.at > end and not answer.degraded:
            first.setdefault(answer.pod, round(answer.at + answer.seconds - end, 2))
    return first


@pytest.mark.parametrize(
    ("fault", "closes_seconds"),
    [
        ("Down", 6.0),
        pytest.param("Errors", 6.0, marks=pytest.mark.chaos),
        pytest.param("HalfErrors", 6.0, marks=pytest.mark.chaos),
        pytest.param("Cut", 6.0, marks=pytest.mark.chaos),
        pytest.param("Slow", 36.0, marks=pytest.mark.chaos),  # a probe has all the time that a cold model takes
        pytest.param("NoModel", 6.0, marks=pytest.mark.chaos),
        pytest.param("OtherDimension", 20.0, marks=pytest.mark.chaos),
    ],
)
def test_while_the_model_server_fails_words_answer_and_every_pod_stays_ready(
    help_center: Resource, embedder: Embedder, fault: str, closes_seconds: float
) -> None:
    """Given old and new questions, when their vectors cannot be had, then old ones do not notice, new ones are 200."""
    before, pods = help_center.restarts(), len(help_center.ready_pods)
    new_ones = Manner(new=True)

    with (
        Load(help_center.url, f"embedder-{fault}", rate=15) as known,
        Load(help_center.url, f"embedder-{fault}-new", rate=10, manner=new_ones) as new,
    ):
        begin = time.time()
        with embedder.broken(fault):
            new.wait(FAULT_SECONDS)
            if fault not in ("HalfErrors", "NoModel"):
                help_center.wait_condition("Degraded", "True", "EmbedderDown", SETTLED_SECONDS)
            during, still = help_center.restarts(), len(help_center.ready_pods)
            end = time.time()
        help_center.wait(lambda: 2 == len(recovery(new.history, end)), "both pods ask again", SETTLED_SECONDS)
        help_center.wait_condition("Degraded", "False", "AsExpected", SETTLED_SECONDS)
    old, history = known.history, new.history

    assert before == during == help_center.restarts(), "no pod was restarted, none replaced"
    assert pods == still, "every pod is ready"
    assert [] == old.problems(help_center.volume, help_center.generations, settings=by_ollama(embedder))
    assert [] == history.failures
    assert history.generations <= help_center.generations
    asked = len(history.between(begin, end).answers)
    poorer = sum(1 for one in history.between(begin, end).good if one.degraded)
    assert poorer, "questions met the fault"
    assert embedder.calls(begin, end) <= 1.1 * asked
    late = waited_in_vain(history, begin + OPENS_SECONDS, end)
    assert late <= LATE_MAX + LATE_SHARE * asked or fault == "HalfErrors", "an open breaker lets nobody wait"
    assert max(recovery(history, end).values()) < closes_seconds
    results.keep(
        f"embedder-{fault}", "R19, R21", fault=fault, load="15/s asked before, 10/s new",
        **old.summary(
            new=len(history.answers), new_failures=len(history.failures),
            new_p99_ms=round(history.quantile(0.99) * 1000, 1),
            degraded_in_fault=poorer, asked_in_fault=asked,
            embed_calls_in_fault=embedder.calls(begin, end), late_waits=late,
            recovery_seconds=recovery(history, end),
        ),
    )  # fmt: skip


def test_many_who_ask_the_same_at_once_cost_one_vector(help_center: Resource, embedder: Embedder) -> None:
    """Given a question that nobody asked, when 200 ask one pod at once, then all are answered by one computation."""
    pod = help_center.kube.pods("search")[0]

    begin = time.time()
    told = statuses(begin_asking(address_of(pod), f"how do I start a timer {secrets.token_hex(4)}", times=200))
    end = time.time()

    assert {"200": 200} == told
    assert 1 == embedder.calls(begin, end)
    results.keep(
        "embedder-herd", "R22", fault="200 equal questions at once, to one pod", load="200 at once",
        requests=200, failures=0, embed_calls=1, seconds=round(end - begin, 2),
    )  # fmt: skip


def ranked(answer: Manifest) -> list[tuple[str, float]]:
    """What was found, and how well it fits."""
    return [(one["id"], one["relevance_score"]) for one in answer["results"]]


def test_what_is_found_is_ranked_again_by_the_model_server_while_it_answers(
    help_center: Resource, embedder: Embedder
) -> None:
    """Given a question, when it is asked with rerank=true, then the model has a say in the best scores, once it was in
    time; when the model server fails, then results stand in the first order, and the answer says so.
    """
    address, question = address_of(help_center.kube.pods("search")[0]), questions()[0]
    first = ask(address, question, details="true")

    def reranked() -> Manifest | None:
        told = ask(address, question, rerank="true", details="true")
        return told if told["metadata"]["rerank"]["used"] else None

    again = help_center.wait(reranked, "an answer that was reranked in time", SETTLED_SECONDS)
    with embedder.broken("Errors"):
        other = f"{question} please"
        plain, failed = ask(address, other), ask(address, other, rerank="true")

    assert "rerank" not in again["metadata"]["degraded"]
    assert ranked(first) != ranked(again)
    assert all(one["explanation"]["rerank_score"] is not None for one in again["results"][:3])
    assert "rerank" in failed["metadata"]["degraded"]
    assert [one["id"] for one in plain["results"]] == [one["id"] for one in failed["results"]]
    results.keep("reranked", "R19", fault="Errors, asked with rerank=true", load="none", requests=1, failures=0)
