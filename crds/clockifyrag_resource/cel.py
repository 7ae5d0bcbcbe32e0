"""Cel: a rule of the schema in a cluster, declared beside the Python rule it mirrors.

The API server then refuses what the models refuse, in the same words: found …, expected …. What it cannot judge (time
zones, whether a day ever comes) the models alone refuse; the operator tells it in condition Ready, reason SpecInvalid.
The language: kubernetes.io, Common Expression Language in Kubernetes; the fields: apiextensions.k8s.io/v1
ValidationRule.
"""

from dataclasses import dataclass
from typing import Any, Literal

from pydantic import GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

KEY = "x-kubernetes-validations"
RefusedFor = Literal["FieldValueInvalid", "FieldValueForbidden", "FieldValueRequired"]


@dataclass(frozen=True, slots=True)
class Cel:
    """What must hold of a value, `self`; with `oldSelf` in it, of a change.

    A part lists its rules in `api_rules`; a type of text carries its own inside of Annotated.
    """

    rule: str
    expected: str  # also the rule's name in tests: different rules expect different things
    found: str = ""  # in words, the same whenever the rule is broken
    shown: str = ""  # an expression, in place of `found`; its text must be bounded, which that of a number is not
    path: str = ""  # from the value to the culprit, as ".maxChars"
    refused_for: RefusedFor = "FieldValueInvalid"

    def schema(self) -> dict[str, str]:
        """The rule as the schema of a CustomResourceDefinition holds it."""
        expected = f"expected {self.expected}"
        rule = {"rule": self.rule, "message": f"found {self.found}, {expected}" if self.found else expected}
        if self.shown:
            rule["messageExpression"] = f"'found ' + {self.shown} + {cel_text(f', {expected}')}"
        if self.path:
            rule["fieldPath"] = self.path
        if self.refused_for != "FieldValueInvalid":
            rule["reason"] = self.refused_for
        return rule

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        json_schema = handler.resolve_ref_schema(handler(schema))
        add_rules(json_schema, self)
        return json_schema


def add_rules(json_schema: dict[str, Any], *rules: Cel) -> None:
    """Put the rules behind those the schema has already."""
    if rules:
        json_schema[KEY] = [*json_schema.get(KEY, ()), *(rule.schema() for rule in rules)]


def cel_text(text: str) -> str:
    r"""The literal of a text.

    >>> print(cel_text("it's \\d"))
    'it\'s \\d'
    """
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def cel_list(texts: tuple[str, ...]) -> str:
    """The literal of a list of texts."""
    return f"[{', '.join(map(cel_text, texts))}]"


def unchanged(field: str, expected: str) -> Cel:
    """The rule that an optional field of the value never changes, appears or goes away."""
    return Cel(
        f"has(self.{field}) == has(oldSelf.{field}) && (!has(self.{field}) || self.{field} == oldSelf.{field})",
        expected,
        shown=f"(has(self.{field}) ? self.{field} : 'nothing')",
        path=f".{field}",
        refused_for="FieldValueForbidden",
    )
