"""The cache: never older than it was, and what is deleted stays deleted."""

from typing import Any

from clockifyrag_operator import names
from clockifyrag_operator.cache import Cache, key_of, place_of

NAMESPACE, KEY = "team", ("team", "help")


def child(name: str, version: int, kind: str = "ConfigMap", uid: str | None = None, **fields: Any) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": kind,
        "metadata": {
            "namespace": NAMESPACE,
            "name": name,
            "uid": uid or f"uid-{name}",
            "resourceVersion": str(version),
            "labels": names.labels("help", names.SEARCH),
        },
        **fields,
    }


def test_an_older_version_never_replaces_a_newer_one_and_versions_are_numbers() -> None:
    cache = Cache()
    cache.put(child("a", 100, data={"x": "new"}))

    older = cache.put(child("a", 99, data={"x": "old"}))

    live = cache.get("ConfigMap", NAMESPACE, "a")
    assert not older
    assert live is not None and {"x": "new"} == live["data"]


def test_the_echo_of_an_own_write_is_no_news() -> None:
    cache = Cache()

    news = [cache.put(child("a", 5)), cache.put(child("a", 5)), cache.put(child("a", 6))]

    assert [True, False, True] == news


def test_a_late_event_does_not_bring_back_what_was_deleted() -> None:
    cache = Cache()
    cache.put(child("a", 5))
    cache.drop(child("a", 9))

    late = cache.put(child("a", 8))

    assert not late
    assert cache.get("ConfigMap", NAMESPACE, "a") is None
    assert {} == cache.children(KEY)


def test_an_object_whose_labels_were_taken_off_and_put_back_is_believed_again() -> None:
    cache = Cache()
    cache.put(child("a", 5))
    cache.drop(child("a", 6))  # it left the watch, as if deleted

    back = cache.put(child("a", 7))

    assert back
    assert [("ConfigMap", "a")] == list(cache.children(KEY))


def test_a_late_deletion_does_not_take_away_what_was_made_again_under_the_same_name() -> None:
    cache = Cache()
    cache.put(child("a", 5, uid="first"))
    cache.put(child("a", 9, uid="second"))

    cache.drop(child("a", 8, uid="first"))

    live = cache.get("ConfigMap", NAMESPACE, "a")
    assert live is not None and "second" == live["metadata"]["uid"]


def test_a_list_finds_what_no_event_told_and_spares_what_is_newer_than_the_list() -> None:
    cache = Cache()
    cache.put(child("gone", 5))
    cache.put(child("kept", 6))
    since = cache.newest("ConfigMap")
    cache.put(child("written-meanwhile", 8))

    listed = [child("kept", 6)]
    changed = cache.put_all(listed), cache.keep_only("ConfigMap", None, {place_of(one) for one in listed}, since)

    assert (set(), {KEY}) == changed
    assert {("ConfigMap", "kept"), ("ConfigMap", "written-meanwhile")} == set(cache.children(KEY))


def test_a_list_of_one_namespace_says_nothing_about_another() -> None:
    cache = Cache()
    cache.put(child("a", 5))

    cache.keep_only("ConfigMap", "elsewhere", set(), 10)

    assert 1 == len(cache)


def test_managed_fields_are_not_kept_but_what_is_owned_of_a_template_is() -> None:
    fields: dict[str, Any] = {"f:spec": {"f:template": {"f:metadata": {"f:labels": {"f:a": {}}}}}}
    live = child("search", 5, "Deployment", spec={"template": {"metadata": {"labels": {"a": "1", "b": "2"}}}})
    live["metadata"]["managedFields"] = [{"manager": names.MANAGER, "operation": "Apply", "fieldsV1": fields}]
    cache = Cache()

    cache.put(live)

    held = cache.children(KEY)["Deployment", "search"]
    assert "managedFields" not in held.manifest["metadata"]
    assert {"metadata": {"labels": {"a": "1"}}} == held.template


def test_an_object_belongs_to_a_resource_by_its_labels_alone() -> None:
    foreign = child("a", 1)
    foreign["metadata"]["labels"][names.MANAGED_BY] = "somebody"

    assert KEY == key_of(child("a", 1))
    assert key_of(foreign) is None
