"""Models of requests and answers, for checking the former and documenting both; hot answers are written as bytes."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints
from pydantic.json_schema import SkipJsonSchema

NO_NUL = r"^[^\u0000]*$"
REQUEST_ID = r"^[A-Za-z0-9._-]{1,64}$"
NoNul = StringConstraints(pattern=NO_NUL)


def whole(value: object) -> object:
    """5.0 as 5: to JSON Schema both are integers."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


ResultCount = Annotated[int, Field(ge=1, le=50), BeforeValidator(whole)]


def left_out(schema: dict[str, Any]) -> None:
    """Documents a field that an answer has or has not: where it stands it is never null."""
    schema.pop("default")


Absent = SkipJsonSchema[None]


class Body(BaseModel):
    """A request body: exact types, no unknown fields."""

    model_config = ConfigDict(extra="forbid", strict=True)


class ChatSearchBody(Body):
    query: Annotated[str, Field(description="The question as typed.", max_length=20_000)]
    context: Annotated[
        list[Annotated[str, Field(max_length=500), NoNul]],
        Field(max_length=10, description="Earlier questions of this conversation, oldest first."),
    ] = []
    conversation_id: Annotated[str | None, Field(max_length=100, description="Echoed."), NoNul] = None
    k: Annotated[ResultCount | None, Field(description="Articles wanted.")] = None
    answer: Annotated[bool | None, Field(description="Write an answer from the results; needs an LLM.")] = None
    stream: Annotated[
        bool, Field(description="Stream the answer; refused without an LLM.", json_schema_extra={"const": False})
    ] = False


class ChatBody(Body):
    question: Annotated[str, Field(description="The question as typed.", max_length=20_000)]
    k: Annotated[ResultCount | None, Field(description="Sources wanted.")] = None
    namespace: Annotated[str | None, Field(min_length=1, max_length=100), NoNul] = None


class FeedbackBody(Body):
    request_id: Annotated[str, Field(pattern=REQUEST_ID, description="Of the answer that is judged.")]
    vote: Annotated[Literal["up", "down"], Field(description="Whether it helped.")]
    result_id: Annotated[str | None, Field(min_length=1, max_length=300, description="Chunk or article."), NoNul] = None
    reason: Annotated[str | None, Field(max_length=1000), NoNul] = None


class ErrorDetail(BaseModel):
    code: str
    message: str
    suggestion: str
    request_id: str


class ErrorAnswer(BaseModel):
    """Every answer that is not 2xx."""

    error: ErrorDetail
    status: int


Span = Annotated[tuple[int, int], Field(description="[start, end) in code points of content.")]
Source = Literal["semantic", "lexical", "hybrid"]


class SectionAnswer(BaseModel):
    chunk_id: str
    title: str
    url: str
    content: str
    highlights: list[Span]


class ResultAnswer(BaseModel):
    id: Annotated[str, Field(description="Of the article.")]
    chunk_id: str
    title: str
    url: str
    section: str
    content: str
    sections: Annotated[list[SectionAnswer], Field(max_length=3, description="The article's best sections.")]
    relevance_score: Annotated[float, Field(ge=0, le=1)]
    query_type: str
    source: Source
    rank: Annotated[int, Field(ge=1)]
    namespace: str
    highlights: list[Span]
    also_at: list[str]
    explanation: Annotated[
        dict[str, float | int | str | None] | Absent,
        Field(description="With details; left out otherwise.", json_schema_extra=left_out),
    ] = None


class RerankMetadata(BaseModel):
    used: bool
    reason: Annotated[
        Literal["no_model", "timeout", "busy", "unavailable"] | None, Field(description="Why not, where it was not.")
    ]
    ms: Annotated[float, Field(description="Milliseconds it took when the answer was computed.")]


class SearchMetadata(BaseModel):
    total_results: int
    query_processed: str
    query_type: str
    latency_ms: float
    from_cache: bool
    adaptive_k: int
    expansion_applied: bool
    corrected_query: str | None
    low_confidence: bool
    index_generation: str
    degraded: list[str]
    request_id: str
    rerank: Annotated[
        RerankMetadata | Absent,
        Field(description="Where reranking was wanted; left out otherwise.", json_schema_extra=left_out),
    ] = None
    timings: Annotated[
        dict[str, float] | Absent,
        Field(description="Milliseconds of each stage, with details; left out otherwise.", json_schema_extra=left_out),
    ] = None


class SearchAnswer(BaseModel):
    query: str
    results: list[ResultAnswer]
    metadata: SearchMetadata


class ExplainedLeg(BaseModel):
    rank: Annotated[int | None, Field(description="Among its passages; null where it does not propose the passage.")]
    score: Annotated[float, Field(ge=0, le=1)]
    weight: Annotated[float, Field(ge=0, le=1, description="Of the leg in the mix.")]
    reciprocal_rank: Annotated[float | None, Field(ge=0, le=1, description="With rrf, in place of the score.")]


class ExplainedDense(ExplainedLeg):
    passage_cosine: float | None
    article_cosine: float | None


class ExplainedTerm(BaseModel):
    term: str
    weight: float
    idf: float
    frequency: Annotated[dict[str, int], Field(description="In title, headings and body of the passage.")]
    passage: float
    article: float


class ExplainedLexical(ExplainedLeg):
    terms: list[ExplainedTerm]


class ExplainedPlace(BaseModel):
    id: str
    rank: int
    relevance_score: float
    fused_score: float


class ExplainAnswer(BaseModel):
    query: str
    query_processed: str
    query_type: str
    corrected_query: str | None
    id: Annotated[str, Field(description="Of the article.")]
    chunk_id: Annotated[str, Field(description="Of the chunk asked for, or of the article's best one.")]
    title: str
    section: str
    url: str
    namespace: str
    shown: bool
    removed_by: Literal["namespace", "category", "operators", "no_match", "min_score", "k", "better_sections"] | None
    reason: str
    rank: Annotated[int | None, Field(description="Of the article among all; null where it does not compete.")]
    relevance_score: float
    fusion: Literal["convex", "rrf"]
    fused_score: float
    article_share: Annotated[float, Field(description="Of the article beside the passage, in both legs.")]
    dense: ExplainedDense | None
    lexical: ExplainedLexical
    last: Annotated[ExplainedPlace | None, Field(description="The last article that the question shows.")]
    index_generation: str
    degraded: list[str]
    request_id: str


class ChatSearchMetadata(SearchMetadata):
    context_applied: bool


class ChatSearchAnswer(BaseModel):
    query: str
    conversation_id: str | None
    results: list[ResultAnswer]
    followup_suggestions: list[str]
    answer: str | None
    citations: list[int]
    refused: bool
    metadata: ChatSearchMetadata


class SourceAnswer(BaseModel):
    title: str
    url: str
    namespace: str
    score: float
    chunk_id: str


class ChatAnswer(BaseModel):
    question: str
    answer: Annotated[str | None, Field(description="null without an LLM: the sources are the answer.")]
    sources: list[SourceAnswer]
    citations: list[int]
    refused: bool
    degraded: list[str]
    metadata: SearchMetadata


class PopularQueryAnswer(BaseModel):
    query: str
    count: int
    avg_results: float


class FruitlessQueryAnswer(BaseModel):
    query: str
    count: int


class WindowAnswer(BaseModel):
    seconds: Annotated[float, Field(description="How far back these figures reach.")]
    seconds_max: int
    count_error: Annotated[int, Field(description="Counts of single queries may be too high by this.")]


class AnalyticsAnswer(BaseModel):
    total_queries: Annotated[int, Field(description="Final questions; what was still being typed is left out.")]
    unique_queries: int
    zero_result_queries: int
    zero_result_rate: float
    avg_latency_ms: float
    cache_hit_rate: float
    cache_misses: int
    popular_queries: list[PopularQueryAnswer]
    no_result_queries: list[FruitlessQueryAnswer]
    window: WindowAnswer


class SuggestionAnswer(BaseModel):
    text: str
    frequency: int
    category: Literal["title", "heading", "query"]


class SuggestionsAnswer(BaseModel):
    prefix: str
    suggestions: list[SuggestionAnswer]


class FeedbackAnswer(BaseModel):
    accepted: bool
    request_id: str


class IndexAnswer(BaseModel):
    generation: str
    model: str
    dimensions: int
    chunks: int
    age_seconds: float


class HealthAnswer(BaseModel):
    """Where keys are set and none is sent, `status` alone."""

    status: Literal["healthy", "degraded", "unavailable"]
    version: str | None = None
    uptime_seconds: float | None = None
    index_loaded: bool | None = None
    articles_indexed: int | None = None
    cache_hit_rate: float | None = None
    index: IndexAnswer | None = None
    degraded: list[str] | None = None


class AliveAnswer(BaseModel):
    status: Literal["alive"]


class ReadyAnswer(BaseModel):
    status: Literal["ready"]
    generation: str
