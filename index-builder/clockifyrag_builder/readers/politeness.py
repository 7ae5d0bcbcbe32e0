"""Turns: when the next request to a host may be sent."""

from dataclasses import dataclass, field

import httpx

from clockifyrag_builder.readers.addresses import host_of
from clockifyrag_builder.readers.web import Clock


@dataclass(slots=True)
class Turns:
    """At least `delay_seconds`, or what the host's robots.txt asks if that is more, between two requests to a host."""

    clock: Clock
    delay_seconds: float
    _asked: dict[str, float] = field(default_factory=dict)  # by host, what its robots.txt asks
    _last: dict[str, float] = field(default_factory=dict)

    def ask_for(self, url: httpx.URL, delay_seconds: float) -> None:
        """Notes what the host's robots.txt asks; the longest pause asked for counts."""
        host = host_of(url)
        self._asked[host] = max(delay_seconds, self._asked.get(host, 0.0))

    def take(self, url: httpx.URL) -> None:
        """Returns when the host's turn has come; from then on the next one waits."""
        host, now = host_of(url), self.clock.now()
        if host in self._last:
            delay = max(self.delay_seconds, self._asked.get(host, 0.0))
            left = self._last[host] + delay - now
            if left > 0:
                self.clock.sleep(left)
                now = self.clock.now()
        self._last[host] = now
