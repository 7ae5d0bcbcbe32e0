"""Words for messages: paths, values and what a schema accepts."""

import json
import re
from collections.abc import Mapping
from typing import Any

ValuePath = tuple[str | int, ...]  # from the root of a resource to one of its values, in names of the manifest
_SHOWN_MAX = 60


def shown_path(path: ValuePath) -> str:
    """The path as people write it.

    >>> shown_path(("spec", "source", "crawl", "allow", 0)), shown_path(("metadata", "labels", "a/b"))
    ('spec.source.crawl.allow[0]', 'metadata.labels["a/b"]')
    """
    shown = ""
    for step in path:
        if isinstance(step, int):
            shown += f"[{step}]"
        elif re.fullmatch(r"\w+", step):
            shown += f".{step}" if shown else step
        else:
            shown += f"[{_cut(json.dumps(step, ensure_ascii=False))}]"
    return shown


def shown_value(value: object) -> str:
    """A short word for a value: the value itself as JSON, or what kind of thing it is.

    >>> shown_value(70), shown_value("70"), shown_value([1])
    ('70', '"70"', 'a list of 1')
    """
    if isinstance(value, (list, tuple)):
        return f"a list of {len(value)}"
    if isinstance(value, dict):
        return f"a mapping with {_cut(', '.join(map(str, value)))}" if value else "an empty mapping"
    return _cut(json.dumps(value, ensure_ascii=False, default=str))


def _cut(text: str) -> str:
    return text if len(text) <= _SHOWN_MAX else f"{text[:_SHOWN_MAX]}…"


def schema_words(schema: Mapping[str, Any]) -> str:
    """What a schema accepts, in words."""
    if "expected" in schema:
        return str(schema["expected"])
    if "const" in schema:
        return str(schema["const"])
    if "enum" in schema:
        *others, last = schema["enum"]
        return f"{', '.join(others)} or {last}"
    match schema.get("type"):
        case "integer":
            low, high = schema.get("minimum"), schema.get("maximum")
            return "a whole number" + (f" from {low} to {high}" if high is not None else f" of at least {low or 0}")
        case "boolean":
            return "true or false"
        case "string":
            return "text"
        case "array":
            most = f" of at most {schema['maxItems']}" if "maxItems" in schema else ""
            return f"a list{most}, each {schema_words(schema['items'])}"
        case "object":
            required = ", ".join(schema.get("required", ()))
            most = f" with at most {schema['maxProperties']} entries" if "maxProperties" in schema else ""
            return f"a mapping with {required}" if required else f"a mapping{most}"
        case _:
            return "another value"
