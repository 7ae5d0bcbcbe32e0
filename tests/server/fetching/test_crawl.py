"""What a crawl finds, which documents become of it, and what is asked for when it comes again."""

from pathlib import Path
from typing import Any

import pytest
from tests.server.fetching.crawling import QUICK, page_paths, spec, told
from tests.server.fetching.sites import Site, add, links

from clockifyrag_builder.readers import ReadLog
from clockifyrag_builder.readers.crawl import crawl
from clockifyrag_builder.readers.crawl_report import CrawlReport
from clockifyrag_builder.readers.reading import Reading
from clockifyrag_builder.readers.sources import crawl_source
from clockifyrag_index.errors import SourceError
from clockifyrag_resource.source import CrawlSource


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


def test_progress_goes_up_to_what_is_known(help_site: Site, tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []

    crawl(help_spec(help_site), tmp_path, bounds=QUICK, progress=lambda visited, known: seen.append((visited, known)))

    assert sorted(seen) == seen
    assert (11, 11) == seen[-1]


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


def test_the_log_names_an_address_once_and_counts_what_is_left_out(site: Site, tmp_path: Path) -> None:
    site.page("/", links("/picture", "/beyond"))
    add(site, "/picture", b"\x89PNG", "image/png")
    log = ReadLog()

    list(crawl_source(spec(site, max_pages=2), Reading(log), work=tmp_path, bounds=QUICK))

    assert [
        (f"{site.url}/picture", "not-a-page: is image/png; HTML and Markdown pages are read"),
        (f"{site.url}/beyond", "beyond maxPages"),
    ] == [(skipped.name, skipped.reason) for skipped in log.skipped]


def test_a_relative_canonical_address_counts_from_where_the_page_was_fetched(site: Site, tmp_path: Path) -> None:
    site.page("/", "Welcome.", head='<link rel="canonical" href="help/welcome">')

    [document] = crawl_source(spec(site), Reading(ReadLog()), work=tmp_path, bounds=QUICK)

    assert f"{site.url}/help/welcome" == document.url


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
