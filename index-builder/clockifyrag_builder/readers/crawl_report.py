"""CrawlReport: what became of every address a crawl met, and whether that is good enough to build from."""

from collections import Counter
from dataclasses import dataclass
from typing import Literal

from clockifyrag_index.errors import SourceError

Outcome = Literal[
    "fetched",  # sent by the server
    "unchanged",  # kept from last time, the server said 304 or sent the same again
    "duplicate",  # has the canonical address of another page
    "noindex",  # asks not to be found
    "refused",  # robots.txt, a private address, a redirect out of `allow`
    "not-a-page",  # neither HTML nor Markdown
    "outside",  # a start page outside `allow`: its links are followed, it is not indexed
    "failed",  # a status, a timeout, too large
    "sitemap-failed",  # a sitemap named by another one that cannot be read
    "redirected",  # where it led is told apart
    "beyond-max-pages",
]
_NOTES_MAX = 1_000  # of one outcome; the counts are exact
_VISITED: tuple[Outcome, ...] = ("fetched", "unchanged", "duplicate", "noindex", "not-a-page", "outside", "failed")


@dataclass(frozen=True, slots=True)
class CrawlNote:
    """What became of one address, and why, where that needs a word."""

    outcome: Outcome
    url: str
    reason: str


@dataclass(frozen=True, slots=True)
class CrawlReport:
    """How often each outcome was met, and the addresses it was met at."""

    counts: dict[Outcome, int]
    notes: tuple[CrawlNote, ...]  # in the order it happened, at most 1,000 of one outcome

    @property
    def pages(self) -> int:
        """Pages that became documents' sources."""
        return self.counts.get("fetched", 0) + self.counts.get("unchanged", 0)

    @property
    def visited(self) -> int:
        """Pages that were asked for, whatever came of it."""
        return sum(self.counts.get(outcome, 0) for outcome in _VISITED)

    def of(self, outcome: Outcome) -> tuple[CrawlNote, ...]:
        """The notes of one outcome, in the order it happened."""
        return tuple(note for note in self.notes if note.outcome == outcome)


class CrawlNotes:
    """Gathers notes while the crawl goes on; no site can make it grow without bound."""

    def __init__(self) -> None:
        self._counts: Counter[Outcome] = Counter()
        self._notes: list[CrawlNote] = []

    def add(self, outcome: Outcome, url: object, reason: str = "") -> None:
        """Counts the outcome, and keeps a note while there is room for it."""
        self._counts[outcome] += 1
        if self._counts[outcome] <= _NOTES_MAX:
            self._notes.append(CrawlNote(outcome, str(url), reason))

    def report(self) -> CrawlReport:
        """Everything noted so far."""
        return CrawlReport(dict(self._counts), tuple(self._notes))


def check_enough(report: CrawlReport, name: str) -> None:
    """SourceError where nothing was read, or more than half of the pages visited failed: both say why."""
    failed = report.counts.get("failed", 0)
    if report.pages == 0:
        raise SourceError(
            f"{name}: the crawl found no page to index ({_told(report)}); expected at least one. "
            "Check startURLs, allow and the site's robots.txt"
        )
    if failed * 2 > report.visited:
        raise SourceError(
            f"{name}: {failed:,} of {report.visited:,} pages failed ({_told(report)}); expected at most half. "
            "What was fetched is kept: try again when the site is well"
        )


def _told(report: CrawlReport) -> str:
    """`2 refused, first https://a.org/x: robots.txt disallows it; 1 failed, first …`"""
    parts = []
    for outcome in ("refused", "outside", "noindex", "not-a-page", "failed", "sitemap-failed"):
        count = report.counts.get(outcome, 0)
        if count:
            first = report.of(outcome)[0]
            parts.append(f"{count:,} {outcome}, first {first.url}" + (f": {first.reason}" if first.reason else ""))
    return "; ".join(parts) or "no address to begin with"
