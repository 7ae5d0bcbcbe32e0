"""Rate limit: the bucket's arithmetic, bounded memory, and who the client is behind proxies."""

import pytest

from clockifyrag_service.ratelimit import Clients, RateLimiter, networks


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_burst_of_the_limit_is_allowed_and_the_next_request_is_told_when_to_return() -> None:
    limiter = RateLimiter(60, clock=Clock())

    allowances = [limiter.take("a") for _ in range(61)]

    assert [True] * 60 + [False] == [allowance.allowed for allowance in allowances]
    assert (59, 0) == (allowances[0].remaining, allowances[-1].remaining)
    assert (1, 60) == (allowances[-1].retry_seconds, allowances[-1].reset_seconds)


def test_tokens_come_back_evenly() -> None:
    clock = Clock()
    limiter = RateLimiter(60, clock=clock)
    for _ in range(60):
        limiter.take("a")

    clock.now = 2.0

    assert [True, True, False] == [limiter.take("a").allowed for _ in range(3)]


def test_one_caller_does_not_use_up_anothers_tokens() -> None:
    limiter = RateLimiter(1, clock=Clock())
    limiter.take("a")

    assert limiter.take("b").allowed
    assert not limiter.take("a").allowed


def test_a_hundred_thousand_forged_addresses_keep_the_map_bounded() -> None:
    limiter = RateLimiter(100, buckets_max=1000, clock=Clock())

    for number in range(100_000):
        limiter.take(f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}")

    assert 1000 == len(limiter)


@pytest.mark.parametrize(
    ("trusted", "peer", "header", "expected"),
    [
        pytest.param((), "1.2.3.4", "9.9.9.9", "1.2.3.4", id="no-proxy-is-trusted"),
        pytest.param(("10.0.0.0/8",), "1.2.3.4", "9.9.9.9", "1.2.3.4", id="a-stranger-forges"),
        pytest.param(("10.0.0.0/8",), "10.0.0.1", "9.9.9.9", "9.9.9.9", id="a-proxy-tells"),
        pytest.param(("10.0.0.0/8",), "10.0.0.1", "6.6.6.6, 9.9.9.9", "9.9.9.9", id="client-forged-the-left"),
        pytest.param(("10.0.0.0/8",), "10.0.0.1", "9.9.9.9, 10.0.0.2", "9.9.9.9", id="two-proxies"),
        pytest.param(("10.0.0.0/8",), "10.0.0.1", "10.0.0.9", "10.0.0.9", id="all-are-proxies"),
        pytest.param(("10.0.0.0/8",), "10.0.0.1", "garbage", "10.0.0.1", id="no-address"),
        pytest.param(("10.0.0.0/8",), "10.0.0.1", None, "10.0.0.1", id="no-header"),
        pytest.param(("10.0.0.1",), "10.0.0.1", "9.9.9.9:4711", "9.9.9.9", id="with-port"),
        pytest.param(("10.0.0.1",), "10.0.0.1", "[2001:db8::1]:80", "2001:db8::/64", id="ipv6-with-port"),
        pytest.param((), "2001:db8::abcd", None, "2001:db8::/64", id="ipv6-by-its-network"),
        pytest.param((), "::ffff:1.2.3.4", None, "1.2.3.4", id="ipv4-in-ipv6"),
        pytest.param((), "testclient", None, "testclient", id="no-address-at-all"),
    ],
)
def test_the_client_is_the_nearest_address_that_is_not_our_proxy(
    trusted: tuple[str, ...], peer: str, header: str | None, expected: str
) -> None:
    assert expected == Clients(trusted).address(peer, header)


def test_a_proxy_that_is_no_address_is_refused_with_an_example() -> None:
    with pytest.raises(ValueError, match=r"'proxy.local' is neither an address nor a network such as 10.0.0.0/8"):
        networks(("proxy.local",))
