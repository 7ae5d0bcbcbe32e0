"""Markdown files: one document each, or a bundle of many."""

from collections import Counter
from collections.abc import Iterator, Sequence
from functools import partial

from pyromark.event import Event

from clockifyrag_builder.documents import Document
from clockifyrag_builder.markdown_blocks import add_markdown, first_title
from clockifyrag_builder.markdown_parser import markdown_events
from clockifyrag_builder.readers.bundle import articles, is_bundle
from clockifyrag_builder.readers.decoding import decoded, is_no_text, is_visible
from clockifyrag_builder.readers.front_matter import front_matter
from clockifyrag_builder.readers.identity import humanised
from clockifyrag_builder.readers.parsed import Sections, parsed
from clockifyrag_builder.readers.records import namespace_problem
from clockifyrag_builder.readers.source import Found, Source, document
from clockifyrag_builder.section_builder import SectionBuilder


def documents_of_markdown(source: Source, data: bytes) -> Iterator[Document]:
    """The documents of one file; a suppressed or empty one yields nothing and is noted as skipped, one that is no text
    as a problem.

    Title: front matter, else the first heading of level 1, else the file's name. Headings without an anchor get
    GitHub's.
    """
    text, problem = decoded(data)
    if problem and is_no_text(text):
        source.problem("is no text in UTF-8 and left out; write it anew as UTF-8, or give it its own suffix")
        return
    if problem:
        source.problem(problem)
    if is_bundle(text):
        yield from _documents_of_bundle(source, text)
    else:
        yield from _document_of_file(source, text)


def _document_of_file(source: Source, text: str) -> Iterator[Document]:
    matter = front_matter(text)
    if matter.problem:
        source.problem(matter.problem)
    if matter.suppressed:
        source.log.skip(source.name, "its front matter says suppress: true")
        return
    if not is_visible(matter.text) and not matter.values:
        source.log.skip(source.name, "the file is empty")
        return
    namespace = matter.value("namespace")
    if problem := namespace_problem(namespace or ""):
        source.problem(problem)
        return
    given = matter.value("title")

    def parse(dropped: Counter[str]) -> tuple[str, Sections]:
        events = markdown_events(matter.text)
        return _titled(given or first_title(events) or humanised(source.name), events, dropped)

    title, sections = parsed(source.log, ["markdown", given, source.name, matter.text], parse)
    url = matter.value("url", "canonical_url", "canonical", "source_url")
    yield document(
        source,
        Found(
            title=title,
            sections=sections,
            document_id=matter.value("id", "document_id"),
            url=source.url_or_problem(url) or source.url,
            namespace=namespace,
            category=matter.value("category"),
            language=matter.value("lang", "language"),
        ),
    )


def _documents_of_bundle(source: Source, text: str) -> Iterator[Document]:
    for article in articles(source, text):
        parse = partial(_bundled, article.title, article.text)
        title, sections = parsed(source.log, ["bundle", article.title, article.text], parse)
        yield document(
            source,
            Found(
                title=title,
                sections=sections,
                url=article.url,
                path=article.path,
                line=article.line,
            ),
        )


def _bundled(title: str, text: str, dropped: Counter[str]) -> tuple[str, Sections]:
    return _titled(title, markdown_events(text), dropped)


def _titled(title: str, events: Sequence[Event], dropped: Counter[str]) -> tuple[str, Sections]:
    builder = SectionBuilder(title, slugs=True, dropped=dropped)
    add_markdown(builder, events)
    return title, builder.sections()
