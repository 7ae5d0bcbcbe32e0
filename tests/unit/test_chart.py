"""The chart's own files agree: values, their schema and their table, the definition, the rules, the dashboard."""

import json
import os
import re
import subprocess
import sys
import tomllib
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import charts
import jsonschema_rs
import pytest
import yaml
from pages import ROOT, page
from tools.dashboard import dashboard

from clockifyrag_operator.settings import Settings

FREE = {"global", "affinity.nodeAffinity", "affinity.podAffinity", "affinity.podAntiAffinity"}  # Kubernetes' own
TOLD_BY_OTHER_VALUES = {
    "watch_namespaces", "pod_namespace", "pod_name", "service_image", "index_builder_image", "ollama_image",
    "allowed_images", "allowed_private_hosts", "allow_alerts", "alert_for", "runbooks", "api_port", "log_level",
    "lease_name",
}  # fmt: skip


def test_the_table_of_the_readme_has_each_value_with_its_default() -> None:
    (table,) = page("charts/clockifyrag/README.md").tables("value", "default")

    told = {row[0].strip("`"): yaml.safe_load(row[1].strip("`")) for row in table.rows}

    assert dict(charts.leaves(charts.values())) == told


def test_each_value_of_the_readme_is_explained() -> None:
    (table,) = page("charts/clockifyrag/README.md").tables("value", "default")

    assert [] == [row[0] for row in table.rows if len(row[2]) < 10]


def test_the_schema_knows_the_values_and_no_others() -> None:
    def paths(node: dict[str, Any], prefix: str = "") -> set[str]:
        found: set[str] = set()
        for name, value in node.get("properties", {}).items():
            value = resolved(value)
            inner = paths(value, f"{prefix}{name}.") if value.get("additionalProperties") is False else set()
            found |= inner or {f"{prefix}{name}"}
        return found

    known = paths(charts.schema()) - {"global"}

    tuned = {path for path in known if path.startswith("operator.settings.")}
    without_default = {path for path in known if path.startswith("affinity.")} | {"resources.claims"}
    assert dict(charts.leaves(charts.values())).keys() == known - tuned - without_default | {
        "operator.settings",
        "affinity",
    }


def resolved(node: dict[str, Any]) -> dict[str, Any]:
    """A part of the schema, or what it refers to."""
    reference = node.get("$ref", "").rpartition("/")[2]
    found: dict[str, Any] = charts.schema()["$defs"][reference] if reference else node
    return found


def test_each_value_is_used() -> None:
    templates = "\n".join(file.read_text() for file in (charts.CHART / "templates").rglob("*.*"))
    by_index = {path for path, _ in charts.leaves(charts.values()) if path.startswith("images.")}

    unused = [
        path
        for path, _ in charts.leaves(charts.values())
        if f".Values.{path}" not in templates and f".Values.{path.rpartition('.')[0]} " not in templates
    ]

    assert by_index == set(unused) - {"resources.requests", "resources.limits"}
    assert ".Values.resources }}" in templates


def test_each_object_of_the_schema_is_closed() -> None:
    def unclosed(node: dict[str, Any], path: str = "") -> list[str]:
        node = resolved(node)
        found = []
        if node.get("type") == "object" and "additionalProperties" not in node and path not in FREE:
            found.append(path)
        for name, value in node.get("properties", {}).items():
            found += unclosed(value, f"{path}.{name}".strip("."))
        return found

    assert [] == unclosed(charts.schema())


def test_the_schema_takes_the_tuning_that_the_operator_takes_within_the_same_limits() -> None:
    def limits(node: dict[str, Any]) -> dict[str, Any]:
        return {
            key: node[key] for key in ("type", "minimum", "maximum", "exclusiveMinimum", "description") if key in node
        }

    expected = {
        re.sub("_(.)", lambda found: found[1].upper(), name): limits(field)
        for name, field in Settings.model_json_schema()["properties"].items()
        if name not in TOLD_BY_OTHER_VALUES
    }

    settings = charts.schema()["properties"]["operator"]["properties"]["settings"]["properties"]

    assert TOLD_BY_OTHER_VALUES <= Settings.model_fields.keys()
    assert expected == settings


def test_the_default_values_are_valid() -> None:
    jsonschema_rs.validate(charts.schema(), charts.values())


@pytest.mark.parametrize(
    ("path", "value"),
    [
        pytest.param("replica", 2, id="unknown"),
        pytest.param("images.operator.name", "x", id="unknown-deeper"),
        pytest.param("operator.settings.leaseSecond", 5, id="unknown-setting"),
        pytest.param("operator.settings.leaseSeconds", 0, id="no-time"),
        pytest.param("replicas", -1, id="negative"),
        pytest.param("images.operator.digest", "sha256:abc", id="short-digest"),
        pytest.param("images.operator.tag", "a b", id="tag"),
        pytest.param("watchNamespaces", ["Team"], id="namespace"),
        pytest.param("watchNamespaces", ["a", "a"], id="namespace-twice"),
        pytest.param("allowedImages", ["a,b"], id="two-in-one"),
        pytest.param("monitoring.serviceMonitor", True, id="not-a-word"),
        pytest.param("alertFor", "ten minutes", id="duration"),
        pytest.param("logLevel", "INFO", id="level"),
        pytest.param("podLabels.a", 1, id="label-that-is-a-number"),
        pytest.param("imagePullSecrets", ["name"], id="pull-secret-without-name"),
        pytest.param("networkPolicy.apiServerPorts", [], id="no-way-to-the-api-server"),
    ],
)
def test_a_wrong_value_is_refused(path: str, value: Any) -> None:
    given = charts.values()
    *folders, name = path.split(".")
    node = given
    for folder in folders:
        node = node[folder]
    node[name] = value

    assert not jsonschema_rs.is_valid(charts.schema(), given)


def test_the_copy_of_the_definition_is_the_definition() -> None:
    written = (ROOT / "crds" / "clockifyrag.yaml").read_text()

    assert written == charts.text("files/clockifyrag.yaml"), (
        "copy it: cp crds/clockifyrag.yaml charts/clockifyrag/files/"
    )


def test_the_chart_has_the_version_of_the_project() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    chart = yaml.safe_load(charts.text("Chart.yaml"))

    assert (project["version"], project["version"]) == (chart["version"], chart["appVersion"])


def test_the_default_images_of_the_chart_are_those_of_the_operator() -> None:
    def image(name: str) -> str:
        given = charts.values()["images"][name]
        return f"{given['repository']}:{given['tag'] or yaml.safe_load(charts.text('Chart.yaml'))['appVersion']}"

    told = Settings()

    assert (told.service_image, told.index_builder_image, told.ollama_image) == (
        image("service"),
        image("indexBuilder"),
        image("ollama"),
    )


def test_the_dashboard_is_what_its_program_writes() -> None:
    written = charts.text("files/dashboard.json")

    assert json.dumps(dashboard(), indent=2) + "\n" == written, (
        "write it anew: python3 tools/dashboard.py >charts/clockifyrag/files/dashboard.json"
    )


class Answers(BaseHTTPRequestHandler):
    """Stands for a search service: what is found is a fixed article, or nothing for the question `nothing`."""

    def do_GET(self) -> None:
        found = [] if "nothing" in self.path else [{"title": "Track time", "url": "https://help.example/track"}]
        code = 200 if self.headers.get("X-API-Key") == "secret" else 401
        self.send_response(code)
        self.end_headers()
        self.wfile.write(json.dumps({"results": found, "metadata": {"index_generation": "gen-1"}}).encode())

    def log_message(self, format: str, *args: Any) -> None:
        """Tells nothing: the test looks at the outcome."""


@pytest.mark.parametrize(
    ("question", "key", "code", "told"),
    [
        pytest.param("how?", "secret", 0, "Track time  https://help.example/track  (gen-1)", id="found"),
        pytest.param("nothing", "secret", 1, "found nothing", id="nothing-found"),
        pytest.param("how?", "wrong", 1, "answers 401", id="refused"),
    ],
)
def test_the_first_query_tells_what_it_found_or_fails(question: str, key: str, code: int, told: str) -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), Answers) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        ended = first_query(f"http://127.0.0.1:{server.server_port}", question, key)
        server.shutdown()

    assert (code, True) == (ended.returncode, told in ended.stdout + ended.stderr), ended.stderr


def test_the_first_query_is_asked_again_where_its_answer_does_not_come() -> None:
    """As on a node that has not heard of the first ready pod yet, and drops what is sent there."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Answers) as server:

        def swallow_one_and_serve() -> None:
            with server.socket.accept()[0] as swallowed:
                while swallowed.recv(65536):
                    pass
            server.serve_forever()

        Thread(target=swallow_one_and_serve, daemon=True).start()
        ended = first_query(f"http://127.0.0.1:{server.server_port}", "how?", "secret")
        server.shutdown()

    assert 0 == ended.returncode, ended.stderr


def test_the_first_query_says_what_to_look_at_where_nobody_answers() -> None:
    ended = first_query("http://127.0.0.1:1", "how?", "")

    assert 1 == ended.returncode
    assert "is there a resource of that name" in ended.stderr
    assert "Traceback" not in ended.stderr


def first_query(url: str, question: str, key: str) -> subprocess.CompletedProcess[str]:
    program = charts.CHART / "files" / "first_query.py"
    environment = {"PATH": os.environ["PATH"], "URL": url, "QUESTION": question, "API_KEY": key}
    return subprocess.run([sys.executable, program], env=environment, capture_output=True, text=True, timeout=30)
