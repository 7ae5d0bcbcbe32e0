"""The CustomResourceDefinition is made from the models, is bounded, says what every field is, and has tried rules."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from crd_examples import Example, examples, manifest

from clockifyrag_resource import crd, cron
from clockifyrag_resource.conditions import CONDITIONS, REASONS, ConditionReason, ConditionType
from clockifyrag_resource.errors import ResourceInvalid
from clockifyrag_resource.load import parse_resource
from clockifyrag_resource.part import EFFECT_SENTENCES

FILE = Path(__file__).parents[2] / "crds" / "clockifyrag.yaml"
DEFINITION = crd.custom_resource_definition()
VERSION = DEFINITION["spec"]["versions"][0]
ROOT = VERSION["schema"]["openAPIV3Schema"]
EXAMPLES = examples()


def below(schema: dict[str, Any], path: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """The schema and all inside of it, by path."""
    yield path, schema
    for name, field in schema.get("properties", {}).items():
        yield from below(field, f"{path}.{name}")
    if "items" in schema:
        yield from below(schema["items"], f"{path}[]")
    if "additionalProperties" in schema:
        yield from below(schema["additionalProperties"], f"{path}{{}}")


SPEC = dict(below(ROOT["properties"]["spec"], "spec"))
STATUS = dict(below(ROOT["properties"]["status"], "status"))
EVERYWHERE = {"": ROOT} | SPEC | STATUS


def test_the_committed_file_is_what_the_models_say() -> None:
    assert crd.crd_text() == FILE.read_text(), (
        "write it anew: python -m clockifyrag_resource.crd >crds/clockifyrag.yaml"
    )


def test_the_file_holds_the_definition_and_is_small_enough_to_be_applied() -> None:
    content = FILE.read_bytes()

    assert DEFINITION == yaml.safe_load(content)
    assert crd.SIZE_BYTES_MAX > len(content)


def test_the_annotation_tells_the_digest_of_the_schema() -> None:
    told = yaml.safe_load(FILE.read_text())["metadata"]["annotations"]["clockifyrag.io/schema"]

    assert crd.schema_digest() == told
    assert re.fullmatch("[0-9a-f]{12}", told)


def test_columns_are_those_of_the_contract() -> None:
    columns = VERSION["additionalPrinterColumns"]

    assert ["Ready", "Reason", "Generation", "Docs", "Chunks", "Model", "Age"] == [
        column["name"] for column in columns if not column.get("priority")
    ]
    assert ["Replicas", "MRR", "URL"] == [column["name"] for column in columns if column.get("priority") == 1]


def test_every_field_says_what_it_is() -> None:
    fields = {path: field for path, field in (SPEC | STATUS).items() if re.search(r"\w$", path)}

    silent = [path for path, field in fields.items() if len(field.get("description", "")) <= 5]

    assert [] == silent


def test_every_value_of_the_spec_ends_with_what_changing_it_sets_off() -> None:
    values = {path: field for path, field in SPEC.items() if re.search(r"\w$", path) and "properties" not in field}

    silent = [
        path
        for path, field in values.items()
        if "items" not in field or "properties" not in field["items"]
        if not field["description"].endswith(tuple(EFFECT_SENTENCES.values()))
    ]

    assert [] == silent


def test_every_field_that_may_be_left_out_says_what_that_means() -> None:
    one_of_five = {f"spec.source.{name}" for name in ("sample", "configMapRef", "pvcRef", "http", "crawl")}
    optional = {
        f"{path}.{name}": field
        for path, holder in SPEC.items()
        for name, field in holder.get("properties", {}).items()
        if name not in holder.get("required", ())
    }

    told = {path for path, field in optional.items() if re.search("Default: |Unset: ", field["description"])}
    filled_in = {path for path, field in optional.items() if "properties" in field and "default" in field}

    assert set(optional) == told | filled_in | one_of_five


def is_bounded(field: dict[str, Any]) -> bool:
    if "x-kubernetes-int-or-string" in field:
        return {"pattern", "maxLength", "minimum"} <= set(field)
    match field["type"]:
        case "string":
            return bool({"maxLength", "enum"} & set(field)) or not re.search(r"[*+]|,}", field["pattern"])
        case "array":
            return "maxItems" in field
        case "integer":
            return {"minimum", "maximum"} <= set(field)
        case "object":
            return "properties" in field or "maxProperties" in field
    return bool(field["type"] == "boolean")


def test_every_text_list_mapping_and_number_is_bounded() -> None:
    unbounded = [path for path, field in (SPEC | STATUS).items() if not is_bounded(field)]

    assert [] == unbounded


def test_nothing_is_nullable_or_a_union() -> None:
    unstructured = {"nullable", "anyOf", "oneOf", "allOf", "not", "$ref", "const", "title", "patternProperties"}

    assert {} == {path: unstructured & set(field) for path, field in EVERYWHERE.items() if unstructured & set(field)}


def test_what_is_absent_by_meaning_has_no_default() -> None:
    absent = [
        "spec.ollama.url", "spec.ollama.server", "spec.embedding.model", "spec.embedding.profile", "spec.index.pin",
        "spec.index.quality", "spec.search.autoscaling", "spec.search.auth", "spec.search.tls", "spec.search.ingress",
        "spec.build.schedule", "spec.answers", "spec.glossary", "spec.chunking.maxChars", "spec.source",
    ]  # fmt: skip

    assert [] == [path for path in absent if "default" in SPEC[path]]


def test_nothing_gives_way_to_the_node_other_namespaces_or_accounts() -> None:
    forbidden = re.compile(
        "hostpath|hostnetwork|securitycontext|serviceaccount|volumes|privileged|command|args|env", re.I
    )

    names = {path.rpartition(".")[2] for path in SPEC}

    assert set() == {name for name in names if forbidden.fullmatch(name)}
    assert ["spec.source.namespace"] == [path for path in SPEC if path.endswith(".namespace")]  # of documents


def rules() -> set[str]:
    return {
        rule["message"].partition("expected ")[2]
        for field in EVERYWHERE.values()
        for rule in field.get("x-kubernetes-validations", ())
    }


def test_every_rule_has_an_accepted_and_a_refused_example_and_no_example_is_without_its_rule() -> None:
    accepted = {example.rule for example in EXAMPLES if not example.says}
    refused = {example.rule for example in EXAMPLES if example.says}

    assert rules() == accepted
    assert rules() == refused


@pytest.mark.parametrize("example", [one for one in EXAMPLES if not one.says], ids=str)
def test_what_a_rule_lets_pass_the_models_accept(example: Example) -> None:
    for spec in (example.before, example.spec):
        if spec is not None:
            parse_resource(json.dumps(manifest(spec)), "example")


@pytest.mark.parametrize("example", [one for one in EXAMPLES if one.says and one.before is None], ids=str)
def test_what_a_rule_refuses_the_models_refuse(example: Example) -> None:
    with pytest.raises(ResourceInvalid):
        parse_resource(json.dumps(manifest(example.spec)), "example")


@pytest.mark.parametrize(
    "line", ["* * * * *", "*/5 1-3 1,2 JAN-dec sun", "@yearly", " 5/15 0 1 1 7 ", "007 0 1 1 0-6/2"]
)
def test_every_cron_line_matches_the_pattern(line: str) -> None:
    cron.cron(line)

    assert re.search(cron.PATTERN.replace("^(?i)", "(?i)^"), line)


def test_every_condition_and_every_reason_is_told() -> None:
    assert list(ConditionType) == [condition.type for condition in CONDITIONS]
    assert set(ConditionReason) == {reason for reasons in REASONS.values() for reason in reasons}
    assert all(ConditionReason.NOT_JUDGED in reasons for reasons in REASONS.values())


def test_a_condition_of_the_schema_knows_the_types() -> None:
    description = STATUS["status.conditions[].type"]["description"]

    assert [] == [name for name in ConditionType if name not in description]
