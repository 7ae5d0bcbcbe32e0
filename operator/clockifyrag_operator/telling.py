"""Kubernetes events on a resource: transitions a person wants to find in `kubectl describe`."""

from __future__ import annotations

import logging
import time
import uuid
from collections import OrderedDict
from datetime import UTC, datetime

from clockifyrag_operator import names
from clockifyrag_operator.client import Client
from clockifyrag_operator.decision import Event
from clockifyrag_operator.errors import LeaseLost, OperatorError
from clockifyrag_operator.kinds import EVENT
from clockifyrag_operator.observed import Manifest, Wanted
from clockifyrag_resource.resource import API_VERSION, KIND

REPEATED_SECONDS = 600.0  # the same event is not told again within
TOLD_MAX = 5_000
NOTE_BYTES_MAX = 1023  # what the API server takes

log = logging.getLogger(__name__)


class Events:
    """Writes events. One that cannot be written is logged and lost: nothing rests on it."""

    def __init__(self, client: Client, instance: str) -> None:
        self._client = client
        self._instance = instance
        self._told: OrderedDict[tuple[str, Event], float] = OrderedDict()

    async def tell(self, wanted: Wanted, event: Event) -> None:
        """Writes the event, unless the same one was told a moment ago: passes are repeated."""
        now = time.monotonic()
        told_at = self._told.get((wanted.uid, event))
        if told_at is not None and now - told_at < REPEATED_SECONDS:
            return
        extra = {"namespace": wanted.namespace, "resource": wanted.name, "reason": event.reason}
        try:
            await self._client.create(event_object(wanted, event, self._instance))
        except LeaseLost:
            raise
        except OperatorError as error:
            log.warning("an event could not be written: %s", error, extra=extra)
            return
        log.info(event.message, extra=extra)
        self._told[wanted.uid, event] = now
        while len(self._told) > TOLD_MAX:
            self._told.popitem(last=False)


def event_object(wanted: Wanted, event: Event, instance: str) -> Manifest:
    """The event as events.k8s.io/v1 takes it."""
    return {
        "apiVersion": EVENT.api_version,
        "kind": EVENT.kind,
        "metadata": {"name": f"{wanted.name}.{uuid.uuid4().hex[:16]}", "namespace": wanted.namespace},
        "eventTime": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        "reportingController": f"{names.GROUP}/operator",
        "reportingInstance": instance[:128],
        "action": "Reconcile",
        "type": event.type,
        "reason": event.reason,
        "note": event.message.encode()[:NOTE_BYTES_MAX].decode(errors="ignore"),
        "regarding": {
            "apiVersion": API_VERSION,
            "kind": KIND,
            "namespace": wanted.namespace,
            "name": wanted.name,
            "uid": wanted.uid,
        },
    }
