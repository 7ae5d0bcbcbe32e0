"""Validation errors of pydantic → problems: where, what was found, what was expected in the words of the schema."""

import difflib
import functools
from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from clockifyrag_resource.errors import Problem
from clockifyrag_resource.resource import ClockifyRAG
from clockifyrag_resource.wording import ValuePath, schema_words, shown_path, shown_value


def problems_of(error: ValidationError, lines: Mapping[ValuePath, int]) -> tuple[Problem, ...]:
    """The problems `error` stands for, in the order of the file; `lines` tells the line of each path that has one."""
    problems = [problem for details in error.errors(include_url=False) for problem in _problems(details, lines)]
    return tuple(sorted(dict.fromkeys(problems), key=lambda problem: problem.line or 0))


def _problems(details: ErrorDetails, lines: Mapping[ValuePath, int]) -> list[Problem]:
    wrong_key = _is_about_a_key(details["loc"])
    path = details["loc"][:-1] if wrong_key else details["loc"]
    if details["type"] == "broken_rules":
        broken = details["ctx"]["broken"]
        return [_problem((*path, *rule.path), rule.found, rule.expected, lines) for rule in broken]
    if details["type"] == "extra_forbidden":
        return [_problem(path, "a field that does not exist", _nearest_field(path), lines)]
    schema = _schema_at(path)
    if details["type"] == "missing":
        return [_problem(path, "nothing", schema_words(schema), lines)]
    if wrong_key:
        keys = _schema_at(path[:-1]).get("propertyNames", {})
        return [_problem(path, f"the key {shown_value(path[-1])}", schema_words(keys), lines)]
    return [_problem(path, _found(details), _expected(details, schema), lines)]


def _is_about_a_key(path: ValuePath) -> bool:
    """Whether pydantic's mark for a key ends the path; elsewhere "[key]" is the name of something."""
    holder = _schema_at(path[:-2])
    return path[-1:] == ("[key]",) and holder.get("type") == "object" and "properties" not in holder


def _problem(path: ValuePath, found: str, expected: str, lines: Mapping[ValuePath, int]) -> Problem:
    nearest = next((lines[path[:end]] for end in range(len(path), -1, -1) if path[:end] in lines), None)
    return Problem(shown_path(path), found, expected, nearest)


def _found(details: ErrorDetails) -> str:
    value = details["input"]
    if details["type"] in ("string_too_long", "string_too_short"):
        return f"{len(value)} characters"
    if details["type"] == "too_long" and isinstance(value, (list, dict)):
        return f"{len(value)} entries"
    return shown_value(value)


def _expected(details: ErrorDetails, schema: Mapping[str, Any]) -> str:
    words = schema_words(schema)
    if details["type"] == "string_too_long":
        return f"at most {schema.get('maxLength')} characters"
    if details["type"] == "value_error" and "expected" not in schema:
        return str(details["ctx"]["error"])
    return f"{words}; or leave the field out, never null" if details["input"] is None else words


def _nearest_field(path: ValuePath) -> str:
    known = sorted(_schema_at(path[:-1]).get("properties", {}))
    plain = {_plain(name): name for name in known}
    near = difflib.get_close_matches(_plain(str(path[-1])), plain, n=1)
    if near:
        return f"{plain[near[0]]}, the nearest field there is"
    return f"one of {', '.join(known)}" if known else "no field, as there is nothing to set"


def _plain(name: str) -> str:
    return name.lower().replace("_", "").replace("-", "")


@functools.cache
def _schema() -> dict[str, Any]:
    return ClockifyRAG.model_json_schema()


def _schema_at(path: ValuePath) -> dict[str, Any]:
    """The JSON schema of what stands at `path`; empty where the schema says nothing."""
    schema = _resolved(_schema())
    for step in path:
        if isinstance(step, int):
            below = schema.get("items")
        else:
            by_pattern = iter(schema.get("patternProperties", {}).values())
            of_any_key = next(by_pattern, schema.get("additionalProperties"))
            below = schema.get("properties", {}).get(step, of_any_key)
        schema = _resolved(below) if isinstance(below, dict) else {}
    return schema


def _resolved(schema: dict[str, Any]) -> dict[str, Any]:
    if "$ref" not in schema:
        return schema
    definition: dict[str, Any] = _schema()["$defs"][schema["$ref"].rpartition("/")[2]]
    return definition | schema  # beside the reference stands what is said of this one field
