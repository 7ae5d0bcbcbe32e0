"""`clockifyrag index build`: its options, and the build they ask for."""

import dataclasses
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from clockifyrag_cli.ending import ended_by_sigterm
from clockifyrag_cli.outcome import told_failure, write_outcome
from clockifyrag_index.errors import UsageError
from clockifyrag_index.graph_limits import EF_CONSTRUCTION_MAX, EF_CONSTRUCTION_MIN, M_MAX, M_MIN

if TYPE_CHECKING:
    from clockifyrag_builder.outcome import BuildOutcome
    from clockifyrag_builder.plan import Source
    from clockifyrag_index.embedders import Embedder
    from clockifyrag_index.layout import Layout
    from clockifyrag_resource.profiles import ModelProfile
    from clockifyrag_resource.source import CrawlSource

EXIT_UNCHANGED = 10
CRAWL = "crawl"
CALL_SECONDS_WHILE_SERVING = 0.25  # a question waits for no longer behind a build


# Long for its options, which typer reads from the signature: one a line.
def build(
    source: Annotated[str, typer.Option(help="A file, folder, archive or URL; `sample`, the corpus shipped; `crawl`.")],
    out: Annotated[Path, typer.Option(help="The index root.")],
    embedder: Annotated[str, typer.Option(help="local or ollama.")] = "local",
    model: Annotated[str | None, typer.Option(help="Unset: all-minilm (local), nomic-embed-text (ollama).")] = None,
    ollama_url: Annotated[
        list[str] | None,
        typer.Option(envvar="LLM_BASE_URL", help="Base URL of the Ollama server; all are used, where several are."),
    ] = None,
    serving: Annotated[bool, typer.Option(help="Leave questions their share of the Ollama servers.")] = False,
    model_digest: Annotated[str | None, typer.Option(help="Refuse any other model under this name.")] = None,
    dimensions: Annotated[int | None, typer.Option(min=1, help="Of the model's vectors.")] = None,
    document_prefix: Annotated[str | None, typer.Option(help="What the model wants before a text.")] = None,
    query_prefix: Annotated[str | None, typer.Option(help="What the model wants before a question.")] = None,
    context_tokens: Annotated[int | None, typer.Option(min=1, help="Longest text the model reads.")] = None,
    start_url: Annotated[list[str] | None, typer.Option(help="Page a crawl begins with; may be repeated.")] = None,
    sitemap: Annotated[str | None, typer.Option(help="Sitemap whose pages a crawl reads.")] = None,
    allow: Annotated[list[str] | None, typer.Option(help="Address prefix of a crawl; may be repeated.")] = None,
    max_pages: Annotated[int, typer.Option(help="Pages a crawl reads at most.")] = 1000,
    delay_seconds: Annotated[int, typer.Option(help="Between two requests of a crawl to one host.")] = 1,
    source_format: Annotated[str, typer.Option("--format", help="Auto, JSONL, Markdown or HTML.")] = "Auto",
    namespace: Annotated[str, typer.Option(help="Of documents that name none.")] = "default",
    sha256: Annotated[str | None, typer.Option(help="Expected digest of a file fetched by URL.")] = None,
    authorization_file: Annotated[
        Path | None, typer.Option(help="File with the Authorization header for the host of the URL.")
    ] = None,
    allow_host: Annotated[list[str] | None, typer.Option(help="Host that may be private; may be repeated.")] = None,
    max_chars: Annotated[int | None, typer.Option(help="Characters a chunk; unset: what suits the model.")] = None,
    min_chars: Annotated[int, typer.Option(help="Shorter sections join a neighbour.")] = 200,
    index_type: Annotated[str, typer.Option(help="Auto (Flat below 50,000 chunks, then HNSW), Flat or HNSW.")] = "Auto",
    vector_storage: Annotated[str, typer.Option(help="Auto, Float32, Float16 or SQ8.")] = "Auto",
    hnsw_m: Annotated[int, typer.Option(min=M_MIN, max=M_MAX, help="Neighbours of a vector in an HNSW index.")] = 32,
    hnsw_ef_construction: Annotated[
        int,
        typer.Option(
            min=EF_CONSTRUCTION_MIN,
            max=EF_CONSTRUCTION_MAX,
            help="Candidates looked at while an HNSW index is built.",
        ),
    ] = 200,
    batch_size: Annotated[int, typer.Option(min=1, max=256, help="Texts a request.")] = 32,
    strict: Annotated[bool, typer.Option(help="A broken record ends the build instead of being reported.")] = False,
    publish: Annotated[bool, typer.Option(help="Move CURRENT to the new generation.")] = True,
    build_key: Annotated[str | None, typer.Option(help="Stands in the manifest in place of the computed one.")] = None,
    reason: Annotated[str, typer.Option(help="Why it is built; stands in the manifest.")] = "Requested",
    outcome: Annotated[
        Path | None, typer.Option(help="Write the summary or the failure there; every finished build exits 0.")
    ] = None,
    remove: Annotated[str, typer.Option(help="Comma-separated generations to delete once one stands.")] = "",
    shards: Annotated[
        int, typer.Option(min=1, help="Above 1: end with NeedVectors when many vectors are missing.")
    ] = 1,
    embed_only: Annotated[bool, typer.Option(help="Fill the cache of vectors and build nothing.")] = False,
    shard: Annotated[str, typer.Option(help="With --embed-only: I/N, I from 0.")] = "0/1",
    progress: Annotated[str, typer.Option(help="auto (a bar on a terminal), plain or json.")] = "auto",
    status_port: Annotated[
        int | None,
        typer.Option("--ops-port", envvar="OPS_PORT", min=0, max=65535, help="Answer /status there while building."),
    ] = None,
) -> None:
    """Read a source and publish a generation of it.

    Exit codes: 0 published, 10 unchanged, 2 usage, 30 source, 40 embedder, 50 storage; 20 is reserved for the quality
    gate. With --outcome every finished build, Built, Unchanged or NeedVectors, exits 0. The last line is the summary.
    """
    with ended_by_sigterm(), told_failure(outcome):
        from clockifyrag_builder.build import build as built
        from clockifyrag_builder.plan import BuildPlan, Shard, calls_at_once
        from clockifyrag_cli.opened import limits_of
        from clockifyrag_cli.ops import ops_port
        from clockifyrag_cli.progress import progress_display
        from clockifyrag_index.index_choice import index_choice
        from clockifyrag_index.layout import Layout

        _require_use(
            source, by_crawl={"start-url": start_url, "sitemap": sitemap, "allow": allow},
            by_url={"sha256": sha256, "authorization-file": authorization_file},
        )  # fmt: skip
        urls = _urls(ollama_url)
        if serving and len(urls) > 1:
            urls = urls[1:]
        profile = _profile(
            embedder, model, dimensions=dimensions, document_prefix=document_prefix, query_prefix=query_prefix,
            context_tokens=context_tokens,
        )  # fmt: skip
        opened = _embedder(embedder, profile, urls, batch_size, model_digest)
        part = Shard.parse(shard) if embed_only else None
        # Shards run side by side, and what one of them no longer wants it removes.
        work = Layout(out).work / part.name if part else Layout(out).work
        reading: dict[str, Any] = {"work": work, "source_format": source_format, "namespace": namespace}
        hosts = tuple(allow_host or ())
        site = (
            _site(start_urls=start_url, sitemap=sitemap, allow=allow, max_pages=max_pages, delay_seconds=delay_seconds,
                  allow_hosts=hosts)
            if source == CRAWL else None
        )  # fmt: skip
        plan = BuildPlan(
            root=out,
            source=_source(source, site, reading | {"strict": strict}, sha256, hosts, authorization_file),
            limits=limits_of(profile, max_chars, min_chars),
            embedder=opened,
            index=index_choice(index_type, vector_storage, hnsw_m, hnsw_ef_construction),
            batch_size=batch_size,
            in_flight=calls_at_once(len(urls), serving=serving) if embedder.lower() == "ollama" else calls_at_once(1),
            call_seconds=CALL_SECONDS_WHILE_SERVING if serving and embedder.lower() == "ollama" else None,
            given_build_key=build_key,
            reason=reason,
            publish=publish,
            remove=_generations(remove),
            shards=shards,
            embed_only=part,
        )
        try:
            with progress_display(progress) as shown, ops_port(status_port, shown) as told:
                result = built(plan, told)
        finally:
            opened.close()
        _tell(result, outcome, Layout(out), for_program=progress == "json")
    if result.result == "Unchanged" and not outcome:
        raise typer.Exit(EXIT_UNCHANGED)


def _urls(given: list[str] | None) -> list[str]:
    """The addresses, given one by one or separated by commas."""
    return [url.strip() for text in given or () for url in text.split(",") if url.strip()]


def _profile(embedder: str, model: str | None, **changes: object) -> "ModelProfile":
    """The built-in profile of the model, with what is given put over it."""
    from clockifyrag_cli.opened import provider_of
    from clockifyrag_resource.profiles import DEFAULT_MODEL, model_profile

    given: dict[str, Any] = {name: value for name, value in changes.items() if value is not None}
    return dataclasses.replace(model_profile(model or DEFAULT_MODEL[provider_of(embedder)]), **given)


def _embedder(name: str, profile: "ModelProfile", urls: list[str], batch_size: int, digest: str | None) -> "Embedder":
    from clockifyrag_cli.opened import provider_of
    from clockifyrag_index.embedders.opening import open_embedder, open_replicas

    provider = provider_of(name)
    if provider == "Ollama" and urls:
        return open_replicas(urls, profile, batch_size=batch_size, digest=digest)
    return open_embedder(provider, profile, batch_size=batch_size, digest=digest)


def _site(**fields: Any) -> "CrawlSource":
    """The web site as `spec.source.crawl` would describe it. UsageError says which option is wrong."""
    from pydantic import ValidationError

    from clockifyrag_resource.source import CrawlSource

    try:
        return CrawlSource(**{name: value for name, value in fields.items() if value is not None})
    except ValidationError as error:
        told = "; ".join(
            f"{'.'.join(map(str, one['loc'])) or 'the site'}: {one['msg']}" for one in error.errors(include_url=False)
        )
        raise UsageError(f"--source crawl: {told}") from error


def _require_use(source: str, by_crawl: Mapping[str, object], by_url: Mapping[str, object]) -> None:
    """UsageError names an option that was given and that this source makes nothing of."""
    from clockifyrag_builder.readers.sources import is_url

    for used, kind, options in (
        (source == CRAWL, "--source crawl", by_crawl),
        (is_url(source), "a --source of http(s)", by_url),
    ):
        for name, given in options.items():
            if given is not None and not used:
                raise UsageError(f"--{name} goes with {kind}, found {source!r}")


def _source(
    text: str,
    site: "CrawlSource | None",
    reading: dict[str, Any],
    sha256: str | None,
    allow_hosts: tuple[str, ...],
    authorization_file: Path | None,
) -> "Source":
    from clockifyrag_builder.sources import site_source, source_of

    if site is not None:
        return site_source(site, **reading)
    authorization = None if authorization_file is None else _secret(authorization_file)
    return source_of(text, sha256=sha256, allow_hosts=allow_hosts, authorization=authorization, **reading)


def _secret(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        problem = error.strerror if isinstance(error, OSError) else "it is no text"
        raise UsageError(f"--authorization-file {file} cannot be read: {problem}") from error


def _generations(text: str) -> tuple[str, ...]:
    """The ids of `--remove`. UsageError for what is none, before anything is built."""
    from clockifyrag_index.layout import is_generation_id

    names = tuple(name.strip() for name in text.split(",") if name.strip())
    for name in names:
        if not is_generation_id(name):
            raise UsageError(f"--remove holds {name[:40]!r}; expected ids such as gen-0123456789ab")
    return names


def _tell(result: "BuildOutcome", outcome: Path | None, layout: "Layout", *, for_program: bool) -> None:
    """Prints the report for people and the summary; that goes into the file `outcome` as well.

    The report goes to standard error: the summary is the last line of standard output. A program that follows the
    progress there finds it in the root.
    """
    import json

    if result.generation and result.result == "Built" and not for_program:
        print(f"{result.report.text()}\nIn full: {layout.report(result.generation) / 'report.json'}", file=sys.stderr)
    summary = result.summary()
    if outcome:
        write_outcome(outcome, summary)
    print(json.dumps(summary))
