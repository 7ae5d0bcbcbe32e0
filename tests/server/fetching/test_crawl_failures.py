"""Pages that fail, a crawl that finds none, and one that runs out of time."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.server.fetching.crawling import QUICK, OwnTime, page_paths, spec, told
from tests.server.fetching.sites import Site, add, links

from clockifyrag_builder.readers.crawl import CrawlBounds, crawl
from clockifyrag_builder.readers.fetch_errors import OutOfTime
from clockifyrag_index.errors import SourceError


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
