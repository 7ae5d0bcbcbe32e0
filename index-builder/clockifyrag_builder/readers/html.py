"""HTML pages: the main content of each as one document."""

import re
from collections.abc import Iterator

import httpx
from selectolax.lexbor import LexborHTMLParser, LexborNode

from clockifyrag_builder.documents import Document
from clockifyrag_builder.html_blocks import NESTED_MAX, add_html, is_too_deep, text_of
from clockifyrag_builder.readers.decoding import decoded_html, is_visible
from clockifyrag_builder.readers.identity import humanised
from clockifyrag_builder.readers.page_links import canonical_of
from clockifyrag_builder.readers.source import Found, Source, document
from clockifyrag_builder.section_builder import SectionBuilder
from clockifyrag_builder.xhtml import without_xml

MAIN_CONTENT = ("main", "[role=main]", "article", "body")
TITLE_SEPARATORS = re.compile(r"\s+(?:[-–—|·•»:]|::)\s+")


def documents_of_html(source: Source, data: bytes) -> Iterator[Document]:
    """The document of one page; one without a body or a visible character, or nested too deep, is noted as skipped.

    URL: `<link rel=canonical>`, else where the page was fetched. Anchors are the page's own; in a page without any
    URL, which is shown here, headings without one get GitHub's.
    """
    text, problem = decoded_html(data)
    if problem:
        source.problem(problem)
    text = without_xml(text)
    if is_too_deep(text):
        source.log.skip(source.name, f"more than {NESTED_MAX:,} elements of the page stand one in another")
        return
    page = LexborHTMLParser(text)
    content = main_content(page) if is_visible(text) else None
    if content is None:
        source.log.skip(source.name, "the page is empty")
        return
    heading = content.css_first("h1") or page.css_first("h1")
    title = page_title(_title_element(page), text_of(heading) if heading is not None else "") or humanised(source.name)
    url = str(canonical_of(page, httpx.URL(source.url)) or source.url)
    builder = SectionBuilder(title, slugs=not url, dropped=source.log.dropped)
    add_html(builder, content)
    language = page.css_first("html[lang]")
    yield document(
        source,
        Found(
            title=title,
            sections=builder.sections(),
            url=url,
            language=(language.attributes.get("lang") or "") if language is not None else "",
        ),
    )


def main_content(page: LexborHTMLParser) -> LexborNode | None:
    """The element that holds the article: `main`, `role=main`, the only `article`, else the body.

    An element without words, filled by a script later, is passed over.
    """
    for selector in MAIN_CONTENT:
        found = page.css(selector)
        if found and (selector != "article" or len(found) == 1) and (text_of(found[0]) or selector == "body"):
            return found[0]
    return None


def page_title(title: str, heading: str) -> str:
    """The article's name from `<title>` and the first h1, whichever does not name the site.

    ("Timer - Help", "Timer") → "Timer"; ("Timer | Help", "Help") → "Timer"; ("Timer | Help", "") → "Timer".
    """
    parts = TITLE_SEPARATORS.split(title)
    if heading and heading.casefold() not in (part.casefold() for part in parts[1:]):
        return heading
    separators = list(TITLE_SEPARATORS.finditer(title))
    return title[: separators[-1].start()] if separators else title


def _title_element(page: LexborHTMLParser) -> str:
    title = page.css_first("head > title")
    return " ".join(title.text().split()) if title is not None else ""
