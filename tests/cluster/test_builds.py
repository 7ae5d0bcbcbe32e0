"""Builds that are killed, frozen, starved and raced by another, while questions are asked."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.cluster import results
from tests.cluster.kube import LOCAL, Kube, Manifest, Resource
from tests.cluster.load import Load
from tests.cluster.processes import freeze, kill, processes_of, thaw
from tests.cluster.results import CHAOS
from tools.cluster.record import Process

pytestmark = pytest.mark.chaos  # minutes, in which a loaded machine changes what is measured

BUILDER = "clockifyrag index build"
KILLS = 20 if CHAOS else 2
BUILD_SECONDS = 6.0  # that a build of the sample takes here
TOO_LITTLE = ["48Mi", "64Mi", "80Mi"] if CHAOS else ["64Mi"]
ENOUGH: Manifest = {"requests": {"cpu": "300m", "memory": "512Mi"}, "limits": {"memory": "1Gi"}}
RETAIN = 50  # a replay needs every generation


@pytest.fixture(scope="module")
def help_center(installed: Kube) -> Iterator[Resource]:
    """One resource for all tests of this file; each leaves it ready."""
    with installed.another() as kube:
        yield kube.resource().create(LOCAL | {"index": {"retain": RETAIN}}).wait_ready()


def builders(resource: Resource) -> list[Process]:
    """The processes of builds that run, those of pods on their way out among them."""
    kube = resource.kube
    pods = kube.all("pods", f"clockifyrag.io/resource={resource.name},clockifyrag.io/component=build")
    return [process for pod in pods for process in processes_of(kube.cluster, pod, BUILDER)]


def is_writing(volume: Path) -> bool:
    """Whether a generation is being written that nobody can read yet."""
    return any((volume / "generations").glob(".build.tmp-*"))


def frozen_while_it_writes(resource: Resource) -> list[Process]:
    """The processes of the builder, stopped between the first byte of a generation and its rename: a tenth of a second,
    less than a look by kubectl takes.
    """
    volume = resource.volume
    found = resource.wait(lambda: builders(resource), "a builder runs")
    resource.wait(lambda: is_writing(volume), "the builder writes", every=0.002)
    freeze(found)
    assert is_writing(volume), "the builder was quicker: nothing is half written, run it again"
    return found


def recut(resource: Resource, max_chars: int) -> str:
    """Asks for an index with chunks of another size; returns the generation that is published until then.

    Below 575 characters, ten more or less cut the sample otherwise.
    """
    before = resource.generation
    resource.change({"chunking": {"maxChars": max_chars}})
    return before


def test_a_build_killed_at_any_moment_leaves_whole_generations_and_is_made_again(help_center: Resource) -> None:
    """Given questions, when builds are killed at moments drawn by a seed, then each is built in the end."""
    drawn = random.Random(24)
    published, seconds = [help_center.generation], []

    with Load(help_center.url, "builds-killed") as load:
        for number in range(KILLS):
            before = recut(help_center, 570 - 10 * number)
            help_center.wait(lambda: builders(help_center), "a builder runs")
            load.wait(drawn.uniform(0.1, BUILD_SECONDS))
            kill(builders(help_center))
            begin = time.time()
            published.append(help_center.wait_other_generation(before))
            seconds.append(round(time.time() - begin, 1))
    history = load.history

    assert [] == history.problems(help_center.volume, published)
    assert KILLS + 1 == len(set(published)) == len(history.generations)
    results.keep(
        "builds-killed", "T24, R1", fault=f"SIGKILL of the builder at {KILLS} moments", load="25/s",
        **history.summary(recovery_seconds=seconds),
    )  # fmt: skip


def test_a_builder_that_wakes_up_late_harms_nothing(help_center: Resource) -> None:
    """Given a builder frozen while it writes, when another one starts beside it, then one refuses and one is good."""
    with Load(help_center.url, "builds-raced") as load:
        before = recut(help_center, 310)
        first = frozen_while_it_writes(help_center)
        (job,) = [one for one in help_center.kube.all("jobs") if one["status"].get("active")]
        racer = copy_of(job)
        help_center.kube.apply(racer)
        refused = help_center.wait(lambda: message_of(help_center, racer), "the second builder ends")
        published = help_center.generation
        thaw(first)
        begin = time.time()
        after = help_center.wait_other_generation(before)
        recovery = round(time.time() - begin, 1)
    history = load.history
    help_center.kube.run("delete", "job", racer["metadata"]["name"])

    assert "another builder is at work" in refused
    assert before == published, "nothing is published while the first is frozen"
    assert [] == history.problems(help_center.volume, [before, after])
    assert {before, after} == history.generations
    results.keep(
        "builds-raced", "R27", fault="SIGSTOP before the rename, a second Job, SIGCONT", load="25/s",
        **history.summary(recovery_seconds=recovery),
    )  # fmt: skip


def copy_of(job: Manifest) -> Manifest:
    """A Job of nobody's that runs the same on the same volume."""
    pod = job["spec"]["template"]["spec"]
    template = {"metadata": {"labels": {"app": "racer"}}, "spec": pod}
    return {
        "apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "racer"},
        "spec": {"backoffLimit": 0, "template": template},
    }  # fmt: skip


def message_of(resource: Resource, job: Manifest) -> str:
    """The last words of the Job's pod, once it has ended."""
    pods = resource.kube.all("pods", f"job-name={job['metadata']['name']}")
    states = [state for pod in pods for state in pod["status"].get("containerStatuses", ())]
    return next((json.dumps(one["state"]["terminated"]) for one in states if "terminated" in one["state"]), "")


@pytest.mark.chaos
def test_a_frozen_builder_whose_job_is_deleted_is_followed_by_one_good_generation(help_center: Resource) -> None:
    """Given a builder frozen while it writes, when its Job is deleted, then another one builds what was asked for."""
    with Load(help_center.url, "builds-frozen") as load:
        before = recut(help_center, 300)
        frozen_while_it_writes(help_center)
        begin = time.time()
        help_center.kube.run("delete", "jobs", "--all", "--wait=false")
        after = help_center.wait_other_generation(before)
        recovery = round(time.time() - begin, 1)
    history = load.history

    assert not is_writing(help_center.volume), "nothing half written is left"
    assert [] == history.problems(help_center.volume, [before, after])
    results.keep(
        "builds-frozen", "R27", fault="SIGSTOP before the rename, then its Job deleted", load="25/s",
        **history.summary(recovery_seconds=recovery),
    )  # fmt: skip


@pytest.mark.parametrize("limit", TOO_LITTLE)
def test_a_build_without_enough_memory_says_so_and_is_built_once_it_has_more(help_center: Resource, limit: str) -> None:
    """Given a limit far too small, when a build is killed for it, then the old index serves until there is more."""
    little = {"requests": {"cpu": "300m", "memory": limit}, "limits": {"memory": limit}}

    with Load(help_center.url, f"builds-memory-{limit}") as load:
        before = help_center.generation
        help_center.change({"build": {"resources": little}})
        recut(help_center, 400 - int(limit.removesuffix("Mi")))
        help_center.wait_condition("IndexBuilt", "False", "OOMKilled")
        told = help_center.condition("Ready"), help_center.condition("Degraded"), help_center.generation
        help_center.change({"build": {"resources": ENOUGH}})
        begin = time.time()
        after = help_center.wait_other_generation(before)
        recovery = round(time.time() - begin, 1)
    history = load.history

    assert (("True", "Serving"), ("True", "BuildFailed"), before) == told
    assert [] == history.problems(help_center.volume, [before, after])
    results.keep(
        f"builds-memory-{limit}", "R26", fault=f"limit of {limit} for a build", load="25/s",
        **history.summary(recovery_seconds=recovery),
    )  # fmt: skip
