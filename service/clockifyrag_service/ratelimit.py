"""Rate limit: a token bucket for each key or client address, and who the client is behind proxies.

The limit holds for one process: n pods behind a Service let n times as much through.
"""

import ipaddress
import math
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

BUCKETS_MAX = 10_000

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True, slots=True)
class Allowance:
    """What is left after a request."""

    allowed: bool
    limit: int
    remaining: int
    reset_seconds: int  # until the bucket is full again
    retry_seconds: int  # until one more request is allowed; 0 when it is now

    def headers(self) -> list[tuple[bytes, bytes]]:
        return [
            (b"x-ratelimit-limit", b"%d" % self.limit),
            (b"x-ratelimit-remaining", b"%d" % self.remaining),
            (b"x-ratelimit-reset", b"%d" % self.reset_seconds),
        ]


@dataclass(slots=True)
class Bucket:
    tokens: float
    filled: float  # when `tokens` was true


class RateLimiter:
    """`per_minute` requests in a burst, refilled evenly; at most BUCKETS_MAX callers are remembered."""

    def __init__(
        self,
        per_minute: int,
        buckets_max: int = BUCKETS_MAX,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.per_minute = per_minute
        self._rate = per_minute / 60
        self._buckets_max = buckets_max
        self._clock = clock
        self._buckets: OrderedDict[str, Bucket] = OrderedDict()

    def __len__(self) -> int:
        return len(self._buckets)

    def take(self, caller: str) -> Allowance:
        """Takes a token of this caller's; without one the request is not allowed."""
        now = self._clock()
        bucket = self._buckets.get(caller)
        if bucket is None:
            bucket = self._buckets[caller] = Bucket(self.per_minute, now)
            if len(self._buckets) > self._buckets_max:
                self._buckets.popitem(last=False)  # the one that asked longest ago, whose bucket is the fullest
        else:
            self._buckets.move_to_end(caller)
        bucket.tokens = min(self.per_minute, bucket.tokens + (now - bucket.filled) * self._rate)
        bucket.filled = now
        allowed = bucket.tokens >= 1
        if allowed:
            bucket.tokens -= 1
        return Allowance(
            allowed,
            self.per_minute,
            int(bucket.tokens),
            math.ceil((self.per_minute - bucket.tokens) / self._rate),
            0 if allowed else max(1, math.ceil((1 - bucket.tokens) / self._rate)),
        )


def networks(names: Sequence[str]) -> tuple[Network, ...]:
    """The networks of addresses like 10.0.0.1 and 10.0.0.0/8. ValueError names the one that is neither."""
    parsed = []
    for name in names:
        try:
            parsed.append(ipaddress.ip_network(name, strict=False))
        except ValueError as error:
            raise ValueError(f"{name!r} is neither an address nor a network such as 10.0.0.0/8") from error
    return tuple(parsed)


class Clients:
    """Tells the client's address from the connection and, behind trusted proxies, X-Forwarded-For."""

    def __init__(self, trusted: Sequence[str]) -> None:
        self._trusted = networks(trusted)

    def address(self, peer: str, forwarded_for: str | None) -> str:
        """The nearest address that is not one of our proxies.

        The header is believed only from a trusted peer, and read from the right: what stands left of the first
        stranger was written by that stranger.
        """
        client = peer
        if self._trusted and forwarded_for and self._is_trusted(peer):
            for hop in reversed(forwarded_for.split(",")):
                name = without_port(hop.strip())
                if name is None:
                    break
                client = name
                if not self._is_trusted(name):
                    break
        return bucket_name(client)

    def _is_trusted(self, name: str) -> bool:
        try:
            address = ipaddress.ip_address(name)
        except ValueError:
            return False
        return any(address in network for network in self._trusted)


def without_port(hop: str) -> str | None:
    """The address of one hop (`1.2.3.4:5`, `[::1]:5` and bare ones), or None when it is no address."""
    if hop.startswith("["):
        hop = hop[1:].partition("]")[0]
    elif hop.count(":") == 1:
        hop = hop.partition(":")[0]
    try:
        return str(ipaddress.ip_address(hop))
    except ValueError:
        return None


def bucket_name(client: str) -> str:
    """The address whose bucket is used: an IPv6 client owns a whole /64, so that is what is counted."""
    if ":" not in client:
        return client
    try:
        address = ipaddress.IPv6Address(client)
    except ValueError:
        return client
    mapped = address.ipv4_mapped
    return str(mapped) if mapped else str(ipaddress.ip_network((int(address) >> 64 << 64, 64)))
