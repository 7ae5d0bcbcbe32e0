"""One pass's writes: a plan carried out step by step, each step independent of the failure of the others.

    ledger ─► created ─► applied, with replicas ─► deleted ─► touched ─► status ─► events
      │ LedgerChanged: somebody wrote since; nothing else is done and the pass is repeated

What is refused (a quota, a policy, a fixed field) is collected by object and told in the status by the next pass; what
fails for a passing reason is repeated. The status is written last and always.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Mapping
from typing import Any

from clockifyrag_operator import names
from clockifyrag_operator.cache import Cache, place_of
from clockifyrag_operator.client import Client
from clockifyrag_operator.contained import essence, holds, marked
from clockifyrag_operator.decision import Plan
from clockifyrag_operator.discovery import without
from clockifyrag_operator.errors import (
    AlreadyExists,
    Conflict,
    Foreign,
    Immutable,
    LeaseLost,
    LedgerChanged,
    MadeOtherwise,
    NotFound,
    OperatorError,
    PassIncomplete,
    Refused,
    ResourceChanged,
    ResourceGone,
)
from clockifyrag_operator.kinds import ALL, RESOURCE, WORKLOADS
from clockifyrag_operator.manifest import annotation, digest, is_ours
from clockifyrag_operator.memory import Memory
from clockifyrag_operator.observed import Manifest, Wanted
from clockifyrag_operator.refusals import Refusals

# Kinds that hold nothing and may go: their fixed fields change by making them anew. Others wait for their author.
MADE_ANEW = frozenset({"Deployment", "Service", "StatefulSet"})

log = logging.getLogger(__name__)


class Pass:
    """The writes of one pass over one resource, and what came of them."""

    def __init__(self, client: Client, cache: Cache, memory: Memory, wanted: Wanted) -> None:
        self._client, self._cache, self._memory, self._wanted = client, cache, memory, wanted
        self.key = (wanted.namespace, wanted.name)
        self.refusals = Refusals(memory, wanted)
        self.failures: list[OperatorError] = []
        self.written = 0  # writes that changed something, the status aside
        self.told = False  # the status says by now what the plan makes it say

    async def carry_out(self, plan: Plan) -> None:
        """Everything but the events. LedgerChanged, ResourceChanged: repeat at once; PassIncomplete: after a wait."""
        if plan.ledger is None or await self._step(plan.ledger, self._ledger(plan.ledger)):
            for manifest in plan.create:
                await self._step(manifest, self._create(manifest))
            for manifest in plan.apply:
                if await self._step(manifest, self._apply(manifest)):
                    await self._step(manifest, self._replicas(manifest, plan.replicas))
            for live in plan.delete:
                await self._step(live, self._delete(live))
            for pod, value in plan.touch.items():
                await self._step(_pod(self._wanted, pod), self._touch(pod, value))
        if plan.status:
            self.told = await self._step(self._cache.resource(self.key) or {}, self._status(plan.status))
        if self.failures:
            raise PassIncomplete(tuple(self.failures))

    async def _step(self, manifest: Manifest, deed: Awaitable[None]) -> bool:
        """Whether the deed was done; why not is kept. Gives up the pass where going on would be wrong."""
        self.refusals.begin()
        try:
            live = self._cache.resource(self.key)
            if live is None or live["metadata"]["uid"] != self._wanted.uid:
                raise ResourceGone(f"{self.key} was deleted")
            await deed
            return True
        except (LeaseLost, ResourceGone, LedgerChanged, ResourceChanged):
            raise
        except Refused as error:
            if self.refusals.note(error, manifest, getattr(deed, "__name__", "")):
                log.warning("refused: %s", error, extra=self._extra(manifest))
        except OperatorError as error:
            self.failures.append(error)
            log.warning("not done: %s", error, extra=self._extra(manifest))
        finally:
            if hasattr(deed, "close"):
                deed.close()  # a deed that was never begun
        return False

    async def _ledger(self, rendered: Manifest) -> None:
        name, wanted = rendered["metadata"]["name"], marked(rendered)
        live = self._known("ConfigMap", name)
        if live is not None and live.get("data") == rendered["data"] and holds(live, wanted):
            return
        try:
            self._take(await (self._client.apply_new(wanted) if live is None else self._client.apply(wanted)))
        except (Conflict, NotFound) as error:
            self._must_be_ours(await self._read_again("ConfigMap", name))
            raise LedgerChanged(409, f"the ledger changed since it was read: {error.message}") from error

    async def _create(self, manifest: Manifest) -> None:
        self.refusals.require_due(manifest, "_create")
        try:
            made = await self._client.create(manifest)
        except AlreadyExists:
            return
        if ALL[made["kind"]].listed:
            self._take(made)
        else:
            self.written += 1
        log.info("created", extra=self._extra(manifest))

    async def _apply(self, manifest: Manifest) -> None:
        rendered = marked(manifest)
        live = self._known(manifest["kind"], manifest["metadata"]["name"])
        self.refusals.require_due(manifest, "_apply", _digest_of(rendered), _version(live))
        kind, name = rendered["kind"], rendered["metadata"]["name"]
        try:
            if live is None:
                applied = await self._apply_new(rendered)
                if applied is None:
                    live = self._must_be_ours(await self._read_again(kind, name))
                    if live is None:  # it came and went
                        self.written += 1
                        return
            if live is not None:
                if "deletionTimestamp" in live["metadata"]:
                    return  # made again when it is gone, which is an event
                if _is_headless(live) != _is_headless(rendered):
                    has = "no address and is to have one" if _is_headless(live) else "an address and is to have none"
                    raise MadeOtherwise(422, f"Service {name} has {has}")
                if self._holds((kind, self._wanted.namespace, name), live, rendered):
                    return
                applied = await self._client.apply(rendered)
        except NotFound:
            if ALL[kind].optional:
                return  # its CRD went meanwhile
            raise
        except Immutable:
            if live is None or not self._may_be_made_anew(live, rendered):
                raise
            await self._replace(live, rendered)
            return
        assert applied is not None, "made, or applied to what was there"
        self._applied(applied, rendered)

    async def _apply_new(self, rendered: Manifest) -> Manifest | None:
        """The object that was made; None when there is one of that name, which no list and no event told of."""
        try:
            return await self._client.apply_new(rendered)
        except Conflict:
            return None

    def _applied(self, applied: Manifest, rendered: Manifest) -> None:
        """Remembers what the API server made of what was applied."""
        place = place_of(applied)
        self._take(applied)
        if holds(applied, rendered):
            self._memory.accepted.pop(place, None)
        else:
            self._memory.accepted[place] = (_digest_of(rendered), essence(applied))
        log.info("applied", extra=self._extra(rendered))

    def _holds(self, place: tuple[str, str, str], live: Manifest, rendered: Manifest) -> bool:
        """Whether writing would change nothing. What the API server made of it last time counts as written."""
        digest_wanted, version = _digest_of(rendered), live["metadata"]["resourceVersion"]
        if self._memory.compared.get(place) == (digest_wanted, version):
            return True
        same = (_digest_of(live) == digest_wanted and holds(live, rendered)) or (
            self._memory.accepted.get(place) == (digest_wanted, essence(live))
        )
        if same:
            self._memory.compared[place] = (digest_wanted, version)
        return same

    def _may_be_made_anew(self, live: Manifest, rendered: Manifest) -> bool:
        """Whether the object may go for a fixed field of it: once, so that none comes and goes for ever."""
        return live["kind"] in MADE_ANEW and (place_of(live), _digest_of(rendered)) not in self._memory.made_anew

    async def _replace(self, live: Manifest, rendered: Manifest) -> None:
        """Deletes an object whose fixed fields are to change; a later pass makes it again when it is gone.

        Pods that the new object selects are left running, and it takes them over. Others are deleted with the old one:
        no Service of ours selects them, and under a StatefulSet they would keep their names from new pods.

        A Deployment begins with one replica and is scaled by the next write, so of several pods it may end some.

        The API server may have refused another object than `live`, which a late watch hides: it is read again first.
        """
        fresh = self._must_be_ours(await self._read_again(live["kind"], live["metadata"]["name"], gone=live))
        if fresh is None or fresh["metadata"]["uid"] != live["metadata"]["uid"]:
            self.written += 1  # as if: the next pass is due at once
            return
        stay = fresh["kind"] in WORKLOADS and _takes_over(rendered, fresh)
        try:
            self._gone(fresh, await self._client.delete(fresh, "Orphan" if stay else "Background"))
        except (NotFound, Conflict):
            self.written += 1
            return
        self._memory.made_anew.add((place_of(live), _digest_of(rendered)))
        log.info("replaced: a field that cannot be changed is to change", extra=self._extra(live))

    async def _replicas(self, manifest: Manifest, replicas: Mapping[tuple[str, str], int]) -> None:
        kind, name = manifest["kind"], manifest["metadata"]["name"]
        wanted = replicas.get((kind, name))
        live = self._cache.get(kind, self._wanted.namespace, name)
        if wanted is None or live is None or live["spec"].get("replicas") == wanted:
            return
        scaled = {
            "apiVersion": manifest["apiVersion"],
            "kind": kind,
            "metadata": {"name": name, "namespace": self._wanted.namespace},
            "spec": {"replicas": wanted},
        }
        self._take(await self._client.apply(scaled, names.REPLICAS_MANAGER))

    async def _delete(self, live: Manifest) -> None:
        """Deletes what a quorum still holds exactly as the plan saw it; anything newer is looked at again first."""
        fresh = await self._read_again(live["kind"], live["metadata"]["name"], gone=live)
        if fresh is None or "deletionTimestamp" in fresh["metadata"]:
            return
        if any(fresh["metadata"][one] != live["metadata"][one] for one in ("uid", "resourceVersion")):
            self.written += 1  # as if: the next pass is due at once
            return
        try:
            self._gone(fresh, await self._client.delete(fresh))
        except (NotFound, Conflict):
            self.written += 1
            return
        log.info("deleted", extra=self._extra(live))

    async def _touch(self, pod: str, value: str) -> None:
        live = self._cache.get("Pod", self._wanted.namespace, pod)
        if live is None or annotation(live, names.WANTED) == value:
            return
        try:
            self._take(await self._client.annotate_pod(self._wanted.namespace, pod, names.WANTED, value))
        except NotFound:
            self._cache.drop(live)

    async def _status(self, status: Mapping[str, Any]) -> None:
        live = self._cache.resource(self.key)
        assert live is not None, "looked at a moment ago"
        status = without(status, self._memory.undeclared)
        wanted, held = digest(status), digest(live.get("status") or {})
        if wanted == held or self._memory.statuses.get(self._wanted.uid) == (wanted, held):
            return
        written = {
            "apiVersion": RESOURCE.api_version,
            "kind": RESOURCE.kind,
            # In the version it was read: one made again under the same name is not told what became of the old one.
            # A status alone may be applied with any uid: the API server does not compare it.
            "metadata": {
                "name": self._wanted.name,
                "namespace": self._wanted.namespace,
                "resourceVersion": live["metadata"]["resourceVersion"],
            },
            "status": dict(status),
        }
        try:
            answer = await self._client.apply(written, status=True)
        except (NotFound, Conflict) as error:
            await self._read_again(RESOURCE.kind, self._wanted.name, gone=live)
            if isinstance(error, NotFound):
                raise ResourceGone(f"{self.key} was deleted") from error
            raise ResourceChanged(409, f"the resource changed since it was read: {error.message}") from error
        self._cache.put(answer)
        self._memory.statuses[self._wanted.uid] = (wanted, digest(answer.get("status") or {}))

    def _known(self, kind: str, name: str) -> Manifest | None:
        """The live object of that name as far as it is known; Refused when it is not ours."""
        return self._must_be_ours(self._cache.get(kind, self._wanted.namespace, name))

    def _must_be_ours(self, live: Manifest | None) -> Manifest | None:
        """The object itself; one of somebody else is Refused and never touched, and the next pass is told of it."""
        if live is not None and not is_ours(live, self._wanted):
            kind, name = live["kind"], live["metadata"]["name"]
            known = self._memory.foreign.setdefault(self.key, {})
            self.written += (kind, name) not in known  # as if: the pass that tells it is due at once
            known[kind, name] = live
            raise Foreign(409, f"{kind} {name} is there and belongs to somebody else")
        return live

    async def _read_again(self, kind: str, name: str, gone: Manifest | None = None) -> Manifest | None:
        """What a quorum holds now, taken into the cache; None, and the old one dropped, when there is none."""
        try:
            fresh = await self._client.get(kind, self._wanted.namespace, name)
        except NotFound:
            old = gone or self._cache.get(kind, self._wanted.namespace, name)
            if old is not None:
                self._cache.drop(old)
            return None
        if kind == RESOURCE.kind or is_ours(fresh, self._wanted):
            self._cache.put(fresh)
        return fresh

    def _take(self, answer: Manifest) -> None:
        self._cache.put(answer)
        self.written += 1

    def _gone(self, live: Manifest, answer: Manifest) -> None:
        """What follows of the answer to a deletion: the object is gone, or on its way out."""
        if answer.get("kind") == live["kind"] and answer.get("metadata", {}).get("deletionTimestamp"):
            self._cache.put(answer)
        else:
            self._cache.drop(live)
        self.written += 1

    def _extra(self, manifest: Manifest) -> dict[str, str]:
        return {
            "namespace": self._wanted.namespace,
            "resource": self._wanted.name,
            "object": f"{manifest['kind']}/{manifest['metadata']['name']}",
        }


def _takes_over(rendered: Manifest, live: Manifest) -> bool:
    """Whether the workload would take pods of the live one for its own."""
    labels = live["spec"]["template"]["metadata"].get("labels") or {}
    return bool(rendered["spec"]["selector"]["matchLabels"].items() <= labels.items())


def _is_headless(manifest: Manifest) -> bool:
    """Whether it is a Service without an address: where the wanted one has any address, no apply gives it one."""
    return manifest["kind"] == "Service" and bool(manifest["spec"].get("clusterIP") == "None")


def _digest_of(manifest: Manifest) -> str | None:
    """Of what was rendered when the object was applied; None where it never was."""
    return annotation(manifest, names.APPLIED)


def _version(live: Manifest | None) -> tuple[object, ...]:
    """What changes whenever the object does; of a kind that counts generations not with its status."""
    metadata = live["metadata"] if live is not None else {}
    return metadata.get("uid"), metadata.get("generation") or metadata.get("resourceVersion")


def _pod(wanted: Wanted, name: str) -> Manifest:
    return {"kind": "Pod", "metadata": {"name": name, "namespace": wanted.namespace}}
