"""What the operator writes into its objects, the programs in their pods can read: settings, arguments, metrics."""

import os
import re
import subprocess
import sys
from typing import Any

import click
import pytest
import typer
from drawn import BUILD, EMBED, LIST, SOURCES, Spec, drawn, expanded, options, pod_templates, specs, wanted
from hypothesis import given, settings
from prometheus_client.parser import text_string_to_metric_families
from typer.main import get_command

from clockifyrag_cli.__main__ import app
from clockifyrag_index.index_choice import IndexChoice
from clockifyrag_operator import names
from clockifyrag_operator.objects.alerts import alerts
from clockifyrag_operator.observed import Manifest
from clockifyrag_resource.resource import Spec as ResourceSpec
from clockifyrag_service.metrics import Metrics
from clockifyrag_service.settings import Settings

CONFIG: Spec = {
    "retrievalK": 9, "cacheSize": 11, "cacheMaxBytes": "3Mi", "cacheTTLSeconds": 60, "minQueryLength": 3,
    "maxQueryLength": 99, "fusion": "RRF", "denseWeight": "0.00001", "lexicalWeight": "0.75", "efSearch": 17,
    "rerank": True, "rerankModel": "bge-m3", "rateLimitPerMinute": 30, "trustedProxies": ["10.0.0.0/8", "192.0.2.1"],
    "logLevel": "Warning", "corsOrigins": ["https://example.com", "https://docs.example.com"],
}  # fmt: skip


def environment(spec: Spec) -> dict[str, str]:
    """The variables of the search container: those of the ConfigMap and its own."""
    objects = drawn(spec)
    (container,) = objects["Deployment", "help-search"]["spec"]["template"]["spec"]["containers"]
    (named,) = container["envFrom"]
    own = {one["name"]: one["value"] for one in container.get("env", [])}
    return {**objects["ConfigMap", named["configMapRef"]["name"]]["data"], **own}


def server_settings(spec: Spec) -> Settings:
    """The settings a server takes from that environment and from nothing else."""
    names_of_settings = {name.upper() for name in Settings.model_fields}
    with pytest.MonkeyPatch.context() as patched:
        for name in names_of_settings & set(os.environ):
            patched.delenv(name)
        for name, value in environment(spec).items():
            patched.setenv(name, value)
        return Settings(_env_file=None)  # type: ignore[call-arg]  # known to pydantic-settings, not to mypy


@settings(deadline=None, max_examples=40)
@given(specs())
def test_the_server_knows_every_variable_it_is_given_and_takes_every_value(spec: Spec) -> None:
    known = {name.upper() for name in Settings.model_fields}

    assert set() == set(environment(spec)) - known
    read = server_settings(spec)
    assert ("production", "0.0.0.0", 8000, 9090) == (read.profile, read.api_host, read.api_port, read.ops_port)
    assert (read.generation is None) != (read.generation_file is None)


def test_every_search_setting_of_the_resource_reaches_the_server() -> None:
    spec = {"search": {"config": CONFIG}}
    resource = wanted(spec).rag
    assert resource is not None
    config = resource.spec.search.config
    assert len(CONFIG) == len(type(config).model_fields)  # a new setting needs a line above

    read = server_settings(spec)

    for name, value in dict(config).items():
        expected = {"cache_max_bytes": 3 * 2**20, "log_level": "warning", "fusion": "rrf"}.get(name, value)
        assert expected == getattr(read, name), name


def command_line(args: list[str]) -> click.Context:
    """The arguments as the console script takes them; click.UsageError where it does not."""
    command: Any = get_command(app)
    context = click.Context(command, info_name="clockifyrag")
    while isinstance(command, (click.Group, typer.core.TyperGroup)):
        command, args = command.commands[args[0]], args[1:]
    made: click.Context = command.make_context(command.name, list(args), parent=context)
    return made


@settings(deadline=None, max_examples=40)
@given(specs())
def test_the_builder_knows_every_option_of_jobs_of_the_store_and_of_pulls(spec: Spec) -> None:
    for order in (BUILD, EMBED, LIST):
        for name, template in pod_templates(drawn(spec, order=order)):
            pod = template["spec"]
            for container in [*pod.get("initContainers", []), *pod["containers"]]:
                if "builder" in container["image"]:
                    context = command_line([expanded(one) for one in container["args"]])
                    assert context.params, (name, container["name"])


def build_parameters(spec: Spec) -> dict[str, Any]:
    job = next(one for (kind, _), one in drawn(spec).items() if kind == "Job")
    parameters: dict[str, Any] = command_line(options(job)).params
    return parameters


@pytest.mark.parametrize(
    "index",
    [
        pytest.param({}, id="unset"),
        pytest.param({"type": "HNSW", "vectorStorage": "SQ8", "hnsw": {"m": 16, "efConstruction": 99}}, id="HNSW"),
        pytest.param({"vectorStorage": "Float16", "hnsw": {"m": 4}}, id="Auto"),
        pytest.param({"type": "Flat", "vectorStorage": "Float32"}, id="Flat"),
    ],
)
def test_what_the_resource_says_of_its_index_arrives_as_it_stands(index: Spec) -> None:
    told = build_parameters({"index": index})
    wanted_index = ResourceSpec.model_validate({"source": {"sample": {}}, "index": index}).index

    read = IndexChoice(told["index_type"], told["vector_storage"], told["hnsw_m"], told["hnsw_ef_construction"])

    assert (wanted_index.type, wanted_index.vector_storage) == (read.type, read.storage)
    if wanted_index.type != "Flat":
        assert (wanted_index.hnsw.m, wanted_index.hnsw.ef_construction) == (read.hnsw_m, read.hnsw_ef_construction)


@pytest.mark.parametrize("source", SOURCES.values(), ids=SOURCES)
def test_what_the_resource_says_of_its_source_arrives_as_it_stands(source: Spec) -> None:
    told = build_parameters({"source": source})
    spec = ResourceSpec.model_validate({"source": source})

    assert (spec.source.format, spec.source.namespace) == (told["source_format"], told["namespace"])
    if spec.source.http:
        http = spec.source.http
        assert (http.url, http.sha256, list(http.allow_hosts) or None) == (
            told["source"], told["sha256"], listed(told["allow_host"]),
        )  # fmt: skip
    if spec.source.crawl:
        crawl = spec.source.crawl
        assert ("crawl", list(crawl.start_urls), crawl.sitemap, list(crawl.allow), crawl.max_pages) == (
            told["source"], listed(told["start_url"]), told["sitemap"], listed(told["allow"]), told["max_pages"],
        )  # fmt: skip


def listed(value: Any) -> list[str] | None:
    return list(value) if value else None


def test_what_the_resource_says_of_its_model_arrives_as_it_stands() -> None:
    profile = {"dimensions": 8, "documentPrefix": "- a $(HOME): ", "queryPrefix": "", "contextTokens": 512}
    embedding = {"model": "custom:7b", "digest": "a" * 64, "profile": profile, "batchSize": 7}

    told = build_parameters({"embedding": embedding, "chunking": {"maxChars": 900, "minChars": 50}})

    assert ("ollama", "custom:7b", "a" * 64, 7) == (
        told["embedder"], told["model"], told["model_digest"], told["batch_size"],
    )  # fmt: skip
    assert (8, "- a $(HOME): ", "", 512) == (
        told["dimensions"], told["document_prefix"], told["query_prefix"], told["context_tokens"],
    )  # fmt: skip
    assert (900, 50, False, True) == (told["max_chars"], told["min_chars"], told["publish"], told["serving"])


def test_the_process_of_a_job_starts_with_its_arguments_and_builds(tmp_path: Any) -> None:
    job = next(one for (kind, _), one in drawn({"embedding": {"provider": "Local", "model": "wordllama"}}).items()
               if kind == "Job")  # fmt: skip
    outcome = tmp_path / "outcome"
    outcome.touch()
    here = {"--out=/index": f"--out={tmp_path}/index", f"--outcome={names.OUTCOME_FILE}": f"--outcome={outcome}",
            f"--ops-port={names.OPS_PORT}": "--ops-port=0"}  # fmt: skip

    ended = subprocess.run(
        [sys.executable, "-m", "clockifyrag_cli", *(here.get(one, one) for one in options(job))],
        capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert 0 == ended.returncode, ended.stderr
    assert '"Built"' in outcome.read_text()
    assert not (tmp_path / "index" / "CURRENT").exists()


def exported() -> set[str]:
    """The names of the time series a server tells."""
    metrics = Metrics(frozenset({"search"}), lambda: 0.0)
    text = metrics.exposition().decode()
    series = {sample.name for family in text_string_to_metric_families(text) for sample in family.samples}
    return series | {family.name for family in text_string_to_metric_families(text)} | {"rag_requests_total"}


def test_alerts_look_at_metrics_that_are_told() -> None:
    used = {name for one in alerts(wanted(), "10m") for name in re.findall(r"\brag_\w+(?={)", one.expression)}

    assert 5 <= len(used)
    assert set() == used - exported()


def test_the_operator_reads_an_outcome_where_the_builder_writes_it() -> None:
    job: Manifest = next(one for (kind, _), one in drawn({}).items() if kind == "Job")
    (container,) = job["spec"]["template"]["spec"]["containers"]

    default_of_kubernetes = container.get("terminationMessagePath", "/dev/termination-log")
    assert f"--outcome={default_of_kubernetes}" in container["args"]
