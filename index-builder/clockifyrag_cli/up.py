"""`clockifyrag up`: a ClockifyRAG resource without a cluster: build if needed, publish, serve, watch the source."""

import os
import sys
import time
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Annotated, Any

import typer

from clockifyrag_index.errors import UsageError

if TYPE_CHECKING:
    from clockifyrag_builder.plan import BuildPlan, Source
    from clockifyrag_resource.resource import ClockifyRAG

RUN_FOLDER = Path(".run")
READY_POLL_SECONDS = 0.05


def up(
    file: Annotated[Path, typer.Option("--file", "-f", help="The resource.")] = Path("clockifyrag.yaml"),
    source: Annotated[
        Path | None, typer.Option(help="A local file or folder in place of the resource's source.")
    ] = None,
    root: Annotated[Path | None, typer.Option(help="The index root; unset: .run/<name of the resource>.")] = None,
    watch: Annotated[bool, typer.Option(help="Build again when the source changes.")] = False,
    once: Annotated[bool, typer.Option(help="Build and end, without serving.")] = False,
) -> None:
    """Build what the resource asks for, if anything changed, and serve it until Ctrl-C."""
    from clockifyrag_resource.load import load_resource
    from clockifyrag_resource.local import not_applying_locally

    resource = load_resource(file)
    here = adapted(resource, os.environ.get("LLM_BASE_URL"))
    for line in (_left_out(not_applying_locally(resource)), here.remark):
        if line:
            print(line, flush=True)
    index_root = root or RUN_FOLDER / resource.metadata.name
    build_once(here, source, index_root)
    if once:
        return
    settings = _settings(here, index_root)
    with _watching(file, source, index_root) if watch else nullcontext():
        _serve(settings)


def _watching(file: Path, source: Path | None, root: Path) -> AbstractContextManager[None]:
    from clockifyrag_cli.watching import watching

    arguments = ["--file", str(file), "--root", str(root), *(["--source", str(source)] if source else [])]
    return watching(source or file, arguments)


@dataclass(frozen=True, slots=True)
class Adapted:
    """The resource as this machine can run it: the Ollama it uses, if any, and the line that says what was changed."""

    resource: "ClockifyRAG"
    ollama_url: str | None = None
    remark: str = ""


def adapted(resource: "ClockifyRAG", llm_base_url: str | None) -> Adapted:
    """Where the resource wants a managed Ollama: that of LLM_BASE_URL, else a model in the process."""
    from clockifyrag_resource.local import with_local_embedder

    embedding, ollama = resource.spec.embedding, resource.spec.ollama
    if embedding.provider == "Local":
        return Adapted(resource)
    url = llm_base_url or (ollama.url if ollama else None)
    if url:
        return Adapted(resource, url)
    local = with_local_embedder(resource)
    return Adapted(
        local,
        remark=f"The resource wants an Ollama with {embedding.resolved_model()}; here "
        f"{local.spec.embedding.resolved_model()} embeds in the process. Set LLM_BASE_URL to use an Ollama.",
    )


def _left_out(parts: tuple[str, ...]) -> str:
    return f"Without a cluster these do not apply: {', '.join(parts)}." if parts else ""


def build_once(here: Adapted, source: Path | None, root: Path) -> None:
    """Builds and publishes what the resource asks for, unless it stands already."""
    from clockifyrag_builder.build import build
    from clockifyrag_cli.progress import progress_display

    plan = _plan(here, source, root)
    try:
        with progress_display("auto") as progress:
            outcome = build(plan, progress)
    finally:
        plan.embedder.close()
    if outcome.result == "Built":
        print(outcome.report.text())
    print(
        f"{'Unchanged' if outcome.result == 'Unchanged' else 'Published'} {outcome.generation}: "
        f"{outcome.documents} articles, {outcome.chunks} chunks, {here.resource.spec.embedding.resolved_model()}",
        flush=True,
    )


def _plan(here: Adapted, source: Path | None, root: Path) -> "BuildPlan":
    from clockifyrag_builder.plan import BuildPlan
    from clockifyrag_cli.opened import limits_of
    from clockifyrag_index.embedders.opening import open_embedder
    from clockifyrag_index.layout import Layout

    spec = here.resource.spec
    embedding, profile = spec.embedding, spec.embedding.resolved_profile()
    return BuildPlan(
        root=root,
        source=_source(here.resource, source, root),
        limits=limits_of(profile, spec.resolved_max_chars(), spec.chunking.min_chars),
        embedder=open_embedder(
            embedding.provider, profile, url=here.ollama_url, batch_size=embedding.batch_size, digest=embedding.digest
        ),
        batch_size=embedding.batch_size,
        reason="SourceOrSpecChanged" if Layout(root).current.exists() else "FirstBuild",
    )


def _source(resource: "ClockifyRAG", local: Path | None, root: Path) -> "Source":
    """The resource's source, or a local path in its place. UsageError for a source only a cluster has."""
    from clockifyrag_builder.sources import site_source, source_of
    from clockifyrag_index.layout import Layout

    spec = resource.spec.source
    common: dict[str, Any] = {"work": Layout(root).work, "source_format": spec.format, "namespace": spec.namespace}
    if local is not None:
        return source_of(str(local), **common)
    if spec.http is not None:
        return source_of(spec.http.url, sha256=spec.http.sha256, allow_hosts=spec.http.allow_hosts, **common)
    if spec.crawl is not None:
        return site_source(spec.crawl, **common)
    if spec.sample is not None:
        return source_of("sample", **common)
    raise UsageError(
        f"spec.source.{spec.kind} stands in a cluster, which is not here; expected a local path: "
        "clockifyrag up --source PATH, or make run SOURCE=PATH"
    )


def _settings(here: Adapted, root: Path) -> Any:
    """The server's settings: the resource's search.config, over which the environment wins."""
    from clockifyrag_builder.sample import sample_glossary
    from clockifyrag_service.settings import Settings

    config = here.resource.spec.search.config
    wanted: dict[str, Any] = {
        "index_root": root,
        "llm_base_url": here.ollama_url,
        "retrieval_k": config.retrieval_k,
        "cache_size": config.cache_size,
        "cache_max_bytes": config.cache_max_bytes.whole,
        "cache_ttl_seconds": config.cache_ttl_seconds,
        "min_query_length": config.min_query_length,
        "max_query_length": config.max_query_length,
        "dense_weight": config.dense_weight,
        "lexical_weight": config.lexical_weight,
        "ef_search": config.ef_search,
        "rerank": config.rerank,
        "rate_limit_per_minute": config.rate_limit_per_minute,
        "trusted_proxies": config.trusted_proxies,
        "log_level": config.log_level.lower(),
        "cors_origins": config.cors_origins,
        # a person at a terminal wants the address, not a line for each request
        "log_file": root / "server.log" if sys.stderr.isatty() else None,
        "glossary_path": sample_glossary() if here.resource.spec.source.sample is not None else None,
    }
    explicit = Settings().model_fields_set
    return Settings(**{name: value for name, value in wanted.items() if name not in explicit and value is not None})


def _serve(settings: Any) -> None:
    """Serves until a signal; the address is told once questions are answered there."""
    from clockifyrag_service.__main__ import serve

    exit_code = serve(settings, lambda url: Thread(target=_tell_when_ready, args=(url, settings), daemon=True).start())
    if exit_code:
        raise typer.Exit(exit_code)


def _tell_when_ready(url: str, settings: Any) -> None:
    import httpx

    log = f"; log: {settings.log_file}" if settings.log_file else ""
    with httpx.Client(verify=False, timeout=5) as client:  # noqa: S501  our own certificate, on this machine
        while True:
            try:
                if client.get(f"{url}/ready").is_success:
                    break
            except httpx.TransportError:
                return  # the server has ended
            time.sleep(READY_POLL_SECONDS)
    print(f"Ask your questions at {url}   (Ctrl-C ends{log})", flush=True)
