"""JSONL files: one record a line, the records of one article anywhere in the file.

The file is read twice: once to learn which lines belong together, once to make documents of them, one at a time.
Between the two only an offset a line and an id a record are held, so the file may be larger than memory.
"""

import codecs
import io
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import BinaryIO

from clockifyrag_builder.documents import Document
from clockifyrag_builder.html_blocks import add_html_fragment
from clockifyrag_builder.markdown_blocks import add_markdown, heading_line, is_html
from clockifyrag_builder.markdown_inline import unknown_tags_as_text
from clockifyrag_builder.markdown_parser import markdown_events
from clockifyrag_builder.readers.decoding import BYTE_ORDER_MARKS
from clockifyrag_builder.readers.identity import humanised, name_without_suffix
from clockifyrag_builder.readers.parsed import Sections, parsed
from clockifyrag_builder.readers.read_log import EmptyRecord, IdClash
from clockifyrag_builder.readers.records import BrokenRecord, Record, record
from clockifyrag_builder.readers.source import Found, Source, document
from clockifyrag_builder.section_builder import SectionBuilder, slug
from clockifyrag_index.errors import SourceError

LINE_BYTES_MAX = 64 << 20
HEADING_CHARACTERS_MAX = 200  # a longer `section` is the text of a page that has no headings
Line = tuple[int, int]  # number from 1, offset in bytes


@dataclass(slots=True)
class _Contents:
    """What the first reading learned."""

    articles: dict[tuple[str, str, str], list[Line]] = field(default_factory=dict)
    # (namespace, record id) → line number, hash of its text
    seen_ids: dict[tuple[str, str], tuple[int, int]] = field(default_factory=dict)


def documents_of_jsonl(source: Source, file: BinaryIO) -> Iterator[Document]:
    """One document an article, in the order in which the articles begin; its sections are its records in order.

    Records with one URL are one article. Without URLs it is one `_id` or `id`, else one title; a record with none of
    them is an article of its own. Broken lines are noted by file and line, or raise SourceError when strict.
    """
    file = _as_utf8(file)
    contents = _Contents()
    lines = 0
    for lines, offset, line in _numbered_lines(source, file):
        _note(source, contents, (lines, offset), line)
    if lines and not contents.articles and _begins_with(file, b"["):
        source.problem("is one JSON array; one object a line is expected: jq -c '.[]' FILE > FILE.jsonl")
    for article in contents.articles.values():
        yield _document(source, article, [_record_at(source, file, line) for line in article])


def _note(source: Source, contents: _Contents, line: Line, text: bytes) -> None:
    """Assigns a line to its article and tells what is odd about it."""
    number = line[0]
    source.log.records += 1
    try:
        found = record(text)
    except BrokenRecord as broken:
        source.problem(str(broken), number)
        return
    if found.decoding_problem:
        source.problem(found.decoding_problem, number)
    if found.unusable_url:
        source.url_or_problem(found.unusable_url, number)
    if found.is_suppressed:
        source.log.skip(source.at(number), "the record says suppress: true")
        return
    _note_id(source, contents, number, found)
    if not found.content.strip():
        kept = "its heading is kept" if found.section else "its title is kept"
        outcome = "its section is long and was read as text" if _is_page_text(found.section) else kept
        source.log.empty_records.append(EmptyRecord(found.id, source.at(number), outcome))
    article = found.article or (found.namespace, "line", str(number))
    contents.articles.setdefault(article, []).append(line)


def _note_id(source: Source, contents: _Contents, number: int, found: Record) -> None:
    if not found.id:
        return
    text = hash((found.section, found.content))
    first_number, first_text = contents.seen_ids.setdefault((found.namespace, found.id), (number, text))
    if first_number == number:
        return
    told_apart = "both kept" if found.url else "read as sections of one document"
    same = "same text" if text == first_text else "their texts differ"
    outcome = f"{told_apart}: {same}"
    source.log.id_clashes.append(IdClash(found.id, source.at(first_number), source.at(number), outcome))


def _document(source: Source, lines: Sequence[Line], records: Sequence[Record]) -> Document:
    first = records[0]
    number = lines[0][0]
    title = next((found.title for found in records if found.title), "") or _title_without(source, first)
    stem = name_without_suffix(source.name)
    return document(
        source,
        Found(
            title=title,
            sections=_sections(source, title, records),
            document_id="" if first.url else first.id,
            url=first.url,
            namespace=first.namespace,
            category=next((found.category for found in records if found.category), ""),
            language=next((found.language for found in records if found.language), ""),
            path=f"{stem}/{slug(title)}" if first.title else f"{stem}/{number}",
            line=number,
            has_text=any(found.content.strip() for found in records),
        ),
    )


def _title_without(source: Source, first: Record) -> str:
    if first.section and not _is_page_text(first.section):
        return heading_line(first.section)[0]
    return humanised(first.url.partition("?")[0] or first.id or source.name)


def _sections(source: Source, title: str, records: Sequence[Record]) -> Sections:
    """Each record's heading stands above the headings in its own text; a record without one goes on with the last."""
    texts = [(found.section, found.title, found.content, found.is_plain) for found in records]
    slugs = not records[0].url
    _, sections = parsed(source.log, ["jsonl", title, slugs, texts], partial(_parsed, title, slugs, records))
    return sections


def _parsed(title: str, slugs: bool, records: Sequence[Record], dropped: Counter[str]) -> tuple[str, Sections]:
    builder = SectionBuilder(title, slugs=slugs, dropped=dropped)
    for found in records:
        if _is_page_text(found.section):
            add_markdown(builder, markdown_events(found.section))
        elif found.section:
            builder.heading(0, *heading_line(found.section))
        elif found.title and found.title != title:  # another name of the same article: nothing is lost
            builder.heading(0, found.title)
        if found.is_plain:
            for paragraph in found.content.split("\n\n"):
                builder.text(paragraph)
        elif is_html(found.content):
            add_html_fragment(builder, unknown_tags_as_text(found.content))
        else:
            add_markdown(builder, markdown_events(found.content))
    return title, builder.sections()


def _is_page_text(section: str) -> bool:
    return "\n" in section or len(section) > HEADING_CHARACTERS_MAX


def _numbered_lines(source: Source, file: BinaryIO) -> Iterator[tuple[int, int, bytes]]:
    """(number, offset, line) of every line with something on it; one longer than LINE_BYTES_MAX is noted and left."""
    number, offset = 0, 0
    file.seek(0)
    while line := file.readline(LINE_BYTES_MAX):
        number += 1
        size = len(line)
        if size == LINE_BYTES_MAX and not line.endswith(b"\n"):
            while rest := file.readline(LINE_BYTES_MAX):
                size += len(rest)
                if rest.endswith(b"\n"):
                    break
            source.problem(f"is {size} bytes long; at most {LINE_BYTES_MAX} are read", number)
        elif line.strip():
            yield number, offset, line
        offset += size


def _record_at(source: Source, file: BinaryIO, line: Line) -> Record:
    number, offset = line
    file.seek(offset)
    try:
        return record(file.readline(LINE_BYTES_MAX))
    except BrokenRecord as broken:
        raise SourceError(
            f"{source.at(number)} {broken}, and did not a moment ago: the file changed while it was read. "
            "Build again when it is written completely."
        ) from broken


def _as_utf8(file: BinaryIO) -> BinaryIO:
    """The same lines without a byte order mark; a file that has one is read whole. Nothing is cleaned yet: a text may
    hold line breaks of Unicode's, which end no line of JSON.
    """
    head = file.read(4)
    encoding = next((name for mark, name in BYTE_ORDER_MARKS if head.startswith(mark)), "")
    if not encoding:
        return file
    file.seek(0)
    data = file.read()
    if encoding == "utf-8":
        return io.BytesIO(data.removeprefix(codecs.BOM_UTF8))
    return io.BytesIO(data.decode(encoding, errors="replace").encode())


def _begins_with(file: BinaryIO, start: bytes) -> bool:
    file.seek(0)
    return file.read(64).lstrip().startswith(start)
