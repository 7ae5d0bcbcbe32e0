"""What a site asks of a crawler: sitemaps, robots.txt, and the pauses between requests."""

import gzip
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.server.fetching.crawling import QUICK, OwnTime, page_paths, spec, told
from tests.server.fetching.sites import Site, add, links, to_loopback

from clockifyrag_builder.readers.crawl import crawl
from clockifyrag_builder.readers.fetch_errors import AnswerRefused, RobotsUnknown
from clockifyrag_index.errors import SourceError
from clockifyrag_resource.source import CrawlSource


def sitemap_of(*urls: str, kind: str = "urlset", entry: str = "url") -> bytes:
    entries = "".join(f"<{entry}><loc>{url}</loc></{entry}>" for url in urls)
    return (
        f'<?xml version="1.0"?><{kind} xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">{entries}</{kind}>'.encode()
    )


def test_a_sitemap_index_is_read_with_its_children_gzip_included(site: Site, tmp_path: Path) -> None:
    index = [f"{site.url}/{name}" for name in ("one.xml", "two.xml.gz", "missing.xml", "one.xml")]
    index.append("http://other.example/three.xml")
    add(site, "/sitemap.xml", sitemap_of(*index, kind="sitemapindex", entry="sitemap"), "application/xml")
    add(site, "/one.xml", sitemap_of(f"{site.url}/a", "http://other.example/x", "mailto:x"), "application/xml")
    add(site, "/two.xml.gz", gzip.compress(sitemap_of(f"{site.url}/b", f"{site.url}/a#x")), "application/gzip")
    for path in ("/a", "/b"):
        site.page(path)

    crawled = crawl(CrawlSource(**dict(spec(site, sitemap="/sitemap.xml"), start_urls=())), tmp_path, bounds=QUICK)

    assert ["/a", "/b"] == page_paths(site, crawled)
    assert ["three.xml", "missing.xml"] == [url for url, _ in told(crawled.report, "sitemap-failed")]
    assert ["/sitemap.xml", "/one.xml", "/two.xml.gz", "/missing.xml", "/robots.txt", "/a", "/b"] == site.paths


@pytest.mark.parametrize(
    ("body", "status"),
    [
        pytest.param(b"", 404, id="missing"),
        pytest.param(b"<!doctype html><title>Not found", 200, id="a page"),
        pytest.param(b'<!DOCTYPE x [<!ENTITY a "b">]><urlset/>', 200, id="with entities"),
        pytest.param(gzip.compress(bytes(60_000_000)), 200, id="a bomb"),
    ],
)
def test_a_sitemap_that_was_asked_for_and_cannot_be_read_is_an_error(
    body: bytes, status: int, site: Site, tmp_path: Path
) -> None:
    site.page("/")
    add(site, "/sitemap.xml", body, "application/xml", status)

    with pytest.raises(AnswerRefused, match="sitemap"):
        crawl(spec(site, sitemap="/sitemap.xml"), tmp_path, bounds=QUICK)


def test_a_host_whose_name_idna_forbids_is_crawled_like_any_other(site: Site, tmp_path: Path) -> None:
    host = f"xn--i-7iq.ws:{site.port}"  # a heart: registries sell such names
    listed = (f"http://{host}/pages.xml", "http://xn--a0x7f/pages.xml")
    add(site, "/sitemap.xml", sitemap_of(*listed, kind="sitemapindex", entry="sitemap"), "text/xml")
    add(site, "/pages.xml", sitemap_of(f"http://{host}/a"), "text/xml")
    add(site, "/robots.txt", b"User-agent: *\nCrawl-delay: 0.01", "text/plain")
    site.page("/a")
    source = CrawlSource(sitemap=f"http://{host}/sitemap.xml", allow_hosts=("xn--i-7iq.ws",), delay_seconds=0)

    crawled = crawl(source, tmp_path, bounds=QUICK, resolve=to_loopback, clock=OwnTime().clock())

    assert [f"http://{host}/a"] == [page.url for page in crawled.pages]
    assert ["is a sitemap on another host than xn--i-7iq.ws; not read"] == [
        reason for _, reason in told(crawled.report, "sitemap-failed")
    ]


def test_sitemaps_that_name_each_other_for_ever_come_to_an_end(site: Site, tmp_path: Path) -> None:
    def deeper(asked: Any) -> Any:
        number = int(asked.path.rpartition("=")[2])
        add(site, "/x", sitemap_of(f"{site.url}/s?n={number + 1}", kind="sitemapindex", entry="sitemap"), "text/xml")
        return site.routes["/x"]

    site.page("/")
    for number in range(20):
        site.add(f"/s?n={number}", deeper)

    crawled = crawl(spec(site, sitemap="/s?n=0"), tmp_path, bounds=QUICK)

    assert ["/s?n=0", "/s?n=1", "/s?n=2"] == [path for path in site.paths if path.startswith("/s?")]
    assert ["s?n=3"] == [url for url, _ in told(crawled.report, "sitemap-failed")]


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410])
def test_without_a_robots_txt_everything_is_allowed(status: int, site: Site, tmp_path: Path) -> None:
    add(site, "/robots.txt", b"User-agent: *\nDisallow: /", "text/plain", status)
    site.page("/")

    crawled = crawl(spec(site), tmp_path, bounds=QUICK)

    assert ["/"] == page_paths(site, crawled)


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_a_robots_txt_that_cannot_be_read_now_ends_the_crawl_with_an_error(
    status: int, site: Site, tmp_path: Path
) -> None:
    add(site, "/robots.txt", b"", "text/plain", status)
    site.page("/")

    with pytest.raises(RobotsUnknown, match=rf"robots\.txt: answers {status}.*Without its robots\.txt nothing"):
        crawl(spec(site), tmp_path, bounds=QUICK)

    assert {"/robots.txt"} == set(site.paths)


def test_a_host_that_does_not_answer_ends_the_crawl_with_an_error(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        start = f"http://127.0.0.1:{taken.getsockname()[1]}/"

        with pytest.raises(RobotsUnknown, match="no answer"):
            crawl(CrawlSource(start_urls=(start,), delay_seconds=0, allow_hosts=("127.0.0.1",)), tmp_path, bounds=QUICK)


@pytest.mark.parametrize(
    ("robots", "found"),
    [
        pytest.param("User-agent: *\nDisallow: /a", ["/", "/b", "/b/c"], id="prefix"),
        pytest.param("User-agent: *\nDisallow: /\nAllow: /b$\nAllow: /$", ["/", "/b"], id="the longest match decides"),
        pytest.param("User-agent: *\nDisallow: /*/c", ["/", "/a", "/b"], id="wildcard"),
        pytest.param("User-agent: clockifyrag\nDisallow: /b\n\nUser-agent: *\nDisallow: /", ["/", "/a"], id="by name"),
        pytest.param("User-agent: otherbot\nDisallow: /", ["/", "/a", "/b", "/b/c"], id="another's"),
        pytest.param("<html>not a robots.txt</html>", ["/", "/a", "/b", "/b/c"], id="a page in its place"),
        pytest.param("\ufeffUser-agent: *\nDisallow: /b", ["/", "/a"], id="with a byte order mark"),
    ],
)
def test_robots_txt_is_obeyed(robots: str, found: list[str], site: Site, tmp_path: Path) -> None:
    add(site, "/robots.txt", robots.encode(), "text/plain")
    site.page("/", links("/a", "/b", "/b/c"))
    for path in ("/a", "/b", "/b/c"):
        site.page(path)

    crawled = crawl(spec(site), tmp_path, bounds=QUICK)

    assert found == page_paths(site, crawled)


@pytest.mark.parametrize(
    ("asked", "wanted", "waits"),
    [
        pytest.param("", 2, [2.0, 2.0, 2.0], id="the resource's delay"),
        pytest.param("Crawl-delay: 7", 2, [7.0, 7.0, 7.0], id="robots.txt asks for more"),
        pytest.param("Crawl-delay: 1", 2, [2.0, 2.0, 2.0], id="robots.txt asks for less"),
        pytest.param("Crawl-delay: 0.5", 0, [0.5, 0.5, 0.5], id="half a second"),
        pytest.param("Crawl-delay: 300", 2, [300.0, 300.0, 300.0], id="five minutes"),
    ],
)
def test_between_two_requests_to_a_host_the_longer_delay_passes(
    asked: str, wanted: int, waits: list[float], site: Site, tmp_path: Path
) -> None:
    add(site, "/robots.txt", f"User-agent: *\n{asked}\nDisallow: /x".encode(), "text/plain")
    site.page("/", links("/a", "/b"))
    site.page("/a")
    site.page("/b")
    clock = OwnTime()

    crawl(spec(site, delay_seconds=wanted), tmp_path, bounds=QUICK, clock=clock.clock())

    assert waits == clock.slept


def test_a_site_that_asks_for_longer_pauses_than_a_build_can_keep_is_not_crawled(site: Site, tmp_path: Path) -> None:
    add(site, "/robots.txt", b"User-agent: *\nCrawl-delay: 86400", "text/plain")
    site.page("/")

    with pytest.raises(SourceError, match="asks for 86400 s between two requests"):
        crawl(spec(site), tmp_path, bounds=QUICK)

    assert ["/robots.txt"] == site.paths


def test_two_hosts_have_a_delay_each(site: Site, new_site: Callable[[], Site], tmp_path: Path) -> None:
    other = new_site()
    elsewhere = f"http://localhost:{other.port}"
    site.page("/", links(f"{elsewhere}/a"))
    other.page("/a")
    clock = OwnTime()
    source = spec(site, delay_seconds=5, allow=("/", f"{elsewhere}/"), allow_hosts=("127.0.0.1", "localhost"))

    crawled = crawl(source, tmp_path, bounds=QUICK, clock=clock.clock())

    assert [f"{site.url}/", f"{elsewhere}/a"] == [page.url for page in crawled.pages]
    assert [5.0, 5.0] == clock.slept  # robots.txt, then the page, of each
