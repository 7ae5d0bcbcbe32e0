"""Examples of what the CustomResourceDefinition lets pass and refuses, for the API server and for the models."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

TABLE = Path(__file__).parent / "apiserver" / "crd_rules.yaml"


@dataclass(frozen=True, slots=True)
class Example:
    """A resource, or the change of one."""

    rule: str  # what the rule expects
    spec: Mapping[str, Any]  # as it is, or is to be
    before: Mapping[str, Any] | None = None
    says: str = ""  # the words of the refusal; "": accepted

    def __str__(self) -> str:
        return f"{self.rule[:40]}: {self.says or self.spec}"


def manifest(spec: Mapping[str, Any]) -> dict[str, Any]:
    """The whole resource, from the sample unless another source is given."""
    fields = {"source": {"sample": {}}} | dict(spec)
    name = fields.pop("$name", "help")
    return {"apiVersion": "clockifyrag.io/v1beta1", "kind": "ClockifyRAG", "metadata": {"name": name}, "spec": fields}


def examples() -> tuple[Example, ...]:
    """Every example of the table."""
    return tuple(_examples(yaml.safe_load(TABLE.read_text())))


def _examples(table: Mapping[str, Any]) -> Iterator[Example]:
    for rule, told in table.items():
        for accepted in told["accepted"]:
            yield _example(rule, accepted, "")
        for says, refused in told["refused"].items():
            yield _example(rule, refused, says)


def _example(rule: str, given: Any, says: str) -> Example:
    before, spec = given if isinstance(given, list) else (None, given)
    return Example(rule, spec, before, says)
