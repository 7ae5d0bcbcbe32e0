"""A web site, crawled politely, from a real server on loopback."""

import gzip
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from clockifyrag_builder.readers import ReadLog
from clockifyrag_builder.readers.crawl import Crawl, CrawlBounds, crawl
from clockifyrag_builder.readers.crawl_report import CrawlReport
from clockifyrag_builder.readers.fetch_errors import AnswerRefused, OutOfTime, RobotsUnknown
from clockifyrag_builder.readers.sources import Reading, crawl_source
from clockifyrag_builder.readers.web import Clock
from clockifyrag_index.errors import SourceError, UsageError
from clockifyrag_resource.source import CrawlSource

Site = Any  # the class lives in conftest.py, which cannot be imported
QUICK = CrawlBounds(page_seconds=5, attempts=2)


class OwnTime:
    """Time that passes only by waiting."""

    def __init__(self) -> None:
        self.slept: list[float] = []
        self.time = 0.0

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.time += seconds

    def clock(self) -> Clock:
        return Clock(now=lambda: self.time, sleep=self.sleep)


def spec(site: Site, *starts: str, **more: Any) -> CrawlSource:
    """A crawl of the site from its root; addresses may be given as paths."""

    def absolute(value: Any) -> Any:
        if isinstance(value, tuple):
            return tuple(absolute(one) for one in value)
        return site.url + value if isinstance(value, str) and value.startswith("/") else value

    fields = {"delay_seconds": 0, "allow_hosts": ("127.0.0.1",), "start_urls": starts or ("/",), **more}
    return CrawlSource(**{name: absolute(value) for name, value in fields.items()})


def links(*paths: str) -> str:
    return " ".join(f'<a href="{path}">{path}</a>' for path in paths)


def page_paths(site: Site, crawled: Crawl) -> list[str]:
    return [page.url.removeprefix(site.url) for page in crawled.pages]


def told(report: CrawlReport, outcome: str) -> list[tuple[str, str]]:
    return [(note.url.split("/", 3)[3], note.reason) for note in report.notes if note.outcome == outcome]


def sitemap_of(*urls: str, kind: str = "urlset", entry: str = "url") -> bytes:
    entries = "".join(f"<{entry}><loc>{url}</loc></{entry}>" for url in urls)
    return (
        f'<?xml version="1.0"?><{kind} xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">{entries}</{kind}>'.encode()
    )


def add(site: Site, path: str, body: bytes, content_type: str, status: int = 200, **headers: str) -> None:
    site.page(path)
    site.add(path, type(site.routes[path])(body, status, {"Content-Type": content_type, **headers}))


@pytest.fixture
def help_site(site: Site) -> Site:
    """Pages that link each other, with everything a site does to a crawler's patience."""
    site.page("/", links("/help/b", "/help/a", "/help/old", "/about", "/help/secret", "/help/draft", "/help/print-a"))
    site.page("/help/a", links("/help/c", "#x", "/help/a?utm_source=mail"), etag='"a1"')
    site.page("/help/b", links("/help/a", "/help/missing", "/help/logo.png", "/help/notes.md"), etag='"b1"')
    site.page("/help/c", "Press start.", Last_Modified="Mon, 02 Nov 2026 10:00:00 GMT")
    site.page("/help/secret", "Not for robots.")
    site.page("/help/draft", links("/help/from-draft"), head='<meta name="robots" content="noindex">')
    site.page("/help/from-draft", "Found through a page that is not indexed.")
    site.page("/help/print-a", "The same for printers.", head='<link rel="canonical" href="/help/a">')
    site.redirect("/help/old", "/help/new", 301)
    site.page("/help/new", "Moved here.")
    site.page("/about", "Outside.")
    add(site, "/help/logo.png", b"\x89PNG" * 1000, "image/png")
    add(site, "/help/notes.md", b"# Notes\n\nIn Markdown.", "text/markdown")
    add(site, "/robots.txt", b"User-agent: *\nDisallow: /help/secret\n", "text/plain")
    return site


def help_spec(site: Site, **more: Any) -> CrawlSource:
    return spec(site, "/", allow=("/help/",), **more)


PAGES = ["/help/a", "/help/b", "/help/c", "/help/from-draft", "/help/new", "/help/notes.md"]


def test_pages_are_found_by_links_and_each_address_stands_once(help_site: Site, tmp_path: Path) -> None:
    crawled = crawl(help_spec(help_site), tmp_path, bounds=QUICK)

    assert PAGES == page_paths(help_site, crawled)
    assert [False] * 5 + [True] == [page.is_markdown for page in crawled.pages]


def test_requests_go_breadth_first_one_at_a_time_robots_first_and_none_twice(help_site: Site, tmp_path: Path) -> None:
    crawl(help_spec(help_site), tmp_path, bounds=QUICK)

    assert [
        "/robots.txt", "/", "/help/b", "/help/a", "/help/old", "/help/new", "/help/draft", "/help/print-a",
        "/help/missing", "/help/logo.png", "/help/notes.md", "/help/c", "/help/from-draft",
    ] == help_site.paths  # fmt: skip
    assert 1 == help_site.under_way_max
    assert {True} == {asked.headers["user-agent"].startswith("clockifyrag/0.") for asked in help_site.asked}


def test_the_report_tells_what_became_of_every_address(help_site: Site, tmp_path: Path) -> None:
    report = crawl(help_spec(help_site), tmp_path, bounds=QUICK).report

    assert [("help/secret", "its robots.txt disallows it")] == told(report, "refused")
    assert [("help/old", f"to {help_site.url}/help/new")] == told(report, "redirected")
    assert [("help/draft", "")] == told(report, "noindex")
    assert [("help/missing", "answers 404; expected 200")] == told(report, "failed")
    assert ["help/logo.png"] == [url for url, _ in told(report, "not-a-page")]
    assert [""] == [url for url, _ in told(report, "outside")]
    assert ["help/print-a"] == [url for url, _ in told(report, "duplicate")]
    assert 6 == report.counts["fetched"] and "unchanged" not in report.counts


def test_a_second_crawl_asks_for_changes_only_and_gives_the_same_pages(help_site: Site, tmp_path: Path) -> None:
    first = crawl(help_spec(help_site), tmp_path, bounds=QUICK)
    bodies = [first.kept.body(page.answer) for page in first.pages]
    help_site.forget()

    second = crawl(help_spec(help_site), tmp_path, bounds=QUICK)

    assert {"/help/a": 304, "/help/b": 304, "/help/c": 304} == {
        path: status for path, status in help_site.statuses if path in ("/help/a", "/help/b", "/help/c")
    }
    assert first.pages == second.pages
    assert bodies == [second.kept.body(page.answer) for page in second.pages]
    assert 6 == second.report.counts["unchanged"] and "fetched" not in second.report.counts


def test_a_page_that_changed_is_fetched_and_one_that_went_is_forgotten(help_site: Site, tmp_path: Path) -> None:
    crawl(help_spec(help_site), tmp_path, bounds=QUICK)
    help_site.page("/help/a", "Without the link to c.", etag='"a2"')
    bodies_before = len(list((tmp_path / "bodies").iterdir()))

    second = crawl(help_spec(help_site), tmp_path, bounds=QUICK)

    assert [path for path in PAGES if path != "/help/c"] == page_paths(help_site, second)
    assert [("help/a", "")] == told(second.report, "fetched")
    assert bodies_before - 1 == len(list((tmp_path / "bodies").iterdir()))


def test_a_kept_page_damaged_on_disk_is_fetched_whole_again(help_site: Site, tmp_path: Path) -> None:
    first = crawl(help_spec(help_site), tmp_path, bounds=QUICK)
    first.kept.body_path(first.pages[0].answer).write_bytes(b"damage")

    second = crawl(help_spec(help_site), tmp_path, bounds=QUICK)

    assert first.pages == second.pages
    assert b"damage" != second.kept.body(second.pages[0].answer)


def test_two_crawls_of_one_site_are_equal(help_site: Site, tmp_path: Path) -> None:
    first = crawl(help_spec(help_site), tmp_path / "1", bounds=QUICK)
    second = crawl(help_spec(help_site), tmp_path / "2", bounds=QUICK)

    assert (first.pages, first.report) == (second.pages, second.report)


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


def test_an_endless_calendar_ends_at_max_pages(site: Site, tmp_path: Path) -> None:
    def month(asked: Any) -> Any:
        number = int(asked.path.rpartition("=")[2])
        site.page("/x", links(*(f"/calendar?month={number + ahead}" for ahead in range(1, 30))))
        return site.routes["/x"]

    class Calendar(dict[str, Any]):
        def get(self, path: str, default: Any = None) -> Any:
            return month if path.startswith("/calendar") else super().get(path, default)

    site.page("/calendar?month=0")
    site.routes = Calendar(site.routes)

    crawled = crawl(spec(site, "/calendar?month=0", max_pages=40), tmp_path, bounds=QUICK)

    assert 40 == len(crawled.pages) == len(site.paths) - 1
    assert crawled.report.counts["beyond-max-pages"] > 0


def test_slow_and_broken_pages_are_told_and_the_others_are_read(site: Site, tmp_path: Path) -> None:
    site.page("/", links("/slow", "/broken", "/huge", "/a", "/b"))
    site.slow("/slow")
    add(site, "/broken", b"", "text/html", 500)
    add(site, "/huge", b"x" * 50_000, "text/html")
    site.page("/a")
    site.page("/b")

    crawled = crawl(spec(site), tmp_path, bounds=CrawlBounds(page_seconds=0.5, attempts=2, page_bytes_max=40_000))

    assert ["/", "/a", "/b"] == page_paths(site, crawled)
    failed = dict(told(crawled.report, "failed"))
    assert ["slow", "broken", "huge"] == list(failed)
    assert "no answer" in failed["slow"]
    assert "answers 500" in failed["broken"]
    assert "at most 40,000 bytes" in failed["huge"]
    assert ["/slow", "/slow", "/broken", "/broken", "/huge"] == [
        path for path in site.paths if path in ("/slow", "/broken", "/huge")
    ]


def test_more_than_half_of_the_pages_failing_is_an_error_and_what_came_is_kept(site: Site, tmp_path: Path) -> None:
    site.page("/", links("/1", "/2", "/3"), etag='"1"')

    with pytest.raises(SourceError, match="3 of 4 pages failed"):
        crawl(spec(site), tmp_path, bounds=QUICK)
    for path in ("/1", "/2", "/3"):
        site.page(path)
    site.forget()
    crawled = crawl(spec(site), tmp_path, bounds=QUICK)

    assert ("/", 304) in site.statuses
    assert 4 == len(crawled.pages)


@pytest.mark.parametrize("failing", [1, 2])
def test_up_to_half_of_the_pages_may_fail(failing: int, site: Site, tmp_path: Path) -> None:
    site.page("/", links("/1", "/2", "/3"))
    for number in range(1, 4 - failing):
        site.page(f"/{number}")

    crawled = crawl(spec(site), tmp_path, bounds=QUICK)

    assert (4 - failing, failing) == (len(crawled.pages), crawled.report.counts["failed"])


def test_a_page_that_fails_today_keeps_what_was_sent_yesterday_for_tomorrow(site: Site, tmp_path: Path) -> None:
    site.page("/", links("/a"))
    site.page("/a", etag='"a1"')
    crawl(spec(site), tmp_path, bounds=QUICK)
    well = site.routes["/a"]
    add(site, "/a", b"", "text/html", 500)
    crawl(spec(site), tmp_path, bounds=QUICK)
    site.add("/a", well)
    site.forget()

    crawl(spec(site), tmp_path, bounds=QUICK)

    assert ("/a", 304) in site.statuses


def nothing(site: Site) -> None:
    """No page at all."""


def robots_forbid(site: Site) -> None:
    add(site, "/robots.txt", b"User-agent: *\nDisallow: /", "text/plain")
    site.page("/")


def all_hidden(site: Site) -> None:
    site.page("/", X_Robots_Tag="noindex")


def a_picture(site: Site) -> None:
    add(site, "/", b"\x89PNG", "image/png")


def leads_away(site: Site) -> None:
    site.redirect("/", "http://elsewhere.example/")


@pytest.mark.parametrize(
    ("prepare", "more", "reason"),
    [
        pytest.param(nothing, {}, "1 failed, first .*: answers 404", id="missing"),
        pytest.param(robots_forbid, {}, "1 refused, first .*: its robots.txt disallows it", id="robots.txt"),
        pytest.param(all_hidden, {}, "1 noindex, first ", id="noindex"),
        pytest.param(a_picture, {}, "1 not-a-page, first .* is image/png; HTML and Markdown", id="a picture"),
        pytest.param(leads_away, {}, "1 refused, first .*: leads outside allow", id="redirect out of allow"),
        pytest.param(lambda site: site.page("/"), {"allow": ("/help/",)}, "1 outside, first ", id="allow"),
    ],
)
def test_no_page_is_an_error_that_says_why(
    prepare: Callable[[Site], None], more: dict[str, Any], reason: str, site: Site, tmp_path: Path
) -> None:
    prepare(site)

    with pytest.raises(SourceError, match=rf"found no page to index \({reason}"):
        crawl(spec(site, **more), tmp_path, bounds=QUICK)


def test_a_redirect_to_a_private_address_is_refused_and_told(
    site: Site, new_site: Callable[[], Site], tmp_path: Path
) -> None:
    inside = new_site()
    inside.page("/admin")
    site.page("/", links("/jump", f"http://localhost:{inside.port}/admin"))
    site.redirect("/jump", f"http://localhost:{inside.port}/admin")
    source = spec(site, allow=("/", f"http://localhost:{inside.port}/"))

    with pytest.raises(RobotsUnknown, match="name localhost in allowHosts"):
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


def test_a_page_of_endless_redirects_is_one_failure(site: Site, tmp_path: Path) -> None:
    site.page("/", links("/round"))
    site.redirect("/round", "/round?again")
    site.redirect("/round?again", "/round")

    crawled = crawl(spec(site), tmp_path, bounds=QUICK)

    assert ["round"] == [url for url, _ in told(crawled.report, "failed")]


def test_a_crawl_out_of_time_is_an_error_and_the_next_one_goes_on_from_what_was_sent(
    site: Site, tmp_path: Path
) -> None:
    site.page("/", links(*(f"/{number}" for number in range(20))), etag='"1"')
    for number in range(20):
        site.page(f"/{number}", etag=f'"{number}"')
    clock = OwnTime()

    with pytest.raises(OutOfTime, match="allow more time or fewer pages"):
        crawl(spec(site, delay_seconds=10), tmp_path, bounds=CrawlBounds(deadline_seconds=100), clock=clock.clock())
    site.forget()
    crawled = crawl(spec(site), tmp_path, bounds=QUICK)

    assert 21 == len(crawled.pages)
    assert 9 == [status for _, status in site.statuses].count(304)


def test_progress_goes_up_to_what_is_known(help_site: Site, tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []

    crawl(help_spec(help_site), tmp_path, bounds=QUICK, progress=lambda visited, known: seen.append((visited, known)))

    assert sorted(seen) == seen
    assert (11, 11) == seen[-1]


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


def test_pages_become_documents_with_their_addresses_and_the_log_says_the_rest(help_site: Site, tmp_path: Path) -> None:
    log = ReadLog()
    reports: list[CrawlReport] = []

    documents = list(
        crawl_source(help_spec(help_site), Reading(log), work=tmp_path, bounds=QUICK, reported=reports.append)
    )

    assert PAGES == [document.url.removeprefix(help_site.url) for document in documents]
    assert ["a", "b", "c", "from-draft", "new", "Notes"] == [document.title for document in documents]
    assert {"help"} == {document.category for document in documents}
    assert [f"{help_site.url}/help/missing"] == [problem.origin for problem in log.problems]
    assert {"draft", "logo.png", "", "print-a", "secret"} == {
        skipped.name.rpartition("/")[2] for skipped in log.skipped
    }
    assert [6] == [report.pages for report in reports]


def test_a_strict_build_ends_at_a_page_that_failed(help_site: Site, tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="help/missing: answers 404"):
        list(crawl_source(help_spec(help_site), Reading(ReadLog(), strict=True), work=tmp_path, bounds=QUICK))


def test_where_one_format_is_asked_for_pages_of_another_are_skipped(help_site: Site, tmp_path: Path) -> None:
    documents = list(
        crawl_source(help_spec(help_site), Reading(ReadLog(), format="Markdown"), work=tmp_path, bounds=QUICK)
    )

    assert ["Notes"] == [document.title for document in documents]


def test_a_site_of_three_hundred_pages_is_crawled_again_without_one_body(site: Site, tmp_path: Path) -> None:
    site.page("/", links(*(f"/{number}" for number in range(300))), etag='"0"')
    for number in range(300):
        site.page(f"/{number}", f"Article {number}. " * 50, etag=f'"{number}"')
    crawl(spec(site), tmp_path, bounds=QUICK)
    site.forget()

    again = crawl(spec(site), tmp_path, bounds=QUICK)

    assert 301 == again.report.counts["unchanged"]
    assert {304} == {status for path, status in site.statuses if path != "/robots.txt"}
