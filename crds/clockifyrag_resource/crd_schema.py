"""From the JSON schema that pydantic draws of a model to the structural schema that an API server takes.

Structural schemas hold no references, unions, constants, patterns of keys or null (kubernetes.io, Extend the
Kubernetes API with CustomResourceDefinitions): references are written out, unions are the Kubernetes extension for
quantities, patterns of keys become CEL rules.

A part that is filled in when it is left out has the defaults of its fields as its own, written out, since the API
server holds defaults against the rules; a part that means something by being absent has none. Empty lists and
mappings are no defaults here: they say the same as nothing.
"""

from typing import Any

from pydantic import BaseModel

from clockifyrag_resource.cel import Cel, add_rules, cel_text
from clockifyrag_resource.part import EFFECT_SENTENCES

Schema = dict[str, Any]

_KEPT = {
    "type", "format", "description", "enum", "pattern", "minimum", "maximum", "minLength", "maxLength", "maxItems",
    "maxProperties", "required", "x-kubernetes-int-or-string", "x-kubernetes-preserve-unknown-fields",
    "x-kubernetes-validations", "x-kubernetes-list-type", "x-kubernetes-list-map-keys",
}  # fmt: skip
_LEFT_OUT = {"title", "expected", "effect", "anyOf", "$defs", "$ref", "default", "const"}
_WRITTEN_ELSEWHERE = {"properties", "items", "additionalProperties", "patternProperties", "propertyNames"}


def structural_schema(model: type[BaseModel]) -> Schema:
    """The schema of the model's values, as a CustomResourceDefinition holds it."""
    drawn = model.model_json_schema()
    return _structural(drawn, drawn.get("$defs", {}), "")


def _structural(drawn: Schema, definitions: Schema, inherited: str) -> Schema:
    """`inherited`: the effect said of what holds this, which is told of each value below that says none itself."""
    if "$ref" in drawn:
        drawn = definitions[drawn["$ref"].rpartition("/")[2]] | drawn  # beside the reference: what is said of this use
    unknown = set(drawn) - _KEPT - _LEFT_OUT - _WRITTEN_ELSEWHERE
    assert not unknown, f"no translation for {unknown} of {drawn.get('title')}"
    assert "anyOf" not in drawn or drawn.get("x-kubernetes-int-or-string"), f"a union: {drawn}"
    own = drawn.get("effect", "")
    schema = {key: drawn[key] for key in drawn if key in _KEPT}
    if "const" in drawn:
        schema["enum"] = [drawn["const"]]
    if "properties" in drawn:
        below = own or inherited
        schema["properties"] = {
            name: _structural(field, definitions, below) for name, field in drawn["properties"].items()
        }
    elif not own and inherited and "description" in schema:
        schema["description"] += f" {EFFECT_SENTENCES[inherited]}"
    if "items" in drawn:
        schema["items"] = _structural(drawn["items"], definitions, own or inherited)
    if "patternProperties" in drawn or drawn.get("additionalProperties"):
        _add_values_by_key(schema, drawn, definitions)
    _add_default(schema, drawn)
    return schema


def _add_values_by_key(schema: Schema, drawn: Schema, definitions: Schema) -> None:
    """What keys look like is a rule, as structural schemas know no pattern of keys."""
    ((pattern, values),) = drawn["patternProperties"].items()
    schema["additionalProperties"] = _structural(values, definitions, "")
    keys = drawn["propertyNames"]
    fits = f"key.size() <= {keys['maxLength']} && key.matches({cel_text(pattern)})"
    add_rules(schema, Cel(f"self.all(key, {fits})", f"keys, each {keys['expected']}"))


def _add_default(schema: Schema, drawn: Schema) -> None:
    default = drawn.get("default")
    if default is None:
        return
    if "properties" in schema:
        fields = schema["properties"].items()
        schema["default"] = {name: field["default"] for name, field in fields if "default" in field}
    elif schema.get("x-kubernetes-int-or-string") and isinstance(default, dict):
        schema["default"] = default["text"]
    elif isinstance(default, float):
        schema["default"] = f"{default:g}"
    elif default not in ([], {}):
        schema["default"] = default
