"""The status of a resource as the schema in a cluster describes it. The operator writes it; nobody reads it from here.

Its size stays below 16 KiB: lists and texts are bounded, and a field that is not known is left out. What the operator
takes from other programs is no narrower here than they may tell it: one value that is refused refuses the whole status.
"""

from typing import Annotated

from pydantic import Field

from clockifyrag_resource.conditions import MESSAGE_MAX, ConditionReason, ConditionStatus, ConditionType
from clockifyrag_resource.part import Maybe, Part
from clockifyrag_resource.texts import GenerationId

Count = Annotated[int, Field(ge=0, le=2**53)]
Word = Annotated[str, Field(max_length=128)]
Sentence = Annotated[str, Field(max_length=MESSAGE_MAX)]
Time = Annotated[str, Field(max_length=64)]
DecimalWord = Annotated[str, Field(max_length=32)]
Address = Annotated[str, Field(max_length=2048)]


class ConditionEntry(Part):
    """One condition, as metav1.Condition."""

    type: Annotated[str, Field(max_length=63)] = Field(description=f"One of {', '.join(ConditionType)}.")
    status: ConditionStatus = Field(description="Whether what the type says holds; Unknown until it was judged.")
    reason: Annotated[str, Field(max_length=63, pattern=r"^[A-Z][A-Za-z0-9]*$")] = Field(
        description=f"Why, in a word for programs. {ConditionReason.NOT_JUDGED}: not judged yet."
    )
    message: Sentence = Field(description="Why, in a sentence for people.")
    last_transition_time: Time = Field(
        description="When status changed last.", json_schema_extra={"format": "date-time"}
    )
    observed_generation: Maybe[Count] = Field(
        default=None, description="metadata.generation of the spec it was judged by."
    )


class PublishedIndex(Part):
    """The published generation."""

    generation: Maybe[GenerationId] = Field(default=None, description="Its id.")
    documents: Maybe[Count] = Field(default=None, description="Documents in it.")
    chunks: Maybe[Count] = Field(default=None, description="Chunks in it.")
    dimensions: Maybe[Count] = Field(default=None, description="Length of its vectors.")
    model: Maybe[Word] = Field(default=None, description="The model that made its vectors.")
    model_digest: Maybe[Word] = Field(default=None, description="Digest of that model.")
    build_time: Maybe[Time] = Field(default=None, description="When it was built.")
    reason: Maybe[Word] = Field(default=None, description="Why it was built: Initial, SpecChanged, Scheduled and such.")
    reindex_token: Maybe[Annotated[str, Field(max_length=4096)]] = Field(
        default=None, description="The last value of annotation clockifyrag.io/reindex that was acted on."
    )
    source_digest: Maybe[Word] = Field(default=None, description="Digest of what the source held.")
    mrr: Maybe[DecimalWord] = Field(
        default=None, description="Mean reciprocal rank of the judged questions, as decimal text; absent: not measured."
    )


class GenerationEntry(Part):
    """One generation on the volume."""

    id: GenerationId = Field(description="Its id.")
    state: Word = Field(description="Candidate, Good, Rejected, RolledBack or Removing.")
    reason: Maybe[Word] = Field(default=None, description="Why it was built.")
    build_time: Maybe[Time] = Field(default=None, description="When it was built.")
    documents: Maybe[Count] = Field(default=None, description="Documents in it.")
    chunks: Maybe[Count] = Field(default=None, description="Chunks in it.")
    bytes: Maybe[Count] = Field(default=None, description="Its size on the volume, in bytes.")


class BuildProgress(Part):
    """The build that runs; absent while none does. Written every 10 seconds at most."""

    job: Maybe[Annotated[str, Field(max_length=63)]] = Field(default=None, description="Name of its Job.")
    stage: Maybe[Word] = Field(default=None, description="What it is at.")
    done: Maybe[Count] = Field(default=None, description="Chunks embedded.")
    total: Maybe[Count] = Field(default=None, description="Chunks to embed.")
    rate: Maybe[DecimalWord] = Field(default=None, description="Chunks a second, as decimal text.")
    eta: Maybe[Count] = Field(default=None, description="Seconds until it is done at this rate.")
    heartbeat_time: Maybe[Time] = Field(default=None, description="When it told its progress last.")


class Serving(Part):
    """Search pods that serve one generation."""

    generation: GenerationId = Field(description="The generation.")
    pods: Count = Field(description="Ready pods that serve it.")


class SearchPods(Part):
    """The search pods."""

    replicas: Maybe[Count] = Field(default=None, description="Pods there are.")
    ready_replicas: Maybe[Count] = Field(default=None, description="Pods that are ready.")
    serving: Annotated[tuple[Serving, ...], Field(max_length=10)] = Field(
        default=(),
        description="What ready pods serve, by generation.",
        json_schema_extra={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["generation"]},
    )


class UsedImages(Part):
    """Images in use, and the version of the templates pods are made from; upgradePolicy says when they change."""

    service: Maybe[Annotated[str, Field(max_length=512)]] = Field(default=None, description="Image of search pods.")
    index_builder: Maybe[Annotated[str, Field(max_length=512)]] = Field(
        default=None, description="Image of builds and of the store."
    )
    ollama: Maybe[Annotated[str, Field(max_length=512)]] = Field(default=None, description="Image of model servers.")
    template: Maybe[Count] = Field(default=None, description="Version of the templates.")
    format: Maybe[Count] = Field(default=None, description="Format of the generations that builds write.")


class Status(Part):
    """What the operator found; written by it alone."""

    observed_generation: Maybe[Count] = Field(
        default=None, description="metadata.generation of the spec that this status is about."
    )
    conditions: Annotated[tuple[ConditionEntry, ...], Field(max_length=16)] = Field(
        default=(),
        description="What holds and why: one entry a type, all of them from the first pass on.",
        json_schema_extra={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["type"]},
    )
    index: Maybe[PublishedIndex] = Field(default=None, description="The published generation.")
    generations: Annotated[tuple[GenerationEntry, ...], Field(max_length=10)] = Field(
        default=(),
        description="Generations on the volume, newest first; the ten newest.",
        json_schema_extra={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["id"]},
    )
    build: Maybe[BuildProgress] = Field(default=None, description="The build that runs; absent while none does.")
    search: Maybe[SearchPods] = Field(default=None, description="The search pods.")
    selector: Maybe[Annotated[str, Field(max_length=512)]] = Field(
        default=None, description="Label selector of the search pods, for the scale subresource."
    )
    images: Maybe[UsedImages] = Field(default=None, description="Images and templates in use.")
    next_scheduled_build_time: Maybe[Time] = Field(
        default=None, description="When the schedule starts the next build; absent: there is no schedule."
    )
    url: Maybe[Address] = Field(default=None, description="Where clients ask: the ingress, or else the Service.")
