"""Models: which of them the managed Ollama has to hold, and what its pods say they hold."""

from collections.abc import Iterator, Mapping
from dataclasses import replace

from clockifyrag_operator import names
from clockifyrag_operator.ledger import Ledger
from clockifyrag_operator.observed import Manifest, Observed
from clockifyrag_operator.pod_states import is_ready
from clockifyrag_resource.profiles import LOCAL_MODELS, canonical_model
from clockifyrag_resource.resource import Spec


def builds_with_managed_ollama(spec: Spec) -> bool:
    """Whether builds ask the Ollama that the operator runs."""
    return spec.embedding.provider == "Ollama" and spec.ollama.url is None


def asks_ollama(spec: Spec) -> bool:
    """Whether a build or a question may need an Ollama for its vector."""
    embedding = spec.embedding
    local_twin = embedding.resolved_model() in LOCAL_MODELS
    return (
        embedding.provider == "Ollama"
        or embedding.query_provider == "Ollama"
        or (embedding.query_provider == "Auto" and not local_twin)
    )


def wanted_models(spec: Spec, ledger: Ledger | None, published: str | None, in_use: frozenset[str]) -> tuple[str, ...]:
    """What the managed Ollama holds: the embedding model first, those of published, pinned and served generations,
    the one that reranks, the one that writes answers last; () without a managed Ollama.

    A spec that turns to a model in the process keeps the Ollama as long as a generation of before is served: its
    questions get their vectors there.
    """
    if spec.ollama.url is not None:
        return ()
    wanted = [spec.embedding.resolved_model()] if asks_ollama(spec) else []
    kept = {published, spec.index.pin, *in_use} - {None}
    entries = () if ledger is None else ledger.entries
    of_generations = {canonical_model(one.model) for one in entries if one.id in kept and one.model}
    reranks = [canonical_model(spec.search.config.rerank_model or "")] if spec.reranks_with_ollama() else []
    answers = [canonical_model(spec.answers.model)] if spec.answers and spec.answers.url is None else []
    return tuple(dict.fromkeys([*wanted, *sorted(_asked_for(spec, of_generations)), *reranks, *answers]))


def _asked_for(spec: Spec, of_generations: set[str]) -> set[str]:
    """Those of the models that search pods ask an Ollama for."""
    if asks_ollama(spec):
        return of_generations
    return set() if spec.embedding.query_provider == "Local" else of_generations - set(LOCAL_MODELS)


def served_digest(seen: Observed, model: str) -> str | None:
    """The digest under which the ready model servers hold the model; None when none does, or they differ."""
    digests = {held[model] for _, held in _holding(seen) if model in held}
    return digests.pop() if len(digests) == 1 else None


def servers_holding(seen: Observed, models: tuple[str, ...]) -> tuple[str, ...]:
    """The ready pods that hold all of these models, by name."""
    return tuple(pod["metadata"]["name"] for pod, held in _holding(seen) if set(models) <= set(held))


def with_served(ledger: Ledger, spec: Spec, seen: Observed) -> Ledger:
    """The ledger that remembers the digest under which the model servers hold the embedding model, as they last told.

    A server that is silent for a moment is no other model.
    """
    if spec.embedding.digest is not None or not builds_with_managed_ollama(spec):
        return ledger
    model = spec.embedding.resolved_model()
    told = served_digest(seen, model)
    return ledger if told is None else replace(ledger, served_model=f"{model} {told}")


def last_digest(ledger: Ledger, model: str) -> str | None:
    """The digest of this model that servers told last; else the one that the newest generation made with it tells."""
    told, _, digest = ledger.served_model.partition(" ")
    if told == model:
        return digest
    same = (one for one in ledger.entries if canonical_model(one.model) == model and one.model_digest)
    newest = next(same, None)
    return None if newest is None else short_digest(newest.model_digest)


def short_digest(digest: str) -> str:
    """The digits that are compared: some places tell no more, and not all write `sha256:`.

    >>> short_digest("sha256:0a109f422b47e3a30ba2b10eca18548e944e8a23073ee3f3e947efcf3c45e59f")
    '0a109f422b47'
    """
    return digest.removeprefix("sha256:")[:12]


def _holding(seen: Observed) -> Iterator[tuple[Manifest, Mapping[str, str]]]:
    for pod in seen.pods(names.OLLAMA):
        report = seen.reports.get(pod["metadata"]["name"])
        if report is not None and is_ready(pod):
            yield pod, {canonical_model(name): short_digest(str(digest)) for name, digest in report.values.items()}
