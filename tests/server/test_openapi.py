"""The OpenAPI document keeps its word: Schemathesis asks a live server everything the document allows, and more."""

import subprocess
import sys
from pathlib import Path

import pytest
from tests.server.conftest import Server

ALWAYS_POSSIBLE = {"400", "401", "403", "405", "413", "429", "500"}
METHODS = {"get", "put", "post", "delete", "options", "head", "patch", "trace"}


@pytest.mark.slow
def test_every_answer_is_documented_and_none_is_a_failure(server: Server, tmp_path: Path) -> None:
    ended = subprocess.run(
        [
            str(Path(sys.executable).with_name("schemathesis")),
            "run",
            f"{server.url}/openapi.json",
            "--checks=all",
            "--max-examples=20",
            "--seed=20261123",
            "--continue-on-failure",
            "--no-color",
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=280,
    )

    assert 0 == ended.returncode, ended.stdout + ended.stderr
    assert "Coverage" in ended.stdout
    assert "Fuzzing" in ended.stdout


def test_every_endpoint_documents_every_refusal_with_the_error_model(server: Server) -> None:
    document = server.get("/openapi.json").json()

    operations = [
        (f"{method} {path}", operation)
        for path, item in document["paths"].items()
        for method, operation in item.items()
        if method in METHODS
    ]
    assert [] == [name for name, operation in operations if not set(operation["responses"]) >= ALWAYS_POSSIBLE]
    assert [] == [name for name, operation in operations if "422" in operation["responses"]]
    models = {
        answer["content"]["application/json"]["schema"]["$ref"]
        for _, operation in operations
        for status, answer in operation["responses"].items()
        if status >= "400" and status != "503"
    }
    assert {"#/components/schemas/ErrorAnswer"} == models


def test_the_document_lists_the_endpoints_of_the_contract(server: Server) -> None:
    paths = set(server.get("/openapi.json").json()["paths"])

    assert paths >= {
        "/search", "/search/chat", "/chat", "/analytics", "/suggestions", "/feedback", "/health", "/live", "/ready",
        "/metrics", "/status", "/config", "/articles/{document_id}",
    }  # fmt: skip
