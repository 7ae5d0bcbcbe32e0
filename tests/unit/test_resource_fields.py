"""What every field says about itself: this is what the schema in a cluster and the documentation are made from."""

import re
from collections.abc import Iterator
from typing import Any

import pytest

from clockifyrag_resource.part import EFFECT_SENTENCES
from clockifyrag_resource.resource import ClockifyRAG

SCHEMA = ClockifyRAG.model_json_schema()


def properties(
    schema: dict[str, Any], path: str, effect: str | None
) -> Iterator[tuple[str, dict[str, Any], list[str]]]:
    """Each field at or below `schema`: its path, its schema, and the effects said of it and of what holds it."""
    said = [effect] if effect else []
    for name, field in schema.get("properties", {}).items():
        own = [*said, *([field["effect"]] if "effect" in field else [])]
        inner = field.get("items", field)
        definition = SCHEMA["$defs"][inner["$ref"].rpartition("/")[2]] if "$ref" in inner else {}
        yield f"{path}.{name}", definition | field, own
        yield from properties(definition, f"{path}.{name}", own[0] if own else None)


FIELDS = {path: (field, effects) for path, field, effects in properties(SCHEMA["$defs"]["Spec"], "spec", None)}


def test_every_field_says_what_it_is() -> None:
    silent = [path for path, (field, _) in FIELDS.items() if len(field["description"]) <= 10]

    assert [] == silent


def test_every_field_says_its_default_or_what_its_absence_means() -> None:
    one_of_five = {f"spec.source.{name}" for name in ("sample", "configMapRef", "pvcRef", "http", "crawl")}
    optional = {path: field for path, (field, _) in FIELDS.items() if "default" in field and path not in one_of_five}
    values = {path: field for path, field in optional.items() if "$ref" not in field}

    silent = [path for path, field in values.items() if not re.search("Default: |Unset: ", field["description"])]

    assert [] == silent


def test_every_value_has_exactly_one_effect_its_own_or_that_of_what_holds_it() -> None:
    holders = {path.rpartition(".")[0] for path in FIELDS}
    values = {path: effects for path, (_, effects) in FIELDS.items() if path not in holders}

    unclear = {path: effects for path, effects in values.items() if len(effects) != 1}

    assert {} == unclear
    assert set(EFFECT_SENTENCES) == {effect for effects in values.values() for effect in effects}


@pytest.mark.parametrize(
    ("path", "effect"),
    [
        ("spec.source.crawl.maxPages", "rebuild"),
        ("spec.chunking.maxChars", "rebuild"),
        ("spec.embedding.profile.queryPrefix", "rebuild"),
        ("spec.embedding.batchSize", "none"),
        ("spec.index.type", "rebuild"),
        ("spec.index.hnsw.m", "rebuild"),
        ("spec.index.storage.size", "none"),
        ("spec.index.retain", "none"),
        ("spec.search.config.retrievalK", "restart"),
        ("spec.search.pod.labels", "restart"),
        ("spec.search.resources.limits", "restart"),
        ("spec.search.replicas", "none"),
        ("spec.search.autoscaling.maxReplicas", "none"),
        ("spec.build.resources.limits", "none"),
    ],
)
def test_only_what_the_build_key_covers_rebuilds(path: str, effect: str) -> None:
    _, effects = FIELDS[path]

    assert [effect] == effects


def test_a_description_ends_with_default_and_effect() -> None:
    field, _ = FIELDS["spec.search.config.retrievalK"]

    assert (
        "Results when a request names no k. Default: 5. Changing it replaces the pods, without a new index."
        == field["description"]
    )


BOUNDS = {
    "string": {"maxLength", "pattern", "enum", "const"},
    "array": {"maxItems"},
    "object": {"maxProperties", "properties", "x-kubernetes-preserve-unknown-fields"},
    "integer": {"maximum"},
}


def test_every_value_is_bounded() -> None:
    values = {path: field for path, (field, _) in FIELDS.items() if field.get("type") in BOUNDS}

    unbounded = [path for path, field in values.items() if not BOUNDS[field["type"]] & set(field)]

    assert [] == unbounded


def test_nothing_in_the_schema_accepts_null() -> None:
    nullable = [path for path, (field, _) in FIELDS.items() if {"type": "null"} in field.get("anyOf", ())]

    assert [] == nullable
