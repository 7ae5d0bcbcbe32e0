"""The lease by which one of several operators is the leader.

    renew ──────────► deadline (0.7 of the lease) ── the leader stops writing by itself
    last change seen ───────────────► 0.85 of the lease ── another one takes over

Both clocks are monotonic and start before the request that counts, so they need not agree with any other clock: the
leader counts from before it asked for the renewal, the other from when it saw the renewal, which is later. Between both
ends lie 15 % of the lease for the write that is under way.

`kubernetes.aio.leaderelection` is not used: it measures by the wall clock, gives no deadline a write can be checked
against, and does not let go of the lease when the process ends, so that every roll of the operator would cost a whole
lease. It also needs the package's models, which double the memory of this process.
"""

from __future__ import annotations

import asyncio
import logging
import time
import uuid
from datetime import UTC, datetime
from math import ceil

from clockifyrag_operator.client import Client
from clockifyrag_operator.errors import AlreadyExists, Conflict, NotFound, OperatorError
from clockifyrag_operator.kinds import LEASE
from clockifyrag_operator.observed import Manifest

GIVE_UP = 0.7  # of lease_seconds: after that without a renewal the leader is none any more
TAKE_OVER = 0.85  # of lease_seconds: after that without a change the lease is free
LOOKS = 15  # times a lease is looked at in its duration by those who wait for it
RELEASE_SECONDS = 1.5  # longest time given to letting go

log = logging.getLogger(__name__)


class Lease:
    """One candidate's view of the lease; `held` may be asked at any moment."""

    def __init__(self, namespace: str, name: str, holder: str, lease_seconds: float, renew_seconds: float) -> None:
        self._namespace, self._name = namespace, name
        self.identity = f"{holder}_{uuid.uuid4().hex[:12]}"  # a restarted process is another candidate
        self._seconds = lease_seconds
        self._renew_seconds = min(renew_seconds, lease_seconds * GIVE_UP / 2)
        self._look_seconds = lease_seconds / LOOKS
        self._deadline = float("-inf")
        self._live: Manifest | None = None
        self._seen_version = ""
        self._seen_at = float("-inf")

    @property
    def held(self) -> bool:
        """Whether this process is the leader now, by its own clock; no request is made."""
        return time.monotonic() < self._deadline

    @property
    def seconds_left(self) -> float:
        return self._deadline - time.monotonic()

    async def acquire(self, client: Client, stop: asyncio.Event) -> bool:
        """Returns True as the leader, or False when `stop` is set first."""
        told = ""
        while not stop.is_set():
            try:
                if await self._take(client):
                    log.info("leading", extra={"lease": self._name, "identity": self.identity})
                    return True
                told = ""
            except OperatorError as error:
                log.log(logging.DEBUG if told == str(error) else logging.WARNING, "the lease cannot be seen: %s", error)
                told = str(error)  # once, not each second of an outage
            await _first(stop, self._look_seconds)
        return False

    async def keep(self, client: Client) -> None:
        """Renews until the lease is lost, and returns then."""
        wait = self._renew_seconds
        while self.held:
            await asyncio.sleep(min(wait, max(self.seconds_left, 0)))
            if not self.held:
                break
            try:
                renewed = await asyncio.wait_for(self._take(client), max(self.seconds_left, 0.01))
            except (OperatorError, TimeoutError) as error:
                log.warning("the lease was not renewed: %s", str(error) or "no answer in time")
                wait = self._look_seconds
                continue
            if not renewed:
                break  # another one holds it
            wait = self._renew_seconds
        self._deadline = float("-inf")
        log.warning("the lease is lost", extra={"lease": self._name, "identity": self.identity})

    async def release(self, client: Client) -> None:
        """Lets go, so that another one need not wait; called when nothing is written any more."""
        was_held, self._deadline = self.held, float("-inf")
        if not was_held or self._live is None:
            return
        spec = {**self._live["spec"], "holderIdentity": "", "leaseDurationSeconds": 1, "renewTime": _now()}
        try:
            async with asyncio.timeout(RELEASE_SECONDS):
                await self._update(client, {**self._live, "spec": spec})
            log.info("the lease is released", extra={"lease": self._name})
        except (OperatorError, TimeoutError) as error:
            log.warning("the lease could not be released and runs out by itself: %s", str(error) or "no answer in time")

    async def _take(self, client: Client) -> bool:
        """Whether the lease is ours after this attempt to make, take or renew it."""
        asked_at = time.monotonic()
        try:
            live = await client.request("GET", LEASE.path(self._namespace, self._name))
        except NotFound:
            return await self._make(client, asked_at)
        spec = live.get("spec") or {}
        holder, version = spec.get("holderIdentity") or "", live["metadata"]["resourceVersion"]
        if version != self._seen_version:
            self._seen_version, self._seen_at = version, time.monotonic()
        seconds = float(spec.get("leaseDurationSeconds") or self._seconds)
        if holder not in ("", self.identity) and time.monotonic() < self._seen_at + TAKE_OVER * seconds:
            return False
        changed = holder != self.identity
        spec = {
            **spec,
            "holderIdentity": self.identity,
            "leaseDurationSeconds": ceil(self._seconds),  # rounded down, another one would take over before we stop
            "renewTime": _now(),
            "acquireTime": _now() if changed else spec.get("acquireTime", _now()),
            "leaseTransitions": int(spec.get("leaseTransitions") or 0) + changed,
        }
        try:
            self._live = await self._update(client, {**live, "spec": spec})
        except Conflict:
            return False  # another one was faster
        self._deadline = asked_at + GIVE_UP * self._seconds
        return True

    async def _make(self, client: Client, asked_at: float) -> bool:
        spec = {
            "holderIdentity": self.identity,
            "leaseDurationSeconds": ceil(self._seconds),  # rounded down, another one would take over before we stop
            "acquireTime": _now(),
            "renewTime": _now(),
            "leaseTransitions": 0,
        }
        lease = {
            "apiVersion": LEASE.api_version,
            "kind": LEASE.kind,
            "metadata": {"name": self._name, "namespace": self._namespace},
            "spec": spec,
        }
        try:
            self._live = await client.request("POST", LEASE.path(self._namespace), lease)
        except AlreadyExists:
            return False
        self._deadline = asked_at + GIVE_UP * self._seconds
        return True

    async def _update(self, client: Client, lease: Manifest) -> Manifest:
        return await client.request("PUT", LEASE.path(self._namespace, self._name), lease)


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


async def _first(stop: asyncio.Event, seconds: float) -> None:
    """Returns when the event is set or the time is over."""
    try:
        async with asyncio.timeout(seconds):
            await stop.wait()
    except TimeoutError:
        return
