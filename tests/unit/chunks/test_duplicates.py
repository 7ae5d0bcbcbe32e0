"""Equal texts inside one article, and in several."""

import re
from collections.abc import Iterator
from dataclasses import replace

import pytest

from clockifyrag_builder.corpus import chunked_corpus
from clockifyrag_builder.documents import Block, Document, Section
from clockifyrag_builder.passages import ChunkLimits
from clockifyrag_index.chunk import Chunk
from clockifyrag_index.errors import SourceError

LIMITS = ChunkLimits(max_chars=200, context_tokens=1000, min_chars=0)
STEPS = "Click Start, and when you are done, click Stop."


def words(text: str) -> int:
    return len(text.split())


def article(name: str, *texts: tuple[str, str], namespace: str = "default") -> Document:
    sections = tuple(Section((heading,), "", (Block("text", text),)) for heading, text in texts)
    return Document(name, namespace, f"https://example.org/{name}", name.title(), "", "en", sections, f"{name}.md")


def chunks(*documents: Document) -> list[Chunk]:
    corpus = chunked_corpus(lambda: documents, LIMITS, words)
    return [replace(one, also_at=corpus.also_at(at, one.document_url)) for at, one in enumerate(list(corpus.chunks()))]


def test_equal_sections_of_one_article_collapse_and_the_report_names_them() -> None:
    document = article("timer", ("Steps", STEPS), ("More", "Another text."), ("Steps", f"  {STEPS}\n"))

    corpus = chunked_corpus(lambda: [document], LIMITS, words)

    assert [("Steps", STEPS), ("More", "Another text.")] == [(c.headings[0], c.content) for c in corpus.chunks()]
    assert 1 == corpus.report.passages_collapsed
    assert [("timer", 1)] == [(found.document, found.removed) for found in corpus.report.repetitions]


def test_the_same_words_below_another_heading_stay() -> None:
    found = chunks(article("timer", ("On the web", STEPS), ("On mobile", STEPS)))

    assert ["On the web", "On mobile"] == [chunk.headings[0] for chunk in found]


def test_a_section_that_repeats_itself_keeps_all_its_parts() -> None:
    found = chunks(article("timer", ("Steps", f"{STEPS} " * 20)))

    assert 20 == sum(chunk.content.count(STEPS) for chunk in found)
    assert len(found) == len({chunk.chunk_id for chunk in found})


def test_equal_texts_of_several_articles_stay_and_name_the_others() -> None:
    found = chunks(
        article("web", ("Steps", STEPS)),
        article("ios", ("How to", STEPS.upper())),
        article("linux", ("Steps", "Other.")),
    )

    assert {
        "web": ("https://example.org/ios",),
        "ios": ("https://example.org/web",),
        "linux": (),
    } == {chunk.document_id: chunk.also_at for chunk in found}


def test_of_many_others_the_first_ten_are_named() -> None:
    documents = [replace(article(f"a{number:02}", ("Steps", STEPS)), title="Copy") for number in range(14)]

    first, *_, last = chunks(*documents)

    assert tuple(f"https://example.org/a{number:02}" for number in range(1, 11)) == first.also_at
    assert tuple(f"https://example.org/a{number:02}" for number in range(10)) == last.also_at


def test_articles_of_another_namespace_are_not_named() -> None:
    found = chunks(article("web", ("Steps", STEPS)), article("ios", ("Steps", STEPS), namespace="internal"))

    assert [(), ()] == [chunk.also_at for chunk in found]


def test_articles_without_text_do_not_name_each_other() -> None:
    found = chunks(article("web"), article("ios"))

    assert [("", ()), ("", ())] == [(chunk.content, chunk.also_at) for chunk in found]


def test_two_articles_with_one_id_are_refused_by_name() -> None:
    one, other = article("web", ("Steps", STEPS)), replace(article("web", ("Other", "Text.")), origin="b.jsonl:7")

    with pytest.raises(SourceError, match=re.escape("'web' (b.jsonl:7), 'web' (web.md)")):
        chunked_corpus(lambda: [one, other], LIMITS, words)


def test_a_source_without_documents_is_refused() -> None:
    with pytest.raises(SourceError, match="found no documents"):
        chunked_corpus(list, LIMITS, words)


def test_a_source_that_changes_between_the_passes_is_told() -> None:
    document, other = article("web", ("Steps", STEPS)), article("ios", ("Steps", STEPS))
    passes = iter([[document], [document, other]])
    corpus = chunked_corpus(lambda: next(passes), LIMITS, words)

    with pytest.raises(SourceError, match="found 2 documents where a moment before there were 1"):
        list(corpus.chunks())


def test_a_document_is_divided_as_it_is_asked_for() -> None:
    taken: list[str] = []
    documents = [article(name, ("Steps", f"{STEPS} {name}")) for name in ("web", "ios", "linux")]

    def read() -> Iterator[Document]:
        for document in documents:
            taken.append(document.document_id)
            yield document

    corpus = chunked_corpus(read, LIMITS, words)
    taken.clear()
    first = next(corpus.chunks())

    assert ("web", ["web"]) == (first.document_id, taken)
