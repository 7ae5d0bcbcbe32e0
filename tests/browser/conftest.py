"""A headless Chromium, and a real server over a few small articles."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from selenium.webdriver import Chrome
from tests.browser.articles import publish_articles
from tests.browser.chromium import chromium, go_offline, prefer, resize
from tests.browser.search_page import SearchPage
from tests.server.conftest import Serve, Server, embedder, serve, serve_process

from clockifyrag_index.embedders import Embedder

__all__ = ["embedder", "serve", "serve_process"]  # fixtures, found here by pytest


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def root(tmp_path_factory: pytest.TempPathFactory, embedder: Embedder) -> Path:
    """The articles, published; nobody changes them."""
    folder = tmp_path_factory.mktemp("articles")
    publish_articles(folder, embedder)
    return folder


@pytest.fixture(scope="session")
def site(serve_process: Serve, root: Path) -> Server:
    """A server for tests that only ask."""
    return serve_process(root)


@pytest.fixture(scope="session")
def driver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chrome]:
    """One browser for all tests; `page` cleans it."""
    with chromium(tmp_path_factory.mktemp("chromium")) as running:
        yield running


@pytest.fixture
def browser(driver: Chrome) -> Chrome:
    """The browser as if it had just been installed: nothing stored, online, 1200 × 800, light."""
    go_offline(driver, False)
    resize(driver, 1200, 800)
    prefer(driver, prefers_color_scheme="light")
    driver.get("about:blank")
    driver.execute_cdp_cmd("Page.resetNavigationHistory", {})  # a full one does not grow
    driver.execute_cdp_cmd("Storage.clearDataForOrigin", {"origin": "*", "storageTypes": "all"})
    driver.get_log("browser")  # type: ignore[no-untyped-call]
    return driver


@pytest.fixture
def page(browser: Chrome, site: Server) -> Iterator[SearchPage]:
    """The page of `site`; afterwards the browser must have found nothing to complain about."""
    shown = SearchPage(browser, site.url)
    shown.driver.get(f"{site.url}/page/icon.svg")  # an origin to clear; the page itself is opened by the test
    shown.script("localStorage.clear(); sessionStorage.clear()")
    shown.complaints()
    yield shown
    assert [] == shown.complaints()
    assert {site.url} >= shown.requested_origins()
