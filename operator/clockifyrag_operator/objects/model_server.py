"""Which Ollama is used, by whom, and at which address."""

from __future__ import annotations

from urllib.parse import urlsplit

from clockifyrag_operator import names
from clockifyrag_operator.decision import Decision
from clockifyrag_operator.manifest import spec_of
from clockifyrag_operator.observed import Wanted
from clockifyrag_resource.ollama import OllamaServer

_DEFAULT_PORTS = {"http": 80, "https": 443}


def managed(decision: Decision) -> bool:
    """Whether the operator runs an Ollama: as long as any model is wanted of it."""
    return bool(decision.models)


def server_of(wanted: Wanted) -> OllamaServer:
    """What the resource says of the Ollama the operator runs, or the defaults."""
    return spec_of(wanted).ollama.server or OllamaServer()


def service_url(wanted: Wanted, decision: Decision) -> str | None:
    """The address of the Ollama, whichever replica answers; None without one."""
    if managed(decision):
        return f"http://{names.ollama(wanted.name)}:{names.OLLAMA_PORT}"
    return spec_of(wanted).ollama.url


def replica_urls(wanted: Wanted, decision: Decision) -> tuple[str, ...]:
    """The addresses of the replicas one by one, ordinal 0 first: builds spread their work over them."""
    if managed(decision):
        name = names.ollama(wanted.name)
        return tuple(f"http://{name}-{i}.{name}:{names.OLLAMA_PORT}" for i in range(server_of(wanted).replicas))
    url = spec_of(wanted).ollama.url
    return (url,) if url else ()


def search_url(wanted: Wanted, decision: Decision) -> str | None:
    """The address of the Ollama search pods ask, for vectors of questions or for answers; None where they never do.

    With Auto they may, whatever the model of the spec is: the published index may still be one of another model.
    """
    spec = spec_of(wanted)
    answers = spec.answers is not None and spec.answers.url is None
    return service_url(wanted, decision) if spec.embedding.query_provider != "Local" or answers else None


def builds_use_ollama(wanted: Wanted) -> bool:
    """Whether a build embeds with an Ollama."""
    return spec_of(wanted).embedding.provider == "Ollama"


def port_of(url: str) -> int:
    """The port of an address, the scheme's own where it names none.

    >>> port_of("http://ollama.example:11434"), port_of("https://example.com/a")
    (11434, 443)
    """
    parts = urlsplit(url)
    return parts.port or _DEFAULT_PORTS[parts.scheme]
