"""What pods say of themselves, asked at their own addresses: /status of search pods and builds, models of an Ollama.

A pod that does not answer in time is left out: silence is an observation, too. Only a search pod that stands unchanged
is still taken at its last word for a while: one answer that is late says nothing about what it serves.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp

from clockifyrag_operator import names
from clockifyrag_operator.heard import heard
from clockifyrag_operator.observed import Manifest, PodReport
from clockifyrag_operator.pod_states import label

ANSWER_BYTES_MAX = 256 * 1024
AT_ONCE = 16
FRESH_SECONDS = 1.0  # a report this young is not asked for again: events come in bursts
LAST_WORD_SECONDS = 60.0  # a search pod that hangs longer fails its probes: then it has changed
FORGOTTEN_SECONDS = 3600.0
ASKED = {  # component → port and path
    names.SEARCH: (names.OPS_PORT, "/status"),
    names.BUILD: (names.OPS_PORT, "/status"),
    names.EMBED: (names.OPS_PORT, "/status"),
    names.OLLAMA: (names.OLLAMA_PORT, "/api/tags"),
}

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Asked:
    version: str  # resourceVersion of the pod: a pod that changed is asked again
    at: float
    report: PodReport | None


class Pods:
    """Asks pods, a bounded number at a time, and remembers for a moment what they said."""

    def __init__(self, request_seconds: float) -> None:
        self._timeout = aiohttp.ClientTimeout(total=request_seconds)
        self._seats = asyncio.Semaphore(AT_ONCE)
        self._asked: dict[str, _Asked] = {}  # by uid
        self._session: aiohttp.ClientSession | None = None

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def reports(self, pods: Iterable[Manifest]) -> dict[str, PodReport]:
        """What each running pod says, by its name."""
        running = [pod for pod in pods if _asked_at(pod) is not None]
        answers = await asyncio.gather(*(self._report(pod) for pod in running))
        self._forget_old()
        return {
            pod["metadata"]["name"]: answer for pod, answer in zip(running, answers, strict=True) if answer is not None
        }

    async def _report(self, pod: Manifest) -> PodReport | None:
        metadata, now = pod["metadata"], time.monotonic()
        known = self._asked.get(metadata["uid"])
        if known and known.version == metadata["resourceVersion"] and now - known.at < FRESH_SECONDS:
            return known.report
        address = _asked_at(pod)
        assert address is not None, "only running pods are asked"
        report = await self._ask(address, metadata)
        if report is None and known and known.version == metadata["resourceVersion"]:
            report = _last_word(pod, known.report)
        self._asked[metadata["uid"]] = _Asked(metadata["resourceVersion"], time.monotonic(), report)
        return report

    async def _ask(self, address: str, metadata: Mapping[str, Any]) -> PodReport | None:
        if self._session is None:
            self._session = aiohttp.ClientSession(timeout=self._timeout, trust_env=False)
        try:
            async with self._seats, self._session.get(address, allow_redirects=False) as answer:
                if answer.status != 200:
                    return None
                values = heard(await _whole(answer))
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            log.debug("a pod does not tell its state: %s", error, extra={"pod": metadata["name"]})
            return None
        if address.endswith("/api/tags"):
            values = _models(values)
        return PodReport(values, datetime.now(UTC)) if isinstance(values, dict) else None

    def _forget_old(self) -> None:
        now = time.monotonic()
        for uid in [uid for uid, asked in self._asked.items() if now - asked.at > FORGOTTEN_SECONDS]:
            del self._asked[uid]


def _last_word(pod: Manifest, report: PodReport | None) -> PodReport | None:
    """What a silent search pod said before, where that is not long ago."""
    if report is None or pod["metadata"]["labels"][names.COMPONENT] != names.SEARCH:
        return None
    return report if datetime.now(UTC) - report.at < timedelta(seconds=LAST_WORD_SECONDS) else None


def _asked_at(pod: Manifest) -> str | None:
    """The URL a pod tells its state at; None when it is not running or has nothing to tell."""
    status = pod.get("status") or {}
    component = label(pod, names.COMPONENT)
    address = status.get("podIP")
    if component not in ASKED or not address or status.get("phase") != "Running":
        return None
    port, path = ASKED[component]
    return f"http://{f'[{address}]' if ':' in address else address}:{port}{path}"


async def _whole(answer: aiohttp.ClientResponse) -> bytes:
    """The body, however many parts it comes in; ValueError where it is longer than any that is honest."""
    body = b""
    async for part in answer.content.iter_any():
        body += part
        if len(body) > ANSWER_BYTES_MAX:
            raise ValueError(f"more than {ANSWER_BYTES_MAX} bytes")
    return body


def _models(values: Any) -> dict[str, str] | None:
    """Model name → digest, of an Ollama's /api/tags."""
    models = values.get("models") if isinstance(values, dict) else None
    if not isinstance(models, list):
        return None
    return {
        str(one.get("name") or one.get("model")): str(one.get("digest", "")) for one in models if isinstance(one, dict)
    }
