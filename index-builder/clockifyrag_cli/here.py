"""What a ClockifyRAG resource means on this machine: which embedder, which source, which settings of the server."""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from clockifyrag_index.errors import UsageError

if TYPE_CHECKING:
    from clockifyrag_builder.plan import BuildPlan, Source
    from clockifyrag_index.index_choice import IndexChoice
    from clockifyrag_resource.index import Index
    from clockifyrag_resource.resource import ClockifyRAG
    from clockifyrag_resource.search_config import SearchConfig
    from clockifyrag_service.settings import Settings


@dataclass(frozen=True, slots=True)
class Adapted:
    """The resource as this machine can run it: the Ollama it uses, if any, and the line that says what was changed."""

    original: "ClockifyRAG"
    resource: "ClockifyRAG"
    ollama_url: str | None = None
    remark: str = ""


def adapted(resource: "ClockifyRAG", llm_base_url: str | None) -> Adapted:
    """Where the resource wants a managed Ollama: that of LLM_BASE_URL, else a model in the process."""
    from clockifyrag_resource.local import with_local_embedder

    spec, ollama = resource.spec, resource.spec.ollama
    if not spec.embeds_with_ollama() and not spec.reranks_with_ollama():
        return Adapted(resource, resource)
    url = llm_base_url or (ollama.url if ollama else None)
    if url:
        return Adapted(resource, resource, url)
    local = with_local_embedder(resource)
    return Adapted(resource, local, remark=_without_ollama(resource, local))


def _without_ollama(resource: "ClockifyRAG", local: "ClockifyRAG") -> str:
    """What the resource wants of an Ollama, and what takes its place."""
    spec, here = resource.spec, local.spec
    reranks, instead = spec.search.config.rerank_model, here.search.config.rerank_model
    wanted, done = [], []
    if spec.embeds_with_ollama():
        wanted.append(spec.embedding.resolved_model())
        done.append(f"{here.embedding.resolved_model()} embeds in the process")
    if reranks and spec.reranks_with_ollama():
        wanted.append(reranks)
    if reranks and (reranks in wanted or reranks != instead):
        done.append(f"{instead} reranks in the process" if instead else "nothing reranks")
    return (
        f"The resource wants an Ollama with {' and '.join(dict.fromkeys(wanted))}; here {' and '.join(done)}. "
        "Set LLM_BASE_URL to use an Ollama."
    )


def remarks(here: Adapted) -> list[str]:
    """What a person should know before it starts: one line for each sort of thing that is not as the resource says."""
    from clockifyrag_resource.local import not_applying_locally

    left_out, not_yet = not_applying_locally(here.original), _not_yet(here.original)
    return [
        *([f"Without a cluster these do not apply: {', '.join(left_out)}."] if left_out else []),
        *([f"This version does without: {', '.join(not_yet)}."] if not_yet else []),
        *([here.remark] if here.remark else []),
    ]


def _not_yet(resource: "ClockifyRAG") -> list[str]:
    """Fields that ask for something which is not built yet."""
    spec = resource.spec
    asked = {
        "index.quality": spec.index.quality is not None,
        "answers": spec.answers is not None,
    }
    return [field for field, is_asked in asked.items() if is_asked]


def build_plan(here: Adapted, local: Path | None, root: Path, explicit: "Settings") -> "BuildPlan":
    """The build of the resource, or of a local path in place of its source, below `root`.

    A model in the process is read from where the server will read it, which `.env` may say, too.
    """
    from clockifyrag_builder.plan import BuildPlan
    from clockifyrag_cli.opened import limits_of
    from clockifyrag_index.embedders.opening import open_embedder
    from clockifyrag_index.generations import current_id

    spec = here.resource.spec
    embedding, profile = spec.embedding, spec.embedding.resolved_profile()
    return BuildPlan(
        root=root,
        source=_source(here.resource, local, root),
        limits=limits_of(profile, spec.resolved_max_chars(), spec.chunking.min_chars),
        embedder=open_embedder(
            embedding.provider,
            profile,
            url=here.ollama_url,
            batch_size=embedding.batch_size,
            digest=embedding.digest,
            local_model_dir=explicit.local_model_dir,
        ),
        index=_index(spec.index),
        batch_size=embedding.batch_size,
        reason="SourceOrSpecChanged" if current_id(root) else "FirstBuild",
    )


def _index(index: "Index") -> "IndexChoice":
    from clockifyrag_index.index_choice import IndexChoice

    return IndexChoice(index.type, index.vector_storage, index.hnsw.m, index.hnsw.ef_construction)


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


def explicit_settings() -> "Settings":
    """The settings that environment and `.env` give, defaults elsewhere. UsageError names each wrong variable."""
    from pydantic import ValidationError

    from clockifyrag_service.settings import Settings, problems_of

    try:
        return Settings()
    except ValidationError as error:
        raise UsageError("\n".join(problems_of(error))) from error


def require_embedding_model(here: Adapted, explicit: "Settings") -> None:
    """UsageError where EMBEDDING_MODEL names another model than is built with: the server would refuse that index."""
    from clockifyrag_resource.profiles import canonical_model

    spec, wanted = here.resource.spec, explicit.embedding_model
    model = spec.embedding.resolved_model()
    if wanted and canonical_model(wanted) != model and not spec.index.pin:
        raise UsageError(
            f"EMBEDDING_MODEL is {wanted}, and {model} embeds what this resource asks for here; expected the same: "
            "name it in spec.embedding of the resource, or unset EMBEDDING_MODEL"
        )


def server_settings(here: Adapted, local: Path | None, root: Path, explicit: "Settings") -> "Settings":
    """The server's settings over what was built in `root`: what the environment says, then the resource, then the
    profile, then the defaults.
    """
    from pydantic import ValidationError

    from clockifyrag_service.settings import Settings, problems_of

    given = _over_the_resource(explicit, here.resource.spec.search.config)
    wanted = _settings_of_resource(here, local, root)
    try:
        left = {name: value for name, value in wanted.items() if name not in given and value is not None}
        return Settings(index_root=root, **left)
    except ValidationError as error:
        raise UsageError("\n".join(problems_of(error))) from error


def _settings_of_resource(here: Adapted, local: Path | None, root: Path) -> dict[str, Any]:
    """What the resource says of the server, by the names of its settings; None where it says nothing."""
    from clockifyrag_builder.sample import sample_glossary

    spec = here.resource.spec
    config = spec.search.config
    return {
        "llm_base_url": here.ollama_url,
        "retrieval_k": config.retrieval_k,
        "cache_size": config.cache_size,
        "cache_max_bytes": config.cache_max_bytes.whole,
        "cache_ttl_seconds": config.cache_ttl_seconds,
        "min_query_length": config.min_query_length,
        "max_query_length": config.max_query_length,
        "fusion": config.fusion.lower(),
        "dense_weight": config.dense_weight,
        "lexical_weight": config.lexical_weight,
        "ef_search": config.ef_search,
        "rerank": config.rerank,
        "rerank_model": config.rerank_model,
        "rate_limit_per_minute": config.rate_limit_per_minute,
        "trusted_proxies": config.trusted_proxies,
        "log_level": config.log_level.lower(),
        "cors_origins": config.cors_origins,
        # a person at a terminal wants the address, not a line for each request
        "log_file": root / "server.log" if sys.stderr.isatty() else None,
        "glossary_path": sample_glossary() if local is None and spec.source.sample is not None else None,
        "query_provider": spec.embedding.query_provider.lower(),
        "generation": spec.index.pin,
    }


def _over_the_resource(explicit: "Settings", config: "SearchConfig") -> set[str]:
    """The names of settings that stand whatever the resource says: those of environment and `.env`, and those of the
    profile on which the resource itself says nothing.
    """
    from clockifyrag_service.settings import Settings

    given = Settings(profile=None).model_fields_set  # without the profile's
    said = config.model_fields_set
    names = {name for name in explicit.model_fields_set if name in given or name not in said}
    if explicit.debug and ("debug" in given or "log_level" not in said):
        names.add("log_level")  # DEBUG chooses one, as long as nobody names it
    return names
