"""ConfigMaps that resources name: read by name, as metadata first and whole only when that changed.

They are the authors' own, carry no label of ours and are neither watched nor listed.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from clockifyrag_operator.client import Client
from clockifyrag_operator.errors import NotFound, Refused
from clockifyrag_operator.observed import Manifest


@dataclass(frozen=True, slots=True)
class _Read:
    version: str | None  # None: there is none
    digests: Mapping[str, str] | None
    at: float


class ConfigMaps:
    """Digests of their contents, by key."""

    def __init__(self, client: Client, fresh_seconds: float) -> None:
        self._client = client
        self._fresh_seconds = fresh_seconds
        self._read: dict[tuple[str, str], _Read] = {}

    async def digests(
        self, namespace: str, wanted: Iterable[str], fresh_seconds: float | None = None
    ) -> dict[str, Mapping[str, str] | None]:
        """Per name the digest of each key; None where there is no such ConfigMap, or none that may be read.

        fresh_seconds: how long ago it may have been read; None: as long as was said in the beginning.
        """
        fresh = self._fresh_seconds if fresh_seconds is None else fresh_seconds
        return {name: (await self._look(namespace, name, fresh)).digests for name in sorted(set(wanted))}

    def keep_only(self, named: set[tuple[str, str]]) -> None:
        """Forgets those that no resource names any more."""
        self._read = {place: read for place, read in self._read.items() if place in named}

    async def _look(self, namespace: str, name: str, fresh_seconds: float) -> _Read:
        known = self._read.get((namespace, name))
        if known and time.monotonic() - known.at < fresh_seconds:
            return known
        self._read[namespace, name] = read = await self._asked(namespace, name, known)
        return read

    async def _asked(self, namespace: str, name: str, known: _Read | None) -> _Read:
        try:
            if known and known.version is not None:
                told = await self._client.get("ConfigMap", namespace, name, metadata_only=True)
                if told["metadata"]["resourceVersion"] == known.version:
                    return _Read(known.version, known.digests, time.monotonic())
            live = await self._client.get("ConfigMap", namespace, name)
        except (NotFound, Refused):
            return _Read(None, None, time.monotonic())
        return _Read(live["metadata"]["resourceVersion"], content_digests(live), time.monotonic())


def content_digests(config_map: Manifest) -> dict[str, str]:
    """The digest of each key's value, texts and bytes alike."""
    values = {**(config_map.get("data") or {}), **(config_map.get("binaryData") or {})}
    return {key: hashlib.sha256(value.encode()).hexdigest() for key, value in sorted(values.items())}
