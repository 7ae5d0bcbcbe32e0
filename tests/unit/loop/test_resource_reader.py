"""From an API server's object to what is wanted, or to everything that is wrong with it."""

from typing import Any

from clockifyrag_operator.manifest import digest
from clockifyrag_operator.resource_reader import references, shown_references, wanted_of
from clockifyrag_resource.resource import API_VERSION, KIND


def body(**spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": API_VERSION,
        "kind": KIND,
        "metadata": {
            "name": "help",
            "namespace": "team",
            "uid": "u",
            "generation": 3,
            "resourceVersion": "9",
            "annotations": {"kubectl.kubernetes.io/last-applied-configuration": "x" * 50_000, "a": "b"},
            "labels": {"argocd.argoproj.io/instance": "help"},
            "managedFields": [{"manager": "kubectl"}],
        },
        "spec": {"source": {"sample": {}}, **spec},
        "status": {"observedGeneration": 2},
    }


def test_a_valid_resource_is_read_with_all_that_other_tools_wrote_on_it() -> None:
    wanted = wanted_of(body(search={"replicas": 3}))

    assert wanted.rag is not None and 3 == wanted.rag.spec.search.replicas
    assert ("team", "help", "u", 3) == (wanted.namespace, wanted.name, wanted.uid, wanted.generation)
    assert {"observedGeneration": 2} == wanted.status
    assert "b" == wanted.annotations["a"]


def test_an_invalid_resource_tells_everything_that_is_wrong() -> None:
    wanted = wanted_of(body(search={"replicas": "three"}, chunking={"minChars": -1}))

    assert wanted.rag is None
    assert {"spec.search.replicas", "spec.chunking.minChars"} == {one.partition(":")[0] for one in wanted.problems}


def test_a_resource_that_is_being_deleted_says_so() -> None:
    leaving = body()
    leaving["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"

    assert wanted_of(leaving).deleting


def test_config_maps_are_told_by_what_is_read_of_them() -> None:
    wanted = wanted_of(
        body(
            source={"configMapRef": {"name": "docs", "keys": ["a.md"]}},
            glossary={"configMapRef": {"name": "terms"}},
        )
    )
    assert wanted.rag is not None
    named = references(wanted)

    told = shown_references(named, {"docs": {"a.md": "1", "b.md": "2"}, "terms": {"only.csv": "3"}})
    other_key = shown_references(named, {"docs": {"a.md": "1", "b.md": "9"}, "terms": {"only.csv": "3"}})
    missing = shown_references(named, {"docs": None, "terms": {"one.csv": "3", "two.csv": "4"}})

    assert {"docs": digest({"a.md": "1"}), "terms/only.csv": "3"} == told
    assert told == other_key  # a key that is not read decides nothing
    assert {"docs": None, "terms": None} == missing
