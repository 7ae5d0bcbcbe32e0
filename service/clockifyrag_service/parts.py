"""Parts: everything one server is made of, assembled once and handed to the routes."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import IO

from clockifyrag_index.quota import cpu_quota

from .access import ENDPOINTS
from .analytics import Analytics
from .answers import Answer
from .auth import KeyRing
from .cache import AnswerCache
from .certificate import Certificate
from .health import Health, built_at
from .loader import Adopted, Loader
from .loading import KEY_PREFIX_BYTES
from .logs import RequestLog, hash_key
from .metrics import IndexFacts, Metrics
from .parameters import SearchParameters
from .ratelimit import Clients, RateLimiter
from .searching import Searching
from .serving import Served, Serving
from .settings import Settings
from .siblings import Frequent, Siblings, token_of
from .threads import search_threads


@dataclass(slots=True)
class Traffic:
    """Requests being answered, and answered so far; counted by the front."""

    inflight: int = 0
    answered: int = 0


@dataclass(frozen=True, slots=True)
class Parts:
    """The parts of one server."""

    settings: Settings
    serving: Serving
    cache: AnswerCache[Answer]
    analytics: Analytics
    metrics: Metrics
    keys: KeyRing
    certificate: Certificate | None
    limiter: RateLimiter | None
    clients: Clients
    searching: Searching
    health: Health
    request_log: RequestLog
    loader: Loader
    traffic: Traffic
    sibling_token: str | None  # of servers that may ask what is asked often; None: nobody may

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Watches and logs until the block ends; then every thread has ended and every map is closed."""
        self.request_log.start()
        self.loader.start(asyncio.get_running_loop())
        try:
            yield
        finally:
            await asyncio.to_thread(self.searching.close)
            await self.loader.stop()
            self.request_log.stop()


def certificate_of(settings: Settings) -> Certificate | None:
    """What TLS connections are shown; None without TLS. ValueError for files that cannot be used."""
    if settings.tls_cert_file is None or settings.tls_key_file is None:
        return None
    return Certificate(settings.tls_cert_file, settings.tls_key_file)


def assembled(settings: Settings, log_stream: IO[str]) -> Parts:
    """The parts as the settings want them; nothing runs yet. ValueError for a setting that cannot be used."""
    serving, traffic = Serving(), Traffic()
    cache: AnswerCache[Answer] = AnswerCache(
        settings.cache_size,
        settings.cache_max_bytes,
        settings.cache_ttl_seconds,
        generation_bytes=KEY_PREFIX_BYTES,
    )
    analytics = Analytics(settings.analytics_window_seconds)
    metrics = Metrics(ENDPOINTS, lambda: traffic.inflight)
    keys = KeyRing(settings.api_key.get_secret_value() if settings.api_key else None, settings.api_keys_file)
    certificate = certificate_of(settings)
    threads = search_threads(settings.max_workers, cpu_quota())
    log_key = hash_key(settings.log_key_file)
    searching = Searching(settings, serving, cache, analytics, metrics, threads)

    def tended() -> None:
        """In the loader's thread: files that may have changed."""
        keys.refresh()
        if certificate:
            certificate.refresh()

    def frequent(count: int) -> list[SearchParameters]:
        return [stored.parameters for stored, _ in cache.most_used(count)]

    return Parts(
        settings=settings,
        serving=serving,
        cache=cache,
        analytics=analytics,
        metrics=metrics,
        keys=keys,
        certificate=certificate,
        limiter=RateLimiter(settings.rate_limit_per_minute) if settings.rate_limit_per_minute else None,
        clients=Clients(settings.trusted_proxies),
        searching=searching,
        health=Health(settings, serving, keys, certificate, cache, searching),
        request_log=RequestLog(
            log_stream, settings.effective_log_level in ("debug", "info"), settings.log_queries, log_key
        ),
        loader=Loader(
            settings,
            serving,
            tended,
            frequent,
            Siblings(settings, settings.warm_url, log_key) if settings.warm_url and log_key else None,
            adoption(serving, cache, metrics),
        ),
        traffic=traffic,
        sibling_token=token_of(log_key) if log_key else None,
    )


def adoption(serving: Serving, cache: AnswerCache[Answer], metrics: Metrics) -> Adopted:
    """What the loader has done in the event loop for a new generation: it answers from here on, its cache warm."""

    def adopted(served: Served, answers: list[Answer], known: Sequence[Frequent]) -> None:
        cache.turn_to(served.key_prefix)
        for one in reversed(known):  # counts fade as others are added: those asked most come last
            cache.expect(served.key_prefix + one.parameters.key(), one.asked)
        for warm in answers:
            cache.put(served.key_prefix + warm.parameters.key(), warm)
        serving.adopt(served)
        manifest = served.generation.manifest
        metrics.index = IndexFacts(served.id, manifest.embedder.model, built_at(served), manifest.counts.chunks)

    return adopted
