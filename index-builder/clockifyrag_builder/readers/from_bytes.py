"""Documents of a file's bytes, wherever they came from: a folder, an archive, the network."""

import io
from collections.abc import Iterator

from clockifyrag_builder.documents import Document
from clockifyrag_builder.readers.html import documents_of_html
from clockifyrag_builder.readers.identity import canonical_url
from clockifyrag_builder.readers.jsonl import documents_of_jsonl
from clockifyrag_builder.readers.markdown import documents_of_markdown
from clockifyrag_builder.readers.reading import DocumentFormat, Reading
from clockifyrag_index.errors import SourceError

FORMATS: dict[str, DocumentFormat] = {
    ".jsonl": "JSONL",
    ".ndjson": "JSONL",
    ".md": "Markdown",
    ".markdown": "Markdown",
    ".txt": "Markdown",
    ".html": "HTML",
    ".htm": "HTML",
    ".xhtml": "HTML",
}
SNIFFED_BYTES = 4096
FILE_BYTES_MAX = 64 << 20  # of a file that is read as a whole; JSONL is read line by line and has no limit


def format_of_name(name: str) -> DocumentFormat | None:
    """The format a file name's suffix stands for; None when it is no document's."""
    suffix = name.rpartition("/")[2].rpartition(".")
    return FORMATS.get(f".{suffix[2].lower()}") if suffix[1] else None


def require_size(shown: str, size_bytes: int, known: DocumentFormat | None) -> None:
    """SourceError for a file that is too large to be read as a whole, as one of that format is."""
    if known != "JSONL" and size_bytes > FILE_BYTES_MAX:
        raise SourceError(
            f"{shown} is {size_bytes} bytes long; a {known or 'text'} file may have {FILE_BYTES_MAX}. "
            "Split it, or give it as JSONL, which has no limit."
        )


def documents_from_bytes(name: str, data: bytes, reading: Reading, url: str = "") -> Iterator[Document]:
    """The documents of one file; everything passed over is in `reading.log`.

    name: relative path with "/" ("track-time/timer.md"); its suffix tells the format where that is Auto, else the
    content does. url: where it was fetched, the document's URL unless it names its own. SourceError when strict and
    anything could not be read as it stands.
    """
    source = reading.of(name, canonical_url(url))
    known = (reading.format if reading.format != "Auto" else None) or format_of_name(name) or sniffed_format(data)
    match known:
        case "JSONL":
            yield from documents_of_jsonl(source, io.BytesIO(data))
        case "Markdown":
            yield from documents_of_markdown(source, data)
        case "HTML":
            yield from documents_of_html(source, data)
        case None:
            reading.log.skip(name, "neither its name nor its content is JSONL, Markdown or HTML")


def sniffed_format(data: bytes) -> DocumentFormat | None:
    """The format of content whose name says nothing: JSON object, markup, text; None for bytes that are no text."""
    head = data[:SNIFFED_BYTES]
    if b"\0" in head and not head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return None
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    if start.startswith(b"{"):
        return "JSONL"
    if start.startswith((b"<!doctype html", b"<html", b"<head", b"<body", b"<?xml")):
        return "HTML"
    return "Markdown"
