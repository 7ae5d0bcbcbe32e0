"""The ConfigMap of the search pods' settings: spec.search.config as the service's own environment variables."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from clockifyrag_operator import names
from clockifyrag_operator.decision import Decision
from clockifyrag_operator.manifest import digest, given, manifest, spec_of
from clockifyrag_operator.objects.model_server import search_url
from clockifyrag_operator.objects.search_service import tell_siblings
from clockifyrag_operator.observed import Manifest, Wanted

DRAIN_SECONDS = 5  # SIGTERM to the last new connection
SHUTDOWN_SECONDS = 20  # then, for requests in flight
KEYS_FOLDER = f"{names.SECRETS_ROOT}/keys"
TLS_FOLDER = f"{names.SECRETS_ROOT}/tls"
INTERNAL_FOLDER = f"{names.SECRETS_ROOT}/internal"


def settings(wanted: Wanted, decision: Decision) -> dict[str, str]:
    """The variables every search pod of the resource has; which generation it serves stands in its template."""
    return {
        "PROFILE": "production",
        "API_PORT": str(names.API_PORT),
        "OPS_PORT": str(names.OPS_PORT),
        "INDEX_ROOT": names.INDEX_ROOT,
        "DRAIN_SECONDS": str(DRAIN_SECONDS),
        "SHUTDOWN_SECONDS": str(SHUTDOWN_SECONDS),
        "LOG_KEY_FILE": f"{INTERNAL_FOLDER}/{names.INTERNAL_KEY}",
        **_of_config(wanted),
        **_of_parts(wanted, decision),
    }


def _of_config(wanted: Wanted) -> dict[str, str]:
    config = spec_of(wanted).search.config
    return given(
        RETRIEVAL_K=str(config.retrieval_k),
        CACHE_SIZE=str(config.cache_size),
        CACHE_MAX_BYTES=str(config.cache_max_bytes.whole),
        CACHE_TTL_SECONDS=str(config.cache_ttl_seconds),
        MIN_QUERY_LENGTH=str(config.min_query_length),
        MAX_QUERY_LENGTH=str(config.max_query_length),
        FUSION=config.fusion.lower(),
        DENSE_WEIGHT=_decimal(config.dense_weight),
        LEXICAL_WEIGHT=_decimal(config.lexical_weight),
        EF_SEARCH=str(config.ef_search),
        RERANK="true" if config.rerank else "false",
        RERANK_MODEL=config.rerank_model,
        RATE_LIMIT_PER_MINUTE=str(config.rate_limit_per_minute),
        TRUSTED_PROXIES=",".join(config.trusted_proxies),
        LOG_LEVEL=config.log_level.lower(),
        CORS_ORIGINS=",".join(config.cors_origins),
    )


def _of_parts(wanted: Wanted, decision: Decision) -> dict[str, str]:
    spec = spec_of(wanted)
    search, fetched = spec.search, spec.index.storage.access_mode == "ReadWriteOnce"
    return given(
        QUERY_PROVIDER=spec.embedding.query_provider.lower(),
        LLM_BASE_URL=search_url(wanted, decision),
        WARM_URL=f"http://{names.siblings(wanted.name)}:{names.OPS_PORT}" if tell_siblings(wanted) else None,
        STORE_URL=f"http://{names.store(wanted.name)}:{names.STORE_PORT}" if fetched else None,
        GENERATION_FILE=names.GENERATION_FILE if search.index_update == "HotSwap" else None,
        GLOSSARY_PATH=names.GLOSSARY_FILE if spec.glossary else None,
        API_KEYS_FILE=f"{KEYS_FOLDER}/{names.API_KEYS_KEY}" if search.auth else None,
        TLS_CERT_FILE=f"{TLS_FOLDER}/tls.crt" if search.tls else None,
        TLS_KEY_FILE=f"{TLS_FOLDER}/tls.key" if search.tls else None,
    )


def _decimal(number: float | None) -> str | None:
    return None if number is None else format(Decimal(repr(number)), "f")


def settings_map(wanted: Wanted, decision: Decision) -> Manifest:
    """ConfigMap `<name>-search`; its digest stands in the pods' template, so that a change replaces them."""
    name = names.search(wanted.name)
    return manifest("v1", "ConfigMap", wanted, name, names.SEARCH, data=settings(wanted, decision))


def settings_digest(data: Mapping[str, str]) -> str:
    """What changes whenever a setting does."""
    return digest(dict(data))
