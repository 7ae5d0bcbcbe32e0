"""`clockifyrag index build`: its options, and the build they ask for."""

import sys
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from clockifyrag_cli.embedder_options import EmbedderOptions
from clockifyrag_cli.ending import ended_by_sigterm
from clockifyrag_cli.outcome import told_failure, write_outcome
from clockifyrag_cli.source_options import CrawlOptions, SourceOptions
from clockifyrag_index.errors import UsageError
from clockifyrag_index.graph_limits import EF_CONSTRUCTION_MAX, EF_CONSTRUCTION_MIN, M_MAX, M_MIN

if TYPE_CHECKING:
    from clockifyrag_builder.outcome import BuildOutcome
    from clockifyrag_index.layout import Layout

EXIT_UNCHANGED = 10


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
        from clockifyrag_builder.plan import BuildPlan, Shard
        from clockifyrag_cli.opened import limits_of
        from clockifyrag_cli.ops import ops_port
        from clockifyrag_cli.progress import progress_display
        from clockifyrag_cli.variables import said
        from clockifyrag_index.index_choice import index_choice
        from clockifyrag_index.layout import Layout

        reading = SourceOptions(
            source=source, format=source_format, namespace=namespace, strict=strict, sha256=sha256,
            authorization_file=authorization_file, allow_hosts=tuple(allow_host or ()),
            crawl=CrawlOptions(
                start_urls=start_url, sitemap=sitemap, allow=allow, max_pages=max_pages, delay_seconds=delay_seconds
            ),
        )  # fmt: skip
        embedding = EmbedderOptions(
            embedder=embedder, model=model, ollama_urls=ollama_url or [said("LLM_BASE_URL") or ""],
            serving=serving, digest=model_digest,
            batch_size=batch_size, dimensions=dimensions, document_prefix=document_prefix, query_prefix=query_prefix,
            context_tokens=context_tokens,
        )  # fmt: skip
        profile = embedding.profile()
        with closing(embedding.opened(profile)) as opened:
            part = Shard.parse(shard) if embed_only else None
            # Shards run side by side, and what one of them no longer wants it removes.
            work = Layout(out).work / part.name if part else Layout(out).work
            plan = BuildPlan(
                root=out,
                source=reading.opened(work),
                limits=limits_of(profile, max_chars, min_chars),
                embedder=opened,
                index=index_choice(index_type, vector_storage, hnsw_m, hnsw_ef_construction),
                batch_size=batch_size,
                in_flight=embedding.in_flight,
                call_seconds=embedding.call_seconds,
                given_build_key=build_key,
                reason=reason,
                publish=publish,
                remove=_generations(remove),
                shards=shards,
                embed_only=part,
            )
            with progress_display(progress) as shown, ops_port(status_port, shown) as told:
                result = built(plan, told)
        _tell(result, outcome, Layout(out), for_program=progress == "json")
    if result.result == "Unchanged" and not outcome:
        raise typer.Exit(EXIT_UNCHANGED)


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
