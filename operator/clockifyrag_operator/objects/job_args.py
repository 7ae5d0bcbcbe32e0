"""The command lines of Jobs: what the resource says, as options of the builder."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator

from clockifyrag_operator import names
from clockifyrag_operator.decision import Decision
from clockifyrag_operator.ledger import BuildOrder
from clockifyrag_operator.manifest import spec_of
from clockifyrag_operator.objects.model_server import builds_use_ollama, replica_urls
from clockifyrag_operator.observed import Wanted
from clockifyrag_resource.index import Index
from clockifyrag_resource.source import CrawlSource, HttpSource, Source

AUTHORIZATION_FOLDER = f"{names.SECRETS_ROOT}/authorization"


def job_args(wanted: Wanted, decision: Decision, order: BuildOrder) -> list[str]:
    """The arguments of the builder's image that carry out the order; `$` stands doubled, as Kubernetes expands it."""
    if order.kind == "List":
        return ["index", "ls", f"--root={names.INDEX_ROOT}", "--json", f"--outcome={names.OUTCOME_FILE}"]
    spec = spec_of(wanted)
    options = [
        ("out", names.INDEX_ROOT),
        *_source_options(spec.source),
        ("format", spec.source.format),
        ("namespace", spec.source.namespace),
        ("max-chars", spec.resolved_max_chars()),
        ("min-chars", spec.chunking.min_chars),
        *_embedder_options(wanted, decision),
        *_index_options(spec.index),
        ("build-key", order.key),
        ("reason", order.reason),
        *([("remove", ",".join(order.remove))] if order.remove else []),
        ("outcome", names.OUTCOME_FILE),
        ("progress", "json"),
        ("ops-port", names.OPS_PORT),
    ]
    written = [f"--{name}={literal(str(value))}" for name, value in options]
    return ["index", "build", *written, "--no-publish", *_flags(wanted, decision), *_shard_options(order)]


def literal(text: str) -> str:
    """The argument that Kubernetes hands on as `text`: it would put a variable in place of $(NAME) and $ for $$.

    >>> literal("a$$b$(HOME)")
    'a$$$$b$$(HOME)'
    """
    return text.replace("$", "$$")


def _flags(wanted: Wanted, decision: Decision) -> list[str]:
    serving = decision.published is not None and builds_use_ollama(wanted)
    return ["--serving"] if serving else []


def _shard_options(order: BuildOrder) -> list[str]:
    if order.kind == "Embed":
        return ["--embed-only", f"--shard=$(JOB_COMPLETION_INDEX)/{order.shards}"]  # set by the Job controller
    return [f"--shards={order.shards}"] if order.shards > 1 else []


def _source_options(source: Source) -> Iterator[tuple[str, object]]:
    if source.pvc_ref is not None:
        yield "source", posixpath.normpath(f"{names.SOURCE_ROOT}/{source.pvc_ref.path}")
    elif source.http is not None:
        yield from _http_options(source.http)
    elif source.crawl is not None:
        yield from _crawl_options(source.crawl)
    else:
        yield "source", "sample" if source.sample is not None else names.SOURCE_ROOT


def _http_options(http: HttpSource) -> Iterator[tuple[str, object]]:
    yield "source", http.url
    if http.sha256:
        yield "sha256", http.sha256
    if http.secret_ref:
        yield "authorization-file", f"{AUTHORIZATION_FOLDER}/{names.AUTHORIZATION_KEY}"
    for host in http.allow_hosts:
        yield "allow-host", host


def _crawl_options(crawl: CrawlSource) -> Iterator[tuple[str, object]]:
    yield "source", "crawl"
    for url in crawl.start_urls:
        yield "start-url", url
    if crawl.sitemap:
        yield "sitemap", crawl.sitemap
    for prefix in crawl.allow:
        yield "allow", prefix
    yield "max-pages", crawl.max_pages
    yield "delay-seconds", crawl.delay_seconds
    for host in crawl.allow_hosts:
        yield "allow-host", host


def _index_options(index: Index) -> Iterator[tuple[str, object]]:
    yield "index-type", index.type
    yield "vector-storage", index.vector_storage
    if index.type != "Flat":
        yield "hnsw-m", index.hnsw.m
        yield "hnsw-ef-construction", index.hnsw.ef_construction


def _embedder_options(wanted: Wanted, decision: Decision) -> Iterator[tuple[str, object]]:
    embedding = spec_of(wanted).embedding
    yield "embedder", embedding.provider.lower()
    yield "model", embedding.resolved_model()
    if builds_use_ollama(wanted):
        yield "ollama-url", ",".join(replica_urls(wanted, decision))
    if embedding.digest:
        yield "model-digest", embedding.digest
    if embedding.profile:
        for name, value in embedding.profile.model_dump(exclude_none=True).items():
            yield name.replace("_", "-"), value
    yield "batch-size", embedding.batch_size
