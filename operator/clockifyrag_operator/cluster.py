"""The cluster as one resource sees it: a look at all of it, and a plan carried out."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from clockifyrag_operator import names
from clockifyrag_operator.cache import Cache, Held, Key, Place, place_of
from clockifyrag_operator.carrying import Pass
from clockifyrag_operator.client import Client
from clockifyrag_operator.config_maps import ConfigMaps
from clockifyrag_operator.decision import Plan
from clockifyrag_operator.errors import NotFound
from clockifyrag_operator.jobs import JOB_NAME, LiveJob
from clockifyrag_operator.kinds import ALL, CHILDREN, RESOURCE, Kind
from clockifyrag_operator.ledger import Ledger, parse_ledger
from clockifyrag_operator.manifest import is_ours
from clockifyrag_operator.memory import Memory
from clockifyrag_operator.observed import Manifest, Observed, Wanted
from clockifyrag_operator.pod_states import has_ended, label
from clockifyrag_operator.pods import Pods
from clockifyrag_operator.resource_reader import references, shown_references, wanted_of
from clockifyrag_operator.telling import Events


class Cluster:
    """What a pass reads and writes. `kinds` and `schema_problem` are kept up by the leader's loops (leading.py)."""

    def __init__(
        self,
        client: Client,
        cache: Cache,
        memory: Memory,
        *,
        pods: Pods,
        config_maps: ConfigMaps,
        events: Events,
    ) -> None:
        self.client, self.cache, self.memory = client, cache, memory
        self.config_maps = config_maps
        self.kinds: frozenset[str] = frozenset()
        self.schema_problem: str | None = None
        self._pods, self._events = pods, events

    async def prime(self, namespaces: tuple[str, ...]) -> set[Key]:
        """Lists every kind once, so that the cache is whole; gives the resources whose objects differ from before.

        namespaces: () stands for all of the cluster. NotFound: the CRD is not installed.
        """
        changed: set[Key] = set()
        for kind in (RESOURCE, *(one for one in CHILDREN if not one.optional or one.kind in self.kinds)):
            for namespace in namespaces or (None,):
                changed |= await self.list_kind(kind, namespace)
        return changed

    async def list_kind(self, kind: Kind, namespace: str | None) -> set[Key]:
        """Lists one kind; gives the resources whose objects differ from before."""
        since, present, changed = self.cache.newest(kind.kind), set[Place](), set[Key]()
        try:
            async for page in self.client.pages(kind.kind, namespace, "" if kind is RESOURCE else names.SELECTOR):
                present |= {place_of(one) for one in page}
                changed |= self.cache.put_all(page)
        except NotFound as error:
            if not kind.optional or error.status != 404:
                raise  # of an optional kind the CRD went meanwhile, and all objects with it
        return changed | self.cache.keep_only(kind.kind, namespace, present, since)

    async def observe(self, namespace: str, name: str) -> tuple[Wanted, Observed] | None:
        """What is wanted and what there is; None when the resource is gone."""
        key = (namespace, name)
        body = self.cache.resource(key)
        if body is None:
            self.memory.forget(key)
            return None
        wanted = self.wanted(key, body)
        children = self._children(wanted)
        objects = {place: held.manifest for place, held in children.items()} | await self._foreign(wanted)
        objects |= await self._ledger_unheard_of(wanted, objects)
        ledger, version = ledger_of(objects.get(("ConfigMap", names.generations(name))))
        objects |= await self._last_words(wanted, objects, ledger)
        self.memory.referenced[key] = config_maps = await self.referenced(wanted)
        asked = [live for (kind, _), live in objects.items() if kind == "Pod"] if not wanted.deleting else []
        return wanted, Observed(
            now=datetime.now(UTC),
            objects=objects,
            reports=await self._pods.reports(asked),
            ledger=ledger,
            ledger_version=version,
            config_maps=config_maps,
            kinds=self.kinds,
            schema_problem=self.schema_problem,
            owned_templates={place: held.template for place, held in children.items() if held.template is not None},
            refusals=dict(self.memory.refusals.get(key, {})),
        )

    def wanted(self, key: Key, body: Manifest) -> Wanted:
        """What the resource says, read once a version: most passes find the one they knew."""
        version, known = body["metadata"]["resourceVersion"], self.memory.read.get(key)
        if known is None or known[0] != version:
            known = self.memory.read[key] = (version, wanted_of(body))
        return known[1]

    async def referenced(self, wanted: Wanted, fresh_seconds: float | None = None) -> dict[str, str | None]:
        """Observed.config_maps. fresh_seconds: how old a digest may be; None: as old as is right for a pass."""
        named = references(wanted)
        digests = await self.config_maps.digests(wanted.namespace, (one.name for one in named), fresh_seconds)
        return shown_references(named, digests)

    async def carry_out(self, wanted: Wanted, plan: Plan) -> Mapping[tuple[str, str], str]:
        """What was refused, by object. LedgerChanged, PassIncomplete, ResourceGone, LeaseLost: as Pass raises them."""
        key = (wanted.namespace, wanted.name)
        before = self.cache.get("ConfigMap", wanted.namespace, names.generations(wanted.name))
        one = Pass(self.client, self.cache, self.memory, wanted)
        try:
            await one.carry_out(plan)
        finally:
            self.memory.refusals[key], self.memory.refused[key] = one.refusals.words, one.refusals.steps
            self._count_builds(wanted, before)
            if one.told:  # whatever else was not done: the next pass finds no transition any more
                for event in plan.events:
                    await self._events.tell(wanted, event)
        self.memory.written[key] = one.written
        return one.refusals.words

    async def tell(self, wanted: Wanted, status: Mapping[str, Any]) -> None:
        """Writes a status, and nothing else."""
        await Pass(self.client, self.cache, self.memory, wanted).carry_out(Plan(ledger=None, status=status))

    def _children(self, wanted: Wanted) -> dict[tuple[str, str], Held]:
        """What belongs to the resource, as far as lists and events tell.

        Of a kind that is not watched no event tells that the object of a former resource of this name is gone: such
        a one counts as somebody else's.
        """
        key = (wanted.namespace, wanted.name)
        children = self.cache.children(key)
        unwatched = ((place, held.manifest) for place, held in children.items() if not ALL[place[0]].watched)
        former = [place for place, live in unwatched if not is_ours(live, wanted)]
        for place in former:
            self.memory.foreign.setdefault(key, {})[place] = children.pop(place).manifest
        return children

    async def _foreign(self, wanted: Wanted) -> dict[tuple[str, str], Manifest]:
        """Objects of somebody else under names this resource wants, read again as nothing tells of them."""
        known = self.memory.foreign.get((wanted.namespace, wanted.name), {})
        for place in list(known):
            try:
                live = await self.client.get(place[0], wanted.namespace, place[1])
            except NotFound:
                self.cache.drop(known.pop(place))
                continue
            if is_ours(live, wanted):
                self.cache.put(live)
                del known[place]
            else:
                known[place] = live
        return dict(known)

    async def _ledger_unheard_of(
        self, wanted: Wanted, objects: Mapping[tuple[str, str], Manifest]
    ) -> dict[tuple[str, str], Manifest]:
        """The ledger of a volume that no list and no event told of: it is lost when a quorum says so."""
        place = ("ConfigMap", names.generations(wanted.name))
        if place in objects or ("PersistentVolumeClaim", names.index_volume(wanted.name)) not in objects:
            return {}
        try:
            live = await self.client.get(place[0], wanted.namespace, place[1])
        except NotFound:
            return {}
        return {place: live} if is_ours(live, wanted) else {}

    async def _last_words(
        self, wanted: Wanted, objects: Mapping[tuple[str, str], Manifest], ledger: Ledger | None
    ) -> dict[tuple[str, str], Manifest]:
        """Pods of Jobs that ended, read again where none is known to have ended and the outcome is yet to be taken in.

        The watch of Jobs may be ahead of that of pods, and an outcome is judged once.
        """
        found: dict[tuple[str, str], Manifest] = {}
        ended = {label(live, JOB_NAME) for live in objects.values() if has_ended(live)}
        for (kind, name), live in objects.items():
            judged = ledger is not None and live["metadata"]["uid"] in ledger.recorded
            if kind != "Job" or judged or name in ended or LiveJob(live, None).ended is None:
                continue
            for pod in await self.client.list_all("Pod", wanted.namespace, f"{JOB_NAME}={name},{names.SELECTOR}"):
                self.cache.put(pod)
                found["Pod", pod["metadata"]["name"]] = pod
        return found

    def _count_builds(self, wanted: Wanted, before: Manifest | None) -> None:
        """Counts the outcomes that this pass took into the ledger."""
        after = self.cache.get("ConfigMap", wanted.namespace, names.generations(wanted.name))
        for result in outcomes_between(ledger_of(before)[0], ledger_of(after)[0]):
            self.memory.metrics.built(result)


def ledger_of(config_map: Manifest | None) -> tuple[Ledger | None, str | None]:
    """The ledger a ConfigMap holds, None when it is damaged; and its resourceVersion."""
    if config_map is None:
        return None, None
    text = (config_map.get("data") or {}).get(names.LEDGER_KEY)
    return parse_ledger(text) if text is not None else None, config_map["metadata"]["resourceVersion"]


def outcomes_between(before: Ledger | None, after: Ledger | None) -> tuple[str, ...]:
    """How the builds ended that only the second ledger knows of: the reason of a failure, or Succeeded.

    None where there was no ledger, or a damaged one: what is read back holds builds that were counted before.
    """
    if before is None or after is None:
        return ()
    finished = len(set(after.recorded) - set(before.recorded))
    failed = [one.reason for one in after.attempts if one not in before.attempts]
    return (*failed, *("Succeeded" for _ in range(max(0, finished - len(failed)))))
