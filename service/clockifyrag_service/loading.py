"""Loading: a generation on disk → one that is verified, has answered a canary question, and may serve."""

import hashlib
import logging
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path

import orjson

from clockifyrag_index.errors import ClockifyRAGError, DeadlineExceeded, GenerationDamaged, UnknownNamespace
from clockifyrag_index.fusion import Fusion
from clockifyrag_index.generations import Generation, open_generation
from clockifyrag_index.glossary import Glossary, load_glossary
from clockifyrag_index.lexical import question_terms
from clockifyrag_index.rerank import Reranker
from clockifyrag_index.search import SearchConfig, SearchEngine, SearchRequest

from .answers import Answer, answer
from .embedding import EmbedderChoice, QuestionEmbedder
from .parameters import SearchParameters
from .serving import Served
from .settings import Settings
from .suggestions import Category, PhraseIndex, Suggestion
from .watched import stamp

CANARY_ROWS = 50  # chunks looked through for one with words to ask for
OUTLINES_MAX = 200_000  # sections read for suggestions
WARM_QUESTIONS = 1000  # asked at most before a new generation serves, within WARM_SECONDS
WARM_SECONDS = 2.0
WARM_DEGRADED_MAX = 3  # answers that lack a leg: the others would as well
KEY_PREFIX_BYTES = 16

log = logging.getLogger(__name__)


@dataclass(slots=True)
class GlossaryFile:
    """The glossary of the settings; a broken edit leaves the last good one in use."""

    path: Path | None  # None: no glossary
    glossary: Glossary = field(default_factory=Glossary)
    problem: str | None = None

    def stamp(self) -> object:
        """What changes whenever the glossary may have."""
        return stamp(self.path) if self.path else None

    def refresh(self) -> None:
        """Reads the file again."""
        if self.path is None:
            return
        try:
            self.glossary, self.problem = load_glossary(self.path), None
        except Exception as error:  # whatever it is: the index must be served all the same
            self.problem = str(error) or repr(error)
            is_told = isinstance(error, ClockifyRAGError)
            log.error("the last good glossary stays in use: %s", error, exc_info=not is_told)

    def digest(self) -> str:
        return hashlib.sha256(repr(self.glossary.groups).encode()).hexdigest()


def search_config(settings: Settings, model: str) -> SearchConfig:
    """The ranking's settings; what is unset keeps the value tuned for the generation's model."""
    tuned = Fusion.of_model(model)
    dense = tuned.dense_weight if settings.dense_weight is None else settings.dense_weight
    lexical = tuned.lexical_weight if settings.lexical_weight is None else settings.lexical_weight
    return SearchConfig(
        fusion=replace(tuned, method=settings.fusion, dense_weight=dense, lexical_weight=lexical),
        embed_timeout_seconds=settings.embed_timeout_ms / 1000,
        ef_search=settings.ef_search,
        rerank_candidates=settings.rerank_candidates,
        rerank_timeout_seconds=settings.rerank_timeout_ms / 1000,
    )


def opened(
    folder: Path,
    settings: Settings,
    glossary: GlossaryFile,
    choice: EmbedderChoice,
    previous: QuestionEmbedder | None = None,
    *,
    reranker: Reranker | None = None,
    verify: bool = True,
) -> Served:
    """The generation in `folder`, ready to serve, with the `previous` embedder where it fits.

    verify=False: its digests have been compared just now. Errors of clockifyrag_index say why it is not.
    """
    generation = open_generation(folder, verify=verify)
    try:
        embedding = choice.embedder_for(generation.manifest, previous)
        config = search_config(settings, generation.manifest.embedder.model)
        engine = SearchEngine(generation, embedding.embedder, glossary.glossary, config, reranker)
        ask_canary(engine)
    except BaseException:
        generation.close()
        raise
    digest = generation.manifest.content_digest
    prefix = key_prefix(digest, generation.id, settings, glossary)
    return Served(generation, engine, embedding, digest, prefix, glossary.problem)


def key_prefix(content_digest: str, generation_id: str, settings: Settings, glossary: GlossaryFile) -> bytes:
    """KEY_PREFIX_BYTES that differ whenever the same question could be answered differently."""
    parts = (
        content_digest,
        generation_id,
        settings.fusion,
        settings.dense_weight,
        settings.lexical_weight,
        settings.ef_search,
        settings.embed_timeout_ms,
        settings.search_timeout_ms,
        settings.rerank_model,
        settings.rerank_candidates,
        settings.rerank_timeout_ms,
        glossary.digest(),
    )
    return hashlib.sha256(orjson.dumps(parts)).digest()[:KEY_PREFIX_BYTES]


def ask_canary(engine: SearchEngine) -> None:
    """Asks for the words of a chunk. GenerationDamaged when nothing is found: the parts do not fit each other."""
    chunks = engine.generation.chunks
    for row in range(min(CANARY_ROWS, len(chunks))):
        text = chunks[row].embedded_text[:200]
        if question_terms([text]):
            if not engine.search(SearchRequest(text, k=1, expand=False)).hits:
                raise GenerationDamaged(
                    f"{engine.generation.id}: the words of its row {row} find nothing; rebuild the index"
                )
            return


def request_of(parameters: SearchParameters, timeout_seconds: float) -> SearchRequest:
    """What the engine is asked for these parameters."""
    return SearchRequest(
        query=parameters.q,
        k=parameters.k,
        expand=parameters.expand,
        rerank=parameters.rerank,
        namespace=parameters.namespace,
        category=parameters.category,
        min_score=parameters.min_score,
        timeout_seconds=timeout_seconds,
    )


def warmed(served: Served, frequent: Iterable[SearchParameters], seconds: float = WARM_SECONDS) -> list[Answer]:
    """Answers of the new generation to the questions asked most, as many as fit into the time."""
    deadline, degraded = time.monotonic() + seconds, 0
    answers = []
    for parameters in frequent:
        left = deadline - time.monotonic()
        if left <= 0 or degraded >= WARM_DEGRADED_MAX:
            break
        try:
            result = served.engine.search(request_of(parameters, left))
        except (UnknownNamespace, DeadlineExceeded):
            continue
        if result.degraded:
            degraded += 1
        else:
            answers.append(answer(result, parameters, served.id))
    return answers


def phrase_index(generation: Generation) -> PhraseIndex:
    """The titles and headings of the generation."""
    return PhraseIndex(phrases(generation))


def phrases(generation: Generation) -> Iterator[Suggestion]:
    """Each title and heading, with the sections below it: what stands above many is suggested first."""
    sections: Counter[tuple[str, Category]] = Counter()
    for outline in islice(generation.chunks.outlines(), OUTLINES_MAX):
        sections[outline.title, "title"] += 1
        if outline.headings:
            sections[outline.headings[-1], "heading"] += 1
    for (text, category), count in sections.items():
        yield Suggestion(text, count, category)
