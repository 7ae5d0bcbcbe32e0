"""Health: what the server says about itself. Nothing here asks Ollama or waits for anything."""

import time
from datetime import datetime
from importlib.metadata import version
from typing import Any

from .answers import Answer
from .auth import KeyRing
from .cache import AnswerCache
from .certificate import Certificate
from .errors import INDEX_NOT_LOADED, RETRY_SOON, Refused, without_places
from .searching import Searching
from .serving import Served, Serving, not_loaded
from .settings import Settings

VERSION = version("clockifyrag")
REASON_MAX = 500  # characters of a reason in /status, which stays below 4 KiB


class Health:
    """Reads the state of the parts."""

    def __init__(
        self,
        settings: Settings,
        serving: Serving,
        keys: KeyRing,
        certificate: Certificate | None,
        cache: AnswerCache[Answer],
        searching: Searching,
    ) -> None:
        self._settings = settings
        self._serving = serving
        self._keys = keys
        self._certificate = certificate
        self._cache = cache
        self._searching = searching
        self._started = time.monotonic()

    def degraded(self) -> list[str]:
        """Parts that do not work as they should while the server answers."""
        broken_certificate = self._certificate is not None and self._certificate.problem
        return [
            *self._serving.degraded(),
            *(("keys",) if self._keys.problem else ()),
            *(("tls",) if broken_certificate else ()),
        ]

    def status(self) -> str:
        """healthy, degraded or unavailable."""
        if self._serving.current is None:
            return "unavailable"
        return "degraded" if self.degraded() else "healthy"

    def report(self, full: bool) -> tuple[int, dict[str, Any]]:
        """Status code and body of /health; without `full` the word alone."""
        status = self.status()
        code = 503 if status == "unavailable" else 200
        if not full:
            return code, {"status": status}
        served = self._serving.current
        return code, {
            "status": status,
            "version": VERSION,
            "uptime_seconds": round(time.monotonic() - self._started, 1),
            "index_loaded": served is not None,
            "articles_indexed": served.generation.manifest.counts.documents if served else 0,
            "cache_hit_rate": round(self._cache.hit_rate, 4),
            "index": index_report(served) if served else None,
            "degraded": self.degraded(),
        }

    def ready(self) -> str:
        """The generation that answers. Refused with INDEX_NOT_LOADED until there is one, and while draining."""
        if self._serving.draining:
            raise Refused(INDEX_NOT_LOADED, "The server is shutting down.", "Ask another instance.", RETRY_SOON)
        if self._serving.current is None:
            raise not_loaded(self._serving.explanation)
        return self._serving.current.id

    def for_operator(self, inflight: int, answered: int) -> dict[str, Any]:
        """At most 4 KiB, and nothing of what was asked."""
        served, problem = self._serving.current, self._serving.explanation
        return {
            "version": VERSION,
            "ready": served is not None and not self._serving.draining,
            "draining": self._serving.draining,
            "uptime_seconds": round(time.monotonic() - self._started, 1),
            "generation": served.id if served else None,
            "content_digest": served.content_digest if served else None,
            "index": index_report(served) if served else None,
            "problem": problem[:REASON_MAX] if problem else None,
            "damaged": self._serving.damaged,
            "refused": self._serving.refused and self._serving.explanation == self._serving.problem,
            "embedder": embedder_report(served) if served else None,
            "degraded": self.degraded(),
            "requests": {"answered": answered, "inflight": inflight},
            "searches": {"computed": self._searching.computed, "waiting": self._searching.admitted},
            "cache": {
                "entries": len(self._cache),
                "bytes": self._cache.size_bytes,
                "hits": self._cache.hits,
                "misses": self._cache.misses,
            },
        }


def built_at(served: Served) -> float:
    """Unix time when the generation was built."""
    return datetime.fromisoformat(served.generation.manifest.created).timestamp()


def index_report(served: Served) -> dict[str, Any]:
    manifest = served.generation.manifest
    return {
        "generation": served.id,
        "model": manifest.embedder.model,
        "dimensions": manifest.counts.dimensions,
        "chunks": manifest.counts.chunks,
        "age_seconds": round(max(0.0, time.time() - built_at(served)), 1),
    }


def embedder_report(served: Served) -> dict[str, Any]:
    embedding = served.embedding
    return {
        "provider": embedding.provider,
        "model": served.generation.manifest.embedder.model,
        "verdict": embedding.verdict,
        "reason": without_places(embedding.reason)[:REASON_MAX] if embedding.reason else None,
    }
