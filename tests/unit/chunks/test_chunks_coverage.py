"""The proof that chunking loses nothing: of any document, every word of every block stands in its chunks, in order."""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from clockifyrag_builder.chunks import chunk_document
from clockifyrag_builder.documents import Block, BlockKind, Document, Section
from clockifyrag_builder.duplicates import distinct_passages
from clockifyrag_builder.passages import ChunkLimits, passages_of

WORDS = st.one_of(
    st.sampled_from(
        "Start the timer. Then click Stop: e.g. 5 p.m. 时间跟踪。 報告 📊 e\u0301te\u0301 👩\u200d💻 a|b - 1. …".split()
    ),
    st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=12),
    st.sampled_from([30, 400]).map(lambda length: "0123456789abcdef"[length % 7 :] * (length // 16 + 1)),
)
SPACES = st.sampled_from([" ", " ", " ", "  ", "\n", "\n\n", "\n  ", " | ", ". ", "\u00a0"])
TEXTS = st.lists(st.tuples(WORDS, SPACES), max_size=25).map(
    lambda parts: "".join(word + space for word, space in parts)
)
KINDS: st.SearchStrategy[BlockKind] = st.sampled_from(["text", "list", "table", "code"])
BLOCKS = st.builds(Block, KINDS, TEXTS)
HEADINGS = st.one_of(st.sampled_from(["FAQ", "Timer", "Projects & tasks"]), TEXTS)
SECTIONS = st.builds(
    Section,
    st.lists(HEADINGS, max_size=3).map(tuple),
    st.sampled_from(["", "faq", "timer"]),
    st.lists(BLOCKS, max_size=5).map(tuple),
)
TITLES = st.one_of(st.sampled_from(["Track time", "", "Sperren " * 60]), TEXTS)
DOCUMENTS = st.builds(
    Document,
    document_id=st.just("help/timer"),
    namespace=st.just("default"),
    url=st.just("https://example.org/help/timer"),
    title=TITLES,
    category=st.just("help"),
    language=st.just("en"),
    sections=st.lists(SECTIONS, max_size=6).map(tuple),
    origin=st.just("a.jsonl:1"),
)
LIMITS = st.builds(
    ChunkLimits,
    max_chars=st.integers(150, 900),
    context_tokens=st.integers(40, 300),
    min_chars=st.integers(0, 150),
    document_prefix=st.sampled_from(["", "search_document: "]),
)


def count_tokens(text: str) -> int:
    """Tokens as a word-piece model might count them: words in pieces of five, every other character alone."""
    pieces = re.findall(r"[a-zA-Z]{1,5}|\S", unicodedata.normalize("NFC", text))
    return len(pieces) + 2


@settings(max_examples=80, deadline=None)
@given(DOCUMENTS, LIMITS)
def test_every_character_and_every_word_of_every_block_stands_in_the_passages_in_order(
    document: Document, limits: ChunkLimits
) -> None:
    written = [block.text for section in document.sections for block in section.blocks]

    passages = [passage.content for passage in passages_of(document, limits, count_tokens)]

    assert "" == missing(characters(written), characters(passages))
    shown = "\n".join(passages)
    assert set() == {
        word for text in written for word in text.split() if word.isascii() and len(word) <= 20 and word not in shown
    }


@settings(max_examples=80, deadline=None)
@given(DOCUMENTS, LIMITS)
def test_every_chunk_keeps_both_limits_and_knows_its_neighbours(document: Document, limits: ChunkLimits) -> None:
    chunks = chunk_document(document, limits, count_tokens)

    assert chunks
    for chunk in chunks:
        assert len(limits.document_prefix + chunk.embedded_text) <= limits.max_chars
        assert count_tokens(chunk.embedded_text) <= limits.context_tokens
    ids = [chunk.chunk_id for chunk in chunks]
    assert len(ids) == len(set(ids))
    assert list(range(len(ids))) == [chunk.position for chunk in chunks]
    assert [None, *ids[:-1]] == [chunk.previous for chunk in chunks]
    assert [*ids[1:], None] == [chunk.next for chunk in chunks]
    for position, chunk in enumerate(chunks):
        assert chunk.parent is None or chunk.parent in ids[:position]


@settings(max_examples=50, deadline=None)
@given(DOCUMENTS, LIMITS)
def test_what_collapses_is_there_once_and_the_same_document_gives_the_same_chunks(
    document: Document, limits: ChunkLimits
) -> None:
    twice = replace(document, sections=(*document.sections, *document.sections))

    chunks = chunk_document(twice, limits, count_tokens)

    assert chunks == chunk_document(twice, limits, count_tokens)
    sections = Counter(
        (p.headings, p.content) for p in distinct_passages(twice, limits, count_tokens).passages if p.begins
    )
    assert set(sections.values()) <= {1}
    shown = "\n".join(chunk.content for chunk in chunks)
    words = {word for section in document.sections for block in section.blocks for word in block.text.split()}
    assert set() == {word for word in words if word.isascii() and len(word) <= 20 and word not in shown}


@settings(max_examples=50, deadline=None)
@given(st.lists(TEXTS, min_size=3, max_size=6), st.integers(0, 5), TEXTS, LIMITS)
def test_the_ids_of_a_section_stay_when_another_section_changes(
    texts: list[str], changed: int, new_text: str, limits: ChunkLimits
) -> None:
    limits = replace(limits, min_chars=0)  # small sections stand alone and do not join the changed one
    before = {f"Part {number}": text for number, text in enumerate(texts)}
    after = {**before, f"Part {changed % len(texts)}": new_text, "Part 99": "One more section."}

    old = ids_by_heading(document_of(before), limits)
    new = ids_by_heading(document_of(after), limits)

    for heading in before:
        if before[heading] == after[heading]:
            assert old[heading] == new[heading]


def document_of(texts: dict[str, str]) -> Document:
    sections = tuple(Section((heading,), "", (Block("text", text or "."),)) for heading, text in texts.items())
    return Document("help/a", "default", "https://example.org/a", "Title", "help", "en", sections, "a.md")


def ids_by_heading(document: Document, limits: ChunkLimits) -> dict[str, list[str]]:
    ids: dict[str, list[str]] = {section.headings[-1]: [] for section in document.sections}
    for chunk in chunk_document(document, limits, count_tokens):
        ids[chunk.headings[-1]].append(chunk.chunk_id)
    return ids


def characters(texts: Iterable[str]) -> str:
    return "".join("".join(text.split()) for text in texts)


def missing(wanted: str, text: str) -> str:
    """The end of `wanted` from the first character on that `text` does not have in order; "" when it has all."""
    remaining: Iterator[str] = iter(text)
    for index, character in enumerate(wanted):
        if character not in remaining:
            return wanted[index:]
    return ""
