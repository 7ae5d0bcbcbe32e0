"""spec.search.config: how the search service answers. Changing it never builds an index."""

from collections.abc import Iterator
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from clockifyrag_resource.cel import Cel
from clockifyrag_resource.index import Share
from clockifyrag_resource.part import RESTARTS, Broken, Maybe, Part
from clockifyrag_resource.quantities import Quantity, Size
from clockifyrag_resource.texts import ModelName, Network, Origin


class SearchConfig(Part):
    """Settings of the search service."""

    retrieval_k: int = Field(
        default=5, ge=1, le=50, description="Results when a request names no k.", json_schema_extra=RESTARTS
    )
    cache_size: int = Field(
        default=10_000, ge=0, le=10_000_000, description="Answers kept; 0: none.", json_schema_extra=RESTARTS
    )
    cache_max_bytes: Size = Field(
        default=Quantity.parse("64Mi"),
        description="Memory kept answers may take in bytes, as a quantity. Default: 64Mi.",
        json_schema_extra=RESTARTS,
    )
    cache_ttl_seconds: int = Field(
        default=3600, ge=1, le=604_800, description="Seconds an answer is kept.", json_schema_extra=RESTARTS
    )
    min_query_length: int = Field(
        default=2, ge=1, le=100, description="Shortest question, in characters.", json_schema_extra=RESTARTS
    )
    max_query_length: int = Field(
        default=500, ge=1, le=2000, description="Longest question, in characters.", json_schema_extra=RESTARTS
    )
    fusion: Literal["Convex", "RRF"] = Field(
        default="Convex",
        description="How both rankings become one: Convex mixes their scores, RRF their reciprocal ranks.",
        json_schema_extra=RESTARTS,
    )
    dense_weight: Maybe[Share] = Field(
        default=None,
        description='Weight of the vectors\' ranking, "0" to "1". Unset: what the measurements favour.',
        json_schema_extra=RESTARTS,
    )
    lexical_weight: Maybe[Share] = Field(
        default=None,
        description='Weight of the words\' ranking, "0" to "1". Unset: what the measurements favour.',
        json_schema_extra=RESTARTS,
    )
    ef_search: int = Field(
        default=64,
        ge=1,
        le=4096,
        description="Vectors that an index may propose for a question; without effect on a Flat one with Float32.",
        json_schema_extra=RESTARTS,
    )
    rerank: bool = Field(
        default=False,
        description="Whether results are ranked again when a request does not say.",
        json_schema_extra=RESTARTS,
    )
    rerank_model: Maybe[ModelName] = Field(
        default=None,
        description="Embedding model that ranks results again, in the process or in Ollama. Unset: none does.",
        json_schema_extra=RESTARTS,
    )
    rate_limit_per_minute: int = Field(
        default=0,
        ge=0,
        le=1_000_000,
        description="Requests a minute a key or client may make to one pod; 0: no limit.",
        json_schema_extra=RESTARTS,
    )
    trusted_proxies: Annotated[tuple[Network, ...], Field(max_length=64)] = Field(
        default=(),
        description="Networks whose X-Forwarded-For is believed. Default: none.",
        json_schema_extra=RESTARTS,
    )
    log_level: Literal["Debug", "Info", "Warning", "Error"] = Field(
        default="Info", description="Least severity that is logged.", json_schema_extra=RESTARTS
    )
    cors_origins: Annotated[tuple[Origin, ...], Field(max_length=64)] = Field(
        default=(),
        description="Origins whose pages may call the API from a browser; * for all. Default: none.",
        json_schema_extra=RESTARTS,
    )

    api_rules: ClassVar[tuple[Cel, ...]] = (
        Cel(
            "self.minQueryLength <= self.maxQueryLength",
            "a shortest question of at most maxQueryLength",
            found="a minQueryLength above maxQueryLength",
            path=".minQueryLength",
        ),
        Cel(
            " || ".join(
                f"!has(self.{weight}) || !self.{weight}.matches('^0+([.]0+)?$')"
                for weight in ("denseWeight", "lexicalWeight")
            ),
            "one of them above 0, or nothing would be found",
            found="denseWeight and lexicalWeight both 0",
        ),
    )

    def broken_rules(self) -> Iterator[Broken]:
        if self.min_query_length > self.max_query_length:
            expected = f"at most maxQueryLength, {self.max_query_length}"
            yield Broken(("minQueryLength",), str(self.min_query_length), expected)
        if self.dense_weight == 0 and self.lexical_weight == 0:
            yield Broken((), "denseWeight and lexicalWeight both 0", "one of them above 0, or nothing would be found")
