"""Reranking: which model compares results once more, where it runs, and for how long at most."""

import logging

from clockifyrag_index.embedders import Embedder
from clockifyrag_index.embedders.opening import open_embedder
from clockifyrag_index.errors import EmbedderError
from clockifyrag_index.quota import cpu_quota
from clockifyrag_index.rerank import Reranker
from clockifyrag_resource.profiles import LOCAL_MODELS, ModelProfile, model_profile

from .settings import Settings
from .threads import search_threads

PATIENCE_SECONDS = 30.0  # of what goes on after its time: a cold model is loaded first
LEFT_BEHIND = 2  # comparisons that go on after their time, beside one for each thread that searches

log = logging.getLogger(__name__)


def reranker_of(settings: Settings) -> Reranker | None:
    """What reranks with RERANK_MODEL; None where that is unset, or the model cannot be had, which the log tells."""
    if settings.rerank_model is None:
        if settings.rerank:
            log.warning("RERANK is set and RERANK_MODEL is not: results keep their first order")
        return None
    from clockifyrag_index.in_time import InTime  # a start without a reranker does without them
    from clockifyrag_index.max_p import MaxP

    profile = model_profile(settings.rerank_model)
    try:
        embedder = _embedder(settings, profile)
    except Exception as error:  # whatever it is: the first order is better than none
        log.error("results keep their first order: %s", error, exc_info=not isinstance(error, EmbedderError))
        return None
    at_once = search_threads(settings.max_workers, cpu_quota()) + LEFT_BEHIND
    return InTime(MaxP(embedder, profile), at_once, PATIENCE_SECONDS)


def _embedder(settings: Settings, profile: ModelProfile) -> Embedder:
    """The model in the process, where it can run there and QUERY_PROVIDER allows it; else that of LLM_BASE_URL."""
    in_process = settings.query_provider == "auto" and profile.model in LOCAL_MODELS
    if in_process or settings.query_provider == "local":
        try:
            return open_embedder("Local", profile, local_model_dir=settings.local_model_dir)
        except EmbedderError as error:
            if settings.query_provider == "local" or settings.llm_base_url is None:
                raise
            log.warning("the local model does not rerank, Ollama's does: %s", error)
    if settings.llm_base_url is None:
        raise EmbedderError(f"{profile.model} runs in Ollama; set LLM_BASE_URL, or let RERANK_MODEL be all-minilm")
    return _ollama(settings.llm_base_url, profile, settings.batch_size)


def _ollama(url: str, profile: ModelProfile, batch_size: int) -> Embedder:
    """Ollama's model; its client is imported by those alone who use it."""
    from clockifyrag_index.embedders.ollama import OllamaEmbedder
    from clockifyrag_index.embedders.ollama_server import Times

    times = Times(answer=PATIENCE_SECONDS, deadline=PATIENCE_SECONDS, identity=PATIENCE_SECONDS)
    return OllamaEmbedder(url, profile, batch_size=batch_size, times=times)
