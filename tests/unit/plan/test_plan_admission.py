"""Admission: what a valid spec may still not ask for."""

from __future__ import annotations

from typing import Any

import pytest
from tests.unit.plan.cluster import NAME
from tests.unit.plan.world import World

from clockifyrag_operator import names
from clockifyrag_operator.admission import refusals
from clockifyrag_operator.settings import Settings


def refused(settings: Settings, **edit: Any) -> tuple[str, ...]:
    world = World(settings=settings)
    world.edit(**edit)
    wanted = world.wanted()
    assert wanted.rag is not None, wanted.problems
    return refusals(wanted, world.observe(), settings)


@pytest.mark.parametrize(
    ("image", "allowed", "expected"),
    [
        pytest.param("any.example.com/x:1", ("*",), True, id="everything"),
        pytest.param("mine.example.com/team/x:1", ("mine.example.com/*",), True, id="a registry"),
        pytest.param("mineXexample.com/x:1", ("mine.example.com/*",), False, id="a dot is a dot"),
        pytest.param("evil.example.com/mine.example.com/x", ("mine.example.com/*",), False, id="from the beginning"),
        pytest.param("clockifyrag-service:0.1.0", (), True, id="the default"),
        pytest.param("clockifyrag-service:0.2.0", (), False, id="none is allowed"),
        pytest.param("x:1", ("x:[0-9]",), False, id="brackets mean themselves"),
    ],
)
def test_images_are_those_the_operator_allows(image: str, allowed: tuple[str, ...], expected: bool) -> None:
    found = refused(Settings(allowed_images=allowed), search={"image": image})

    assert expected == (found == ())
    assert expected or found[0].startswith(f"spec.search.image: found {image}, expected ")


@pytest.mark.parametrize(
    ("edit", "path"),
    [
        ({"build": {"image": "x:1"}}, "spec.build.image"),
        ({"ollama": {"server": {"image": "x:1"}}}, "spec.ollama.server.image"),
        ({"search": {"image": "x:1"}}, "spec.search.image"),
    ],
)
def test_every_image_of_a_spec_is_judged(edit: dict[str, Any], path: str) -> None:
    found = refused(Settings(allowed_images=("y:*",)), **edit)

    assert [path] == [one.split(":")[0] for one in found]


@pytest.mark.parametrize(
    ("source", "path"),
    [
        ({"http": {"url": "http://files.local/a.zip", "allowHosts": ["files.local"]}}, "spec.source.http.allowHosts"),
        (
            {"crawl": {"startURLs": ["http://wiki.local/"], "allowHosts": ["wiki.local"]}},
            "spec.source.crawl.allowHosts",
        ),
    ],
)
def test_private_hosts_are_those_the_operator_allows(source: dict[str, Any], path: str) -> None:
    by_default = refused(Settings(), source=source)
    allowed = refused(Settings(allowed_private_hosts=("*.local",)), source=source)

    assert [path] == [one.split(":")[0] for one in by_default]
    assert () == allowed


MADE = {"accessModes": ["ReadWriteOnce"], "storageClassName": "fast"}


@pytest.mark.parametrize(
    ("storage", "live", "expected"),
    [
        pytest.param({"storageClassName": "fast"}, MADE, [], id="as it is"),
        pytest.param({}, MADE, [], id="any class will do"),
        pytest.param({"storageClassName": "fast"}, {"accessModes": ["ReadWriteOnce"]}, [], id="no class yet"),
        pytest.param(
            {"storageClassName": "slow"}, MADE,
            ["spec.index.storage.storageClassName: found slow, expected fast, as PersistentVolumeClaim help-index has"],
            id="another class",
        ),
        pytest.param(
            {"accessMode": "ReadWriteMany"}, MADE,
            ["spec.index.storage.accessMode: found ReadWriteMany, expected ReadWriteOnce, as PersistentVolumeClaim "
             "help-index has"],
            id="another mode",
        ),
    ],
)  # fmt: skip
def test_a_volume_that_was_kept_is_asked_to_be_no_other(
    storage: dict[str, Any], live: dict[str, Any], expected: list[str]
) -> None:
    world = World()
    world.edit(index={"storage": storage})
    world.settle()
    claim = world.objects["PersistentVolumeClaim", names.index_volume(NAME)]
    claim["spec"] = {**claim["spec"], "storageClassName": None, **live}
    wanted = world.wanted()

    found = refusals(wanted, world.observe(), world.settings)

    assert expected == [one.partition(", which")[0] for one in found]


def test_a_volume_on_its_way_out_holds_up_no_resource_that_wants_another() -> None:
    world = World()
    world.edit(index={"storage": {"storageClassName": "slow"}})
    world.settle()
    claim = world.objects["PersistentVolumeClaim", names.index_volume(NAME)]
    claim["spec"] = {**claim["spec"], **MADE}
    kept = refusals(world.wanted(), world.observe(), world.settings)
    claim["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"

    going = refusals(world.wanted(), world.observe(), world.settings)

    assert "expected fast" in kept[0]
    assert () == going


def test_a_volume_that_is_not_ours_is_told_by_its_name_alone() -> None:
    world = World()
    world.edit(index={"storage": {"storageClassName": "slow"}})
    theirs = {"kind": "PersistentVolumeClaim", "metadata": {"name": names.index_volume(NAME)}, "spec": MADE}
    world.objects["PersistentVolumeClaim", names.index_volume(NAME)] = theirs

    (found,) = refusals(world.wanted(), world.observe(), world.settings)

    assert "not labelled as ours" in found
