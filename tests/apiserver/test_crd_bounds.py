"""Each bound of each field of the spec, tried on a real API server: what lies just beyond it is refused by its path."""

from collections.abc import Iterator
from typing import Any

import pytest
from tests.apiserver.controlplane import ControlPlane
from tests.apiserver.resources import Resources

from clockifyrag_resource.crd import custom_resource_definition

SPEC = custom_resource_definition()["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]
Step = str | int
Path = tuple[Step, ...]

# A good value for each field that a mapping cannot be without.
REQUIRED: dict[str, Any] = {
    "name": "a", "path": "/", "url": "https://a.org", "model": "a", "cron": "@daily", "host": "a.org", "type": "Pods",
    "value": 1, "periodSeconds": 1, "topologyKey": "zone", "whenUnsatisfiable": "ScheduleAnyway",
    "configMapRef": {"name": "a"}, "secretRef": {"name": "a"},
}  # fmt: skip


def beyond(schema: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """Values just beyond each bound, and one of another kind, each with a name."""
    if "enum" in schema:
        yield "no such word", "Nonsense"
    if schema.get("x-kubernetes-int-or-string"):
        yield "below zero", -1
        yield "no quantity", "much"
        return
    if "minimum" in schema:
        yield "too small", schema["minimum"] - 1
    if "maximum" in schema:
        yield "too large", schema["maximum"] + 1
    if "pattern" in schema:
        yield "another pattern", "a b\n"
    if "maxLength" in schema:
        yield "too long", "a" * (schema["maxLength"] + 1)
    if "minLength" in schema:
        yield "too short", ""
    if "maxItems" in schema:
        yield "too many", [good(schema["items"])] * (schema["maxItems"] + 1)
    if "maxProperties" in schema:
        yield (
            "too many",
            {f"k{n}": good(schema.get("additionalProperties", {})) for n in range(schema["maxProperties"] + 1)},
        )
    yield "another kind", "text" if schema["type"] in ("integer", "boolean", "object", "array") else 7


def good(schema: dict[str, Any]) -> Any:
    """A value the schema takes, as small as can be."""
    match schema.get("type"):
        case "object":
            return {name: REQUIRED[name] for name in schema.get("required", ())}
        case "string":
            return "10.0.0.1"
    return 1


def bounds(schema: dict[str, Any], path: Path) -> Iterator[tuple[Path, str, Any]]:
    """Every value beyond a bound at or below the schema."""
    for what, value in beyond(schema):
        yield path, what, value
    for name, field in schema.get("properties", {}).items():
        yield from bounds(field, (*path, name))
    if "items" in schema:
        yield from bounds(schema["items"], (*path, 0))
    if "additionalProperties" in schema:
        yield from bounds(schema["additionalProperties"], (*path, "key"))


def shown(path: Path) -> str:
    """The path as an API server writes it: those of values of a mapping have its key as a field."""
    return "spec" + "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)


def spec_with(path: Path, value: Any) -> Any:
    """The smallest spec that holds the value at the path."""

    def at(schema: dict[str, Any], steps: Path) -> Any:
        if not steps:
            return value
        if steps[0] == 0:
            return [at(schema["items"], steps[1:])]
        below = schema.get("properties", {}).get(steps[0]) or schema["additionalProperties"]
        return good(schema) | {str(steps[0]): at(below, steps[1:])}

    return at(SPEC | {"required": []}, path)


BOUNDS = list(bounds(SPEC, ()))[1:]  # without the spec itself


def test_there_are_bounds_of_every_class() -> None:
    assert {
        "no such word", "below zero", "no quantity", "too small", "too large", "another pattern", "too long",
        "too short", "too many", "another kind",
    } == {what for _, what, _ in BOUNDS}  # fmt: skip


@pytest.mark.parametrize("part", SPEC["properties"])
def test_what_lies_beyond_a_bound_is_refused_by_its_path(
    control_plane: ControlPlane, namespace: str, crd: str, part: str
) -> None:
    resources = Resources(control_plane, namespace)
    let_pass = []

    for path, what, value in BOUNDS:
        if path[0] == part:
            answer = resources.tried(spec_with(path, value))
            if answer.status_code != 422 or f"{shown(path)}: " not in answer.json()["message"]:
                let_pass.append((path, what, answer.text[-300:]))

    assert [] == let_pass
