"""Sites that end with their test; nothing waits between two attempts."""

import ssl
from collections.abc import Callable, Iterator

import pytest
import stamina
from tests.server.fetching.sites import Site


@pytest.fixture
def new_site() -> Iterator[Callable[..., Site]]:
    """Starts another site; all of them end with the test."""
    sites: list[Site] = []

    def start(tls: ssl.SSLContext | None = None) -> Site:
        sites.append(Site(tls))
        return sites[-1]

    yield start
    for site in sites:
        site.close()


@pytest.fixture
def site(new_site: Callable[..., Site]) -> Site:
    return new_site()


@pytest.fixture(autouse=True)
def no_waiting_between_attempts() -> Iterator[None]:
    with stamina.set_testing(True, attempts=10, cap=True):
        yield
