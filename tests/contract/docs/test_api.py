"""docs/api.md and the application agree, in both directions."""

import json
import re
import shlex
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from pages import ROOT, Table, page, pages

from clockifyrag_service.access import SCOPE_OF, STATIC, UNLIMITED, scope_needed
from clockifyrag_service.errors import STATUS
from clockifyrag_service.siblings import PATH

from .application import answer_fields, asked, operations, routes, settings, values

API = page("docs/api.md")
ENDPOINTS = [heading for heading in API.headings if re.match(r"[A-Z]+ /", heading)]
OPERATIONS = operations()
ALSO_NAMED = {
    "/page",
    "/articles/{id}",
    "/articles/<id>",
    "/articles/…",
    "/api/embed",
    "/api/tags",
}  # in metrics, as examples, Ollama's
JSON_ANSWERS = [name for name, operation in OPERATIONS.items() if "properties" in str(operation["responses"]["200"])]


def table(endpoint: str, *header: str) -> Table | None:
    """The table with that header below the endpoint's heading."""
    return next((found for found in API.tables(*header) if found.heading == endpoint), None)


def test_each_route_has_a_heading_and_each_heading_is_a_route() -> None:
    assert sorted(routes()) == sorted(ENDPOINTS)


@pytest.mark.parametrize("endpoint", OPERATIONS)
def test_each_parameter_stands_in_the_table_with_its_values(endpoint: str) -> None:
    parameters = OPERATIONS[endpoint].get("parameters", [])
    expected = {
        f"`{one['name']}`": values(one["schema"], one["required"]) for one in parameters if one["in"] == "query"
    }

    found = table(endpoint, "parameter", "values")

    assert expected == {row[0]: row[1] for row in (found.rows if found else ())}


@pytest.mark.parametrize("endpoint", OPERATIONS)
def test_each_field_of_a_body_stands_in_the_table_with_its_values(endpoint: str) -> None:
    body = OPERATIONS[endpoint].get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
    expected = {
        f"`{name}`": values(schema, name in body.get("required", ()))
        for name, schema in body.get("properties", {}).items()
    }

    found = table(endpoint, "field", "values")

    assert expected == {row[0]: row[1] for row in (found.rows if found else ())}


@pytest.mark.parametrize("endpoint", JSON_ANSWERS)
def test_each_field_of_an_answer_stands_in_the_table_with_its_type(endpoint: str) -> None:
    schema = OPERATIONS[endpoint]["responses"]["200"]["content"]["application/json"]["schema"]

    found = told_fields(endpoint)

    assert dict(answer_fields(schema)) == found


def told_fields(endpoint: str) -> dict[str, str]:
    """Path and type of the fields told for an endpoint; "as of" another one stands for the fields told there."""
    found = table(endpoint, "field", "type")
    fields = {}
    for path, kind, meaning in found.rows if found else ():
        fields[path.strip("`")] = kind
        other = re.match(r"as of \[(.+?)\]", meaning)
        if other:
            below = (path.strip("`") + ".", path.strip("`") + "[].")
            fields |= {name: kind for name, kind in told_fields(other[1]).items() if name.startswith(below)}
    return fields


def test_each_field_of_status_is_told() -> None:
    found = table("GET /status", "field", "meaning")

    assert found is not None
    assert list(asked("/status")) == found.column(0)


def test_the_configuration_is_the_settings_in_lower_case() -> None:
    assert list(type(settings()).model_fields) == list(asked("/config"))


def test_each_error_code_is_told_with_its_status() -> None:
    (found,) = API.tables("code", "status")

    assert [(f"`{code}`", str(status)) for code, status in STATUS.items()] == [row[:2] for row in found.rows]


def test_codes_are_called_reserved_as_long_as_nothing_sends_them() -> None:
    (found,) = API.tables("code", "status")
    code = "\n".join(file.read_text() for file in (ROOT / "service").rglob("*.py"))

    unsent = {name for name in STATUS if len(re.findall(rf"\b{name}\b", code)) == 3}  # its name, its text, its status

    assert unsent == {row[0].strip("`") for row in found.rows if row[2].startswith("reserved")}


def test_the_error_that_is_shown_is_the_one_that_is_sent() -> None:
    (shown,) = (json.loads(block) for block in API.blocks("json"))

    sent = asked("/search?q=x")

    assert sent | {"error": sent["error"] | {"request_id": shown["error"]["request_id"]}} == shown


def test_each_endpoint_is_told_with_its_scope_and_whether_it_is_limited() -> None:
    (found,) = API.tables("endpoint", "scope")
    shown = {None: "none", "": "any key"}

    expected: dict[str, Any] = {}
    for endpoint in ENDPOINTS:
        path = endpoint.partition(" ")[2]
        if path == PATH:  # no key of a person opens it
            continue
        scope, free = scope_needed(path), path in UNLIMITED or path.startswith(STATIC)
        expected[f"`{endpoint}`"] = (shown.get(scope, scope), "no" if free else "yes")

    assert expected == {row[0]: row[1:] for row in found.rows}
    assert {row[1] for row in found.rows} - {"none", "any key"} == set(SCOPE_OF.values())


def test_each_header_that_is_told_is_one_the_server_knows() -> None:
    known = "\n".join(file.read_text() for file in (ROOT / "service" / "clockifyrag_service").rglob("*.py")).lower()
    told = [name for found in (*API.tables("header of a request"), *API.tables("header of an answer"))
            for name in found.column(0)]  # fmt: skip

    assert 15 <= len(told)
    assert [] == [name for name in told if f'"{name.lower()}"' not in known]


REQUESTS = [
    pytest.param(line, id=f"{one.name}:{number}")
    for one in pages()
    for number, line in enumerate(one.shell_lines())
    if re.search(r"\bcurl\b.*:8000", line)
]


@pytest.mark.parametrize("line", REQUESTS)
def test_each_request_that_is_shown_is_one_the_server_takes(line: str) -> None:
    words = shlex.split(line.rpartition("|")[2])
    address = next(urlsplit(word) for word in words if ":8000" in word)
    body = json.loads(words[words.index("-d") + 1]) if "-d" in words else None

    operation = OPERATIONS[f"{'GET' if body is None else 'POST'} {address.path}"]

    assert {name for name, _ in parse_qsl(address.query)} <= {one["name"] for one in operation.get("parameters", ())}
    if body is not None:
        fields = operation["requestBody"]["content"]["application/json"]["schema"]["properties"]
        assert body.keys() <= fields.keys()
        assert any("application/json" in word for word in words)


def test_each_path_named_on_a_page_exists() -> None:
    known = {endpoint.partition(" ")[2] for endpoint in routes()} | ALSO_NAMED
    documents = [one for one in pages() if not one.name.startswith(("deploy/", "tests/"))]

    named = [
        (one.name, path)
        for one in documents
        for code in one.code
        for path in re.findall(r"^(?:GET |POST )?(/[a-z][a-z./{}_<>…]*)$", code)
    ]

    assert 50 <= len(named)
    assert [] == [(name, path) for name, path in named if path not in known]
