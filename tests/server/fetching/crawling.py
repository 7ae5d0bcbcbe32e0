"""A crawl of a site: what is asked for, in time that passes by waiting only, and how what came of it is read."""

from typing import Any

from tests.server.fetching.sites import Site

from clockifyrag_builder.readers.crawl import Crawl, CrawlBounds
from clockifyrag_builder.readers.crawl_report import CrawlReport
from clockifyrag_builder.readers.web import Clock
from clockifyrag_resource.source import CrawlSource

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


def page_paths(site: Site, crawled: Crawl) -> list[str]:
    return [page.url.removeprefix(site.url) for page in crawled.pages]


def told(report: CrawlReport, outcome: str) -> list[tuple[str, str]]:
    return [(note.url.split("/", 3)[3], note.reason) for note in report.notes if note.outcome == outcome]
