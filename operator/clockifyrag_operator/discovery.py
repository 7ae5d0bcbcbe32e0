"""What the API server knows: optional kinds, and which fields of the resource the installed CRD has.

Looked at again and again, so that a kind that appears or goes is seen without a restart. An old CRD drops fields of a
spec that it does not know without a word; the resource then says what its author never wrote, which is worth a metric,
a line in the log and a condition, and no reason to stop. A status with such a field is refused as a whole ("field not
declared in schema" says server-side apply), so it is written without.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from clockifyrag_operator import names
from clockifyrag_operator.client import Client
from clockifyrag_operator.errors import NotFound
from clockifyrag_operator.kinds import CHILDREN, MONITORING_API, RESOURCE
from clockifyrag_resource.resource import API_VERSION, Spec
from clockifyrag_resource.status_schema import Status

_SHOWN_MAX = 5
_SCHEMA = f"/openapi/v3/apis/{API_VERSION}"

Schema = dict[str, Any]


async def known_kinds(client: Client) -> frozenset[str]:
    """Those of the optional kinds that the API server knows now."""
    try:
        answer = await client.request("GET", f"/apis/{MONITORING_API}")
    except NotFound:
        return frozenset()
    served = {one["kind"] for one in answer.get("resources", ())}
    return frozenset(one.kind for one in CHILDREN if one.optional and one.kind in served)


async def schema_hash(client: Client) -> str | None:
    """What changes when the schema of the resource's API changes; None when the CRD is not installed."""
    paths = (await client.request("GET", "/openapi/v3")).get("paths", {})
    entry = paths.get(f"apis/{API_VERSION}")
    return entry["serverRelativeURL"] if entry else None


@dataclass(frozen=True, slots=True)
class Gaps:
    """What the installed CRD lacks: in one sentence, and the paths in a status that are not to be written to it."""

    problem: str | None = None  # None: it knows every field of this version
    of_status: frozenset[str] = frozenset()


async def schema_gaps(client: Client) -> Gaps:
    """What the installed CRD lacks."""
    try:
        document = await client.request("GET", _SCHEMA)
    except NotFound:
        return Gaps(f"the CRD of {API_VERSION} is not installed; apply crds/clockifyrag.yaml of this version")
    served: Schema = next(
        (
            schema
            for schema in document.get("components", {}).get("schemas", {}).values()
            if any(one.get("kind") == RESOURCE.kind for one in schema.get("x-kubernetes-group-version-kind", ()))
        ),
        {},
    )
    missing = missing_fields(served)
    if not missing:
        return Gaps()
    more = f" and {len(missing) - _SHOWN_MAX} more" if len(missing) > _SHOWN_MAX else ""
    problem = (
        f"the installed CRD {names.PLURAL}.{names.GROUP} is older than the operator and drops "
        f"{', '.join(missing[:_SHOWN_MAX])}{more}; apply crds/clockifyrag.yaml of this version"
    )
    knows_any = "status" in served.get("properties", {})  # else what was read is no schema of ours
    return Gaps(problem, frozenset(path for path in missing if knows_any and path.startswith("status.")))


def missing_fields(served: Schema) -> tuple[str, ...]:
    """Paths of spec and status that the model has and the served schema lacks: the outermost of each branch, sorted."""
    parts = served.get("properties", {})
    found = (_missing(model, parts.get(part, {}), model["$defs"], part) for part, model in own_schemas().items())
    return tuple(sorted(path for paths in found for path in paths))


@cache
def own_schemas() -> Mapping[str, Schema]:
    """The schemas of spec and status as this version has them; made once, as it takes 50 ms in which nothing else is
    done.
    """
    return {"spec": Spec.model_json_schema(by_alias=True), "status": Status.model_json_schema(by_alias=True)}


def without(value: Any, paths: frozenset[str], here: str = "status") -> Any:
    """The status, or a part of it, without what lies at these paths.

    >>> without({"url": "a", "generations": [{"id": "b", "bytes": 1}]}, frozenset({"status.generations[].bytes"}))
    {'url': 'a', 'generations': [{'id': 'b'}]}
    """
    if not paths:  # as nearly always, and in each pass
        return value
    if isinstance(value, Mapping):
        below = ((name, f"{here}.{name}", one) for name, one in value.items())
        return {name: without(one, paths, path) for name, path, one in below if path not in paths}
    if isinstance(value, (list, tuple)):
        return [without(one, paths, f"{here}[]") for one in value]
    return value


def _missing(wanted: Schema, served: Schema, definitions: Schema, path: str) -> Iterator[str]:
    if served.get("x-kubernetes-preserve-unknown-fields"):
        return
    for name, part in wanted.get("properties", {}).items():
        here = f"{path}.{name}"
        found = served.get("properties", {}).get(name)
        if found is None:
            yield here
        else:
            yield from _missing(_resolved(part, definitions), _plain(found), definitions, here)
    if "items" in wanted and "items" in served:
        yield from _missing(_resolved(wanted["items"], definitions), _plain(served["items"]), definitions, f"{path}[]")


def _resolved(part: Schema, definitions: Schema) -> Schema:
    """The schema a reference stands for; of alternatives the one that has fields."""
    if "$ref" in part:
        return _resolved(definitions[part["$ref"].rpartition("/")[2]], definitions)
    for alternative in (*part.get("anyOf", ()), *part.get("allOf", ())):
        if (resolved := _resolved(alternative, definitions)).get("properties") or "items" in resolved:
            return resolved
    return part


def _plain(served: Schema) -> Schema:
    """The served schema with its alternatives laid together: OpenAPI wraps what has a default into allOf."""
    for wrapped in served.get("allOf", ()):
        served = {**wrapped, **served}
    return served
