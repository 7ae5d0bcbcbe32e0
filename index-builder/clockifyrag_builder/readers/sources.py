"""read_source and crawl_source: documents of whatever a source names: a folder, a file, an archive, a URL, a site."""

import codecs
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from clockifyrag_builder.documents import Document
from clockifyrag_builder.readers.addresses import Resolver, system_addresses
from clockifyrag_builder.readers.archive import archive_files, is_archive_name
from clockifyrag_builder.readers.crawl import Crawl, CrawlBounds, Progress, crawl
from clockifyrag_builder.readers.crawl_report import CrawlReport
from clockifyrag_builder.readers.decoding import encoding_meant
from clockifyrag_builder.readers.from_bytes import documents_from_bytes, format_of_name, require_size
from clockifyrag_builder.readers.http import Fetched, fetch
from clockifyrag_builder.readers.jsonl import documents_of_jsonl
from clockifyrag_builder.readers.local_files import iter_documents
from clockifyrag_builder.readers.read_log import ReadLog
from clockifyrag_builder.readers.reading import DocumentFormat, Reading
from clockifyrag_builder.readers.web import Clock
from clockifyrag_resource.source import CrawlSource

FETCHED, CRAWLED = "fetched", "crawled"  # folders of what was sent, each below a `work`


def is_url(source: str | Path) -> bool:
    """Whether the source is named by a URL, not by a path."""
    return isinstance(source, str) and "://" in source


def read_source(
    source: str | Path,
    reading: Reading,
    *,
    work: Path,
    sha256: str | None = None,
    allow_hosts: Iterable[str] = (),
    authorization: str | None = None,
    deadline_seconds: float = 900.0,
    resolve: Resolver = system_addresses,
) -> Iterator[Document]:
    """The documents of a folder, a file, an archive, or one http(s) URL of a file or an archive.

    work: a folder that outlives the build; what was fetched is kept there, and a server need not send it again.
    sha256, allow_hosts, authorization and deadline_seconds concern URLs only (`http.fetch`). What was passed over
    is in `reading.log`; SourceError where there is no document at all.
    """
    if is_url(source):
        fetched = fetch(
            str(source),
            work / FETCHED,
            sha256=sha256,
            allow_hosts=allow_hosts,
            authorization=authorization,
            deadline_seconds=deadline_seconds,
            resolve=resolve,
        )
        yield from _at_least_one(_documents_of_fetched(fetched, reading), fetched.url, reading.log)
    elif is_archive_name(str(source)) and Path(source).is_file():
        path = Path(source)
        yield from _at_least_one(_documents_of_archive(path, path.name, reading), str(path), reading.log)
    else:
        yield from iter_documents(Path(source), reading)


def crawl_source(
    source: CrawlSource,
    reading: Reading,
    *,
    work: Path,
    bounds: CrawlBounds | None = None,
    resolve: Resolver = system_addresses,
    clock: Clock | None = None,
    progress: Progress = lambda visited, known: None,
    reported: Callable[[CrawlReport], None] = lambda report: None,
) -> Iterator[Document]:
    """The documents of a site's pages, by URL. `reported` is told once what became of every address.

    The log names pages that failed as problems (SourceError when strict), pages left out on purpose as skipped.
    """
    crawled = crawl(source, work / CRAWLED, bounds=bounds, resolve=resolve, clock=clock, progress=progress)
    reported(crawled.report)
    _log_report(crawled.report, reading)
    yield from _at_least_one(_documents_of_pages(crawled, reading), crawled.pages[0].url, reading.log)


def in_utf8(data: bytes, content_type: str) -> bytes:
    """The text as UTF-8 with a byte order mark where the Content-Type names another charset, else as it is.

    Readers see bytes only; the header outranks what the page says of itself, and a mark outranks both (HTML
    standard, "encoding sniffing algorithm").
    """
    charset = content_type.lower().partition("charset=")[2].partition(";")[0].strip(" \"'")
    if not charset or data.startswith(codecs.BOM_UTF8):
        return data
    try:
        if codecs.lookup(charset).name in ("utf-8", "ascii"):
            return data
        return codecs.BOM_UTF8 + data.decode(encoding_meant(charset)).encode()
    except (LookupError, ValueError):
        return data  # a charset nobody knows, or a wrong one: the page itself may know better


def _documents_of_pages(crawled: Crawl, reading: Reading) -> Iterator[Document]:
    for page in crawled.pages:
        kind: DocumentFormat = "Markdown" if page.is_markdown else "HTML"
        if not reading.takes(kind):
            reading.log.skip(page.url, f"is {kind}, not {reading.format}, the only format asked for")
            continue
        data = in_utf8(crawled.kept.body(page.answer), page.answer.content_type)
        # A relative canonical address counts from where the page was fetched, not from the address it leads to.
        yield from documents_from_bytes(page.url, data, replace(reading, format=kind), page.final_url)


def _documents_of_fetched(fetched: Fetched, reading: Reading) -> Iterator[Document]:
    kind = reading.format if reading.format != "Auto" else format_of_name(fetched.name)
    if is_archive_name(fetched.name):
        yield from _documents_of_archive(fetched.path, fetched.name, reading)
    elif kind == "JSONL":  # line by line: such a file may be larger than the memory
        with fetched.path.open("rb") as file:
            yield from documents_of_jsonl(reading.of(fetched.name), file)
    else:
        require_size(fetched.name, fetched.size_bytes, kind)
        data = in_utf8(fetched.path.read_bytes(), fetched.content_type)
        yield from documents_from_bytes(fetched.name, data, reading, fetched.url)


def _documents_of_archive(path: Path, origin: str, reading: Reading) -> Iterator[Document]:
    def wanted(name: str) -> bool:
        return reading.takes(format_of_name(name))

    for name, data in archive_files(path, origin=origin, wanted=wanted, skipped=reading.log.skip):
        require_size(f"{origin}: {name}", len(data), format_of_name(name))
        yield from documents_from_bytes(name, data, reading)


def _at_least_one(documents: Iterator[Document], origin: str, log: ReadLog) -> Iterator[Document]:
    """The documents as they are; SourceError, with what was passed over, where there is none."""
    read = 0
    for document in documents:
        read += 1
        yield document
    if not read:
        raise log.nothing_found(origin)


def _log_report(report: CrawlReport, reading: Reading) -> None:
    for note in report.notes:
        reason = note.reason.removeprefix(f"{note.url}: ")  # which most of them begin with
        if note.outcome in ("failed", "sitemap-failed"):
            reading.log.problem(note.url, reason, strict=reading.strict)
        elif note.outcome in ("refused", "not-a-page", "noindex", "outside", "duplicate"):
            reading.log.skip(note.url, f"{note.outcome}: {reason}" if reason else note.outcome)
    left_out = report.counts.get("beyond-max-pages", 0)
    if left_out:
        others = f"and {left_out - 1:,} more: " if left_out > 1 else ""
        reading.log.skip(report.of("beyond-max-pages")[0].url, f"{others}beyond maxPages")
