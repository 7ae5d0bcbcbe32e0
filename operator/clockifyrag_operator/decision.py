"""What the plan decides, as values: a reason, a decision, a plan."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from clockifyrag_operator.ledger import BuildKey, BuildOrder, Ledger
from clockifyrag_operator.observed import Manifest


@dataclass(frozen=True, slots=True)
class Reason:
    """Why something is or is not done: one word for programs, one sentence for people."""

    word: str
    message: str


@dataclass(frozen=True, slots=True)
class Images:
    """The images in use, the version of the templates that pods are rendered from, and the format that is built."""

    service: str
    index_builder: str
    ollama: str
    template: int
    format: int  # of the generations that the index builder writes


@dataclass(frozen=True, slots=True)
class Decision:
    """What is to be, before it is drawn as objects."""

    ledger: Ledger | None  # as it is to be written; None: the spec is invalid and there is none yet
    published: str | None  # the generation search pods serve
    images: Images
    key: BuildKey | None = None  # what the wanted index is built from; None while it cannot be known
    order: BuildOrder | None = None  # the Job to have: to create now, or running already
    building: str | None = None  # name of the Job that runs
    to_delete: tuple[Manifest, ...] = ()  # live Jobs that are superseded, or whose outcome is in the ledger
    waiting: Reason | None = None  # why nothing is built although something is wanted
    upgrade: Reason | None = None  # what a new version of the operator would change, left undone
    models: tuple[str, ...] = ()  # that the managed Ollama holds, the embedding model first; () without one
    recheck_seconds: float | None = None  # when to look again even if nothing happens
    refused: tuple[str, ...] = ()  # what makes the spec one that cannot be followed, a line each: nothing is changed
    lost: str | None = None  # why nothing is known of the volume: it is listed before anything is built or removed


@dataclass(frozen=True, slots=True)
class Event:
    """A transition worth telling, as a Kubernetes event on the resource."""

    type: str  # Normal or Warning
    reason: str
    message: str


@dataclass(frozen=True, slots=True)
class Plan:
    """What one pass writes, in this order; each step is independent of the failure of others unless it says so."""

    ledger: (
        Manifest | None
    )  # ConfigMap <name>-generations, with the resourceVersion it replaces; first, or nothing else
    create: tuple[Manifest, ...] = ()  # made once, never applied: Jobs, the internal Secret
    apply: tuple[Manifest, ...] = ()  # every other child, whole; left alone where the live one holds it already
    replicas: Mapping[tuple[str, str], int] = field(default_factory=dict)  # (kind, name) → spec.replicas to own
    delete: tuple[Manifest, ...] = ()  # live objects, deleted with their uid and resourceVersion as preconditions
    touch: Mapping[str, str] = field(default_factory=dict)  # pod → value of names.WANTED
    status: Mapping[str, Any] = field(default_factory=dict)  # the whole status
    events: tuple[Event, ...] = ()
    recheck_seconds: float | None = None
