"""metadata: the name that every object name begins with, and what an API server adds."""

import json
from typing import Any

import pytest

from clockifyrag_resource.errors import Problem, ResourceInvalid
from clockifyrag_resource.load import parse_resource
from clockifyrag_resource.resource import ClockifyRAG

NAME = "at most 40 lower-case letters, digits and '-', beginning with a letter and ending with a letter or digit"


def with_metadata(metadata: dict[str, Any]) -> ClockifyRAG:
    head = {"apiVersion": "clockifyrag.io/v1beta1", "kind": "ClockifyRAG"}
    return parse_resource(json.dumps(head | {"metadata": metadata, "spec": {"source": {"sample": {}}}}), "test.yaml")


@pytest.mark.parametrize("name", ["a", "help", "a-1", "a" * 40])
def test_a_good_name_is_accepted(name: str) -> None:
    resource = with_metadata({"name": name})

    assert name == resource.metadata.name


@pytest.mark.parametrize(
    ("name", "found"),
    [
        pytest.param("", '""', id="empty"),
        pytest.param("Help", '"Help"', id="a capital"),
        pytest.param("1help", '"1help"', id="a digit first"),
        pytest.param("help-", '"help-"', id="a dash last"),
        pytest.param("help.me", '"help.me"', id="a dot"),
        pytest.param("help\n", '"help\\n"', id="a line break last"),
    ],
)
def test_a_name_that_cannot_begin_every_object_name_is_refused(name: str, found: str) -> None:
    with pytest.raises(ResourceInvalid) as refused:
        with_metadata({"name": name})

    assert (Problem("metadata.name", found, NAME),) == refused.value.problems


def test_a_name_too_long_is_refused_by_its_length() -> None:
    with pytest.raises(ResourceInvalid) as refused:
        with_metadata({"name": "a" * 41})

    assert (Problem("metadata.name", "41 characters", "at most 40 characters"),) == refused.value.problems


def test_what_an_api_server_adds_to_metadata_is_accepted() -> None:
    added = {
        "uid": "0b2f", "generation": 3, "resourceVersion": "17", "creationTimestamp": None, "namespace": "docs",
        "managedFields": [{"manager": "kubectl", "fieldsV1": {"f:spec": {}}}], "finalizers": ["x.example.com/y"],
    }  # fmt: skip

    resource = with_metadata({"name": "help"} | added)

    assert ("0b2f", 3, "docs") == (resource.metadata.uid, resource.metadata.generation, resource.metadata.namespace)
