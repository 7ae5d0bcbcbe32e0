"""World: what happens in the pods of one namespace, chosen by the test.

What is not chosen goes well: pods get ready at once, models are there, builds make a generation of what they are given.

    world.pods.append(lambda pod: PodState(ready=False) if "search" in pod.name else None)  # the first answer decides
    world.jobs.append(lambda job: Ending(exit_code=30, message=failed(30, "the source said 503")))
    world.volume                                # generations on the index volume, by id
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from .api import Manifest
from .mirror import digest

RESOURCE, COMPONENT = "clockifyrag.io/resource", "clockifyrag.io/component"


@dataclass(frozen=True)
class Ending:
    """How a pod of a Job ends. running: not at all for now; the rules are asked again after `Controllers.wake`."""

    exit_code: int = 0
    message: str = ""
    reason: str = ""  # of the container: OOMKilled; Completed and Error where it is empty
    running: bool = False
    deadline: bool = False  # the Job's activeDeadlineSeconds have passed
    evicted: bool = False  # the pod is disrupted: it does not count


RUNS = Ending(running=True)


@dataclass(frozen=True)
class PodState:
    """How a pod of a workload is."""

    ready: bool = True
    waiting: str = ""  # reason its container waits for: ImagePullBackOff, CrashLoopBackOff
    unschedulable: str = ""  # what the scheduler says
    seconds: float = 0.0  # until it is so


@dataclass(frozen=True)
class Container:
    """A pod or a Job's pod to be, as rules see it."""

    manifest: Manifest

    @property
    def name(self) -> str:
        return str(self.manifest["metadata"]["name"])

    @property
    def component(self) -> str:
        return str((self.manifest["metadata"].get("labels") or {}).get(COMPONENT, ""))

    @property
    def resource(self) -> str:
        return str((self.manifest["metadata"].get("labels") or {}).get(RESOURCE, ""))

    @property
    def spec(self) -> Manifest:
        """The pod's."""
        whole: Manifest = self.manifest["spec"]
        return whole["template"]["spec"] if "template" in whole else whole

    @property
    def arguments(self) -> list[str]:
        """Command and arguments of all its containers, the init containers' first."""
        containers = [*self.spec.get("initContainers", ()), *self.spec["containers"]]
        return [word for one in containers for word in (*one.get("command", ()), *one.get("args", ()))]

    @property
    def images(self) -> list[str]:
        return [one["image"] for one in (*self.spec.get("initContainers", ()), *self.spec["containers"])]

    def option(self, name: str) -> str:
        """The value behind an option, empty without it."""
        found = self.options(name)
        return found[0] if found else ""

    def options(self, name: str) -> list[str]:
        """The values behind an option that may be repeated; `--name=value` is understood too."""
        words = self.arguments
        behind = [words[at + 1] for at, word in enumerate(words[:-1]) if word == name]
        return behind + [word.partition("=")[2] for word in words if word.startswith(f"{name}=")]

    def variable(self, name: str) -> str:
        """An environment variable given by value."""
        containers = self.spec["containers"]
        given = {one["name"]: one.get("value", "") for each in containers for one in each.get("env", ())}
        return str(given.get(name, ""))


JobRule = Callable[[Container], Ending | None]
PodRule = Callable[[Container], PodState | None]
AnswerRule = Callable[[Container, str, Mapping[str, Any]], Mapping[str, Any] | None]  # pod, path, the good answer


@dataclass
class World:
    """The choices for one namespace. Rules may be added and removed while all runs; then `Controllers.wake`."""

    jobs: list[JobRule] = field(default_factory=list)
    pods: list[PodRule] = field(default_factory=list)
    answers: list[AnswerRule] = field(default_factory=list)  # None falls through to the good answer
    content: str = "first"  # what sources hold whose content the operator cannot know
    volume: dict[str, dict[str, Any]] = field(default_factory=dict)
    pointers: dict[str, str] = field(default_factory=dict)  # pod → the generation its mounted pointer names
    builds: list[str] = field(default_factory=list)  # build keys of the builds that ran to their end, in order
    touched: dict[str, str] = field(default_factory=dict)  # pod → the touch at which its pointer was read
    touches: dict[tuple[str, str], float] = field(default_factory=dict)  # pod, touch → time.monotonic() when first seen
    refresh_seconds: float = 0.0  # from a touch until the pointer is read again
    refreshed: list[tuple[int, str, str]] = field(default_factory=list)  # newest version then, pod, generation it reads
    born: dict[str, float] = field(default_factory=dict)  # pod's uid → time.monotonic() when the kubelet saw it first
    _endings: dict[str, Ending] = field(default_factory=dict)

    def chosen(self, job: Container) -> Ending | None:
        """What the rules say of a Job, or of one of its pods."""
        return next((one for rule in self.jobs if (one := rule(job)) is not None), None)

    def ending(self, pod: Container) -> Ending:
        """How this pod of a Job ends; asked once a pod, unless it runs on."""
        uid = str(pod.manifest["metadata"]["uid"])
        if uid not in self._endings:
            one = self.chosen(pod) or Ending(message=json.dumps(self.outcome(pod), separators=(",", ":")))
            if one.running:
                return one
            self._endings[uid] = one
        return self._endings[uid]

    def state(self, pod: Container) -> PodState:
        return next((one for rule in self.pods if (one := rule(pod)) is not None), PodState())

    def answer(self, pod: Container, path: str) -> Mapping[str, Any] | None:
        """What a pod answers over HTTP, None for 404."""
        good = _good_answer(self, pod, path)
        if good is None:
            return None
        return next((one for rule in self.answers if (one := rule(pod, path, good)) is not None), good)

    def outcome(self, job: Container) -> dict[str, Any]:
        """What the builder would leave in the termination message, the volume changed as it would."""
        if job.component == "embed" or "--embed-only" in job.arguments:
            return {"result": "Embedded", "textsEmbedded": 12}
        if "ls" in job.arguments:
            listed = sorted(self.volume.values(), key=lambda one: one["created"], reverse=True)
            return {"result": "Listed", "generations": listed, "more": 0}
        removed = [one for one in job.option("--remove").split(",") if self.volume.pop(one, None)]
        key = job.option("--build-key")
        self.builds.append(key)
        record = generation(key, self.content, len(self.volume), job.option("--model"))
        known = record["id"] in self.volume
        record = self.volume.setdefault(record["id"], record | {"reason": job.option("--reason")})
        kept = {name: value for name, value in record.items() if name not in ("id", "reason")}
        return {
            "result": "Unchanged" if known else "Built",
            "generation": record["id"],
            **kept,
            "buildKey": key,
            "removed": removed,
            "seconds": 0.1,
        }


def generation(build_key: str, content: str, position: int, model: str = "") -> dict[str, Any]:
    """A generation as the builder describes it: the same key and content give the same id."""
    whole = digest([build_key, content], 64)
    return {
        "id": f"gen-{whole[:12]}",
        "buildKey": build_key,
        "contentDigest": f"sha256:{whole[:12]}",
        "sourceDigest": f"sha256:{digest(content, 12)}",
        "bytes": 4096,
        "documents": 3,
        "chunks": 12,
        "dimensions": 384,
        "model": model or "all-minilm",
        "modelDigest": model_digest(model or "all-minilm"),
        "created": f"2026-01-01T00:{position // 60 % 60:02}:{position % 60:02}Z",
    }


def model_digest(model: str) -> str:
    return digest(model, 64)


def failed(exit_code: int, error: str) -> str:
    """The termination message of a builder that failed."""
    return json.dumps({"result": "Failed", "exitCode": exit_code, "error": error})


def _good_answer(world: World, pod: Container, path: str) -> dict[str, Any] | None:
    if path == "/api/tags":
        models = [name if ":" in name else f"{name}:latest" for name in pod.options("--model")]
        named = [{"name": one, "model": one, "digest": model_digest(one.removesuffix(":latest"))} for one in models]
        return {"models": named}
    if path == "/api/version":
        return {"version": "0.35.0"}
    if path != "/status":
        return None
    if pod.component != "search":
        return {"stage": "embed", "done": 5, "total": 10, "rate": 2.5, "eta": 2.0, "heartbeatTime": 0.0}
    served = pod.variable("GENERATION") or world.pointers.get(pod.name, "")
    known = world.volume.get(served, {})
    return {
        "version": "0.1.0",
        "ready": bool(served),
        "draining": False,
        "uptime_seconds": 5,
        "generation": served or None,
        "content_digest": known.get("contentDigest"),
        "problem": None,
        "damaged": False,
        "embedder": {"provider": "ollama", "model": "all-minilm", "verdict": "ok", "reason": None},
        "degraded": [],
        "requests": {"answered": 0, "inflight": 0},
    }
