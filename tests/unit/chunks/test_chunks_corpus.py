"""A whole help center, read, cleaned and divided: that of CLOCKIFYRAG_CORPUS, or a small one where it is unset."""

import json
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import pytest

from clockifyrag_builder.corpus import chunked_corpus
from clockifyrag_builder.documents import Document
from clockifyrag_builder.passages import ChunkLimits
from clockifyrag_builder.readers import ReadLog
from clockifyrag_builder.readers.reading import Reading
from clockifyrag_builder.readers.sources import read_source
from clockifyrag_index.chunk import Chunk

pytestmark = pytest.mark.corpus

LIMITS = ChunkLimits(max_chars=800, context_tokens=256)
HELPFUL, FORM = (
    "Was this article helpful?",
    "Submit\nCancel\n\nThank you! If you’d like a reply, please drop us a note.",
)


@dataclass(frozen=True)
class HelpCenter:
    path: Path
    articles: int
    forms: int
    without_text: int  # articles none of whose records have content; the home page says all in its heading


@pytest.fixture
def help_center(tmp_path: Path) -> HelpCenter:
    folder = os.environ.get("CLOCKIFYRAG_CORPUS")
    if folder:
        return HelpCenter(Path(folder) / "clockify_help.jsonl", articles=300, forms=240, without_text=45)
    path = tmp_path / "help.jsonl"
    path.write_text("".join(json.dumps(record) + "\n" for record in small_help_center()), encoding="utf-8")
    return HelpCenter(path, articles=40, forms=30, without_text=10)


def small_help_center() -> Iterable[dict[str, str]]:
    for number in range(40):
        url, title = f"https://example.org/help/{number}", f"Article {number}"
        if number < 10:
            page = "How can we help?\n\n#### Popular\n\nStart the timer from anywhere." if number == 0 else title
            yield {"id": f"{number}", "url": url, "title": title, "section": page, "content": ""}
            continue
        text = f"What article {number} says of the timer.\n\n" + f"Click button {number}, then wait for the page. " * 40
        yield {"id": f"{number}a", "url": url, "title": title, "section": f"Steps of {number}", "content": text}
        yield {"id": f"{number}b", "url": url, "title": title, "section": HELPFUL, "content": FORM}


def count_tokens(text: str) -> int:
    return len(text.split()) * 2


def test_every_article_has_chunks_and_the_feedback_form_is_gone_and_reported(
    help_center: HelpCenter, tmp_path: Path
) -> None:
    log = ReadLog()
    documents = list(read_source(help_center.path, Reading(log), work=tmp_path))

    corpus = chunked_corpus(lambda: documents, LIMITS, count_tokens)
    chunks = list(corpus.chunks())

    assert help_center.articles == corpus.report.documents == len({chunk.document_id for chunk in chunks})
    assert not [
        chunk.chunk_id for chunk in chunks if HELPFUL in chunk.embedded_text or "drop us a note" in chunk.content
    ]
    form = next(text for text in corpus.report.left_out if text.text.startswith(HELPFUL))
    assert ("repeated section", help_center.forms, help_center.forms) == (form.kind, form.copies, form.documents.count)
    assert all(len(chunk.embedded_text) <= 800 and count_tokens(chunk.embedded_text) <= 256 for chunk in chunks)
    assert len(chunks) == len({chunk.chunk_id for chunk in chunks})


def test_articles_without_text_are_found_by_title_and_headings(help_center: HelpCenter, tmp_path: Path) -> None:
    log = ReadLog()
    documents = list(read_source(help_center.path, Reading(log), work=tmp_path))

    chunks = list(chunked_corpus(lambda: documents, LIMITS, count_tokens).chunks())

    assert help_center.without_text == len(log.documents_without_text)
    by_document = chunks_by_document(chunks)
    title_chunks = [name for name in log.documents_without_text if [""] == [c.content for c in by_document[name]]]
    assert help_center.without_text - 1 == len(title_chunks)  # the home page has text: its only heading is a page long
    titles = {document.document_id: document.title for document in documents}
    assert all(by_document[name][0].embedded_text.startswith(titles[name]) for name in title_chunks)


def test_dividing_twice_gives_the_same_bytes(help_center: HelpCenter, tmp_path: Path) -> None:
    def documents() -> Iterable[Document]:
        return read_source(help_center.path, Reading(ReadLog()), work=tmp_path)

    corpus, again = (chunked_corpus(documents, LIMITS, count_tokens) for _ in range(2))

    assert list(corpus.chunks()) == list(again.chunks())
    assert corpus.report == again.report


def chunks_by_document(chunks: Iterable[Chunk]) -> dict[str, list[Chunk]]:
    found: dict[str, list[Chunk]] = {}
    for chunk in chunks:
        found.setdefault(chunk.document_id, []).append(chunk)
    return found
