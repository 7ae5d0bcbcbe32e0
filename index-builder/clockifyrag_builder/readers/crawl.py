"""crawl: the pages of a web site, politely: sitemap first, then links, breadth first, one request at a time.

startURLs, sitemap ─► queue ─ robots.txt, allow ─► GET ─► final URL ─► rel=canonical ─► one page per address
                        ▲                                   │
                        └────────────── links ──────────────┘
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import httpx

from clockifyrag_builder.readers.addresses import (
    Resolver,
    address_rules,
    checked_url,
    origin_of,
    shown_url,
    system_addresses,
)
from clockifyrag_builder.readers.allowed_pages import AllowedPages, allowed_pages
from clockifyrag_builder.readers.crawl_report import CrawlNotes, CrawlReport, check_enough
from clockifyrag_builder.readers.fetch_errors import AddressRefused, AnswerRefused, NotADocument, SourceUnreachable
from clockifyrag_builder.readers.kept_answers import KeptAnswer, KeptAnswers
from clockifyrag_builder.readers.page_links import page_links, page_url
from clockifyrag_builder.readers.politeness import Turns
from clockifyrag_builder.readers.robots import Robots, robots_of, user_agent
from clockifyrag_builder.readers.sitemap import sitemap_urls
from clockifyrag_builder.readers.transport import PinnedTransport
from clockifyrag_builder.readers.web import Answer, Clock, Wanted, Web
from clockifyrag_index.disk import storage_errors
from clockifyrag_index.errors import UsageError
from clockifyrag_resource.source import CrawlSource

_HTML_TYPES = ("text/html", "application/xhtml+xml")
_MARKDOWN_TYPES = ("text/markdown", "text/x-markdown")
_SAVED_EVERY_PAGES = 50
_ADDRESSES_MAX = 1_000_000  # remembered, so that a site of endless links cannot fill the memory
Progress = Callable[[int, int], None]  # pages visited, pages known of


@dataclass(frozen=True, slots=True)
class CrawlBounds:
    """What a page and the whole crawl may cost."""

    page_bytes_max: int = 8 * 1024 * 1024
    page_seconds: float = 30.0
    attempts: int = 3
    deadline_seconds: float = 6 * 3600.0


@dataclass(frozen=True, slots=True)
class Page:
    """A page to read, and under which address."""

    url: str  # canonical, else final, else requested
    final_url: str
    answer: KeptAnswer
    is_markdown: bool


@dataclass(frozen=True, slots=True)
class Crawl:
    """Pages by URL, each URL once; their bodies are in `kept`, on disk."""

    pages: tuple[Page, ...]
    report: CrawlReport
    kept: KeptAnswers


def crawl(
    source: CrawlSource,
    folder: Path,
    *,
    bounds: CrawlBounds | None = None,
    resolve: Resolver = system_addresses,
    clock: Clock | None = None,
    progress: Progress = lambda visited, known: None,
) -> Crawl:
    """What the site holds now. `folder` remembers it, so that the next crawl asks for changes only.

    SourceError says why where there is no page, more than half of them fail, or a robots.txt cannot be read;
    StorageError where `folder` cannot be written.
    """
    bounds, clock = bounds or CrawlBounds(), clock or Clock()
    turns = Turns(clock, source.delay_seconds)
    rules = address_rules(source.allow_hosts, resolve)
    with storage_errors(folder), PinnedTransport(rules) as transport:
        kept = KeptAnswers(folder)
        web = Web(
            transport,
            kept,
            headers=_headers(),
            deadline_seconds=bounds.deadline_seconds,
            clock=clock,
            take_turn=turns.take,
        )
        crawler = _Crawler(source, web, bounds, turns, progress)
        try:
            crawler.run()
        finally:
            kept.save()  # what was sent need not be sent again, whatever went wrong afterwards
        report = crawler.notes.report()
        check_enough(report, shown_url(next(iter((*source.start_urls, source.sitemap or "")))))
        kept.keep_only((*web.answered, *(note.url for note in report.of("failed"))))
    return Crawl(tuple(crawler.pages[url] for url in sorted(crawler.pages)), report, kept)


def _headers() -> dict[str, str]:
    return {
        "User-Agent": user_agent(),
        "Accept": "text/html, text/markdown;q=0.9, */*;q=0.1",
        "Accept-Encoding": "gzip, deflate",
    }


class _Crawler:
    """One crawl under way: what is queued, what was seen, what was found."""

    def __init__(self, source: CrawlSource, web: Web, bounds: CrawlBounds, turns: Turns, progress: Progress) -> None:
        self.pages: dict[str, Page] = {}
        self.notes = CrawlNotes()
        self._source = source
        self._web = web
        self._bounds = bounds
        self._turns = turns
        self._progress = progress
        self._allowed = _allowed(source)
        self._starts: frozenset[str] = frozenset()
        self._robots: dict[str, Robots] = {}
        self._queue: deque[httpx.URL] = deque()
        self._seen: set[str] = set()  # queued, refused or left out
        self._answered: set[str] = set()  # final URLs
        self._queued = 0

    def run(self) -> None:
        starts = [_start(text) for text in self._source.start_urls]
        self._starts = frozenset(str(start) for start in starts)
        for start in starts:
            self._enqueue(start)
        if self._source.sitemap is not None:
            self._enqueue_sitemap(checked_url(self._source.sitemap))
        visited = 0
        while self._queue:
            self._visit(self._queue.popleft())
            visited += 1
            self._progress(visited, self._queued)
            if visited % _SAVED_EVERY_PAGES == 0:
                self._web.kept.save()

    def _enqueue_sitemap(self, sitemap: httpx.URL) -> None:
        listed = sitemap_urls(
            self._web,
            sitemap,
            seconds=self._bounds.page_seconds,
            failed=lambda url, reason: self.notes.add("sitemap-failed", url, reason),
            urls_max=self._source.max_pages * 10,  # many of them may lie outside `allow`
        )
        for text in listed:
            if (url := page_url(text, sitemap)) is not None:
                self._enqueue(url)

    def _enqueue(self, url: httpx.URL) -> None:
        """The page is in the queue, once, if it may be asked for; else the reason is noted, once."""
        text = str(url)
        if text in self._seen or not self._is_inside(url):
            return
        if len(self._seen) >= _ADDRESSES_MAX:
            return
        self._seen.add(text)
        if self._queued >= self._source.max_pages:
            self.notes.add("beyond-max-pages", url)
        elif not self._robots_of(url).allows(url):
            self.notes.add("refused", url, "its robots.txt disallows it")
        else:
            self._queued += 1
            self._queue.append(url)

    def _visit(self, url: httpx.URL) -> None:
        try:
            answer = self._web.get(url, self._wanted())
        except AddressRefused as problem:
            self.notes.add("refused", url, str(problem))
            return
        except NotADocument as problem:
            self.notes.add("not-a-page", url, str(problem))
            return
        except (AnswerRefused, SourceUnreachable) as problem:
            self.notes.add("failed", url, str(problem))
            return
        if answer.redirects:
            self.notes.add("redirected", url, f"to {answer.url}")
        if answer.kept is None:
            self.notes.add("failed", url, f"answers {answer.status}; expected 200")
        elif str(answer.url) in self._answered:
            self.notes.add("duplicate", url, f"leads to {answer.url}, which was read already")
        else:
            self._answered.add(str(answer.url))
            self._seen.add(str(answer.url))
            self._read(answer, answer.kept)

    def _read(self, answer: Answer, kept: KeptAnswer) -> None:
        is_markdown = _is_markdown(answer.url, kept.content_type)
        body = b"" if is_markdown else self._web.kept.body(kept)
        says = page_links(body, answer.url, kept.robots_tag)
        if not says.nofollow:
            for link in says.links:
                self._enqueue(link)
        if says.noindex:
            self.notes.add("noindex", answer.url)
        elif not self._allowed.allows(answer.url):
            self.notes.add("outside", answer.url, "a start page outside allow; its links were followed")
        else:
            page = Page(str(says.canonical or answer.url), str(answer.url), kept, is_markdown)
            self._keep(page, unchanged=answer.unchanged)

    def _keep(self, page: Page, *, unchanged: bool) -> None:
        """One page per address: the one that is at its canonical address, else the first that claims it."""
        other = self.pages.get(page.url)
        if other is None or (page.final_url == page.url != other.final_url):
            self.pages[page.url] = page
        if other is None:
            self.notes.add("unchanged" if unchanged else "fetched", page.final_url)
        else:
            loser = other if self.pages[page.url] is page else page
            self.notes.add("duplicate", loser.final_url, f"its canonical address is {page.url}, as another page's")

    def _wanted(self) -> Wanted:
        return Wanted(
            max_bytes=self._bounds.page_bytes_max,
            seconds=self._bounds.page_seconds,
            attempts=self._bounds.attempts,
            refusal=self._refusal,
            type_refusal=_type_refusal,
        )

    def _refusal(self, hop: httpx.URL) -> str:
        if not self._is_inside(hop):
            return "leads outside allow"
        return "" if self._robots_of(hop).allows(hop) else "its robots.txt disallows it"

    def _is_inside(self, url: httpx.URL) -> bool:
        return self._allowed.allows(url) or str(url) in self._starts

    def _robots_of(self, url: httpx.URL) -> Robots:
        origin = origin_of(url)
        if origin not in self._robots:
            robots = robots_of(self._web, url, seconds=self._bounds.page_seconds)
            self._turns.ask_for(url, robots.delay_seconds)
            self._robots[origin] = robots
        return self._robots[origin]


def _start(text: str) -> httpx.URL:
    url = page_url(text, checked_url(text))
    if url is None:
        raise UsageError(f"start URL {text!r} is not one a page can have; expected http(s)://host/path")
    return url


def _allowed(source: CrawlSource) -> AllowedPages:
    """What `allow` says; without it, the hosts of the addresses given, and their https where they say http."""
    if source.allow:
        return allowed_pages(source.allow)
    given = [checked_url(text) for text in (*source.start_urls, *filter(None, [source.sitemap]))]
    origins = {origin_of(url): None for url in given}
    origins |= {origin_of(url.copy_with(scheme="https")): None for url in given if url.port is None}
    return allowed_pages(origins)


def _is_markdown(url: httpx.URL, content_type: str) -> bool:
    kind = _kind(content_type)
    return kind in _MARKDOWN_TYPES or (kind == "text/plain" and url.path.lower().endswith((".md", ".markdown")))


def _type_refusal(url: httpx.URL, content_type: str) -> str:
    if _kind(content_type) in _HTML_TYPES or _is_markdown(url, content_type):
        return ""
    return f"is {_kind(content_type) or 'of no stated type'}; HTML and Markdown pages are read"


def _kind(content_type: str) -> str:
    return content_type.partition(";")[0].strip().lower()
