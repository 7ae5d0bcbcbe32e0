"""The server's application as the documents are compared with it: made, never served; it has no index."""

import asyncio
import io
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx
from fastapi import FastAPI
from fastapi.routing import APIRoute

from clockifyrag_service.app import create_app
from clockifyrag_service.parts import assembled
from clockifyrag_service.routes.siblings import sibling_routes
from clockifyrag_service.settings import Settings


def settings() -> Settings:
    return Settings(index_root=Path("/nonexistent"), _env_file=None)  # type: ignore[call-arg]  # what stands in .env is of no concern


def asked(path: str) -> Any:
    """The JSON that GET `path` answers."""

    async def answer() -> Any:
        transport = httpx.ASGITransport(create_app(settings(), io.StringIO()))
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            return (await client.get(path)).json()

    return asyncio.run(answer())


def operations() -> dict[str, dict[str, Any]]:
    """What the OpenAPI document says of each `METHOD /path`, its models put in place of references."""
    document = asked("/openapi.json")
    return {
        f"{method.upper()} {path}": resolved(operation, document["components"]["schemas"])
        for path, item in document["paths"].items()
        for method, operation in item.items()
    }


def resolved(node: Any, schemas: Mapping[str, Any]) -> Any:
    if isinstance(node, list):
        return [resolved(value, schemas) for value in node]
    if not isinstance(node, dict):
        return node
    if "$ref" in node:
        return resolved(schemas[node["$ref"].rpartition("/")[2]], schemas)
    return {key: resolved(value, schemas) for key, value in node.items()}


def routes() -> set[str]:
    """`METHOD /path` of all routes of either port, those outside of the OpenAPI document too."""
    with_siblings = settings().model_copy(update={"log_key_file": Path("/nonexistent")})
    app: Any = create_app(settings(), io.StringIO())
    while not isinstance(app, FastAPI):
        app = app._app  # what the front stands before
    found = single_routes((*app.routes, *sibling_routes(assembled(with_siblings, io.StringIO())).routes))
    return {f"{method} {route.path_format}" for route in found for method in route.methods or ()}


def single_routes(found: Iterable[Any]) -> Iterator[APIRoute]:
    """The routes themselves and those of routers among them."""
    for route in found:
        if isinstance(route, APIRoute):
            yield route
        else:
            yield from single_routes(route.original_router.routes)


def answer_fields(schema: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """(path, type) of each field of an answer: `results[].title`, `string`."""
    for name, field in schema["properties"].items():
        choices = field.get("anyOf", [field])
        kinds = [choice for choice in choices if choice.get("type") != "null"]
        yield (
            prefix + name,
            {"array": "list"}.get(kinds[0]["type"], kinds[0]["type"])
            + (" or null" if len(kinds) < len(choices) else ""),
        )
        inner = kinds[0].get("items", kinds[0])
        if "properties" in inner:
            yield from answer_fields(inner, f"{prefix}{name}{'[]' if 'items' in kinds[0] else ''}.")


def values(schema: Mapping[str, Any], required: bool) -> str:
    """What a parameter or a field of a body takes: `integer 1–50, default 5`."""
    schema = next((choice for choice in schema.get("anyOf", ()) if choice.get("type") != "null"), {}) | dict(schema)
    words = kind(schema)
    default = schema.get("default")
    if default not in (None, []):
        words += f", default {str(default).lower() if isinstance(default, bool) else default}"
    return words + (", required" if required else "")


def kind(schema: Mapping[str, Any]) -> str:
    if "const" in schema:
        return str(schema["const"]).lower()
    if "enum" in schema:
        return " or ".join(schema["enum"])
    if schema["type"] == "array":
        return f"list ≤ {schema['maxItems']} of {kind(schema['items'])}"
    low = schema.get("minimum", schema.get("minLength"))
    high = schema.get("maximum", schema.get("maxLength"))
    span = f" {low:g}–{high:g}" if low is not None else f" ≤ {high:g}" if high is not None else ""
    return str(schema["type"]) + span
