"""Documentation: the OpenAPI document, and a page that lists the endpoints from it, without any foreign script."""

from collections.abc import Iterator
from html import escape
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from .access import scope_needed
from .errors import STATUS
from .models import ErrorAnswer
from .parameters import Rule, question_pattern
from .plain_page import page
from .settings import Settings

DESCRIPTION = "Finds the sections of help articles that answer a question, by meaning and by words."
REFERENCE = "#/components/schemas/{model}"
Responses = dict[int | str, dict[str, Any]]


def failures(*statuses: int) -> Responses:
    """The documented answers of a route that are not 2xx; `openapi_document` gives all of them the error model.

    Each route may also be asked without a key, too often, with an unknown parameter or by a wrong method, and may fail.
    Named here, FastAPI would make a validator of the model for each of some hundred answers, at every start.
    """
    return {
        status: {"description": ", ".join(sorted(code for code, number in STATUS.items() if number == status))}
        for status in sorted({400, 401, 403, 405, 413, 429, 500, *statuses})
    }


def documented(rules: tuple[Rule, ...]) -> dict[str, Any]:
    """The parameters of a route for its `openapi_extra`."""
    return {"parameters": [rule.openapi() for rule in rules]}


def openapi_document(app: FastAPI, settings: Settings) -> dict[str, Any]:
    """The OpenAPI document: FastAPI's, with the lengths of the settings, the ways to send a key, and without 422."""
    document = get_openapi(
        title="ClockifyRAG",
        version=app.version,
        description=DESCRIPTION,
        routes=app.routes,
        separate_input_output_schemas=False,
    )
    _document_errors(document)
    _document_lengths(document, settings)
    if settings.keys_wanted:
        _document_keys(document)
    return document


def _document_errors(document: dict[str, Any]) -> None:
    """Each answer that is not 2xx is the envelope; FastAPI's own 422 is never sent."""
    error_schema = REFERENCE.format(model="ErrorAnswer")
    for operation in _operations(document):
        operation["responses"].pop("422", None)
        for status, answer in operation["responses"].items():
            if status >= "400" and "content" not in answer:
                answer["content"] = {"application/json": {"schema": {"$ref": error_schema}}}
    schemas = document["components"]["schemas"]
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    error = ErrorAnswer.model_json_schema(ref_template=REFERENCE)
    schemas |= {**error.pop("$defs", {}), "ErrorAnswer": error}


def _document_lengths(document: dict[str, Any], settings: Settings) -> None:
    """Questions in bodies are as long as those in query strings."""
    schemas = document["components"]["schemas"]
    for model, field in (("ChatSearchBody", "query"), ("ChatBody", "question")):
        schemas[model]["properties"][field] |= {
            "minLength": settings.min_query_length,
            "maxLength": settings.max_query_length,
            "pattern": question_pattern(settings.min_query_length),
        }


def _document_keys(document: dict[str, Any]) -> None:
    """Each operation wants a key, in either header; those open to all take one."""
    document["components"]["securitySchemes"] = {
        "bearer": {"type": "http", "scheme": "bearer"},
        "header": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
    }
    with_key: list[dict[str, list[str]]] = [{"bearer": []}, {"header": []}]
    document["security"] = with_key
    for path, operations in document["paths"].items():
        if scope_needed(path) is None:
            for operation in operations.values():
                operation["security"] = [{}, *with_key]  # a key may be sent: /health then tells more


def _operations(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """What each path answers to each method."""
    for operations in document["paths"].values():
        yield from operations.values()


def documentation_page(document: dict[str, Any]) -> bytes:
    """/docs: every endpoint with its parameters, read from the OpenAPI document."""
    info = document["info"]
    parts = [
        f"<h1>{escape(info['title'])} {escape(info['version'])}</h1>",
        f'<p>{escape(info["description"])} The whole contract: <a href="/openapi.json">/openapi.json</a>.</p>',
    ]
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            parts.append(f"<h2><code>{method.upper()} {escape(path)}</code></h2>")
            parts.append(f"<p>{escape(operation.get('description') or operation.get('summary', ''))}</p>")
            parts.append(parameter_table(operation.get("parameters", [])))
            statuses = ", ".join(
                f"{status} {escape(answer['description'])}" for status, answer in operation["responses"].items()
            )
            parts.append(f"<p>Answers: {statuses}</p>")
    return page("ClockifyRAG API", "\n".join(parts))


def parameter_table(parameters: list[dict[str, Any]]) -> str:
    """The parameters as an HTML table; "" where there are none."""
    if not parameters:
        return ""
    rows = "".join(
        f"<tr><td><code>{escape(each['name'])}</code></td><td>{escape(bounds(each['schema']))}</td>"
        f"<td>{escape(each.get('description', ''))}</td></tr>"
        for each in parameters
    )
    return f"<table><tr><th>parameter</th><th>values</th><th>meaning</th></tr>{rows}</table>"


def bounds(schema: dict[str, Any]) -> str:
    """Type, range and default in a few words.

    >>> bounds({"type": "integer", "minimum": 1, "maximum": 50, "default": 5})
    'integer 1–50, default 5'
    """
    low, high = schema.get("minimum", schema.get("minLength")), schema.get("maximum", schema.get("maxLength"))
    text = str(schema.get("type", "")) + (f" {low}–{high}" if low is not None and high is not None else "")
    default = schema.get("default")
    return (
        text if default is None else f"{text}, default {str(default).lower() if isinstance(default, bool) else default}"
    )
