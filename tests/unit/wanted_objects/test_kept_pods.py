"""Pods an earlier operator drew, and pods of a resource whose rollouts are paused: they stay as they are."""

from dataclasses import replace
from typing import Any

import pytest
from drawn import EVERYTHING, OPERATOR, Objects, Spec, decided, drawn, drawn_for, seen, wanted

from clockifyrag_operator import desired, names
from clockifyrag_operator.manifest import digest
from clockifyrag_operator.observed import Manifest, Observed

EARLIER = "0"
WORKLOADS = (("Deployment", "help-search"), ("StatefulSet", "help-ollama"), ("StatefulSet", "help-store"))
OLD_PODS: Manifest = {"spec": {"containers": [{"name": "search", "image": "as-it-was"}]}}


PODS_OF = {  # version of the templates → what it makes of a spec that says nothing, and of one that says everything
    4: ("4ba30f3a27aa", "a449d1cc9226"),
}


def pods(spec: Spec) -> str:
    """A digest of the pod templates of all that lives long."""
    resource = wanted(spec)
    objects = desired.desired(resource, seen(), decided(resource), OPERATOR)
    return digest([one["spec"]["template"] for one in objects if one["kind"] in ("Deployment", "StatefulSet")])


def test_under_one_version_of_the_templates_equal_inputs_give_the_pods_they_always_gave() -> None:
    """Were they to give others, an upgrade of the operator would replace pods that upgradePolicy Manual is to keep.

    A change of the templates raises TEMPLATE_VERSION and adds a line; lines of versions that were released stay.
    """
    assert PODS_OF.get(desired.TEMPLATE_VERSION) == (pods({}), pods(EVERYTHING))


def drawn_by_an_earlier_operator(spec: Spec) -> Observed:
    """A cluster that holds what an operator with other templates made of the spec."""
    live: Objects = {key: dict(one) for key, one in drawn(spec).items() if key[0] != "Secret"}
    for key in WORKLOADS:
        metadata = {**live[key]["metadata"], "resourceVersion": "7"}
        metadata["annotations"] = {**metadata["annotations"], names.TEMPLATE: EARLIER}
        live[key] = {**live[key], "metadata": metadata}
    return seen(live, owned_templates=dict.fromkeys(WORKLOADS, OLD_PODS))


def redrawn(spec: Spec, look: Observed, **decision: Any) -> Objects:
    resource = wanted(spec)
    return drawn_for(resource, look, decided(resource, **decision))


def kept(objects: Objects) -> list[tuple[str, str]]:
    return sorted(key for key in WORKLOADS if objects[key]["spec"]["template"] == OLD_PODS)


def test_a_new_operator_leaves_the_pods_of_an_earlier_one_alone() -> None:
    look = drawn_by_an_earlier_operator({})

    objects = redrawn({}, look)

    assert sorted(WORKLOADS) == kept(objects)
    resource = wanted({})
    assert sorted(WORKLOADS) == sorted(desired.kept_templates(resource, look, decided(resource), OPERATOR))
    for key in WORKLOADS:
        before, after = look.objects[key]["metadata"]["annotations"], objects[key]["metadata"]["annotations"]
        assert (EARLIER, before[names.INPUTS]) == (after[names.TEMPLATE], after[names.INPUTS])


def test_with_upgrade_policy_auto_they_are_taken_over_at_once() -> None:
    look = drawn_by_an_earlier_operator({})
    resource = wanted({"upgradePolicy": "Auto"})

    assert [] == kept(redrawn({"upgradePolicy": "Auto"}, look))
    assert () == desired.kept_templates(resource, look, decided(resource), OPERATOR)


@pytest.mark.parametrize(
    ("change", "decision", "still"),
    [
        pytest.param({"search": {"config": {"retrievalK": 9}}}, {}, {"help-ollama", "help-store"}, id="a setting"),
        pytest.param({}, {"published": "gen-ffffffffffff"}, {"help-ollama", "help-store"}, id="a generation"),
        pytest.param({"search": {"replicas": 7}}, {}, {"help-search", "help-ollama", "help-store"}, id="more pods"),
        pytest.param(
            {"ollama": {"server": {"resources": {"limits": {"cpu": 9}}}}},
            {},
            {"help-search", "help-store"},
            id="a larger model server",
        ),
        pytest.param({"build": {"image": "example.com/builder:2"}}, {}, {"help-search"}, id="another builder"),
    ],
)
def test_what_the_author_changes_is_drawn_anew_and_the_rest_stays(
    change: Spec, decision: dict[str, Any], still: set[str]
) -> None:
    objects = redrawn(change, drawn_by_an_earlier_operator({}), **decision)

    assert still == {name for _, name in kept(objects)}
    for key in WORKLOADS:
        expected = EARLIER if key[1] in still else str(desired.TEMPLATE_VERSION)
        assert expected == objects[key]["metadata"]["annotations"][names.TEMPLATE]


def test_pods_of_this_operators_own_templates_are_drawn_as_ever() -> None:
    live = drawn({})
    look = seen(live, owned_templates=dict.fromkeys(WORKLOADS, OLD_PODS))

    assert [] == kept(redrawn({}, look))


def test_while_rollouts_are_paused_a_change_of_the_spec_replaces_no_pods() -> None:
    look = drawn_by_an_earlier_operator({})
    change = {"pause": "Rollouts", "search": {"config": {"retrievalK": 9}}, "upgradePolicy": "Auto"}

    objects = redrawn(change, look)

    assert sorted(WORKLOADS) == kept(objects)
    assert "5" == objects["ConfigMap", "help-search"]["data"]["RETRIEVAL_K"]  # a pod put back equals its siblings
    deployment = objects["Deployment", "help-search"]["metadata"]["annotations"]
    assert look.objects["Deployment", "help-search"]["metadata"]["annotations"] == deployment


def test_while_rollouts_are_paused_a_missing_child_is_put_back() -> None:
    objects = redrawn({"pause": "Rollouts"}, seen())

    assert set(drawn({})) == set(objects)


def replaces(spec: Spec, look: Observed, *, told: bool = True) -> list[str]:
    """The workloads that get another template by the next pass."""
    resource = wanted(spec)
    resource = replace(resource, status={"observedGeneration": resource.generation - (0 if told else 1)})
    replaced = desired.new_pods(resource, look, tuple(drawn_for(resource, look, decided(resource)).values()))
    return sorted(name for _, name in replaced)


def test_which_pods_are_replaced_is_known_before_it_is_done() -> None:
    changed: Spec = {"search": {"config": {"retrievalK": 9}}}
    earlier, refused = drawn_by_an_earlier_operator({}), {WORKLOADS[0]: "a policy forbids it"}

    assert [] == replaces({}, earlier), "upgradePolicy Manual keeps them"
    assert sorted(name for _, name in WORKLOADS) == replaces({"upgradePolicy": "Auto"}, earlier)
    assert ["help-search"] == replaces(changed, earlier)
    assert [] == replaces({**changed, "pause": "Rollouts"}, earlier)
    assert ["help-ollama", "help-store"] == replaces({"build": {"image": "example.com/builder:2"}}, earlier)
    assert [] == replaces(changed, replace(earlier, refusals=refused)), "it is refused as it was"
    assert ["help-search"] == replaces(changed, replace(earlier, refusals=refused), told=False), "it may be taken now"
    assert [] == replaces(changed, replace(earlier, objects={})), "there are none yet"
