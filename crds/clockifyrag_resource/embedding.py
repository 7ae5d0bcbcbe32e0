"""spec.embedding: which model turns texts into vectors, and where it runs."""

import dataclasses
from collections.abc import Iterator
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from clockifyrag_resource.cel import Cel, cel_list
from clockifyrag_resource.part import NEITHER, REBUILDS, RESTARTS, Broken, Maybe, Part
from clockifyrag_resource.profiles import DEFAULT_MODEL, LOCAL_MODELS, ModelProfile, canonical_model, model_profile
from clockifyrag_resource.texts import ModelDigest, ModelName

Provider = Literal["Ollama", "Local"]
_OF_THE_MODEL = "Unset: as the built-in table says."


class ProfileOverride(Part):
    """What is known better than by the built-in table of models."""

    dimensions: Maybe[Annotated[int, Field(ge=1, le=8192)]] = Field(
        default=None,
        description=f"Length of a vector. {_OF_THE_MODEL}",
        json_schema_extra=REBUILDS,
    )
    document_prefix: Maybe[Annotated[str, Field(max_length=500)]] = Field(
        default=None,
        description=f"Text put before each chunk. {_OF_THE_MODEL}",
        json_schema_extra=REBUILDS,
    )
    query_prefix: Maybe[Annotated[str, Field(max_length=500)]] = Field(
        default=None,
        description=f"Text put before each question. {_OF_THE_MODEL}",
        json_schema_extra=REBUILDS,
    )
    context_tokens: Maybe[Annotated[int, Field(ge=32, le=1_000_000)]] = Field(
        default=None,
        description=f"Longest text the model reads, in its tokens. {_OF_THE_MODEL}",
        json_schema_extra=REBUILDS,
    )


def model_expression(embedding: str) -> str:
    """The expression for `resolved_model` of the part that is called `embedding` in it, canonical_model and all."""
    model = f"{embedding}.model"
    official = f"{model}.matches('^(registry[.]ollama[.]ai/)?(library/)?[^/]*$')"
    elsewhere = f"{model}.startsWith('registry.ollama.ai/') ? {len('registry.ollama.ai/')} : 0"
    start = f"({official} ? {model}.lastIndexOf('/') + 1 : {elsewhere})"
    end = f"({model}.endsWith(':latest') ? {model}.size() - {len(':latest')} : {model}.size())"
    given = f"{model}.substring({start}, {end})"
    default = f"({embedding}.provider == 'Local' ? '{DEFAULT_MODEL['Local']}' : '{DEFAULT_MODEL['Ollama']}')"
    return f"(has({model}) ? {given} : {default})"


_MODEL = model_expression("self")
_IS_LOCAL = f"{_MODEL} in {cel_list(LOCAL_MODELS)}"


class Embedding(Part):
    """The embedding model."""

    api_rules: ClassVar[tuple[Cel, ...]] = (
        Cel(
            "self.shards == 1 || self.provider == 'Local'",
            "1, or provider Local",
            found="several with provider Ollama",
            path=".shards",
        ),
        Cel(
            f"self.provider != 'Local' || {_IS_LOCAL}",
            f"{' or '.join(LOCAL_MODELS)}, or provider Ollama",
            shown=f"{_MODEL} + ' with provider Local'",
            path=".model",
        ),
        Cel(
            f"self.queryProvider != 'Local' || {_IS_LOCAL}",
            f"Auto, Ollama, or a model of {' or '.join(LOCAL_MODELS)}",
            shown=f"'Local with model ' + {_MODEL}",
            path=".queryProvider",
        ),
        Cel(
            f"{_MODEL} != 'wordllama' || (self.provider == 'Local' && self.queryProvider != 'Ollama')",
            "Local, as wordllama runs in the process only",
            shown="(self.provider == 'Ollama' ? 'provider' : 'queryProvider') + ' Ollama with model wordllama'",
        ),
    )

    provider: Provider = Field(
        default="Ollama",
        description="Ollama: a model server; Local: in the process, without one.",
        json_schema_extra=REBUILDS,
    )
    model: Maybe[ModelName] = Field(
        default=None,
        description="Name of the model. Unset: nomic-embed-text (Ollama), all-minilm (Local).",
        json_schema_extra=REBUILDS,
    )
    digest: Maybe[ModelDigest] = Field(
        default=None,
        description="Digest of the model; any other under this name is refused. Unset: the name alone counts.",
        json_schema_extra=REBUILDS,
    )
    profile: Maybe[ProfileOverride] = Field(
        default=None, description="What is known better than by the built-in table of models. Unset: nothing."
    )
    batch_size: int = Field(
        default=32,
        ge=1,
        le=256,
        description="Texts in one request; a budget of characters applies as well.",
        json_schema_extra=NEITHER,
    )
    shards: int = Field(
        default=1, ge=1, le=64, description="Pods that embed side by side; Local only.", json_schema_extra=NEITHER
    )
    query_provider: Literal["Auto", "Ollama", "Local"] = Field(
        default="Auto",
        description="Where questions are embedded. Auto: Local if the model has a local twin whose vectors agree, "
        "else Ollama.",
        json_schema_extra=RESTARTS,
    )

    def resolved_model(self) -> str:
        """The model to use, by its one name: as given, or the provider's default."""
        return canonical_model(self.model or DEFAULT_MODEL[self.provider])

    def resolved_profile(self) -> ModelProfile:
        """The built-in profile of the model, with what `profile` sets put over it."""
        override = {} if self.profile is None else self.profile.model_dump(exclude_none=True)
        return dataclasses.replace(model_profile(self.resolved_model()), **override)

    def broken_rules(self) -> Iterator[Broken]:
        if self.shards > 1 and self.provider != "Local":
            yield Broken(("shards",), f"{self.shards} with provider {self.provider}", "1, or provider Local")
        model, local = self.resolved_model(), " or ".join(LOCAL_MODELS)
        if self.provider == "Local" and model not in LOCAL_MODELS:
            yield Broken(("model",), f"{model} with provider Local", f"{local}, or provider Ollama")
        if self.query_provider == "Local" and model not in LOCAL_MODELS:
            yield Broken(("queryProvider",), f"Local with model {model}", f"Auto, Ollama, or a model of {local}")
        if model == "wordllama" and "Ollama" in (self.provider, self.query_provider):
            culprit = "provider" if self.provider == "Ollama" else "queryProvider"
            yield Broken((culprit,), "Ollama with model wordllama", "Local, as wordllama runs in the process only")
