"""Observed: what the cluster holds now, as one frozen value; the plan looks at nothing else."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from clockifyrag_operator import names
from clockifyrag_operator.ledger import Ledger
from clockifyrag_resource.resource import ClockifyRAG

Manifest = dict[str, Any]  # a Kubernetes object as the API server gives and takes it
Child = tuple[str, str]  # kind and name of an object of the resource


@dataclass(frozen=True, slots=True)
class Wanted:
    """The resource as its author wrote it."""

    namespace: str
    name: str
    uid: str
    generation: int  # metadata.generation: counts changes of the spec
    annotations: Mapping[str, str]
    rag: ClockifyRAG | None  # None when the spec is invalid; `problems` says why
    problems: tuple[str, ...] = ()  # a line each: path, found, expected
    deleting: bool = False
    status: Mapping[str, Any] = field(default_factory=dict)  # as it was last written

    @property
    def is_told(self) -> bool:
        """Whether the status speaks of the spec as it is: so what was refused was refused for it."""
        return bool(self.status.get("observedGeneration") == self.generation)


@dataclass(frozen=True, slots=True)
class PodReport:
    """What a pod says of itself at /status (search, build), or an Ollama at /api/tags; asked at its own address."""

    values: Mapping[str, Any]  # search and build: the JSON answer; Ollama: model name → digest
    at: datetime


@dataclass(frozen=True, slots=True)
class Observed:
    """One look at the world. Objects are live ones, without managedFields, by (kind, name)."""

    now: datetime
    objects: Mapping[Child, Manifest]
    reports: Mapping[str, PodReport] = field(default_factory=dict)  # by pod name; absent: it did not answer
    ledger: Ledger | None = None  # None: missing or damaged
    ledger_version: str | None = None  # resourceVersion of its ConfigMap; None when that is missing
    config_maps: Mapping[str, str | None] = field(default_factory=dict)
    """Digest of the content of each ConfigMap the spec names: by name for a source, by name/key for one entry; None
    when it is missing. Only those that are named are in here."""
    kinds: frozenset[str] = frozenset()  # optional kinds the server knows: ServiceMonitor, PrometheusRule
    schema_problem: str | None = None  # what the installed CRD lacks, None when it is the operator's own
    owned_templates: Mapping[Child, Manifest] = field(default_factory=dict)
    """Per workload: those fields of its live pod template that the operator owns (managedFields)."""
    refusals: Mapping[Child, str] = field(default_factory=dict)
    """Per object: why the last pass could not make it what is wanted, in words that say who refused it."""

    def get(self, kind: str, name: str) -> Manifest | None:
        """The live object, or None."""
        return self.objects.get((kind, name))

    def all(self, kind: str, component: str | None = None) -> Iterator[Manifest]:
        """The live objects of that kind, of one component or of all, by name."""
        for (one, _), manifest in sorted(self.objects.items(), key=lambda item: item[0]):
            labels = manifest["metadata"].get("labels") or {}
            if one == kind and (component is None or labels.get(names.COMPONENT) == component):
                yield manifest

    def pods(self, component: str) -> tuple[Manifest, ...]:
        """The pods of a component that are not on their way out."""
        return tuple(pod for pod in self.all("Pod", component) if not pod["metadata"].get("deletionTimestamp"))
