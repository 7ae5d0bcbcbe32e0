"""A volume that will be too small is told before a build needs it, and holds up none."""

from __future__ import annotations

from fractions import Fraction
from math import ceil
from typing import Any

import charts
import pytest
import yaml
from pages import ROOT, page
from tests.unit.plan.cluster import BYTES, NAME
from tests.unit.plan.world import World

from clockifyrag_operator import names
from clockifyrag_operator.capacity import bytes_needed
from clockifyrag_operator.ledger import Entry
from clockifyrag_operator.observed import Manifest
from clockifyrag_resource.quantities import Quantity

CACHE_BYTES = 9 * (384 * 4 + 36)  # of the world's generations
ENOUGH = ceil(4.2 * BYTES) + CACHE_BYTES  # three are kept, one is built with a fifth to spare


def served(size: int | str, **index: Any) -> World:
    world = World()
    world.edit(index={"storage": {"size": str(size)}, **index})
    world.settle()
    return world


def test_the_estimate_is_what_its_formula_says() -> None:
    published = Entry("gen-0123456789ab", "Good", bytes=1000, chunks=10, dimensions=100)

    assert 3 * 1000 + 1200 + 10 * 436 == bytes_needed(published, 3)


def test_vectors_that_the_builder_does_not_hold_in_memory_count_once_more() -> None:
    few = Entry("gen-0123456789ab", "Good", bytes=1000, chunks=1 << 14, dimensions=1024)
    many = Entry("gen-0123456789ab", "Good", bytes=1000, chunks=(1 << 14) + 1, dimensions=1024)

    assert 4096 + 36 + (many.chunks * 4096) == bytes_needed(many, 3) - bytes_needed(few, 3)


@pytest.mark.parametrize(("size", "told"), [(ENOUGH, ("False", "AsExpected")), (ENOUGH - 1, ("True", "CapacityShort"))])
def test_a_volume_that_will_not_hold_the_next_generation_is_told_as_soon_as_its_size_is_known(
    size: int, told: tuple[str, str]
) -> None:
    world = served(size)

    assert told == world.condition("Degraded")
    assert ("True", "Serving") == world.condition("Ready")
    assert not world.work(), "it is told once"


def test_what_is_told_names_the_sizes_and_both_fields() -> None:
    message = served("4Gi").message("Degraded")

    assert "help-index holds 4,096 MiB" in message
    assert "will need some 4,301 MiB: 3 generations" in message
    assert "spec.index.storage.size" in message
    assert "spec.index.retain" in message


def test_before_the_first_generation_nothing_is_foreseen() -> None:
    world = World()
    world.edit(index={"storage": {"size": "1Gi"}})

    world.work()

    assert ("False", "AsExpected") == world.condition("Degraded")


def test_a_short_volume_keeps_no_build_from_being_tried() -> None:
    world = served("4Gi")

    world.edit(chunking={"minChars": 100})
    world.settle()

    assert ["Initial", "SpecChanged"] == [one.reason for one in world.jobs_created]
    assert ("True", "Published") == world.condition("IndexPublished")
    assert ("True", "CapacityShort") == world.condition("Degraded")


@pytest.mark.parametrize(
    "mended", [{"storage": {"size": "4Gi"}, "retain": 1}, {"storage": {"size": "20Gi"}}], ids=["retain", "size"]
)
def test_either_fix_ends_it(mended: dict[str, Any]) -> None:
    world = served("4Gi")

    world.edit(index=mended)
    world.settle()

    assert ("False", "AsExpected") == world.condition("Degraded")


def test_the_size_that_counts_is_the_one_the_claim_was_given() -> None:
    world = served("4Gi")

    capacities = []
    for given in ("3Gi", "8Gi", "8Ei"):  # the last is more than a claim may ask for
        world.objects["PersistentVolumeClaim", names.index_volume(NAME)]["status"]["capacity"] = {"storage": given}
        world.work()
        capacities.append(world.condition("Degraded"))

    assert [("True", "CapacityShort"), ("False", "AsExpected"), ("False", "AsExpected")] == capacities


def test_a_pinned_generation_is_followed_by_none_and_nothing_is_foreseen() -> None:
    world = served("4Gi")

    world.edit(index={"storage": {"size": "4Gi"}, "pin": world.status["index"]["generation"]})
    world.settle()

    assert ("False", "AsExpected") == world.condition("Degraded")


def test_a_build_that_failed_is_told_before_it() -> None:
    world = served("4Gi")
    world.edit(chunking={"minChars": 100})
    world.begin_build()

    world.fail(50, "not enough space")
    world.work()

    assert ("True", "BuildFailed") == world.condition("Degraded")
    assert "spec.index.retain" in world.message("Degraded")


def asked(containers: list[Manifest], amount: str) -> Fraction:
    return sum((Quantity.parse(one["resources"]["requests"][amount]).value for one in containers), Fraction(0))


def test_the_page_of_installing_tells_what_the_first_resource_and_the_operator_ask_for() -> None:
    world = World(yaml.safe_load((ROOT / "clockifyrag.yaml").read_text())["spec"])
    workloads = [world.begin_build()]
    world.settle()
    workloads += [*world.every("StatefulSet"), *world.every("Deployment")]

    told = {}
    for amount, operator in charts.values()["resources"]["requests"].items():
        total = Quantity.parse(operator).value * charts.values()["replicas"]
        for one in workloads:
            pod = one["spec"]["template"]["spec"]
            stays = [init for init in pod.get("initContainers", ()) if init.get("restartPolicy") == "Always"]
            total += asked([*stays, *pod["containers"]], amount) * one["spec"].get("replicas", 1)
        told[amount] = total

    words = f"{float(told['cpu']):.1f} CPUs and {float(told['memory'] / 2**30):.1f} GiB"
    assert words in page("docs/install.md").path.read_text()
