"""A real API server takes the definition, and lets pass and refuses what its rules say, in their words."""

import pytest
from crd_examples import Example, examples, manifest
from tests.apiserver.controlplane import ControlPlane
from tests.apiserver.resources import Resources
from tests.unit.test_resource_accepted import ACCEPTED
from tests.unit.test_resource_refused import REFUSED

from clockifyrag_resource.errors import ResourceInvalid
from clockifyrag_resource.load import resource_of

EXAMPLES = examples()

# What the API server lets pass and the models refuse; the operator tells it in condition Ready, reason SpecInvalid.
ONLY_THE_MODELS_SEE = {
    "a time zone nobody lives in": "the API server has no list of time zones",
    "a null deep inside of what Kubernetes checks": "the schema leaves the inside to Kubernetes",
    "an affinity to a number": "as above",
    "brackets around no address": "a pattern cannot tell an IPv6 address",
}
# What the API server stores in other words, which the models accept.
PUT_RIGHT = {
    "a null for a part": "null is taken for a field that is left out",
    "a null for a value that may be absent": "as above",
    "a null for a value with a default": "as above, and the default filled in",
    "a number with a point": "7.0 is stored as 7",
}


@pytest.fixture
def resources(control_plane: ControlPlane, namespace: str, crd: str) -> Resources:
    return Resources(control_plane, namespace)


@pytest.mark.parametrize("example", [one for one in EXAMPLES if not one.says], ids=str)
def test_what_a_rule_lets_pass_is_accepted(resources: Resources, example: Example) -> None:
    answer = resources.answer(example)

    assert answer.is_success, answer.json()["message"]


@pytest.mark.parametrize("example", [one for one in EXAMPLES if one.says], ids=str)
def test_what_a_rule_forbids_is_refused_in_its_words(resources: Resources, example: Example) -> None:
    answer = resources.answer(example)

    message = answer.json()["message"]
    assert 422 == answer.status_code, message
    assert f"expected {example.rule}" in message
    assert example.says in message


@pytest.mark.parametrize("name", ACCEPTED)
def test_what_the_models_accept_is_accepted_and_means_the_same_as_it_is_stored(resources: Resources, name: str) -> None:
    given = manifest(ACCEPTED[name])

    stored = resources.create(given, dryRun="All")

    assert stored.is_success, stored.json()["message"]
    assert resource_of(given, "given").spec == resource_of(stored.json(), "stored").spec


@pytest.mark.parametrize("name", [case.id for case in REFUSED])
def test_what_the_models_refuse_the_api_server_refuses_or_puts_right_unless_the_models_alone_can_see_it(
    resources: Resources, name: str
) -> None:
    (spec,) = (case.values[0] for case in REFUSED if case.id == name)

    answer = resources.tried(spec)

    if name in PUT_RIGHT:
        resource_of(answer.json(), "stored")
    elif name in ONLY_THE_MODELS_SEE:
        with pytest.raises(ResourceInvalid):
            resource_of(answer.json(), "stored")
    else:
        assert answer.status_code in (400, 422), answer.text
