"""ClockifyRAG: the whole resource, as one typed and immutable value."""

from collections.abc import Callable, Iterator
from typing import Annotated, ClassVar, Literal

from pydantic import Field, JsonValue

from clockifyrag_resource.answers import Answers
from clockifyrag_resource.build import Build
from clockifyrag_resource.cel import Cel
from clockifyrag_resource.chunking import CHARS_PER_TOKEN, Chunking, Glossary
from clockifyrag_resource.embedding import Embedding, model_expression
from clockifyrag_resource.index import Index
from clockifyrag_resource.monitoring import Monitoring, NetworkPolicy
from clockifyrag_resource.ollama import Ollama
from clockifyrag_resource.part import NEITHER, RESTARTS, Broken, Maybe, Part
from clockifyrag_resource.profiles import LOCAL_MODELS, PROFILES, ModelProfile, canonical_model, model_profile
from clockifyrag_resource.search import Search
from clockifyrag_resource.source import Source
from clockifyrag_resource.texts import (
    NAME_MAX,
    NAME_PATTERN,
    NAME_WORDS,
    Annotations,
    LabelName,
    Labels,
    ObjectName,
    ResourceName,
)

API_VERSION = "clockifyrag.io/v1beta1"
KIND = "ClockifyRAG"


class PullSecret(Part):
    """A Secret of type kubernetes.io/dockerconfigjson."""

    name: ObjectName = Field(description="Name of the Secret, in the resource's namespace.")


def _of_profile(value: Callable[[ModelProfile], int]) -> str:
    """The expression for what the built-in table says of the model."""
    known = "{" + ", ".join(f"'{model}': {value(profile)}" for model, profile in PROFILES.items()) + "}"
    return f"{known}[?{model_expression('self.embedding')}].orValue({value(model_profile(''))})"


_PROFILE = "self.embedding.profile"
_TOKENS = (
    f"(has({_PROFILE}) && has({_PROFILE}.contextTokens) ? {_PROFILE}.contextTokens"
    f" : {_of_profile(lambda profile: profile.context_tokens)})"
)
_LONGEST = f"({_TOKENS} * {CHARS_PER_TOKEN})"
_MAX_CHARS = (
    "(has(self.chunking.maxChars) ? self.chunking.maxChars : "
    f"[{_LONGEST}, {_of_profile(lambda profile: profile.max_chars)}].min())"
)


class Spec(Part):
    """What is wanted."""

    api_rules: ClassVar[tuple[Cel, ...]] = (
        Cel(
            f"!has(self.chunking.maxChars) || self.chunking.maxChars <= {_LONGEST}",
            f"a maxChars of at most {CHARS_PER_TOKEN} characters for each token of the model's context",
            shown=f"'more with model ' + {model_expression('self.embedding')}",
            path=".chunking.maxChars",
        ),
        Cel(
            f"self.chunking.minChars < {_MAX_CHARS}",
            "a minChars of less than maxChars",
            found="as much as maxChars or more",
            path=".chunking.minChars",
        ),
    )

    source: Source = Field(
        description="Where the documents come from.",
        json_schema_extra={"expected": "one of sample, configMapRef, pvcRef, http and crawl"},
    )
    glossary: Maybe[Glossary] = Field(default=None, description="Terms and their aliases. Unset: none.")
    chunking: Chunking = Field(default=Chunking(), description="How documents are cut into chunks.")
    embedding: Embedding = Field(default=Embedding(), description="The embedding model.")
    ollama: Ollama = Field(
        default=Ollama(), description="The model server, where one is needed. Unset: one the operator runs."
    )
    build: Build = Field(default=Build(), description="The Jobs that build an index.")
    index: Index = Field(default=Index(), description="The index and its generations.")
    search: Search = Field(default=Search(), description="The pods that answer.")
    answers: Maybe[Answers] = Field(
        default=None,
        description="Reserved: no version writes answers yet, though the model is pulled. Unset: none is.",
    )
    monitoring: Monitoring = Field(default=Monitoring(), description="What is made for Prometheus and Grafana.")
    network_policy: NetworkPolicy = Field(default=NetworkPolicy(), description="Network policies around the pods.")
    image_pull_secrets: Annotated[tuple[PullSecret, ...], Field(max_length=16)] = Field(
        default=(), description="Secrets images are pulled with. Default: none.", json_schema_extra=RESTARTS
    )
    upgrade_policy: Literal["Manual", "Auto"] = Field(
        default="Manual",
        description="Whether a new version of the operator may replace pods by itself.",
        json_schema_extra=NEITHER,
    )
    pause: Literal["Nothing", "Rollouts", "All"] = Field(
        default="Nothing", description="What the operator leaves undone for now.", json_schema_extra=NEITHER
    )

    def longest_max_chars(self) -> int:
        """The largest maxChars the model's context allows: its tokens × CHARS_PER_TOKEN."""
        return self.embedding.resolved_profile().context_tokens * CHARS_PER_TOKEN

    def resolved_max_chars(self) -> int:
        """Longest chunk in characters: as given, or the profile's, never more than the model's context holds."""
        if self.chunking.max_chars is not None:
            return self.chunking.max_chars
        return min(self.embedding.resolved_profile().max_chars, self.longest_max_chars())

    def wants_managed_ollama(self) -> bool:
        """Whether the operator is to run an Ollama: something needs one and no address of one is given."""
        asked = self.reranks_with_ollama() or (self.answers is not None and self.answers.url is None)
        return self.ollama.url is None and (self.embeds_with_ollama() or asked or self.ollama.server is not None)

    def embeds_with_ollama(self) -> bool:
        """Whether documents or questions are embedded in an Ollama."""
        return "Ollama" in (self.embedding.provider, self.embedding.query_provider)

    def reranks_with_ollama(self) -> bool:
        """Whether the model that reranks runs in an Ollama: it may, and has no twin in the process or must."""
        model, provider = self.search.config.rerank_model, self.embedding.query_provider
        if model is None or provider == "Local":
            return False
        return provider == "Ollama" or canonical_model(model) not in LOCAL_MODELS

    def broken_rules(self) -> Iterator[Broken]:
        longest, max_chars = self.longest_max_chars(), self.resolved_max_chars()
        if max_chars > longest:
            profile = self.embedding.resolved_profile()
            context = f"{profile.context_tokens} tokens of {profile.model}, {CHARS_PER_TOKEN} characters a token"
            yield Broken(("chunking", "maxChars"), str(max_chars), f"at most {longest} ({context})")
        if self.chunking.min_chars >= max_chars:
            yield Broken(("chunking", "minChars"), str(self.chunking.min_chars), f"less than maxChars, {max_chars}")


class Metadata(Part):
    """Name and labels; what an API server adds is accepted and kept."""

    name: ResourceName = Field(description="Name of the resource; the names of all its objects begin with it.")
    namespace: Maybe[LabelName] = Field(default=None, description="Kubernetes namespace. Unset: the client's.")
    labels: Labels = Field(default={}, description="Labels. Default: none.")
    annotations: Annotations = Field(
        default={}, description="Annotations; clockifyrag.io/reindex builds once a token. Default: none."
    )
    uid: Maybe[str] = Field(default=None, description="Given by the API server.")
    generation: Maybe[int] = Field(default=None, description="Counted by the API server.")
    resource_version: Maybe[str] = Field(default=None, description="Given by the API server.")
    creation_timestamp: str | None = Field(default=None, description="Given by the API server; tools print null.")
    deletion_timestamp: Maybe[str] = Field(default=None, description="Given by the API server.")
    deletion_grace_period_seconds: Maybe[int] = Field(default=None, description="Given by the API server.")
    finalizers: tuple[str, ...] = Field(default=(), description="Kept for the API server.")
    owner_references: tuple[dict[str, JsonValue], ...] = Field(default=(), description="Kept for the API server.")
    managed_fields: tuple[dict[str, JsonValue], ...] = Field(default=(), description="Kept for the API server.")


class ClockifyRAG(Part):
    """Documents to answer from, and how."""

    api_rules: ClassVar[tuple[Cel, ...]] = (
        Cel(
            f"self.metadata.name.size() <= {NAME_MAX} && self.metadata.name.matches('{NAME_PATTERN}')",
            f"a name of {NAME_WORDS}",
            shown="self.metadata.name",
        ),
    )

    api_version: Literal["clockifyrag.io/v1beta1"] = Field(description="Version of the API.")
    kind: Literal["ClockifyRAG"] = Field(description="Kind of the resource.")
    metadata: Metadata = Field(description="Name and labels.")
    spec: Spec = Field(description="What is wanted.")
    status: Maybe[dict[str, JsonValue]] = Field(
        default=None, description="Written by the operator; accepted, never read."
    )
