"""Which addresses a crawl follows, which it refuses, and which one a page is known by."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.server.fetching.crawling import QUICK, page_paths, spec, told
from tests.server.fetching.sites import Site, links

from clockifyrag_builder.readers.crawl import crawl
from clockifyrag_builder.readers.fetch_errors import RobotsUnknown
from clockifyrag_index.errors import UsageError
from clockifyrag_resource.source import CrawlSource


def test_a_redirect_to_a_private_address_is_refused_and_told(
    site: Site, new_site: Callable[[], Site], tmp_path: Path
) -> None:
    inside = new_site()
    inside.page("/admin")
    site.page("/", links("/jump", f"http://localhost:{inside.port}/admin"))
    site.redirect("/jump", f"http://localhost:{inside.port}/admin")
    source = spec(site, allow=("/", f"http://localhost:{inside.port}/"))

    with pytest.raises(RobotsUnknown, match="name localhost by --allow-host"):
        crawl(source, tmp_path, bounds=QUICK)
    crawled = crawl(spec(site), tmp_path, bounds=QUICK)

    assert [] == inside.asked
    assert ["jump"] == [url for url, _ in told(crawled.report, "refused")]


@pytest.mark.parametrize(
    ("head", "address"),
    [
        pytest.param('<link rel="canonical" href="https://help.example/t">', "https://help.example/t", id="canonical"),
        pytest.param("", "/final", id="final"),
    ],
)
def test_the_canonical_address_beats_the_final_one_and_that_the_one_asked_for(
    head: str, address: str, site: Site, tmp_path: Path
) -> None:
    site.redirect("/asked", "/final")
    site.page("/final", head=head)

    crawled = crawl(spec(site, "/asked"), tmp_path, bounds=QUICK)

    assert [address] == page_paths(site, crawled)


def test_of_two_pages_with_one_canonical_address_the_one_that_is_there_wins(site: Site, tmp_path: Path) -> None:
    canonical = '<link rel="canonical" href="/a">'
    site.page("/", links("/print", "/a", "/mobile"))
    site.page("/print", "for printers", head=canonical)
    site.page("/a", "the article", head=canonical)
    site.page("/mobile", "for telephones", head=canonical)

    crawled = crawl(spec(site), tmp_path, bounds=QUICK)

    assert ["/", "/a"] == page_paths(site, crawled)
    assert b"the article" in crawled.kept.body(crawled.pages[1].answer)
    assert ["print", "mobile"] == [url for url, _ in told(crawled.report, "duplicate")]


def test_without_allow_the_hosts_given_are_the_limit(site: Site, tmp_path: Path) -> None:
    site.page("/help/", links("/help/a", "/elsewhere", f"http://localhost:{site.port}/x", "https://other.example/"))
    site.page("/help/a")
    site.page("/elsewhere")

    crawled = crawl(spec(site, "/help/"), tmp_path, bounds=QUICK)

    assert ["/elsewhere", "/help/", "/help/a"] == page_paths(site, crawled)
    assert {f"127.0.0.1:{site.port}"} == {asked.headers["host"] for asked in site.asked}


@pytest.mark.parametrize(
    ("more", "told_of"),
    [
        pytest.param({"allow": ("http://*.example/",)}, "allow entry", id="allow"),
        pytest.param({"start_urls": ("http://a.example/%2e%2e/x",)}, "start URL", id="start"),
    ],
)
def test_addresses_that_cannot_be_meant_are_usage_errors(
    more: dict[str, Any], told_of: str, site: Site, tmp_path: Path
) -> None:
    source = CrawlSource.model_construct(**{**dict(spec(site)), **more})

    with pytest.raises(UsageError, match=told_of):
        crawl(source, tmp_path, bounds=QUICK)
