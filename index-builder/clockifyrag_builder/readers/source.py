"""What a reader is given (Source), what it finds (Found), and the last step that makes a Document of it."""

from collections.abc import Iterable
from dataclasses import dataclass

from clockifyrag_builder.documents import Block, Document, Section
from clockifyrag_builder.readers.decoding import in_whole_words, is_visible
from clockifyrag_builder.readers.identity import (
    canonical_url,
    category_of,
    claimed_id,
    humanised,
    name_without_suffix,
    url_category,
    url_id,
    url_key,
)
from clockifyrag_builder.readers.read_log import ReadLog
from clockifyrag_index.categories import category_path


@dataclass(frozen=True, slots=True)
class Source:
    """Where documents come from and what is known of them before they are read."""

    name: str  # relative path: "track-time/timer.md"; also how messages call it
    namespace: str
    strict: bool
    log: ReadLog
    url: str = ""  # canonical, where the source itself was fetched from

    def problem(self, reason: str, line: int | None = None) -> None:
        """A SourceError when strict, else a note in the log."""
        self.log.problem(self.at(line), reason, strict=self.strict)

    def at(self, line: int | None) -> str:
        """`articles.jsonl:17`, as messages name a place; the name alone without a line."""
        return self.name if line is None else f"{self.name}:{line}"

    def url_or_problem(self, text: str, line: int | None = None) -> str:
        """The canonical form of a URL a document names, or "" and a note."""
        url = canonical_url(text)
        if text.strip() and not url:
            self.problem(f"{text.strip()[:200]!r} is no http(s) address; the document is read without one", line)
        return url


@dataclass(frozen=True, slots=True)
class Found:
    """What a reader found out about one document; "" where it found nothing."""

    title: str
    sections: tuple[Section, ...]
    document_id: str = ""
    url: str = ""
    namespace: str = ""
    category: str = ""
    language: str = ""
    path: str = ""  # stands in for a URL: relative, without suffix
    line: int | None = None
    has_text: bool | None = None  # None: if a section has a block with a visible character


def document(source: Source, found: Found) -> Document:
    """The document under an id of its own; the log has counted it."""
    origin = source.at(found.line)
    path = found.path or name_without_suffix(source.name)
    wanted = (found.document_id or (url_id(found.url) if found.url else path)).strip("/ ") or "document"
    alternatives = [url_id(found.url), url_key(found.url)] if found.url else []
    if not (found.url or found.path):
        alternatives.append(source.name)  # guide.md and guide.html
    if found.namespace:
        alternatives.append(f"{found.namespace}/{wanted}")
    document_id = claimed_id(source.log, wanted, origin, *alternatives)
    has_text = _has_text(found.sections) if found.has_text is None else found.has_text
    named = found.url.partition("?")[0] or path
    language = found.language.strip().lower().replace("_", "-").partition("-")[0]
    source.log.documents += 1
    source.log.languages[language] += 1
    if not has_text:
        source.log.documents_without_text.append(document_id)
    return Document(
        document_id=document_id,
        namespace=found.namespace or source.namespace,
        url=found.url,
        title=next(filter(is_visible, map(_title, (found.title, humanised(named)))), "Untitled"),
        category=category_path(
            found.category.strip("/ ") or (url_category(found.url) if found.url else category_of(source.name))
        ),
        language=language,
        sections=tuple(map(_in_whole_words, found.sections)),
        origin=source.url or origin,
    )


def _title(text: str) -> str:
    return " ".join(in_whole_words(text).split())


def _in_whole_words(section: Section) -> Section:
    """Its headings and texts so; anchors are addresses and stay as they are."""
    return Section(
        tuple(map(in_whole_words, section.headings)),
        section.anchor,
        tuple(Block(block.kind, in_whole_words(block.text)) for block in section.blocks),
    )


def _has_text(sections: Iterable[Section]) -> bool:
    return any(is_visible(block.text) for section in sections for block in section.blocks)
