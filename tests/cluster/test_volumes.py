"""Volumes that are full and files that are not what they were, while questions are asked."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.cluster import results
from tests.cluster.full_volume import MIB, small_volume
from tests.cluster.kube import LOCAL, Kube, Resource
from tests.cluster.load import Load
from tests.cluster.results import CHAOS

META = "meta.json"  # a store that cannot read it says so in its log, and gives nothing
SMALL_BYTES = 48 * MIB
SPARE_BYTES = 256 * 1024  # less than a generation of the sample takes
KINDS = ["flipped", "cut", "another's", "missing"]


@pytest.mark.chaos
def test_a_full_volume_costs_nothing_that_is_published(installed: Kube) -> None:
    """Given a volume without room, when a build fails for it, then the old index serves, and room alone heals it."""
    with small_volume(installed, SMALL_BYTES) as volume, installed.another() as kube:
        storage = {"size": "40Mi", "storageClassName": volume.name}
        help_center = kube.resource().create(LOCAL | {"index": {"storage": storage}}).wait_ready()
        with Load(help_center.url, "volume-full") as load:
            before = help_center.generation
            volume.fill(SPARE_BYTES)
            help_center.change({"chunking": {"maxChars": 600}})
            help_center.wait_condition("IndexBuilt", "False", "NoSpace")
            told = help_center.condition("Ready"), help_center.condition("Degraded"), help_center.generation
            begun = sorted(one.name for one in (volume.folder / "generations").glob(".*"))
            volume.free()
            begin = time.time()
            after = help_center.wait_other_generation(before)
            recovery = round(time.time() - begin, 1)
        history = load.history
        problems = history.problems(volume.folder, [before, after])

    assert (("True", "Serving"), ("True", "BuildFailed"), before) == told
    assert [] == begun, "nothing that was begun stays"
    assert [] == problems
    results.keep(
        "volume-full", "R2, T30", fault=f"{SPARE_BYTES // 1024} KiB free of {SMALL_BYTES // MIB} MiB", load="25/s",
        **history.summary(recovery_seconds=recovery),
    )  # fmt: skip


@pytest.fixture(scope="module")
def help_center(installed: Kube) -> Iterator[Resource]:
    """One resource with two generations on its volume."""
    with installed.another() as kube:
        resource = kube.resource().create(LOCAL).wait_ready()
        first = resource.generation
        resource.change({"chunking": {"maxChars": 600}})
        resource.wait_other_generation(first)
        yield resource


@pytest.mark.chaos
@pytest.mark.parametrize("kind", KINDS)
def test_files_that_are_damaged_are_never_served_and_a_build_heals_them(help_center: Resource, kind: str) -> None:
    """Given a damaged file of the published generation, when a pod starts, then it does not serve it, and says why."""
    folder = help_center.volume / "generations" / help_center.generation
    (other,) = [one for one in folder.parent.glob("gen-*") if one != folder and ".bad-" not in one.name]
    files = sorted(one.relative_to(folder) for one in folder.rglob("*") if one.is_file() and one.name != META)
    seconds = {}

    with Load(help_center.url, f"volume-{kind.strip(chr(39))}") as load:
        for file in files if CHAOS else files[:1]:
            damage(folder / file, kind, other / file)
            pod = help_center.kube.pods("search")[0]["metadata"]["name"]
            help_center.kube.run("delete", "pod", pod, "--wait=false")
            help_center.wait_condition("Degraded", "True", "IndexCorrupt", 60)
            assert "True" == help_center.condition("Ready")[0]
            begin = time.time()
            help_center.reindex(secrets.token_hex(4))
            help_center.wait_condition("Degraded", "False", "AsExpected", 90)
            help_center.wait(lambda: 2 == len(help_center.ready_pods), "two pods are ready", 90)
            seconds[str(file)] = round(time.time() - begin, 1)
    history = load.history

    assert [] == history.problems(help_center.volume, {help_center.generation})
    results.keep(
        f"volume-{kind}", "R3", fault=f"each of {len(seconds)} files {kind}, then a pod deleted", load="25/s",
        **history.summary(recovery_seconds=seconds),
    )  # fmt: skip


def damage(file: Path, kind: str, other: Path) -> None:
    """What a disk, or a hand, may do to a file."""
    content = bytearray(file.read_bytes())
    if kind == "missing":
        file.unlink()
    elif kind == "cut":
        file.write_bytes(content[:-1])
    elif kind == "flipped":
        content[len(content) // 2] ^= 1
        file.write_bytes(content)
    else:
        file.write_bytes(other.read_bytes())
