"""The reference of the resource: every field with what it takes, its default and what changing it sets off.

python -m clockifyrag_resource.document >docs/resource.md
"""

import typing
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic.fields import FieldInfo

from clockifyrag_resource.containers import Resources
from clockifyrag_resource.part import Part
from clockifyrag_resource.pod import Pod
from clockifyrag_resource.quantities import Quantity
from clockifyrag_resource.resource import API_VERSION, KIND, Metadata, Spec
from clockifyrag_resource.search import ScalingRules
from clockifyrag_resource.wording import schema_words

SHARED: tuple[type[Part], ...] = (Pod, Resources, ScalingRules)  # told once, under a heading of their own
EFFECT_WORDS = {"rebuild": "new index", "restart": "new pods", "none": "neither", "fixed": "refused"}
INTRODUCTION = f"""\
# The resource `{KIND}`

Written by `python -m clockifyrag_resource.document` from the models that read a resource; do not edit it by hand.

`apiVersion: {API_VERSION}`, `kind: {KIND}`. [clockifyrag.yaml](../clockifyrag.yaml) is the smallest useful one:
`source` alone is required. A field that is left out has its default; null is refused. What is wrong, between fields
too, is told by its path, what was found and what was expected.

The column "change" says what changing a field sets off in a cluster: a new index, new pods without a new index, or
neither; or that the API server refuses the change. Where it is empty, the fields above or below say it. `[]` stands
for each entry of a list. On one machine `clockifyrag up` names the fields that only a cluster knows and goes on
without them: [index.md](index.md#what-of-a-resource-counts-on-one-machine).
"""
HEADER = ("| field | takes | default | change | meaning |", "|---|---|---|---|---|")


@dataclass(frozen=True, slots=True)
class Row:
    """One field; `default` and `effect` are "" where there is none."""

    path: str
    takes: str
    default: str
    effect: str
    meaning: str

    def line(self) -> str:
        cells = (f"`{self.path}`", self.takes, self.default, EFFECT_WORDS.get(self.effect, ""), self.meaning)
        return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def resource_document() -> str:
    """docs/resource.md: one table for metadata, each part of the spec and each shared part, in Markdown."""
    sections = [("metadata", tuple(rows(Metadata, "metadata.")))]
    plain: list[Row] = []
    for name, field in Spec.model_fields.items():
        own, *below = field_rows(Spec, name, field, "spec.", "")
        if below:
            sections.append((own.path, (own, *below)))
        else:
            plain.append(own)
    sections.append(("The rest of spec", tuple(plain)))
    sections += [(part.__name__, tuple(rows(part, ""))) for part in SHARED]
    tables = ("\n".join((f"\n## {title}\n", *HEADER, *(row.line() for row in found))) for title, found in sections)
    return INTRODUCTION + "\n".join(tables) + "\n"


def rows(part: type[Part], prefix: str, effect: str = "") -> Iterator[Row]:
    """A row for each field of the part and for all below it; `effect` is that of the field which holds the part."""
    for name, field in part.model_fields.items():
        yield from field_rows(part, name, field, prefix, effect)


def field_rows(part: type[Part], name: str, field: FieldInfo, prefix: str, inherited: str) -> Iterator[Row]:
    """The field's own row, then those of its fields, unless they are told under a heading of their own."""
    extra = field.json_schema_extra if isinstance(field.json_schema_extra, dict) else {}
    effect, alias = str(extra.get("effect", inherited)), field.alias or name
    default, below = default_words(field), part_in(field.annotation)
    listed = isinstance(field.default, tuple)
    meaning = str(field.description).removesuffix(f" Default: {default.strip('`')}.")
    if below is None:
        takes = taken(part.model_json_schema()["properties"][alias])
    elif below in SHARED:
        takes = f"[{below.__name__}](#{below.__name__.lower()})"
    else:
        takes = "a list of mappings" if listed else "a mapping"
    yield Row(prefix + alias, takes, default, effect, meaning)
    if below is not None and below not in SHARED:
        yield from rows(below, f"{prefix}{alias}{'[]' if listed else ''}.", effect)


def taken(schema: Mapping[str, Any]) -> str:
    """What the schema accepts, in words; null beside something else is not told."""
    if "anyOf" in schema and "expected" not in schema:
        schema = next(choice for choice in schema["anyOf"] if choice.get("type") != "null")
    return schema_words(schema)


def part_in(annotation: object) -> type[Part] | None:
    """The part that values of this type are, or are lists of; None for texts, numbers and free mappings."""
    if isinstance(annotation, type) and issubclass(annotation, Part):
        return annotation
    found = (part_in(inner) for inner in typing.get_args(annotation))
    return next((part for part in found if part is not None), None)


def default_words(field: FieldInfo) -> str:
    """The default as a manifest writes it; "" where leaving the field out is told in its description."""
    if field.is_required():
        return "required"
    match field.default:
        case bool():
            return f"`{str(field.default).lower()}`"
        case float():
            return f'`"{field.default:g}"`'  # Kubernetes APIs hold no fractions: such numbers are quoted
        case int() | str() | Quantity():
            return f"`{field.default}`"
    return ""


if __name__ == "__main__":
    print(resource_document(), end="")
