"""What a resource means on one machine, without a cluster."""

from typing import Any

from pydantic import BaseModel

from clockifyrag_resource.chunking import Chunking
from clockifyrag_resource.part import camel_case
from clockifyrag_resource.profiles import DEFAULT_MODEL, LOCAL_MODELS, canonical_model
from clockifyrag_resource.resource import ClockifyRAG

# Only a cluster knows these; as paths of attributes below spec, told by their names in the manifest.
_CLUSTER_ONLY = (
    "source.config_map_ref",
    "source.pvc_ref",
    "source.http.secret_ref",
    "glossary",
    "embedding.shards",
    "build",
    "index.storage",
    "index.quality.eval_config_map_ref",
    "search.replicas",
    "search.autoscaling",
    "search.index_update",
    "search.image",
    "search.resources",
    "search.service",
    "search.ingress",
    "search.pod",
    "search.auth",
    "search.tls",
    "monitoring",
    "network_policy",
    "image_pull_secrets",
    "upgrade_policy",
    "pause",
)


def not_applying_locally(resource: ClockifyRAG) -> tuple[str, ...]:
    """The fields of the resource that need a cluster, by their names below spec: what it sets itself, and the
    managed Ollama that it implies.

    >>> from clockifyrag_resource.load import parse_resource
    >>> text = "apiVersion: clockifyrag.io/v1beta1\\nkind: ClockifyRAG\\nmetadata: {name: a}\\n"
    >>> not_applying_locally(parse_resource(text + "spec: {source: {sample: {}}, pause: All}", "example"))
    ('ollama.server', 'pause')
    """
    spec = resource.spec
    implied = ("ollama.server",) if spec.wants_managed_ollama() else ()
    given = (path for path in _CLUSTER_ONLY if _is_given(spec, path.split(".")))
    return implied + tuple(".".join(map(camel_case, path.split("."))) for path in given)


def _is_given(part: BaseModel, path: list[str]) -> bool:
    """Whether the manifest itself says something at `path`; defaults do not count."""
    name, *below = path
    if name not in part.model_fields_set:
        return False
    value: Any = getattr(part, name)
    return _is_given(value, below) if below and isinstance(value, BaseModel) else not below


def with_local_embedder(resource: ClockifyRAG) -> ClockifyRAG:
    """The same resource with its model in the process, for machines without an Ollama.

    The model stays where it runs locally, else it becomes the default one and takes the profile and, where they do
    not suit it, the chunk lengths of the other with it. So does the model that reranks; where it would be the
    one that embeds, nothing reranks.
    """
    spec = resource.spec
    embedding: dict[str, Any] = {"provider": "Local", "query_provider": "Auto"}
    if spec.embedding.provider != "Local":
        embedding["digest"] = None  # it is one provider's
    if spec.embedding.resolved_model() not in LOCAL_MODELS:
        embedding |= {"model": DEFAULT_MODEL["Local"], "profile": None}
    changed = spec.model_copy(update={"embedding": spec.embedding.model_copy(update=embedding)})
    wanted = spec.search.config.rerank_model
    reranks = DEFAULT_MODEL["Local"] if changed.reranks_with_ollama() else wanted
    if reranks and canonical_model(reranks) == changed.embedding.resolved_model():
        reranks = None
    if reranks != wanted:
        update = {"rerank_model": reranks} if reranks else {"rerank_model": None, "rerank": False}
        config = spec.search.config.model_copy(update=update)
        changed = changed.model_copy(update={"search": spec.search.model_copy(update={"config": config})})
    if any(changed.broken_rules()):
        changed = changed.model_copy(update={"chunking": Chunking()})
    return resource.model_copy(update={"spec": changed})
